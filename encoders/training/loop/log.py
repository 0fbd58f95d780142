"""What a run tells: `log.jsonl`, one JSON object a line, is the record; TensorBoard shows the same where installed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spinecho.db.durable import durable_replace

LOG = "log.jsonl"


class Log:
    """Appends to a run's log. Lines of steps after `step` are dropped: a killed run got there, but does so again."""

    def __init__(self, folder: Path, *, step: int) -> None:
        path = folder / LOG
        kept = [line for line in read_log(folder) if line.get("step", 0) <= step]
        unfinished = path.with_name(f".{LOG}")
        unfinished.write_text("".join(json.dumps(line) + "\n" for line in kept))
        durable_replace(unfinished, path)
        self._file = path.open("a")
        self._board = _board(folder, step)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Add a line: `step` and the values. A number that is none becomes null, as JSON has no NaN."""
        plain = {name: _plain(value) for name, value in values.items()}
        self._file.write(json.dumps({"step": step} | plain) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in plain.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's log, without one that a kill cut short; none where there is no log."""
    try:
        lines = (folder / LOG).read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def last_metrics(folder: Path) -> dict[str, float]:
    """What the last evaluation in a run's log found."""
    found: dict[str, float] = {}
    for line in read_log(folder):
        figures = {name.removeprefix("evaluation/"): line[name] for name in line if name.startswith("evaluation/")}
        found = figures or found
    return found


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
