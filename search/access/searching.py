"""Searching, counting, saved searches and thumbs, of a personal archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from spinecho.db.filters.algebra import ALL, OF_COMPUTED, Filter, fields_of, visible
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.people import feedback, saved
from spinecho.db.people.record import Recorder
from spinecho.db.people.saved import NoSuchSearch, Saved
from spinecho.db.queries import lookup
from spinecho.db.queries.facets import FACETS, Facet
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.errors import QueryError
from spinecho.search.access.late_engine import LateEngine
from spinecho.search.access.persons import Access, Person, Role, digest_of, needs, of_one_moment, uid_or_digest
from spinecho.search.answers.hits import Results
from spinecho.search.engine import Engine
from spinecho.search.planning.query_plan import Way
from spinecho.search.query import ImageQuery, Kind, Query, SpotQuery, StudyQuery, TextQuery
from spinecho.search.relevance_feedback import query_key
from spinecho.search.snapshot import Snapshot

__all__ = ["Kept", "ListedHits", "NoSuchSearch", "Saved", "SavedSearches", "Searching"]

Taken = TypeVar("Taken")
SEES_PATIENTS = Role.RESEARCHER
"""From this role on a person may find patients by their IDs, which exports and cohorts hold."""


@dataclass(frozen=True, slots=True)
class ListedHits:
    """What a list of results shows beside them. pictures: PNG by volume id; priors: by study id how many others its
    patient has.
    """

    pictures: Mapping[int, bytes]
    priors: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class SavedSearches:
    """Those that a person may open. kept: under a name, their own and shared ones; latest: their own, newest first."""

    kept: tuple[Saved, ...]
    latest: tuple[Saved, ...]


class EngineAccess(Access):
    """One person's way to an engine, which they never get hold of themselves."""

    def __init__(
        self,
        engine: Engine | LateEngine,
        person: Person,
        *,
        record: Recorder,
        smallest: int = 0,
    ) -> None:
        super().__init__(person, record)
        self._given, self.smallest = engine, smallest

    @property
    def _engine(self) -> Engine:
        return self._given.engine if isinstance(self._given, LateEngine) else self._given

    @property
    def _database(self) -> Database:
        return self._given.database

    @property
    def _selection(self) -> Selection:
        return self._given.selection


class Kept(EngineAccess):
    """Searches that people keep, and answers that a page keeps for a while."""

    @property
    def generation(self) -> int:
        """Raised whenever something has changed that an answer can show; tells nothing else."""
        return self._engine.generation

    @needs(Role.VIEWER, "search")
    def listed_again(self, studies: Sequence[str], *, hits: int, want: str) -> None:
        """Before hits that were kept are shown once more. studies: UIDs of theirs."""
        self.note_read("list", digest_of(studies), hits=hits, want=want)

    @needs(Role.VIEWER, "count")
    def counted_again(self, where: Filter) -> None:
        """Before counts that were kept are shown once more."""
        self.note_once("count", digest_of(repr(where)), again=True)

    @needs(Role.VIEWER, "open saved searches")
    @of_one_moment
    def saved_searches(self, most: int = 12) -> SavedSearches:
        """The named searches that this person may open, and the latest of their own."""
        me = self.person.name
        found = SavedSearches(saved.named(self._database, me), saved.recent(self._database, me, most))
        self.note_once("see-searches", searches=len({one.token for one in (*found.kept, *found.latest)}))
        return found

    @needs(Role.VIEWER, "open a saved search")
    def open_search(self, token: str) -> Saved:
        """The search of a token. Raises `NoSuchSearch` unless it is this person's own or shared."""
        with self._acting("open-search", digest_of(token)):
            return saved.recall(self._database, token, self.person.name)

    @needs(Role.VIEWER, "open a saved search")
    def shown_by_scans(self, token: str) -> str:
        """What of the words of a kept search scans may be asked about: not identifiers, nor what became a condition.

        Raises `NoSuchSearch`, and `QueryError` for words that are none here any more.
        """
        asked = self.open_search(token).asked
        on, off = (tuple(map(str, asked.get(key) or ())) for key in ("on", "off"))
        words = TextQuery(str(asked.get("words") or ""), on=on, off=off, as_typed=bool(asked.get("as_typed")))
        plan = self._engine.plan(words, patients=self.may(SEES_PATIENTS))
        return plan.query.wanted if plan.way is Way.WORDS else ""

    @needs(Role.VIEWER, "search")
    def remember_search(self, asked: Mapping[str, Any]) -> str:
        """The token of this search of this person's: the one that it has, or a new one."""
        self.note("remember-search")
        return saved.remember(self._database, self.person.name, asked)

    @needs(Role.VIEWER, "keep a search")
    def keep_search(self, token: str, *, name: str, shared: bool) -> None:
        """Name a search, so that it is kept, or share it. Raises `NoSuchSearch` for another's."""
        self.note("keep-search", digest_of(token), shared=shared)
        saved.keep(self._database, token, self.person.name, name=name, shared=shared)


