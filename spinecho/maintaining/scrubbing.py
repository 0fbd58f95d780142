"""Everything that `doctor` checks by content, read slowly in the background, round after round; nothing is mended.

How far a round is stands in the home, so that it goes on after an end of any kind, and `status` can say what was found.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from spinecho.access.people import open_access
from spinecho.db.errors import Damaged, StorageFailure
from spinecho.db.upkeep.scrub_state import LOCK, Round, State, read_state, write_state
from spinecho.errors import SettingsError, SpinechoError
from spinecho.maintaining.doctor import ROWS_FIRST, Examined, Finding, of_identities, of_jobs, of_record
from spinecho.maintaining.upkeep import Home, settings_of
from spinecho.search.access.persons import Role
from spinecho.setup.private import private_files
from spinecho.setup.wiring import indexing_process, one_at_a_time

if TYPE_CHECKING:
    from spinecho.db.schema.damage import Finding as Damage
    from spinecho.db.schema.database import Database
    from spinecho.db.upkeep.scrub_steps import At, Piece, Step
    from spinecho.encoders.pip_weights import Stated
    from spinecho.setup.settings import Settings

__all__ = ["RATE", "Scrubbed", "give_way", "scrub", "scrub_again"]

RATE = 8.0
"""MB a second that are read at most, where nothing else is said."""
_REST = 3.0
"""How many times as long as it took is rested after a piece of which nobody knows how much it read."""
_TELL = 2.0
"""Seconds after which it is written down again how far a round is."""
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A whole round: when (UTC, ISO 8601), how much it read, what it found, which steps were left out and why."""

    started_at: str
    ended_at: str
    bytes: int
    steps: int
    findings: tuple[Finding, ...]
    left_out: dict[str, str]

    @property
    def exit_status(self) -> int:
        """As that of `doctor`: 0 where nothing but notes is left, 1 with warnings, 4 with errors."""
        return Examined(self.findings, 0, 0).exit_status

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        found = [asdict(one) | {"examples": list(one.examples)} for one in self.findings]
        return {"started_at": self.started_at, "ended_at": self.ended_at, "bytes": self.bytes, "steps": self.steps,
                "findings": found, "left_out": self.left_out}  # fmt: skip


def scrub(home: Home = None, *, rate: float = RATE, on_step: Callable[[str], None] = lambda _: None) -> Scrubbed:
    """Check by content all that is stored, or go on with a round that was ended midway, and wait for its end.

    rate: MB a second at most. on_step: given each thing before it is read. Structure, rows, vectors, full text, builds,
    snapshots, weights and the record are read; what is damaged is named as `doctor` names it, and nothing is mended.
    For managers; raises `Refused`, `Busy` while another one is at work, and `StoreError` where the database cannot be
    reached: the next call goes on.
    """
    if not rate > 0:
        raise SettingsError(f"{rate} MB a second reads nothing: give more than 0")
    settings = settings_of(home)
    with private_files():
        open_access(settings).allow(Role.MANAGER, "check the home", "doctor", scrub=True)
        with contextlib.suppress(Damaged):
            _opened(settings).close()  # before anything is written where there is nothing
        with one_at_a_time(settings, LOCK, f"goes through what is stored in {settings.home} already"):
            return _Scrub(settings, 1e6 * rate, on_step).round()


def scrub_again(
    home: Home = None, *, hours: float, rate: float = RATE, on_step: Callable[[str], None] = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Scrubbed]:  # fmt: skip
    """A round, and another one so many hours after it began, for ever. Raises as `scrub`."""
    settings = settings_of(home)
    while True:
        last = read_state(settings.home)
        if last.now is None and last.last is not None:
            began = datetime.fromisoformat(last.last.started_at)
            left = hours * _HOUR - (datetime.now(UTC) - began).total_seconds()
            wait(min(max(0.0, left), hours * _HOUR))  # a clock that was set back since keeps nothing waiting
        yield scrub(settings, rate=rate, on_step=on_step)


