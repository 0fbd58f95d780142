"""What programs hand over: numbers of NumPy and pandas are taken, what cannot be meant is said with what helps."""

from __future__ import annotations

import operator
from collections.abc import Iterable

from spinecho.errors import QueryError


def whole(name: str, value: object) -> int:
    """A whole number as Python's own, which can be stored and sent. Raises `QueryError`; a flag is no number."""
    if isinstance(value, bool) or type(value).__name__ == "bool":  # NumPy 1 calls its own bool_, NumPy 2 bool
        raise QueryError(f"{name}={value!r} is no whole number; give one, as in {name}=10")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise QueryError(f"{name}={value!r} is no whole number; give one, as in {name}=10") from None


def text(name: str, value: object, remedy: str) -> str:
    """A text as Python's own. remedy: what to give in its place. Raises `QueryError`."""
    if not isinstance(value, str):
        shown = repr(value) if value is None or isinstance(value, bool | int | float) else type(value).__name__
        raise QueryError(f"{name} is to be text, not {shown}; {remedy}")
    return str(value)


def texts(name: str, values: object, remedy: str) -> tuple[str, ...]:
    """Several texts; one text alone is none, as it would be taken letter by letter. Raises `QueryError`."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise QueryError(f"{name} is to be a list of texts, not {type(values).__name__}; {remedy}")
    return tuple(text(f"an entry of {name}", one, remedy) for one in values)
