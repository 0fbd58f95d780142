"""Progress bars for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from spinecho.outcomes import SELF_TEST, OnProgress

_LABELS = {
    "discover": "files found",
    "scan": "headers read",
    "read": "series read, embedded, stored",
    "reports": "report files",
    SELF_TEST: "testing channels on this archive",
}


@contextmanager
def progress_bars(console: Console, *, quiet: bool) -> Iterator[OnProgress | None]:
    """Bars on a terminal, None elsewhere or when `quiet`."""
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:30}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console) as bars:
        yield _Drawn(bars)


class _Drawn:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, known: int) -> None:
        if stage in _LABELS and (done or known):
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(_LABELS[stage], total=None)
            self._bars.update(self._tasks[stage], completed=done, total=known or None)
