"""Which characters of a text have been understood already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""(start, stop) in characters."""


class Taken:
    """Marks characters; asking costs no more than the span that is asked for."""

    def __init__(self, length: int, spans: Iterable[Span] = ()) -> None:
        self._marks = bytearray(length)
        for span in spans:
            self.take(span)

    def take(self, span: Span) -> None:
        """Mark a span."""
        start, stop = max(span[0], 0), min(span[1], len(self._marks))
        if start < stop:
            self._marks[start:stop] = b"\1" * (stop - start)

    def meets(self, span: Span) -> bool:
        """Whether any character of the span is marked."""
        return any(self._marks[span[0] : span[1]])
