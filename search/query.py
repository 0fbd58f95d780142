"""What can be asked: plain frozen values."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from spinecho.encoders.preparing.preparation import Prepared
from spinecho.errors import QueryError

Box: TypeAlias = tuple[float, float, float, float, float, float]
"""Low R, A, S, then high R, A, S, as fractions 0..1 of a volume's extent."""


ONLY_UNWANTED = "the query only says what is not wanted; say what a scan should show, or search by words"
OTHER_LETTERS = "words are compared with scans in Latin letters; say it in English, or search reports by words"
"""Why some words cannot be compared with scans."""


class BoxError(QueryError):
    """A box that cannot be searched for; the message says what to change."""


class Kind(StrEnum):
    """What is wanted back."""

    STUDY = "study"
    REPORT = "report"


class Evidence(StrEnum):
    """What words are compared with."""

    EVERYTHING = "everything"
    WORDS = "words"
    SCANS = "scans"


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


@dataclass(frozen=True)
class TextQuery:
    """Words as typed; `no ...` and `-term` are conditions, `field:value` filters, see `encoders.language.query_words`.

    by: what the words are compared with: sentences of reports and headers, the scans themselves, or both.
    like: a scan or a study that results are to resemble too ("like this one, but after contrast").
    good, bad: UIDs of studies that fitted, and that did not, which move the query; bad ones are left out.
    on, off: keys of offered conditions that were turned on, or off, see `search.planning.query_plan.Offer`.
    as_typed: words stay as they are spelt.
    unknown: keys of conditions that count against what is known to be otherwise alone, see `search.snapshot`.
    """

    text: str
    """In composed form, whatever form it was typed in."""
    by: Evidence = Evidence.EVERYTHING
    like: ImageQuery | StudyQuery | None = None
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    as_typed: bool = False
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", unicodedata.normalize("NFC", self.text))  # a letter is one character


@dataclass(frozen=True)
class SpotQuery:
    """A spot: a box in volumes that were prepared by the index's own preparation, or in a study that is in the index.

    Of a study it is the box in every volume, or in those of `series_uid` alone, as coarse as the cells that are
    stored; the study is never among its own results. Raises `BoxError` unless 0 <= low < high <= 1 along each axis.
    """

    box: Box
    prepared: tuple[Prepared, ...] = ()
    study_uid: str = ""
    series_uid: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        check_box(self.box)
        if bool(self.prepared) == bool(self.study_uid):
            raise BoxError("a spot lies in a scan or in a study of the index: give one of the two")


def check_box(box: Box) -> None:
    """Raise `BoxError` for a box that is outside of the volume, empty or inverted."""
    if len(box) != 6:
        raise BoxError(f"a box has six numbers, low R,A,S then high R,A,S, not {len(box)}")
    for axis, low, high in zip("RAS", box[:3], box[3:], strict=True):
        if not (0.0 <= low <= 1.0 and 0.0 <= high <= 1.0):
            raise BoxError(
                f"the box runs from {low:g} to {high:g} along {axis}: outside of the volume, which is 0 to 1"
            )
        if low > high:
            raise BoxError(f"the box runs from {low:g} to {high:g} along {axis}: inverted; give the lower end first")
        if low == high:
            raise BoxError(f"the box runs from {low:g} to {high:g} along {axis}: empty; give it some extent")


Query: TypeAlias = TextQuery | ImageQuery | StudyQuery | SpotQuery
