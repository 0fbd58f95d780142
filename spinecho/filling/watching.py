"""Following sources for as long as the process lives: pull, settle, index, wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from spinecho.db.errors import Busy, PruneRefused, StoreError
from spinecho.db.files import runs
from spinecho.db.files import sources as kept
from spinecho.db.files.sources import SourceRecord
from spinecho.db.schema.database import Database
from spinecho.errors import SettingsError
from spinecho.filling.outcomes import Outcome
from spinecho.filling.sources import folder_of, pull_from, receiving, roots_with, spool_of
from spinecho.indexer.sources.pull import expired
from spinecho.indexer.sources.source import Stopped
from spinecho.setup.hours import Hours
from spinecho.setup.settings import Settings

_QUIET = 2.0
"""Seconds without a change in a folder after which it is read."""
_BUSY = 60.0
"""Seconds after which a folder in which something changes all the time is read all the same."""
_LONGEST_WAIT = 600.0
GRACE_DAYS, STABLE_SECONDS = 7, 60
_CHANGES = frozenset({"created", "modified", "moved", "deleted"})
Index = Callable[..., Outcome]


@dataclass(slots=True)
class Pass:
    """What one pass did. trouble: a sentence for each source, or run, that failed; the others went on."""

    number: int
    pulled: int = 0
    """Instances that came."""
    studies: int = 0
    """Studies that were settled, to be indexed."""
    forgotten: int = 0
    """Studies that went, after their grace period."""
    gone: int = 0
    """Files that went from folders, after their grace period."""
    indexed: dict[str, int] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values, without names of files or patients."""
        return {
            "pass": self.number, "pulled": self.pulled, "studies": self.studies, "forgotten": self.forgotten,
            "gone": self.gone, "indexed": self.indexed, "trouble": self.trouble, "seconds": round(self.seconds, 1),
        }  # fmt: skip


class SignalEvent(threading.Event):
    """An event that a signal handler may set in the thread that waits for it.

    The library's own takes a lock in `set` that the thread which the signal interrupts may hold, on its way into `wait`
    or out of it: neither would go on. A `SimpleQueue` may be put into anywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on = False
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._on

    def set(self) -> None:
        """Set it, and wake who waits."""
        self._on = True
        self._wakes.put(None)

    def clear(self) -> None:
        """Not set any more."""
        self._on = False
        with suppress(Empty):
            while True:
                self._wakes.get_nowait()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, for `timeout` seconds at most; whether it is."""
        end = None if timeout is None else time.monotonic() + timeout
        with suppress(Empty):
            while not self._on:
                self._wakes.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
        if self._on:
            self._wakes.put(None)  # for others who wait
        return self._on


class _HoursOver(Exception):
    """A run is under way at the end of its hours."""


class _UntilStopOrHours(SignalEvent):
    """What a pull asks whether it is to stop: set by `stop`, and outside of the hours."""

    def __init__(self, over: Callable[[], bool]) -> None:
        super().__init__()
        self._over = over

    def is_set(self) -> bool:
        """Whether it is set, or the hours are over."""
        return super().is_set() or self._over()


