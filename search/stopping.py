"""A search that nobody waits for any more ends at its next stage: who asks says so, and who searches looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from spinecho.errors import SpinechoError

_GONE: ContextVar[Callable[[], bool] | None] = ContextVar("gone", default=None)


class SearchStopped(SpinechoError):
    """Nobody waits for the answer any more: who asked has gone, or its time is over."""


@contextmanager
def stopped_when(gone: Callable[[], bool]) -> Iterator[None]:
    """What is searched within ends at its next stage once `gone` says so; it is asked in the thread that searches."""
    kept = _GONE.set(gone)
    try:
        yield
    finally:
        _GONE.reset(kept)


def require_wanted() -> None:
    """Raise `SearchStopped` where nobody waits any more. Between two stages, and while a stage looks deeper."""
    gone = _GONE.get()
    if gone is not None and gone():
        raise SearchStopped("nobody waits for this answer any more")
