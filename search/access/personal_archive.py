"""The archive as one person may use it: it knows who asks, refuses what is not theirs, and keeps a record.

The front door and the API hold one for each person, so a button that is drawn by mistake still does nothing. Every
method takes a role (`needs`) and leaves a row of the record before it gives anything back; where no row can be written
it gives nothing.
"""

from __future__ import annotations

from spinecho.db.people.record import Record, Recorder
from spinecho.db.values import Fact
from spinecho.search.access.holdings import Holdings
from spinecho.search.access.late_engine import LateEngine
from spinecho.search.access.persons import Access, Person, Refused, Role, digest_of, needs
from spinecho.search.access.searching import Searching
from spinecho.search.access.studies import Studies
from spinecho.search.engine import Engine

__all__ = ["Access", "Fact", "Person", "PersonalArchive", "Recorder", "Refused", "Role", "Served", "digest_of", "needs"]


class PersonalArchive(Searching, Studies, Holdings):
    """One person's way to one engine, which any number of personal archives may use at once."""

    def __init__(
        self,
        engine: Engine | LateEngine,
        person: Person,
        *,
        record: Recorder | None = None,
        smallest: int = 0,
    ) -> None:
        """record: None for the one beside the database's file. smallest: counts of people below it are hidden in what
        is told, see `db.people.masking`.
        """
        kept = record if record is not None else Record.beside(engine.database.location)
        super().__init__(engine, person, record=kept, smallest=smallest)


class Served:
    """One engine for the personal archives of many people."""

    def __init__(self, engine: Engine | LateEngine) -> None:
        self._engine = engine

    def archive(self, person: Person, record: Recorder, *, smallest: int = 0) -> PersonalArchive:
        """The archive as this person may use it."""
        return PersonalArchive(self._engine, person, record=record, smallest=smallest)
