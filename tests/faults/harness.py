"""A command is killed, the disk fails it, or the power, at each place where it changes a file; then it is run again.

There too the clock is set, and the same command is run from beginning to end while the first one stands still.

This runs as a program of its own, with `points.c` and `kept.c` loaded before libc. It imports what commands need once
and forks for each run, so that a run costs what the command does and not what Python's start does.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kept import Kept

KILLED, FULL, BROKEN, LOST, FROZEN = "killed", "full", "broken", "lost", "frozen"
AHEAD, BEHIND, TWICE = "ahead", "behind", "twice"
"""The clock is set a year ahead, or a day back; the command is run once more meanwhile."""
FAULTS = {KILLED: 1, FULL: 2, BROKEN: 3, LOST: 4, FROZEN: 5, AHEAD: 6, BEHIND: 7, TWICE: 8}
ANYWHERE = {AHEAD, BEHIND, TWICE}
"""Tried at a few points of each command though all are asked for: they do not differ by what is written there."""
ACKNOWLEDGED = "acknowledged"
"""Beside the work: what a sender notes for itself, on a disk that does not fail."""
_NO_NUMBER = re.compile(r"[0-9a-f]{12,}|\d+")
_LOGS = ("-wal", "-shm", "-journal")
_PATIENCE = 4.0
"""Seconds for which the one that runs beside may wait for the one that stands still."""
_MAY_STAY = {0, 3}
"""Exit statuses of a command whose disk failed: it went on without, or says that the machine failed."""


@dataclass(frozen=True)
class Command:
    """make: fills an empty folder with what the command starts from. run: the command there, giving its exit status.
    end: what has to be the same in the end, as JSON.
    """

    name: str
    make: Callable[[Path], object]
    run: Callable[[Path], int]
    end: Callable[[Path], Any]
    answers: Callable[[Path], Any] | None = None
    """What is to be found, as JSON: at once after the fault as it was before or as it is in the end."""
    killed_at: tuple[str, ...] = ()
    """Where not every point is tried: parts of the names of those at which it is killed. Without any: a few, spread."""
    kept: Callable[[Path], Any] | None = None
    """What is on the disk once it has ended with 0, as JSON, if the power fails then. Without: what `end` gives."""
    twice: str = ""
    """Why two of it at once may end otherwise than one."""


@dataclass
class Tried:
    """What came of one command. points: how many there are; problems: a line each."""

    command: str
    points: int = 0
    tried: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    """Points that a run did not come to: threads do not always do the same in the same order."""
    problems: list[str] = field(default_factory=list)


class Points:
    """The library that counts."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])

    def arm(self, folder: Path, fault: str, at: int, log: Path) -> None:
        """From now on, in this process; the log gets a line for each point."""
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        notes = log.with_name("notes")
        shutil.rmtree(notes, ignore_errors=True)
        notes.mkdir()
        self._library.arm(os.fsencode(folder), FAULTS.get(fault, 0), ctypes.c_long(at), handle, os.fsencode(notes))

    def disarm(self) -> None:
        """Nothing is counted and nothing fails any more."""
        self._library.disarm()