def give_way() -> None:
    """Have this process work when others do not: the lowest priority of processor and disk, where there are such."""
    with contextlib.suppress(OSError):
        os.nice(19)
    if tool := shutil.which("ionice"):
        subprocess.run([tool, "-c", "3", "-p", str(os.getpid())], check=False, capture_output=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _opened(settings: Settings) -> Database:
    from spinecho.db.schema.database import Database  # noqa: PLC0415

    return Database.open(settings.database, create=False)


class _Scrub:
    """One round, or what is left of it."""

    def __init__(self, settings: Settings, rate: float, on_step: Callable[[str], None]) -> None:
        self._settings, self._rate, self._on_step = settings, rate, on_step
        self._state = read_state(settings.home)
        self._since = self._reported = time.monotonic()

    def round(self) -> Scrubbed:
        """Until its end."""
        now = self._state.now = self._state.now or Round(_now(), _now())
        try:
            with closing(_opened(self._settings)) as database:
                from spinecho.db.upkeep.scrub_steps import steps  # noqa: PLC0415

                self._go(now, [*steps(database, self._settings.builds), *self._others()])
        except Damaged as error:  # nothing of the database can be read; what lies beside it can
            self._found(now, Finding("database", "error", str(error), "see what it says"))
            self._go(now, [*self._others()])
        now.step, now.at = "", None
        self._state = State(None, now)
        self._tell(now)
        return _ended(now)

    def _go(self, now: Round, plan: list[Step]) -> None:
        plan.sort(key=lambda one: one.writes)  # last: somebody who indexes may be done by then
        now.of = len(plan)
        for step in plan:
            if step.name in now.done or step.name in now.left_out:
                continue
            self._on_step(step.name)
            if now.step != step.name:
                now.step, now.at = step.name, None
            if step.writes and indexing_process(self._settings) is not None:
                now.left_out[step.name] = "somebody was indexing"
            elif step.needs in now.unsound:
                now.done.append(step.name)  # it is said already
            elif step.by_rows and _rows_are_damaged(now):
                now.left_out[step.name] = "the rows are damaged themselves"
                if not any(one["what"] == ROWS_FIRST.what for one in now.findings):
                    self._found(now, ROWS_FIRST)
            else:
                self._take(now, step)

    def _take(self, now: Round, step: Step) -> None:
        try:
            for piece in step.pieces(now.at):
                self._keep(now, step, piece)
        except Damaged as error:
            area: Any = step.area
            self._found(now, Finding(area, "error", str(error), "see what it says"))
        except StorageFailure:
            if not step.writes:
                raise
            now.left_out[step.name] = "somebody was writing"
            return
        now.done.append(step.name)
        now.step, now.at = "", None

    def _keep(self, now: Round, step: Step, piece: Piece) -> None:
        now.at = None if piece.at is None else list(piece.at)
        now.bytes += piece.bytes
        if piece.findings and step.name not in now.unsound:
            now.unsound.append(step.name)
        for one in piece.findings:
            now.add(_as_doctor_says(step.area, one))
        worked = time.monotonic() - self._since
        rest = max(0.0, piece.bytes / self._rate - worked if piece.bytes else _REST * worked)
        if piece.findings or time.monotonic() + rest - self._reported > _TELL:  # before a long rest, not after it
            self._tell(now)
        time.sleep(rest)
        self._since = time.monotonic()

    def _found(self, now: Round, finding: Finding) -> None:
        now.add(asdict(finding) | {"examples": list(finding.examples)})
        self._tell(now)

    def _tell(self, now: Round) -> None:
        now.told_at = _now()
        try:
            write_state(self._settings.home, self._state)
        except OSError as error:
            where = self._settings.home
            raise StorageFailure(
                f"cannot write into {where} what was checked: {error.strerror}; look at its room and rights"
            ) from error
        self._reported = time.monotonic()

    def _others(self) -> Iterator[Step]:
        """Weights, and the record: they lie beside the database."""
        from spinecho.db.upkeep.scrub_steps import Step  # noqa: PLC0415
        from spinecho.encoders.pip_weights import stated_weights  # noqa: PLC0415

        for number, one in zip(count(1), stated_weights(self._settings.home / "encoders"), strict=False):
            name = one.path.name if one.path is not None else one.absent
            yield Step(f"weights {number}, {name}", "weights", partial(_weights, one))
        beside = {"record": of_record, "identities": of_identities, "jobs": of_jobs}
        for area, look in beside.items():
            if area != "record" or not self._settings.no_record:
                yield Step(area, area, partial(self._beside, look))

    def _beside(self, look: Callable[[Settings], Iterator[Finding]], at: At) -> Iterator[Piece]:
        from spinecho.db.schema.damage import Finding as Damage  # noqa: PLC0415
        from spinecho.db.upkeep.scrub_steps import Piece  # noqa: PLC0415

        try:
            found = [Damage(one.what, one.count, one.examples, one.remedy) for one in look(self._settings)]
        except SpinechoError as error:
            found = [Damage(str(error), 1, (), "see what it says")]
        yield Piece(None, 0, tuple(found))


def _weights(one: Stated, at: At) -> Iterator[Piece]:
    from spinecho.db.schema.damage import Finding as Damage  # noqa: PLC0415
    from spinecho.db.upkeep.scrub_steps import Piece, file_pieces  # noqa: PLC0415

    found = ""
    if one.path is not None:
        with contextlib.suppress(OSError):
            for piece, found in file_pieces(one.path, at):  # noqa: B007  (the last is the file's)
                yield piece
    if wrong := one.fault(found):
        yield Piece(None, 0, (Damage(wrong, 1, (), one.remedy),))


def _as_doctor_says(area: str, one: Damage) -> dict[str, Any]:
    return {"area": area, "severity": "error", "what": one.what, "remedy": one.remedy, "count": one.count,
            "examples": list(one.examples), "fixable": one.kind in {"full text", "builds"}, "fixed": False}  # fmt: skip


def _rows_are_damaged(now: Round) -> bool:
    return any(one["area"] == "database" and one["severity"] == "error" and not one["fixable"] for one in now.findings)


def _ended(now: Round) -> Scrubbed:
    found = [Finding(**{**one, "examples": tuple(one["examples"])}) for one in now.findings]
    return Scrubbed(now.started_at, now.told_at, now.bytes, now.of, tuple(found), dict(now.left_out))
