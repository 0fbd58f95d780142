"""What can be asked: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from encoders.image.preparation import Prepared


class Kind(StrEnum):
    """What is wanted back."""

    STUDY = "study"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Words as typed; `no ...` and `-term` are conditions, see `encoders.text.query`."""

    text: str


@dataclass(frozen=True)
class ImageQuery:
    """Volumes that were prepared by the index's own preparation, and where they came from."""

    prepared: tuple[Prepared, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """A study that is in the index; it is never among its own results.

    With `other_patients`, nor is any study of the same patient.
    """

    study_uid: str
    other_patients: bool = False


Query: TypeAlias = TextQuery | ImageQuery | StudyQuery