class Trial:
    """One command in a folder of its own. The work always lies at the same path: homes name those of their archives."""

    def __init__(self, command: Command, folder: Path, base: Path) -> None:
        """base: what `make` made, which stays as it is."""
        self.command, self.folder, self.base = command, folder, base
        self.work, self.sent = folder.parent / "work", folder.parent / ACKNOWLEDGED
        self.result = Tried(command.name)

    def try_out(self, points: str) -> Tried:
        """Run it undisturbed, then with each fault at "all" points, at "some", at so many, or with one fault."""
        command, result = self.command, self.result
        self._fresh()
        before = self._found().value
        self._fresh()
        whole, names = self._run("", 0)
        end = self._forked(self._ended)
        kept = self._kept()
        result.points = len(names)
        if whole.status or end.status:
            result.problems.append(f"undisturbed: {whole.status}: {whole.printed[-1500:]} {end.printed[-1500:]}")
            return result
        for name in whole.modules | end.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)  # once for all children to come
        gc.freeze()
        result.problems += [f"no point is called {one!r}" for one in command.killed_at if not _numbers(names, one)]
        names.append("its end")
        for fault in FAULTS:
            for number in chosen(names, fault, points, command.killed_at):
                label = f"{command.name}, {fault} at {number} of {len(names)} ({names[number - 1]})"
                if fault == TWICE and command.twice:
                    continue
                result.tried[fault] = result.tried.get(fault, 0) + 1
                if fault == LOST:
                    found = self._problems_without_power(number, len(names), before, end.value, kept.value)
                elif fault == TWICE:
                    found = self._problems_beside(number, before, end.value)
                else:
                    found = self._problems(fault, number, before, end.value)
                result.problems += [f"{label}: {one}" for one in found]
        return result

    def _problems(self, fault: str, number: int, before: Any, end: dict[str, Any]) -> Iterator[str]:
        self._fresh()
        hit, names = self._run(fault, number)
        reached = len(names) >= number
        self.result.missed += not reached
        if fault == KILLED:
            if hit.status != (-signal.SIGKILL if reached else 0):
                yield f"exit status {hit.status}: {hit.printed[-900:]}"
        elif hit.status not in ({0} if fault in ANYWHERE else _MAY_STAY) or "Traceback" in hit.printed:
            yield f"exit status {hit.status}: {hit.printed[-1500:]}"
        yield from self._problems_from_here(before, end)

    def _problems_beside(self, number: int, before: Any, end: dict[str, Any]) -> Iterator[str]:
        """The first one stands still there, until another one has ended or waits for it."""
        self._fresh()
        other = self.folder / "other"
        other.mkdir(exist_ok=True)
        first = started(lambda: self._armed(TWICE, number), self.folder)
        self.result.missed += not first.stands_still()
        second = started(lambda: self.command.run(self.work), other)
        second.ends_within(_PATIENCE)
        first.goes_on()
        both = [first(), second()]
        for name, one in zip(("first", "second"), both, strict=True):
            told = not one.status or (0 < one.status <= 3 and "error: " in one.printed)
            if "Traceback" in one.printed or not told:
                yield f"the {name}: exit status {one.status}: {one.printed[-1500:]}"
        if all(one.status for one in both):
            yield f"neither was done: {[one.printed[-400:] for one in both]}"
        yield from self._problems_from_here(before, end)

    def _problems_without_power(
        self, number: int, last: int, before: Any, end: dict[str, Any], kept: Any
    ) -> Iterator[str]:
        """The power fails there. Twice: without and with the names that nobody asked the disk to keep."""
        self._fresh()
        disk = Kept(self.work, self.base)
        hit, names = self._run(LOST, number)
        reached = len(names) >= number
        self.result.missed += not reached and number < last
        if hit.status != (-signal.SIGKILL if reached else 0):
            yield f"exit status {hit.status}: {hit.printed[-900:]}"
        disk.read(self.folder / "notes")
        disks = {"": disk, "with the names, ": disk.with_names_of(self.work)}
        sent = self.sent.read_bytes() if self.sent.exists() else b""
        for which, one in disks.items():
            shutil.rmtree(self.work)
            one.put(self.work)
            self.sent.write_bytes(sent)
            if number == last:
                found = self._kept()
                if found.value != kept:
                    yield f"{which}once it had ended: {_difference(kept, found.value)} {found.printed[-600:]}"
                elif self.command.kept is None:
                    continue  # it is as it was: there is nothing to do again
                shutil.rmtree(self.work)
                one.put(self.work)
            yield from (f"{which}{problem}" for problem in self._problems_from_here(before, end))

    def _problems_from_here(self, before: Any, end: dict[str, Any]) -> Iterator[str]:
        now = self._found()
        if now.status or now.value not in (before, end["answers"]):
            yield f"before it is run again: {_difference(end['answers'], now.value)} {now.printed[-600:]}"
        again = self._forked(lambda: self.command.run(self.work))
        if again.status:
            yield f"run again: exit status {again.status}: {again.printed[-900:]}"
            return
        found = self._forked(self._ended)
        if found.status or found.value != end:
            yield f"in the end: {_difference(end, found.value)} {found.printed[-600:]}"

    def _fresh(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.sent.unlink(missing_ok=True)
        shutil.copytree(self.base, self.work, symlinks=True)

    def _run(self, fault: str, number: int) -> tuple[_Run, list[str]]:
        """With a fault at that point, or none; also the points that it came to."""
        return self._forked(lambda: self._armed(fault, number)), (self.folder / "points").read_text().splitlines()

    def _armed(self, fault: str, number: int) -> int:
        Points().arm(self.work, fault, number, self.folder / "points")
        try:
            return self.command.run(self.work)
        finally:
            Points().disarm()

    def _found(self) -> _Run:
        return self._forked(lambda: self.command.answers(self.work) if self.command.answers else None)

    def _kept(self) -> _Run:
        return self._forked(lambda: (self.command.kept or self.command.end)(self.work))

    def _ended(self) -> dict[str, Any]:
        found = {"end": self.command.end(self.work), "files": names_of(self.work)}
        return found | {"answers": self.command.answers(self.work) if self.command.answers else None}

    def _forked(self, act: Callable[[], Any]) -> _Run:
        return forked(act, self.folder)


@dataclass(frozen=True)
class _Run:
    status: int
    """Its exit status, below 0 the signal that ended it."""
    printed: str
    value: Any = None
    modules: frozenset[str] = frozenset()
    """What it had imported."""


def forked(act: Callable[[], Any], folder: Path) -> _Run:
    """Do something in a child. A number that it gives is its exit status, anything else a value."""
    return started(act, folder)()


def started(act: Callable[[], Any], folder: Path) -> _Child:
    """As `forked`, beside what else goes on: what is given waits for its end. folder: no other child's."""
    printed, given = folder / "printed", folder / "given"
    given.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if not child:
        status = 70
        try:
            handle = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            value = act()
            given.write_text(json.dumps([value, [*sys.modules]]))
            status = value if isinstance(value, int) else 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    return _Child(child, printed, given)


class _Child:
    """A process that was started; called, it waits for the end."""

    def __init__(self, number: int, printed: Path, given: Path) -> None:
        self._number, self._printed, self._given = number, printed, given
        self._code: int | None = None

    def __call__(self) -> _Run:
        if self._code is None:
            self._code = os.waitpid(self._number, 0)[1]
        value, modules = json.loads(self._given.read_text()) if self._given.exists() else (None, ())
        status, said = os.waitstatus_to_exitcode(self._code), self._printed.read_text(errors="replace")
        return _Run(status, said, value, frozenset(modules))

    def stands_still(self) -> bool:
        """Wait until it does; false where it ended before."""
        _, code = os.waitpid(self._number, os.WUNTRACED)
        if not os.WIFSTOPPED(code):
            self._code = code
        return self._code is None

    def goes_on(self) -> None:
        if self._code is None:
            os.kill(self._number, signal.SIGCONT)

    def ends_within(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        until = time.monotonic() + seconds
        while self._code is None and time.monotonic() < until:
            number, code = os.waitpid(self._number, os.WNOHANG)
            self._code = code if number else None
            time.sleep(0.01)


def _numbers(names: Sequence[str], part: str) -> list[int]:
    return [number for number, name in enumerate(names, 1) if part in name]


def chosen(names: Sequence[str], fault: str, points: str, killed_at: Sequence[str]) -> list[int]:
    """Numbers of points, from 1, as `Trial.try_out`. The last one is the end, where nothing but power can be lost.

    Between two syncs a disk keeps nothing more: so power is lost at syncs.
    """
    n = len(names) - 1
    if points in FAULTS and points != fault:
        return []
    if fault == LOST:
        syncs = [number for number, name in enumerate(names, 1) if name.startswith("sync ")]
        some = [] if killed_at else syncs[len(syncs) // 2 :][:1]
        return [*(some if points == "some" else _spread(syncs, points)), len(names)]
    if fault in ANYWHERE and points != "some":
        return _spread(range(1, n + 1), points if points.isdecimal() else "5")
    if points == "some" and (killed_at or fault in ANYWHERE):
        at = {FULL: 2 * n // 3, FROZEN: n // 3 + 1, TWICE: n // 2 + 1}
        if fault != KILLED:
            return [at[fault]] if fault in at else [1] if fault in ANYWHERE else []
        return [number for part in killed_at for number in _numbers(names, part)[:1]]
    return _spread(range(1, n + 1), points)


def _spread(numbers: Sequence[int], points: str) -> list[int]:
    if points == "all" or points in FAULTS:
        return list(numbers)
    most, n = int(points) if points.isdecimal() else 4, len(numbers)
    return sorted({numbers[round((n - 1) * place / max(most - 1, 1))] for place in range(most if n else 0)})


def names_of(work: Path) -> list[str]:
    """Every file and folder, numbers apart: an interrupted run may count on, but leaves nothing of another kind."""
    found = (str(path.relative_to(work)) for path in work.rglob("*") if not path.name.endswith(_LOGS))
    return sorted({_NO_NUMBER.sub("N", name).replace("+N", "") for name in found})


def _difference(expected: Any, found: Any, at: str = "") -> str:
    """Where two values differ, in a few words."""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = [_difference(expected.get(key), found.get(key), f"{at}/{key}") for key in {**expected, **found}]
        return "; ".join(part for part in parts if part)
    if expected == found:
        return ""
    if isinstance(expected, list) and isinstance(found, list):
        more = [one for one in found if one not in expected][:4]
        less = [one for one in expected if one not in found][:4]
        return f"{at}: too much {more}, lacking {less}"[:900]
    return f"{at}: {str(found)[:300]} in place of {str(expected)[:300]}"


def main() -> None:
    """Arguments: all, some, how many points, or a fault alone; then names of commands. A line of JSON for each."""
    here = Path(__file__).parent
    sys.path[:0] = [str(here.parent / "front_door"), str(here.parent), str(here)]
    from commands import COMMANDS  # noqa: PLC0415

    points, names = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as made:
        bases: dict[Any, Path] = {}
        for command in COMMANDS:
            if command.name not in names:
                continue
            folder = Path(made) / command.name
            folder.mkdir()
            if command.make not in bases:
                work = folder.parent / "work"
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir()
                filled = forked(lambda: command.make(work), folder)  # noqa: B023
                if filled.status:
                    sys.exit(f"{command.name} has nothing to start from: {filled.printed}")
                bases[command.make] = work.rename(folder / "base")
            result = Trial(command, folder, bases[command.make]).try_out(points)
            sys.stdout.write(json.dumps(asdict(result)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
