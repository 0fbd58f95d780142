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

from spinecho.indexer.progress import Progress, Silent, Stage

_LABELS: dict[Stage, str] = {
    "discover": "files found",
    "scan": "headers read",
    "read": "series read, embedded, stored",
    "reports": "report files",
}


@contextmanager
def progress_bars(console: Console, *, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, nothing elsewhere or when `quiet`."""
    if quiet or not console.is_terminal:
        yield Silent()
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
        self._tasks: dict[Stage, TaskID] = {}

    def total(self, stage: Stage, amount: int) -> None:
        if stage in _LABELS and amount:
            task = self._task(stage)
            before = self._bars.tasks[self._bars.task_ids.index(task)].total or 0
            self._bars.update(task, total=before + amount)

    def advance(self, stage: Stage, amount: int = 1) -> None:
        if stage in _LABELS and amount:
            self._bars.advance(self._task(stage), amount)

    def _task(self, stage: Stage) -> TaskID:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(_LABELS[stage], total=None)
        return self._tasks[stage]
