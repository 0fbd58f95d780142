"""The desk that everything a person asks goes over: it knows who asks, refuses what is not theirs, and keeps a record.

Pages hold a desk and nothing else, so a button that is drawn by mistake still does nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from db import archive, audit, ledger
from db.audit import Entry, Fact
from db.database import Database
from db.errors import StoreError
from db.facets import FACETS, Facet
from db.filters import ALL, Filter, visible
from db.values import FailureRecord, UnmatchedReport
from search.engine import Engine
from search.feedback import query_key
from search.hits import Results
from search.query import ImageQuery, Kind, Query, SpotQuery, StudyQuery, TextQuery


class Role(StrEnum):
    """What a person may do; each role may do what those before it may.

    viewer: search, open studies, count. researcher: freeze and export cohorts, evaluate. manager: index, retry, delete.
    """

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    MANAGER = "manager"


_ORDER = tuple(Role)


class Refused(StoreError):
    """This person's role does not allow it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. name: an account or an address, as the record will show it."""

    name: str
    role: Role


class Desk:
    """One person's way to one engine. Not for use by two threads at once, as the engine is not."""

    def __init__(self, engine: Engine, person: Person, *, smallest: int = 0) -> None:
        """smallest: counts of people below it are hidden in what is told, see `db.masking`."""
        self.engine, self.person, self.smallest = engine, person, smallest

    @property
    def database(self) -> Database:
        """Where answers come from."""
        return self.engine.database

    def may(self, role: Role) -> bool:
        """Whether this person has at least this role."""
        return _ORDER.index(self.person.role) >= _ORDER.index(role)

    def require(self, role: Role, what: str) -> None:
        """Raise `Refused` unless this person may. what: "freeze a cohort"."""
        if not self.may(role):
            self.note("refused", facts_role=str(role))
            raise Refused(
                f"to {what} takes the role {role}; yours is {self.person.role}: ask those who look after this archive"
            )

    def note(self, action: str, subject: str = "", **facts: Fact) -> None:
        """One row of the record: kinds, counts and UIDs, never words that were typed or found."""
        person = self.person
        audit.note(self.database, user=person.name, role=str(person.role), action=action, subject=subject, facts=facts)

    def record(self, *, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts: everybody's for a manager, else one's own."""
        return audit.entries(self.database, user=None if self.may(Role.MANAGER) else self.person.name, most=most)

    def rejected(self) -> dict[str, int]:
        """How many files and reports were rejected, by reason, most first; no names."""
        self.require(Role.VIEWER, "see what was rejected")
        counts = ledger.file_counts(self.database)
        found = [(name.removeprefix("reason:"), n) for name, n in counts.items() if name.startswith("reason:")]
        return dict(sorted(found, key=lambda one: (-one[1], one[0])))

    def failures(self, reason: str) -> tuple[FailureRecord, ...]:
        """What was rejected for a reason, by path: names of files may say whose they are. Raises `Refused`."""
        self.require(Role.MANAGER, "see which files were rejected")
        return ledger.failures(self.database, reason=reason)

    def unmatched_reports(self) -> tuple[UnmatchedReport, ...]:
        """Reports without a study, by path. Raises `Refused`."""
        self.require(Role.MANAGER, "see which reports have no study")
        return archive.unmatched_reports(self.database)

    def search(self, query: Query, *, want: Kind = Kind.STUDY, k: int = 10, where: Filter = ALL) -> Results:
        """`Engine.search`, with a row in the record."""
        self.require(Role.VIEWER, "search")
        results = self.engine.search(query, want=want, k=k, where=where)
        kind, subject = _named(query, where)
        self.note("search", subject, kind=kind, want=str(want), k=k, hits=len(results.hits))
        return results

    def facets(self, where: Filter, fields: Sequence[str] = FACETS) -> dict[str, tuple[Facet, ...]]:
        """Studies by value of each field, shown of total, for a filter; small counts are masked."""
        self.require(Role.VIEWER, "count")
        return self.engine.selection.facets(visible(where), fields, base=visible(ALL), smallest=self.smallest)


def _named(query: Query, where: Filter) -> tuple[str, str]:
    """(kind, what the record calls it): words and file names only as a digest."""
    match query:
        case TextQuery():
            return "words", query_key(query.text, where)
        case StudyQuery():
            return "study", query.study_uid
        case ImageQuery():
            return "scan", hashlib.sha256(query.source.encode()).hexdigest()[:24]
        case SpotQuery():
            return "spot", query.study_uid
