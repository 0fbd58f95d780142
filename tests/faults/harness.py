"""A command is killed, or the disk fails it, at each place where it changes a file; then it is run again.

This runs as a program of its own, with `points.c` loaded before libc. It imports what commands need once and forks for
each run, so that a run costs what the command does and not what Python's start does.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KILLED, FULL, BROKEN = "killed", "full", "broken"
FAULTS = {KILLED: 1, FULL: 2, BROKEN: 3}
_NO_NUMBER = re.compile(r"[0-9a-f]{12,}|\d+")
_LOGS = ("-wal", "-shm", "-journal")
_MAY_STAY = {0, 3}
"""Exit statuses of a command whose disk failed: it went on without, or says that the machine failed."""


@dataclass(frozen=True)
class Command:
    """make: fills an empty folder with what the command starts from. run: the command there, giving its exit status.
    end: what has to be the same in the end, as JSON. faults: those that make sense.
    """

    name: str
    make: Callable[[Path], object]
    run: Callable[[Path], int]
    end: Callable[[Path], Any]
    faults: tuple[str, ...] = (KILLED, FULL, BROKEN)
    spread: int = 5
    """Points that are tried of each fault where not all are."""
    answers: Callable[[Path], Any] | None = None
    """What is to be found, as JSON: at once after the fault as it was before or as it is in the end."""


@dataclass
class Tried:
    """What came of one command. points: how many there are; problems: a line each."""

    command: str
    points: int = 0
    tried: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    """Points that a run did not come to: threads do not always do the same in the same order."""
    problems: list[str] = field(default_factory=list)


import time
Timed=[]
class Points:
    """The library that counts."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])

    def arm(self, folder: Path, fault: str | None, at: int, log: int) -> None:
        self._library.arm(os.fsencode(folder), FAULTS.get(fault or "", 0), ctypes.c_long(at), log)

    def disarm(self) -> None:
        self._library.disarm()


def try_out(command: Command, folder: Path, *, every: bool) -> Tried:
    """Run it undisturbed, then with each fault at each point, or at some of them.

    The work always lies at the same path, because homes name the paths of their archives.
    """
    points, work, base = Points(), folder / "work", folder / "base"
    result = Tried(command.name)

    def fresh() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(base, work, symlinks=True)

    work.mkdir()
    made = _forked(lambda: command.make(work), folder)
    if made.status:
        result.problems.append(f"cannot make what it starts from: {made.said[-1500:]}")
        return result
    work.rename(base)
    fresh()
    before = _forked(lambda: command.answers(work) if command.answers else None, folder).value
    fresh()
    log = folder / "points"
    whole = _forked(lambda: command.run(work), folder, arm=lambda: points.arm(work, None, 0, _write_to(log)))
    listed = log.read_text().splitlines()
    result.points = len(listed)
    end = _forked(lambda: _ended(command, work), folder)
    for name in made.modules | whole.modules | end.modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)  # once for all children to come
    if whole.status or end.status:
        result.problems.append(f"undisturbed: exit status {whole.status}: {whole.said[-1500:]} {end.said[-1500:]}")
        return result
    for fault in command.faults:
        for number in _chosen(len(listed), None if every else int(sys.argv[1]) if sys.argv[1].isdigit() else command.spread):
            label = f"{command.name}, {fault} at {number} of {len(listed)} ({listed[number - 1]})"
            fresh()
            seen = folder / "seen"
            hit = _forked(lambda: command.run(work), folder,
                          arm=lambda: points.arm(work, fault, number, _write_to(seen)))  # noqa: B023
            result.tried[fault] = result.tried.get(fault, 0) + 1
            reached = len(seen.read_text().splitlines()) >= number
            result.missed += not reached
            result.problems += [f"{label}: {one}" for one in _told(hit, fault, reached)]
            if command.answers is not None:
                now = _forked(lambda: command.answers(work), folder)
                if now.status or now.value not in (before, end.value["answers"]):
                    result.problems.append(f"{label}: before it is run again: {_differ(end.value['between'], now.value)} {now.said[-600:]}")
            again = _forked(lambda: command.run(work), folder)
            if again.status:
                result.problems.append(f"{label}: run again: exit status {again.status}: {again.said[-900:]}")
                continue
            found = _forked(lambda: _ended(command, work), folder)
            if found.status or found.value != end.value:
                result.problems.append(f"{label}: in the end: {_differ(end.value, found.value)} {found.said[-600:]}")
    return result


