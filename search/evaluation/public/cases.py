"""What a reader makes of a public data set: cases, each an exam of one patient with scans, texts and labels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from spinecho.encoders.measuring.figures import EvaluationError

EVERY = "all"
"""The name under which all parts of a data set are asked for."""
_MOST_FILES = 5_000_000


class LayoutError(EvaluationError):
    """A folder does not hold what its layout says; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class PublicScan:
    """One file: a volume, or a picture. What the data set says of it goes before what the file says; "" for nothing."""

    path: Path
    sequence: str = ""
    plane: str = ""
    region: str = ""
    text: str = ""
    """What was written about this scan alone."""


@dataclass(frozen=True, slots=True)
class Case:
    """One exam. key: its name in the data set; patient: whose it is, so that one patient's cases are told together."""

    key: str
    patient: str
    scans: tuple[PublicScan, ...]
    text: str
    """What was written about it, "" for nothing."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What else the data set says of it, by name."""


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One part of a data set. left_out: how many cases are not in it, by reason; warnings: what must be known of it."""

    cases: tuple[Case, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Equal where the same cases with the same texts and files were asked: two sites then had the same pool."""
        told = hashlib.sha256()
        for case in sorted(self.cases, key=lambda one: one.key):
            names = "\x1e".join(sorted(scan.path.name for scan in case.scans))
            told.update("\x1f".join((case.key, " ".join(case.text.split()), names, "\n")).encode("utf-8", "replace"))
        return told.hexdigest()


class Layout(Protocol):
    """A data set as it is published. Its figures are its own: `version` is raised when the same folder gives others."""

    @property
    def name(self) -> str:
        """What `--layout` calls it."""
        ...

    @property
    def version(self) -> int:
        """Of the reader."""
        ...

    @property
    def looks_for(self) -> str:
        """What must lie in the folder, for people."""
        ...

    def fits(self, folder: Path) -> bool:
        """Whether the folder is laid out like this; opens no scan."""
        ...

    def read(self, folder: Path, split: str) -> PublicSet:
        """The cases of one part of it, `EVERY` for all. Raises `EvaluationError` where a file cannot be read."""
        ...


def files_below(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Files whose names end so, in the order of their names; links to folders are followed, each folder once.

    What is hidden is passed over, and what a Mac leaves beside each file ("._scan.nii.gz", "__MACOSX"): it is called
    as a scan and is none.

    Raises `LayoutError` for a folder of more files than a data set has.
    """
    seen: set[str] = set()
    count = 0
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_left_over(name))
        count += len(names)
        if count > _MOST_FILES:
            raise LayoutError(f"{folder} holds more than {_MOST_FILES:,} files; name the data set's own folder")
        held = sorted(name for name in names if not is_left_over(name))
        yield from (Path(place, name) for name in held if name.lower().endswith(endings))


def is_left_over(name: str) -> bool:
    """Whether a file or a folder is what a file manager left, and nothing of a data set."""
    return name.startswith(".") or name == "__MACOSX"
