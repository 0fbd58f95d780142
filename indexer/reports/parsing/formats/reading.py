"""What a report format is, and the limits that hold for the files of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol, TypeAlias

from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.decode import reading
from spinecho.indexer.reports.parsing.parsed import NotAReport, RawReport, ReportFailure

Row: TypeAlias = RawReport | ReportFailure
LARGEST_DOCUMENT = 64 << 20
"""Bytes of a file, or of a document within one, that is read whole."""


class ReadReports(Protocol):
    """Reads a file of one format. Raises `NotAReport`, before the first item, for one that holds no report."""

    def __call__(self, path: Path) -> Iterator[Row]:
        """Every report of the file, and a failure for each that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """`recognises` is asked with a file's path and its first 64 KB; what it takes is read by `read` alone."""

    name: str
    suffixes: frozenset[str]
    """Of names by which a file is given to the report parsers before its bytes are looked at."""
    recognises: Callable[[Path, bytes], bool]
    read: ReadReports


class TooLarge(ValueError):
    """A file or a document within it is larger than is read."""


def read_whole(path: Path, *, most: int = LARGEST_DOCUMENT) -> bytes:
    """The bytes of a file. Raises `TooLarge` past `most` bytes, `ReportUnreadable` where the disk fails."""
    with reading(path), open_file(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLarge(f"the file has more than {most >> 20} MB")
    return data


def some_rows(rows: Iterator[Row], otherwise: str) -> Iterator[Row]:
    """The rows, of which the first is read at once. Raises `NotAReport` where there is none."""
    first = next(rows, None)
    if first is None:
        raise NotAReport(otherwise)
    return chain((first,), rows)
