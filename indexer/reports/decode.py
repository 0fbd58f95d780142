"""Bytes to text, a line at a time: UTF-8, UTF-16 by its mark, and Windows-1252 for what is neither."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from indexer.reports.values import ReportUnreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Charset:
    """`guessed` where the bytes break the rules of their encoding: read on with replacements."""

    encoding: str
    guessed: bool


def find_charset(path: Path) -> Charset:
    """Reads the file once. Without a mark, UTF-8 is proved or refuted, so a guess is never silent."""
    with reading(path), path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return Charset("cp1252" if encoding == "utf-8" else encoding, guessed=True)
    return Charset(encoding, guessed=False)


def open_text(path: Path, charset: Charset) -> TextIO:
    """Line ends as they are in the file; what cannot be decoded becomes U+FFFD."""
    with reading(path):
        return path.open("r", encoding=charset.encoding, errors="replace", newline="")


def lines(file: TextIO, *, longest: int) -> Iterator[str]:
    """Lines with their ends; one longer than `longest` comes in pieces of that length, so memory stays bounded."""
    while line := file.readline(longest):
        yield line


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what the file system says into a typed error."""
    try:
        yield
    except OSError as error:
        raise ReportUnreadable(f"{path} could not be read: {error.strerror or type(error).__name__}") from error
    except ValueError as error:  # a path with a NUL
        raise ReportUnreadable("the path is not one that this system can open") from error
