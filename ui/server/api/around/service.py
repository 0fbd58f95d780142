"""What every request is answered with: settings, the engine, the record, and who may ask. One for each process."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spinecho.access.people import open_record
from spinecho.access.roles import redirect_origin, signs_in
from spinecho.db.errors import StorageFailure
from spinecho.db.people.record import Recorder
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Role as SpaceRole
from spinecho.errors import SpinechoError
from spinecho.search.access.personal_archive import Person, PersonalArchive, Role, Served
from spinecho.setup.private import make_private, write_private
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_database, open_served
from spinecho.ui.server.api.around.bearer import Provider, read_auth, read_provider
from spinecho.ui.server.api.around.browser import Sessions
from spinecho.ui.server.api.around.kept_volumes import KeptVolumes
from spinecho.ui.server.api.around.limits import Buckets, Limits, Turns
from spinecho.ui.server.api.around.marks import Marks
from spinecho.ui.server.api.around.problems import NotReady
from spinecho.ui.server.api.around.streams import Streams
from spinecho.ui.server.fair import leave_what_stays
from spinecho.ui.server.jobs.queue import Queue

_LOOK = 2.0
"""Seconds between two looks whether anything is indexed by now."""
ROLES: tuple[SpaceRole, ...] = ("image", "text")


@dataclass(frozen=True)
class Door:
    """Where the server stands. alone: it listens on loopback and nobody signs in, so that who knows `secret` is the
    account that started it; '' for a secret lets every caller of this machine in, as tests do.
    """

    alone: bool = False
    secret: str = ""


@dataclass
class Service:
    """Opened in steps: database and record at once, the engine by `open`, whose networks take seconds to load."""

    settings: Settings
    limits: Limits
    door: Door
    signed: bool
    database: Database
    record: Recorder
    key: bytes
    queue: Queue
    provider: Provider | None
    buckets: Buckets
    sessions: Sessions | None
    volumes: KeptVolumes
    turns: Turns
    marks: Marks
    streams: Streams
    _served: Served | None = None
    _failed: str = ""
    _unreachable: bool = False
    """Whether opening failed for what passes by itself."""
    pooled: bool = False
    """Whether this server sees to it that jobs run."""
    empty: bool = False
    """Whether it waits for the first run of 'spinecho index'."""
    _opened: threading.Event = field(default_factory=threading.Event)
    _closing: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def over(cls, settings: Settings, limits: Limits, door: Door, *, shared: str = "") -> Service:
        """shared: a folder of all processes of the server, '' where there is one.

        Raises what opening the database and the record raises, and `RolesError`."""
        signed = signs_in(settings.secrets)
        auth = read_auth(settings) if signed else {}
        database, record, marks = open_database(settings), open_record(settings), Marks(shared)
        return cls(
            settings, limits, door, signed, database, record, _key(settings), Queue(settings.home),
            read_provider(auth) if signed else None, Buckets(limits, marks), _sessions(settings, auth, marks),
            KeptVolumes(settings.home, limits.cache_mb * 1_000_000), Turns(max(limits.searches, 1)), marks, Streams(),
        )  # fmt: skip

    def open(self) -> None:
        """Load what searching takes; what fails is told by `ready`. Where nothing is indexed yet, wait for that, and
        where the storage cannot be reached, for that it can.
        """
        with contextlib.suppress(OSError):
            self.volumes.tidy()
        self._open()
        while self._failed:
            self.empty = not self._unreachable and self._is_empty()
            if not (self.empty or self._unreachable) or self._closing.wait(_LOOK):
                return
            if self._unreachable or not self._is_empty():
                self._open()
        self.empty = False

    def _is_empty(self) -> bool:
        """Whether no run has stored anything yet that could answer."""
        try:
            return any(storing.serving(self.database, role) is None for role in ROLES)
        except SpinechoError:
            return False

    def _open(self) -> None:
        try:
            served = open_served(self.settings, database=self.database)
            _ = served.archive(Person("server", Role.VIEWER), self.record).generation  # reads the builds
            leave_what_stays()
            self._served, self._failed, self._unreachable = served, "", False
        except SpinechoError as error:
            self._failed, self._unreachable = str(error), isinstance(error, StorageFailure)
        finally:
            self._opened.set()

    def wait_until_opened(self) -> None:
        """Until `open` has come to something: it answers, or it is known why not."""
        self._opened.wait()

    @property
    def ready(self) -> bool:
        """Whether searches are answered."""
        return self._served is not None

    @property
    def failed(self) -> str:
        """Why the index cannot be opened, '' where it can."""
        return self._failed

    def archive(self, person: Person, *, wait: float = 5.0) -> PersonalArchive:
        """One person's access, for one request. Raises `NotReady`."""
        if self._served is None:
            self._opened.wait(wait)
        if self._served is None:
            raise NotReady(self._failed or "the index is being opened")
        return self._served.archive(person, self.record, smallest=self.settings.smallest_count)

    def signature(self, *parts: str) -> str:
        """What this archive's servers alone can say of these words."""
        return hmac.new(self.key, "\x00".join(parts).encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()[
            :32
        ]

    def close(self) -> None:
        """Let go of the databases."""
        self._closing.set()
        self.queue.close()
        self.marks.close()
        self.database.close()


def _sessions(settings: Settings, auth: Mapping[str, Any], seen: Marks) -> Sessions | None:
    """Those of the pages' sign-in; None where no secret signs their cookies, as anybody could."""
    secret, origin = auth.get("cookie_secret"), redirect_origin(settings.secrets)
    if not isinstance(secret, str) or not secret or origin is None:
        return None
    return Sessions(secret, origin, settings.idle_minutes, seen)


def _key(settings: Settings) -> bytes:
    """A key that all servers of a home share, made where there is none."""
    path = settings.home / "server.key"
    for _ in range(2):
        try:
            held = path.read_bytes()
            if len(held) == 32:
                return held
        except FileNotFoundError:
            pass
        make_private(settings.home)
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()
