"""The consoles of every command: what a script reads is never wrapped or cut, and what cannot be printed is escaped."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.rule import Rule
from rich.table import Table

_WIDE = 1_000_000
"""Columns of what is no terminal: a pipe and a file have no right edge, whatever COLUMNS says."""
_RULE = 80
"""Columns of a heading's line there."""


class Lines(Console):
    """A console whose texts are lines as they were given, and whose tables lose nothing at the edge of a terminal."""

    @property
    def size(self) -> ConsoleDimensions:
        """Of the terminal; what is none is as wide as it takes."""
        found = super().size
        return found if self.is_terminal else ConsoleDimensions(_WIDE, found.height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does, but texts are not wrapped, and cells are folded in place of being cut."""
        if all(isinstance(one, str) for one in objects):
            options.setdefault("soft_wrap", True)
        for one in objects:
            if isinstance(one, Table):
                for column in one.columns:
                    column.overflow = "fold"
            if isinstance(one, Rule) and not self.is_terminal:  # it fills whatever width there is
                options.setdefault("width", max(_RULE, len(str(one.title)) + 4))
        super().print(*objects, **options)


err = Lines(stderr=True)
out = Lines()


def printable_streams() -> None:
    """Have letters that a stream cannot say escaped: a terminal in ASCII, or a name that is no UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: Any) -> None:
    """One JSON object on standard output, in ASCII where the stream is no UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(value, ensure_ascii=encoding != "utf8", indent=1)
    print(_escaped(text))  # noqa: T201


def _escaped(text: str) -> str:
    """Lone surrogates as JSON writes them."""
    if text.isascii():
        return text
    return "".join(letter if not "\ud800" <= letter <= "\udfff" else f"\\u{ord(letter):04x}" for letter in text)