class Watch:
    """A watch over sources and folders. `passes` lasts until `stop` is called, which any thread and a signal may do."""

    def __init__(
        self, settings: Settings, database: Database, index: Index, *, names: Sequence[str] = (),
        folders: Sequence[Path] = (), every: float = 60.0, hours: Hours | None = None, grace_days: float | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:  # fmt: skip
        """now: local time, by which the hours are."""
        known = {one.name: one for one in kept.sources(database)}
        for name in names:
            kept.find_source(database, name)
        self._records = [known[name] for name in (names or known)]
        self._settings, self._database, self._index = settings, database, index
        self._folders, self._every = list(folders), every
        self._hours, self._grace_days, self._now = hours, grace_days, now
        self._stop, self._wake = SignalEvent(), SignalEvent()
        self._ending = _UntilStopOrHours(lambda: self._closed() > 0)
        self._owing = True
        """Whether something may be there that no run has indexed."""
        self._last_event = 0.0
        self.indexing = False
        """Whether a run is at work now, which a signal may interrupt: the next goes on."""

    def stop(self) -> None:
        """End `passes` soon: after the object that is taken now."""
        self._stop.set()
        self._ending.set()
        self._wake.set()

    def passes(self, most: int | None = None) -> Iterator[Pass]:
        """Pass after pass until it is stopped, `most` of them. Raises `SourceDown` for a port that is in use."""
        number = 0
        with ExitStack() as open_now:
            for record in self._records:
                if record.kind == "receive":
                    open_now.enter_context(receiving(self._settings, record))
            self._observe(open_now)
            while not self._stop.is_set():
                if wait := self._closed():
                    self._stop.wait(min(wait, _LONGEST_WAIT))  # a clock may be set anew meanwhile
                    continue
                number += 1
                self._wake.clear()
                yield self._one(number)
                if most is not None and number >= most:
                    break
                self._wake.wait(self._every)
                self._wait_for_quiet()

    def _wait_for_quiet(self) -> None:
        """Let what is being written come to its end, where it does so within a minute."""
        end = time.monotonic() + _BUSY
        while not self._stop.is_set() and time.monotonic() < min(end, self._last_event + _QUIET):
            self._stop.wait(_QUIET)

    def _one(self, number: int) -> Pass:
        done, began = Pass(number), time.monotonic()
        for record in self._records:
            if self._ending.is_set():
                break
            try:
                self._follow(record, done)
            except Stopped:
                break
            except (StoreError, SettingsError) as error:
                done.trouble.append(f"{record.name}: {error}")
        folders = [*self._folders, *(folder_of(self._settings, one) for one in self._records if one.kind == "folder")]
        self._owing |= done.studies > 0
        if not self._ending.is_set() and (self._owing or folders):
            records = [one for one in self._records if one.kind == "folder" or folder_of(self._settings, one).is_dir()]
            names = [one.name for one in records]  # a spool is made with the first object, a folder may not be mounted
            roots = roots_with(self._settings, self._database, self._folders, names)
            self._run_index(done, [root for root in roots if self._there(root, done)])
        done.seconds = time.monotonic() - began
        return done

    def _follow(self, record: SourceRecord, done: Pass) -> None:
        if record.kind == "receive":
            spool = spool_of(self._settings, record)
            done.studies += spool.settle_stable(float(record.settings.get("stable_seconds", STABLE_SECONDS)))
        elif record.kind != "folder":
            fresh = kept.find_source(self._database, record.name)
            pulled = pull_from(self._settings, self._database, fresh, self._ending, lambda *_: None)
            done.pulled += pulled.instances
            done.studies += pulled.taken
            if pulled.short:
                done.trouble.append(f"{record.name}: {pulled.short} studies came with fewer objects than it counts")
            self._forget_expired(fresh, done)

    def _forget_expired(self, record: SourceRecord, done: Pass) -> None:
        """Take studies out that their server deleted, once the grace period is over, unless so many that it is odd."""
        spool = spool_of(self._settings, record)
        spool.put_all_back()
        gone = expired(self._database, record, float(record.settings.get("grace_days", GRACE_DAYS)))
        if not gone:
            return
        for uid in gone:
            spool.set_aside(uid)
        try:
            self._interruptible(lambda: self._index([spool.folder], prune=True))
        except (PruneRefused, Busy) as error:
            spool.put_all_back()
            done.trouble.append(f"{record.name}: {error}")
            return
        except BaseException:
            spool.put_all_back()
            raise
        spool.drop_aside()
        for uid in gone:
            kept.forget_taken(self._database, record.id, uid)
        done.forgotten += len(gone)
        done.studies += 1  # so that all that is followed is indexed by this pass too

    def _run_index(self, done: Pass, roots: list[Path]) -> None:
        if not roots:
            return
        try:
            outcome = self._interruptible(
                lambda: self._index(roots, grace_days=self._grace_days, on_progress=self._within_hours)
            )
        except StoreError as error:
            done.trouble.append(str(error))
        except _HoursOver:
            done.trouble.append(f"its hours ({self._hours}) are over; what is left is indexed when they begin again")
        else:
            if outcome is not None:
                self._owing = False
                done.indexed = {name: outcome.counts[name] for name in ("series", "reports") if name in outcome.counts}
                done.gone = outcome.counts.get("pruned", 0)

    def _interruptible(self, run: Callable[[], Outcome]) -> Outcome | None:
        """A run over what is there now: what it does not walk stays a folder of the archive, and is told or read by the
        next pass.
        """
        before = runs.last_roots(self._database)
        self.indexing = True
        try:
            return run()
        except KeyboardInterrupt:
            self.stop()
            return None
        except Busy:  # the newest run is another's, whose folders are for whoever named them
            before = ()
            raise
        finally:
            self.indexing = False
            runs.add_roots(self._database, before)

    def _closed(self) -> float:
        """Seconds until the hours begin, 0 within them."""
        return 0.0 if self._hours is None else self._hours.seconds_until_open(self._now())

    def _within_hours(self, *_: object) -> None:
        if self._closed():
            raise _HoursOver

    def _there(self, root: Path, done: Pass) -> bool:
        if root.is_dir():
            return True
        done.trouble.append(f"{root} is not there: is it mounted? What is indexed of it stays")
        return False

    def _observe(self, open_now: ExitStack) -> None:
        """Wake up when something changes in a folder; where the system cannot say so, the passes look themselves."""
        folders = [*self._folders, *(Path(one.settings["path"]) for one in self._records if one.kind == "folder")]
        if not folders:
            return
        try:
            from watchdog.events import FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415  (an extra)
            from watchdog.observers import Observer  # noqa: PLC0415
        except ModuleNotFoundError:
            return
        wake, watch = self._wake, self

        class Waking(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in _CHANGES:
                    watch._last_event = time.monotonic()
                    wake.set()

        observer = Observer()
        for folder in folders:
            if folder.is_dir():
                observer.schedule(Waking(), str(folder), recursive=True)
        try:
            observer.start()
        except OSError:  # more folders than the system lets one watch
            return
        open_now.callback(observer.join)
        open_now.callback(observer.stop)