class Searching(Kept):
    """What the search page asks."""

    @property
    def preparation(self) -> dict[str, Any]:
        """How a scan has to be prepared to be searched with: of the encoder, not of the archive."""
        return self._engine.dual.image.preparation.spec

    @needs(Role.VIEWER, "search")
    def search(self, query: Query, *, want: Kind = Kind.STUDY, k: int = 10, where: Filter = ALL) -> Results:
        """`Engine.search`; patients are found by ID for those alone who may see IDs. Raises `Refused` for a filter."""
        return self._searched(query, want, k, where, lambda results: results)

    @needs(Role.VIEWER, "search")
    def search_listed(
        self, query: Query, *, most: int, want: Kind = Kind.STUDY, k: int = 10, where: Filter = ALL
    ) -> tuple[Results, ListedHits]:
        """The same, and of the same moment what a list shows beside the hits: pictures of the first `most` series of
        each, and how many other studies there are.
        """
        found = self._searched(query, want, k, where, lambda results: (results, self._listed(results, most)))
        studies = digest_of(hit.study.uid for hit in found[0].hits if hit.study)
        self.note_read("list", studies, hits=len(found[0].hits), want=str(found[0].query.get("want", "")))
        return found

    def _searched(
        self, query: Query, want: Kind, k: int, where: Filter, taken: Callable[[Results], Taken]
    ) -> Taken:  # fmt: skip
        """What is taken of the results at the moment that they are of."""
        self._require_patients(where)
        kind, subject = _named(query, where)
        with self._acting("search", subject, kind=kind, want=str(want), k=_small(k)) as facts:
            patients = self.may(SEES_PATIENTS)

            def ask(snapshot: Snapshot) -> Taken:
                results = snapshot.search(query, want=want, k=k, where=where, patients=patients)
                facts["hits"] = len(results.hits)
                return taken(results)

            return self._engine.asked(ask)

    def _listed(self, results: Results, most: int) -> ListedHits:
        volumes = [series.card.volume_id for hit in results.hits for series in hit.series[:most]]
        others = lookup.other_studies(self._database, [hit.study.id for hit in results.hits if hit.study])
        return ListedHits(
            lookup.thumbnails(self._database, volumes), {study: len(some) for study, some in others.items()}
        )

    def _require_patients(self, where: Filter) -> None:
        if "patient_id" in fields_of(where):
            self.require(SEES_PATIENTS, "search by a patient's ID")

    @needs(Role.VIEWER, "count")
    @of_one_moment
    def facets(self, where: Filter, fields: Sequence[str] = FACETS) -> dict[str, tuple[Facet, ...]]:
        """Studies by value of each field, shown of total, for a filter; small counts are masked.

        Raises `FilterError` for a field that there is not, and for a value that no study has, naming those that some
        have.
        """
        self._require_patients(where)
        shown = visible(where)
        base = ALL if shown == where else visible(ALL)  # a total of what the filter can show, or shown exceeds it
        with self._acting("count", digest_of(repr(where)), fields=len(fields)):
            require_occurring(where, partial(occurring_values, self._database))
            found = self._selection.facets(shown, fields, base=base, smallest=self.smallest)
            if shown != where and (asking := [field for field in fields if field in OF_COMPUTED]):
                found |= self._selection.facets(where, asking, smallest=self.smallest)  # as if one were chosen
            return found

    @needs(Role.VIEWER, "see thumbs")
    def verdicts(self, words: str, where: Filter) -> dict[str, int]:
        """This person's thumbs for words and a filter: 1 or -1 by study UID."""
        key = query_key(words, where)
        with self._acting("see-thumbs", key) as facts:
            mine = feedback.thumbs(self._database, user=self.person.name, query_key=key)
            facts["thumbs"] = len(mine)
        return {one.study_uid: one.verdict for one in mine}

    @needs(Role.VIEWER, "keep thumbs")
    def rate(self, words: str, where: Filter, verdicts: Mapping[str, int], *, asked: Mapping[str, Any]) -> None:
        """Keep thumbs by study UID: 1 fits, -1 does not, 0 takes it back. asked: the search as it is to be exported.

        Raises `QueryError` for more than `MOST_VERDICTS` at once.
        """
        require_few(verdicts)
        key = query_key(words, where)
        signs = {name: sum(one == sign for one in verdicts.values()) for name, sign in _SIGNS}
        only = next(iter(verdicts)) if len(verdicts) == 1 else ""
        self.note("thumb", only or key, query=key, **signs)
        feedback.put_thumbs(self._database, user=self.person.name, query_key=key, query=asked, verdicts=verdicts)


MOST_VERDICTS = 1_000
"""Thumbs that are kept in one step."""
_SIGNS = (("fit", 1), ("unfit", -1), ("taken_back", 0))


def require_few(verdicts: Mapping[str, int]) -> None:
    """Raise `QueryError` for more than `MOST_VERDICTS`."""
    if len(verdicts) > MOST_VERDICTS:
        raise QueryError(f"{len(verdicts):,} thumbs at once; give at most {MOST_VERDICTS:,} at a time")


def _small(number: int) -> int:
    """No figure in the record is longer than a count can be."""
    return max(min(number, 10**9), -1)


def _named(query: Query, where: Filter) -> tuple[str, str]:
    """(kind, what the record calls it): words and file names only as a digest."""
    match query:
        case TextQuery():
            return "words", query_key(query.text, where)
        case StudyQuery():
            return "study", uid_or_digest(query.study_uid)
        case ImageQuery():
            return "scan", digest_of(query.source)
        case SpotQuery():
            return "spot", uid_or_digest(query.study_uid)
