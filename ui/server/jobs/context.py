"""What a job works with: the home as its process has opened it, the person who asked, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from spinecho.access.people import open_record
from spinecho.db.schema.database import Database
from spinecho.encoders.dual import DualEncoder
from spinecho.search.access.late_engine import LateEngine
from spinecho.search.access.personal_archive import Person, PersonalArchive, Recorder
from spinecho.search.engine import Engine
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_database
from spinecho.ui.server.jobs.queue import Job, Queue


class Stopped(Exception):
    """A job is to end here: its owner stopped it, or nobody waits for it any more."""


class Opened:
    """What a process keeps from job to job."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def late(self) -> LateEngine:
        """The engine, whose networks are loaded when something first needs them."""
        from spinecho.setup.wiring import open_engine  # noqa: PLC0415  (torch is slow to import)

        return LateEngine(
            self.database, self.settings.builds, lambda: open_engine(self.settings, database=self.database)
        )

    @property
    def engine(self) -> Engine:
        """The same, with its networks."""
        return self.late.engine

    @cached_property
    def database(self) -> Database:
        """What is needed without networks."""
        return open_database(self.settings)

    @property
    def dual(self) -> DualEncoder:
        """The encoders of the engine."""
        return self.engine.dual

    @cached_property
    def record(self) -> Recorder:
        """Where acts are kept."""
        return open_record(self.settings)


@dataclass
class Context:
    """What a job works with."""

    opened: Opened
    person: Person
    job: Job
    queue: Queue

    @property
    def settings(self) -> Settings:
        """Of the home."""
        return self.opened.settings

    def tell(self, stage: str, done: int = 0, known: int = 0) -> None:
        """How far it is. Raises `Stopped`."""
        if self.queue.tell(self.job.id, stage, done, known):
            raise Stopped

    def archive(self) -> PersonalArchive:
        """The person's access; encoders are loaded when it first needs them."""
        self.tell("opening")
        smallest = self.settings.smallest_count
        return PersonalArchive(self.opened.late, self.person, record=self.opened.record, smallest=smallest)

    def follow(self, stage: str) -> Callable[[int, int], None]:
        """Hears how far a stage is, which begins now. Raises `Stopped`, as what it gives does."""
        self.tell(stage)
        return lambda done, known: self.tell(stage, done, known)