@dataclass(frozen=True)
class _Run:
    status: int
    """Its exit status, below 0 the signal that ended it."""
    said: str
    value: Any = None
    modules: frozenset[str] = frozenset()
    """What it had imported."""


def _forked(act: Callable[[], Any], folder: Path, *, arm: Callable[[], None] = lambda: None) -> _Run:
    """Do something in a child. A number that it gives is its exit status, anything else a value."""
    said, told = folder / "said", folder / "told"
    told.unlink(missing_ok=True)
    sys.stdout.flush()
    t0=time.time()
    child = os.fork()
    if not child:
        status = 70
        try:
            handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            arm()
            try:
                value = act()
            finally:
                Points().disarm()
            status = value if isinstance(value, int) else 0
            told.write_text(json.dumps([value, [*sys.modules]]))
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    _, code = os.waitpid(child, 0)
    Timed.append((time.time()-t0))
    value, modules = json.loads(told.read_text()) if told.exists() else (None, ())
    return _Run(os.waitstatus_to_exitcode(code), said.read_text(errors="replace"), value, frozenset(modules))


def _write_to(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)


def _chosen(points: int, most: int | None) -> list[int]:
    """First, last and some between, numbered from 1."""
    if most is None or points <= most:
        return list(range(1, points + 1))
    return sorted({1 + round((points - 1) * (place / (most - 1) if most > 1 else 0.5)) for place in range(most)})


def _told(run: _Run, fault: str, reached: bool) -> list[str]:
    if fault == KILLED:
        expected = -signal.SIGKILL if reached else 0
        return [] if run.status == expected else [f"exit status {run.status}: {run.said[-600:]}"]
    if run.status not in _MAY_STAY or "Traceback" in run.said:
        return [f"exit status {run.status}: {run.said[-1500:]}"]
    return []


def _ended(command: Command, work: Path) -> dict[str, Any]:
    return {"end": command.end(work), "files": names_of(work),
            "answers": command.answers(work) if command.answers else None}  # fmt: skip


def names_of(work: Path) -> list[str]:
    """Every file and folder, numbers apart: an interrupted run may count on, but leaves nothing of another kind."""
    found = (str(path.relative_to(work)) for path in work.rglob("*") if not path.name.endswith(_LOGS))
    return sorted({_NO_NUMBER.sub("N", name) for name in found})


def _differ(expected: Any, found: Any, at: str = "") -> str:
    """Where two values differ, in a few words."""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = [_differ(expected.get(key), found.get(key), f"{at}/{key}") for key in {**expected, **found}]
        return "; ".join(part for part in parts if part)
    if expected == found:
        return ""
    if isinstance(expected, list) and isinstance(found, list):
        more = [one for one in found if one not in expected][:4]
        less = [one for one in expected if one not in found][:4]
        return f"{at}: too much {more}, lacking {less}"[:900]
    return f"{at}: {str(found)[:300]} in place of {str(expected)[:300]}"


def main() -> None:
    """Arguments: all or some, then names of commands. A line of JSON for each command."""
    sys.path[:0] = [str(Path(__file__).parents[1] / "front_door"), str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    from commands import COMMANDS  # noqa: PLC0415

    every, names = sys.argv[1] == "all", sys.argv[2:]
    for command in COMMANDS:
        if command.name in names or not names:
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(try_out(command, Path(folder), every=every).__dict__), flush=True); print([round(x,2) for x in Timed])


if __name__ == "__main__":
    main()
