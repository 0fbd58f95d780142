"""Bytes to text, a line at a time: UTF-8, UTF-16 by its mark, and a guess, known as one, for what is neither."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.charsets import guess_charset, guess_wide
from spinecho.indexer.reports.parsing.parsed import ReportUnreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 2**20
_SAMPLE = 2**16
"""Bytes by which a character set is guessed."""
_END_MARKS = "\x00\x1a"
"""What old systems end or fill up a file with."""


@dataclass(frozen=True, slots=True)
class Charset:
    """`guessed` where the bytes break the rules of their encoding: read on with replacements."""

    encoding: str
    guessed: bool

    @property
    def guess(self) -> str:
        """The encoding where it was guessed, '' where it was certain."""
        return self.encoding if self.guessed else ""


def find_charset(path: Path) -> Charset:
    """Reads the file once. Without a mark, UTF-8 is proved or refuted, so a guess is never silent."""
    with reading(path), open_file(path) as file:
        head = file.read(_SAMPLE)
        file.seek(0)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "")
        if not encoding and (wide := guess_wide(head)):
            return Charset(wide, guessed=True)
        decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
        at = 0
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
                at += len(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            if encoding:
                return Charset(encoding, guessed=True)
            file.seek(max(0, at + int(getattr(error, "start", 0)) - _SAMPLE // 2))
            return Charset(guess_charset(head if at == 0 else file.read(_SAMPLE)), guessed=True)
    return Charset(encoding or "utf-8", guessed=False)


def open_text(path: Path, charset: Charset) -> TextIO:
    """Line ends as they are in the file; what cannot be decoded becomes U+FFFD."""
    with reading(path):
        return io.TextIOWrapper(open_file(path), encoding=charset.encoding, errors="replace", newline="")


def lines(file: TextIO, *, longest: int) -> Iterator[str]:
    """Lines with their ends; one longer than `longest` comes in pieces of that length, so memory stays bounded.

    End marks (Ctrl-Z, NUL) at the end of the file belong to no line.
    """
    before = file.readline(longest)
    while line := file.readline(longest):
        if line.strip(_END_MARKS + "\r\n") or not line.strip("\r\n"):
            yield before
            before = line
    if before := before.rstrip(_END_MARKS):
        yield before


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what the file system says into a typed error."""
    try:
        yield
    except OSError as error:
        raise ReportUnreadable(f"{path} could not be read: {error.strerror or type(error).__name__}") from error
    except ValueError as error:  # a path with a NUL
        raise ReportUnreadable("the path is not one that this system can open") from error
