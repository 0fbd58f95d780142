"""Progress bars for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

if TYPE_CHECKING:
    from spinecho.filling.outcomes import OnProgress

_PERIOD = 60.0
"""Seconds over which speed and time left are estimated: series differ in size."""
_LABELS = {
    "fetch": "files fetched",
    "discover": "files found",
    "scan": "headers read",
    "read": "series read, embedded, stored",
    "reports": "report files",
    "copy": "rows copied and compared",
    "read sentences": "sentences read",
    "train": "steps trained",
    "encode": "scans embedded",
    "self-test": "testing channels on this archive",
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
        _Throughput(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, speed_estimate_period=_PERIOD) as bars:
        yield _Drawn(bars)


class _Throughput(ProgressColumn):
    """How much of a stage is done a second, of late; over all of it once it is done."""

    def render(self, task: Task) -> Text:
        return Text(per_second(task.finished_speed or task.speed), style="progress.data.speed")


def per_second(speed: float | None) -> str:
    """A speed as it is shown, nothing where it is not known yet."""
    if not speed:
        return ""
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s" if speed >= 0.1 else f"{60 * speed:.1f}/min"


class _Drawn:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, known: int) -> None:
        if stage in _LABELS and (done or known):
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(_LABELS[stage], total=None)
            self._bars.update(self._tasks[stage], completed=done, total=known or None)
