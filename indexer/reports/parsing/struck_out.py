"""Words that their author struck out: a deletion that is still seen. They are not said, and their file tells of it.

What strikes out stands here for all formats: HTML and CDA, RTF, Word and workbooks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HTML_ELEMENTS = frozenset(("del", "s", "strike"))
CSS = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
CDA = (("revised", re.compile(r"delete", re.IGNORECASE)), ("stylecode", re.compile(r".*strike", re.IGNORECASE)))
"""Attributes of CDA's `content`, and their values."""
RTF_WORDS = frozenset(("strike", "striked"))
WORD_MARKS = ("strike", "dstrike")

_MET: ContextVar[list[bool] | None] = ContextVar("whether the file that is read holds struck-out words", default=None)


def met() -> None:
    """Words were left out because they are struck out."""
    found = _MET.get()
    if found is not None:
        found[0] = True


@contextmanager
def watching() -> Iterator[list[bool]]:
    """A list whose one member says whether any were met."""
    found = [False]
    _MET.set(found)
    try:
        yield found
    finally:
        _MET.set(None)
