"""The queue of jobs and the answers to repeated requests: one SQLite file in the home, for all servers of it.

A job is a row from the moment it is accepted until it is forgotten; whatever dies, the row tells how far it was. It
holds what the job needs, which may be words: the file is its owner's alone, as the database is.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinecho.db.durable import content_of, with_digest
from spinecho.db.errors import Damaged
from spinecho.errors import SpinechoError
from spinecho.setup.private import make_private, write_private
from spinecho.ui.server.jobs.answers import answer_of, digest_of_answer
from spinecho.ui.server.jobs.count import Count
from spinecho.ui.server.jobs.tables import damage_told, digest_of, lacks, make_tables, require_as_written

FILE = "server.sqlite"
STATES = ("queued", "running", "done", "failed", "cancelled")
_KEPT_SECONDS = 24 * 3600.0
_KEPT_JOBS = 500
_READ_SECONDS = 60.0
"""For which what somebody waited for is kept once it is over: whoever waits reads it within a second."""
_PROGRESS_SECONDS = 0.2
"""Between two words of one stage."""
ALL_PRIORITIES = (0, 1 << 31)


class QueueFull(SpinechoError):
    """As many jobs wait as are taken, of everybody or of one person."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job. Times in seconds since 1970. result: JSON of what came of it, problem: {name, detail} of what failed.

    waited: for how many seconds from now on somebody waits for it, unless they say so again, below 0 where nobody does
    any more; None for one that is done whoever waits.
    """

    id: str
    kind: str
    owner: str
    role: str
    arguments: Mapping[str, Any]
    priority: int
    state: str
    attempts: int
    created: float
    begun: float | None
    ended: float | None
    stage: str
    done: int
    known: int
    cancel: bool
    result: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None
    seconds: float
    waited: float | None

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def left(self) -> bool:
        """Whether somebody waited for it and does no more."""
        return self.waited is not None and self.waited < 0


_COLUMNS = ("id, kind, owner, role, arguments, priority, state, attempts, created, begun, ended, stage, done, known, "
            "cancel, result, problem, seconds, waited - :now, asked, came")  # fmt: skip


class Queue:
    """Threads and processes may share it."""

    def __init__(self, home: Path, *, most: int = 200, most_of_one: int = 100) -> None:
        """most: jobs that may wait, most_of_one: of these of one person, so that nobody fills it for the others."""
        self.home, self.folder, self._most, self._most_of_one = home, home / "jobs", most, most_of_one
        self._held, self._count = threading.local(), Count()
        self._last_progress = ("", "", 0.0)
        self._path, self._all = home / FILE, list[sqlite3.Connection]()
        make_private(home)
        make_private(self.folder)
        if not self._path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with damage_told(self._path):
            if self._count.goes_on(self._connection()) and not lacks(self._connection()):
                return
            with self._writing() as connection:
                make_tables(connection)
                if self._count.take_up(connection):  # whoever waited for a job went with the machine
                    connection.execute("UPDATE jobs SET waited = 0 WHERE waited IS NOT NULL")

    def add(
        self, kind: str, *, owner: str, role: str, arguments: Mapping[str, Any], priority: int = 5,
        seconds: float = 3600.0, waited: float | None = None,
    ) -> Job:  # fmt: skip
        """A job at the end of those of its priority (0 first). seconds: it may run. Raises `QueueFull`.

        waited: seconds for which somebody waits, who then says so again by `wait_on`; a job that nobody waits for any
        more is stopped, and one that its owner waits for already is given again.
        """
        number, text, now = secrets.token_urlsafe(12), json.dumps(dict(arguments)), self._count.now()
        until = None if waited is None else now + waited
        with self._writing() as connection:
            same = connection.execute(
                "SELECT id FROM jobs WHERE waited >= ? AND owner = ? AND role = ? AND kind = ? AND arguments = ?"
                " AND cancel = 0 AND state IN ('queued', 'running')",
                (now, owner, role, kind, text),
            ).fetchone()
            if until is not None and same is not None:
                number = same[0]
                connection.execute("UPDATE jobs SET waited = max(waited, ?) WHERE id = ?", (until, number))
            else:
                self._require_place(connection, owner)
                asked = (number, kind, owner, role, text)
                connection.execute(
                    "INSERT INTO jobs (id, kind, owner, role, arguments, priority, state, attempts, created, seconds,"
                    " waited, asked) VALUES (?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?, ?, ?)",
                    (*asked, priority, time.time(), seconds, until, digest_of(*asked)),
                )
        found = self.get(number)
        assert found is not None  # noqa: S101
        return found

    def wait_on(self, number: str, seconds: float) -> None:
        """Somebody waits for so long from now on, at least; for a job that they waited for already."""
        with self._writing(lasting=False) as connection:
            connection.execute(
                "UPDATE jobs SET waited = ? WHERE id = ? AND waited IS NOT NULL", (self._count.now() + seconds, number)
            )

    def stay(self, number: str) -> None:
        """Nobody has to wait for a job any more: it is done all the same."""
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET waited = NULL WHERE id = ?", (number,))

    def get(self, number: str) -> Job | None:
        """The job of an id."""
        found = self._jobs("WHERE id = :id", id=number)
        return found[0] if found else None

    def of(self, owner: str | None, *, most: int = 100) -> tuple[Job, ...]:
        """The latest jobs, of one owner where given, the newest first."""
        where = "" if owner is None else "WHERE owner = :owner"
        return self._jobs(f"{where} ORDER BY number DESC LIMIT :most", owner=owner, most=most)

    def _jobs(self, which: str, **values: Any) -> tuple[Job, ...]:
        query = f"SELECT {_COLUMNS} FROM jobs {which}"  # noqa: S608
        with damage_told(self._path):
            return tuple(map(_job, self._connection().execute(query, {**values, "now": self._count.now()})))

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        found = dict(self._connection().execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        return {state: int(found.get(state, 0)) for state in STATES}

    def take(self, runner: str, *, priorities: tuple[int, int] = ALL_PRIORITIES) -> Job | None:
        """The next job, which is this runner's now: of those whose turn was longest ago, by priority.

        priorities: from the first to the second, both with.
        """
        with self._writing() as connection:
            row = connection.execute(
                "SELECT id FROM jobs AS one WHERE state = 'queued'"
                " AND priority BETWEEN ? AND ? ORDER BY priority,"
                " (SELECT count(*) FROM jobs AS other WHERE other.owner = one.owner AND other.state = 'running'),"
                " (SELECT max(turn) FROM jobs AS other WHERE other.owner = one.owner), number LIMIT 1",
                priorities,
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, begun = ?, runner = ?, stage = '',"
                " done = 0, known = 0, turn = (SELECT coalesce(max(turn), 0) + 1 FROM jobs) WHERE id = ?",
                (time.time(), runner, row[0]),
            )
        return self.get(row[0])

    def tell(self, number: str, stage: str, done: int = 0, known: int = 0) -> bool:
        """How far a job is; whether it is to stop. Of words that come fast only some are kept: each is a write to a
        file that pages and runners wait for as well.
        """
        row = (
            self._connection()
            .execute("SELECT cancel OR coalesce(waited < ?, 0) FROM jobs WHERE id = ?", (self._count.now(), number))
            .fetchone()
        )
        stops, now = bool(row and row[0]), time.monotonic()
        if stops or self._last_progress[:2] != (number, stage) or now - self._last_progress[2] >= _PROGRESS_SECONDS:
            self._last_progress = (number, stage, now)
            with self._writing(lasting=False) as connection:
                connection.execute(
                    "UPDATE jobs SET stage = ?, done = ?, known = ? WHERE id = ? AND state = 'running'",
                    (stage, done, known, number),
                )
        return stops

    def finish(self, number: str, result: Mapping[str, Any], attempt: int) -> bool:
        """A running job is done; whether it was running still, and not begun anew meanwhile."""
        return self._end(number, "done", result=json.dumps(dict(result)), attempt=attempt)

    def fail(self, number: str, name: str, detail: str, **facts: Any) -> bool:
        """A running job failed for good. facts: what else the problem holds."""
        return self._end(number, "failed", problem=json.dumps({"name": name, "detail": detail, **facts}))

    def cancelled(self, number: str) -> bool:
        """A running job was stopped."""
        return self._end(number, "cancelled")

    def again(self, number: str, *, counted: bool = True) -> bool:
        """A running job whose process died waits anew. counted: as an attempt; one that was handed over is none."""
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE jobs SET state = 'queued', runner = '', stage = '', attempts = attempts - ?"
                " WHERE id = ? AND state = 'running'",
                (int(not counted), number),
            )
        return done.rowcount > 0

    def cancel(self, number: str) -> Job | None:
        """Stop a job: one that waits at once, one that runs as soon as its process is ended."""
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET cancel = 1 WHERE id = ? AND state IN ('queued', 'running')", (number,))
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ?, over = ? WHERE id = ? AND state = 'queued'",
                (time.time(), self._count.now(), number),
            )
            self._free(connection, number)
        return self.get(number)

    def leave(self) -> int:
        """Stop what waits and nobody waits for any more; how many those were."""
        now = self._count.now()
        if self._connection().execute(
            "SELECT 1 FROM jobs WHERE state = 'queued' AND waited < ? LIMIT 1", (now,)
        ).fetchone() is None:  # fmt: skip
            return 0
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ?, over = ? WHERE state = 'queued' AND waited < ?",
                (time.time(), now, now),
            )
        return done.rowcount

    def running(self) -> dict[str, str]:
        """By job that runs, its runner."""
        return dict(self._connection().execute("SELECT id, runner FROM jobs WHERE state = 'running'").fetchall())

    def tidy(self) -> None:
        """Forget old jobs, with their files, and old answers."""
        with self._writing() as connection:
            self._count.take_up(connection)
            now = self._count.now()
            old = now - _KEPT_SECONDS
            gone = [row[0] for row in connection.execute(
                "SELECT id FROM jobs WHERE over < ? OR (waited IS NOT NULL AND over < ?) OR (over IS NOT NULL"
                " AND waited IS NULL AND number NOT IN"
                " (SELECT number FROM jobs WHERE waited IS NULL ORDER BY number DESC LIMIT ?))",
                (old, now - _READ_SECONDS, _KEPT_JOBS),
            )]  # fmt: skip
            connection.executemany("DELETE FROM jobs WHERE id = ?", [(one,) for one in gone])
            connection.execute("DELETE FROM kept WHERE at < ?", (old,))
        for one in gone:
            for path in self.folder.glob(f"{one}.*"):
                path.unlink(missing_ok=True)

    def write(self, number: str, ending: str, content: bytes) -> str:
        """Put a job's file beside the queue; its name. It is on the disk before a row can say so."""
        write_private(self.folder / f"{number}.{ending}", with_digest(content))
        return f"{number}.{ending}"

    def read(self, name: str) -> bytes:
        """What `write` was given. Raises `OSError`, and `Damaged` where the file is not what was written."""
        try:
            return content_of((self.folder / name).read_bytes())
        except ValueError as error:
            raise Damaged(f"{self.folder / name} is not what the job made; begin the job again") from error

    def claim(self, name: str, digest: str) -> tuple[str, tuple[int, str, bytes] | None]:
        """("new", None) for a key that is ours from now on; "same" with its answer, or None while it is made; "other"
        for one of another request. Raises `Damaged`, see `answer_of`."""
        with self._writing() as connection:
            held = connection.execute("SELECT digest, status, media, body, came FROM kept WHERE name = ?", (name,))
            row = held.fetchone()
            if row is None:
                at = self._count.now()
                connection.execute("INSERT INTO kept (name, digest, at) VALUES (?, ?, ?)", (name, digest, at))
                return "new", None
        if row[0] != digest:
            return "other", None
        return "same", answer_of(name, row[1:])

    def keep(self, name: str, status: int, media: str, body: bytes) -> None:
        """The answer to a claimed key."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE kept SET status = ?, media = ?, body = ?, came = ? WHERE name = ?",
                (status, media, body, digest_of_answer(name, status, media, body), name),
            )

    def let_go(self, name: str) -> None:
        """Forget a claimed key whose request failed before anything was done, unless a job goes on with it."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM kept WHERE name = ? AND status IS NULL AND NOT EXISTS (SELECT 1 FROM jobs WHERE state IN"
                " ('queued', 'running') AND json_extract(arguments, '$.key') = name)",
                (name,),
            )

    def close(self) -> None:
        """Close every connection of this process."""
        while self._all:
            with contextlib.suppress(sqlite3.Error):
                self._all.pop().close()
        self._held = threading.local()

    def _end(
        self,
        number: str,
        state: str,
        *,
        result: str | None = None,
        problem: str | None = None,
        attempt: int | None = None,
    ) -> bool:
        came = (state, result, problem)
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE jobs SET state = ?, result = ?, problem = ?, ended = ?, over = ?, came = ? WHERE id = ?"
                " AND state = 'running' AND attempts = coalesce(?, attempts)",
                (*came, time.time(), self._count.now(), digest_of(*came), number, attempt),
            )
            self._free(connection, number)
        return done.rowcount > 0

    def _free(self, connection: sqlite3.Connection, number: str) -> None:
        """The key of a request whose job came to nothing is let go."""
        connection.execute(
            "DELETE FROM kept WHERE status IS NULL AND name = (SELECT json_extract(arguments, '$.key') FROM jobs"
            " WHERE id = ? AND state IN ('failed', 'cancelled'))",
            (number,),
        )

    def _require_place(self, connection: sqlite3.Connection, owner: str) -> None:
        waiting, own = connection.execute(
            "SELECT count(*), coalesce(sum(owner = ?), 0) FROM jobs WHERE state = 'queued'", (owner,)
        ).fetchone()
        if waiting >= self._most:
            raise QueueFull(f"{waiting} jobs wait already; ask again when some of them are done")
        if own >= self._most_of_one:
            raise QueueFull(f"{own} jobs of yours wait already; ask again when some of them are done")

    @contextlib.contextmanager
    def _writing(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """A change. lasting: it survives a loss of power; what is said again in seconds need not, and holds up nobody
        who waits for the file while a slow disk writes.
        """
        connection = self._connection()
        connection.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._held, "connection", None)
        if held is None:
            held = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            held.execute("PRAGMA journal_mode=WAL")
            self._held.connection = held
            self._all.append(held)
        return held


def _job(row: tuple[Any, ...]) -> Job:
    *values, asked, came = row
    require_as_written(asked, values[:5])
    require_as_written(came, [values[6], *values[15:17]])
    values[4], values[14] = json.loads(values[4]), bool(values[14])
    values[15], values[16] = (None if one is None else json.loads(one) for one in values[15:17])
    return Job(*values)
