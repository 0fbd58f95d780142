"""Which vectors a filter allows, and how many studies have each value: from the snapshot of facts, else from SQL.

A snapshot answers for the studies that nothing has happened to since it was made; those that something has happened to
are read from SQL into a small table of the same kind. Where that cannot be told, or is too much, SQL answers.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from spinecho.db.errors import BuildCorrupt
from spinecho.db.facts.counts import Chosen, count_studies, patients_of
from spinecho.db.facts.fact_changes import Looked, TooMuch, changed_studies
from spinecho.db.facts.fact_columns import Flags
from spinecho.db.facts.fact_table import FactTable, read_facts
from spinecho.db.facts.filtering import Asked, passing
from spinecho.db.facts.snapshot_check import require_agreement
from spinecho.db.facts.snapshots import (
    SnapshotManifest,
    State,
    open_snapshot,
    snapshots_newest_first,
    state_of,
)
from spinecho.db.filters.conditions import (
    ALL,
    Filter,
    by_sql_alone,
    fields_of,
    predicted_task,
    predicted_tasks,
    without_field,
)
from spinecho.db.filters.labelled import require_labels
from spinecho.db.filters.sql import compile_filter, split_score
from spinecho.db.people.masking import Count, hidden, masked
from spinecho.db.queries.facets import (
    FACETS,
    Facet,
    few_patients,
    masked_facets,
    require_facets,
    shown_of_total,
    sql_counts,
)
from spinecho.db.queries.lookup import allowed_passages, allowed_volumes
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Series, Study, Volume
from spinecho.db.store.predictions import require_tasks
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Ids

_MOST_STUDIES = 5_000
"""Changed studies above which SQL answers until the next snapshot."""
_REMEMBERED = 32


@dataclass(frozen=True, eq=False)
class _Part:
    """A table and, where not all of them count, the rows of it that do."""

    table: FactTable
    rows: Flags | None = None


@dataclass(frozen=True, eq=False)
class View:
    """Every study as it was at one moment: tables that hold each once; none where SQL has to answer."""

    state: State
    newest: str | None
    """The snapshot that was the newest sound one when this was made."""
    parts: tuple[_Part, ...]
    archives: bool
    """Whether the snapshot still knows which root folders volumes lie under."""

    def certain_of(self, fields: Set[str]) -> bool:
        """Whether counts and ids of these fields hold as long as the state does.

        Not of archives while a job moves files between folders, which leaves no trace until it ends.
        """
        return "archive" not in fields or self.archives


_Rows: TypeAlias = list[Chosen]


class Selection:
    """Resolves filters over one database, and follows it as it grows. Its answers are those of SQL, from wherever.

    Any number of threads may ask. Within `Database.reading` every answer is of that moment.
    """

    def __init__(self, database: Database, builds: Path) -> None:
        self.generation = 0
        """Raised whenever something has changed that a filter can see."""
        self.warnings: list[str] = []
        self.database, self._builds = database, builds
        self._refused: set[str] = set()
        self._opened: tuple[SnapshotManifest, FactTable] | None = None
        self._agreed = ""
        """The snapshot that was compared with the database."""
        self._looked: Looked | None = None
        """None where too much has changed to say what."""
        self._ahead: dict[str, State] = {}
        """Of snapshots that some moment was older than: what they speak for."""
        self._latest: View | None = None
        self._totals: OrderedDict[tuple[State, str, Filter, int], dict[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def source(self) -> str:
        """Where answers come from now: the snapshot's name, or SQL."""
        view = self.view()
        return f"snapshot {view.newest}" if view.parts else "SQL"

    def refresh(self) -> None:
        """Take in what was stored or deleted since the last look; a few small look-ups when nothing was."""
        self.view()

    def view(self) -> View:
        """The studies at the moment that is read."""
        with self.database.reading() as session:
            views: dict[int, View] = session.info.setdefault("views", {})
            if id(self) not in views:
                views[id(self)] = self._viewed(session)
            return views[id(self)]

    def _viewed(self, session: Session) -> View:
        state, names = state_of(session), snapshots_newest_first(self._builds)
        view = self._latest
        if view is not None and view.state == state and view.newest == self._newest(names, state):
            return view
        with self._lock:
            view = self._latest
            if view is not None and view.state == state and view.newest == self._newest(names, state):
                return view
            parts, archives = self._sound_parts(session, names, state)
            name = None if self._opened is None else self._opened[0].snapshot
            made = View(state, name, parts, archives)
            if view is None or not _after(view.state, state):  # else a thread began before something was stored
                self.generation += view is None or view.state != state
                self._latest = made
            return made

    def _newest(self, names: Sequence[str], state: State) -> str | None:
        return next((name for name in names if self._may_answer(name, state)), None)

    def _may_answer(self, name: str, state: State) -> bool:
        if name in self._refused:
            return False
        later = self._ahead.get(name)
        return later is None or not _after(later, state)

    def certain_of(self, fields: Set[str]) -> bool:
        """As `View.certain_of`, of this moment."""
        return self.view().certain_of(fields)

    def volumes(self, space: SpaceRecord, where: Filter) -> Ids:
        """Vector ids, sorted, of the volumes that pass. Raises `FilterError`."""
        found = self._allowed(space, where)
        return allowed_volumes(self.database, space, where) if found is None else found

    def passages(self, space: SpaceRecord, where: Filter) -> Ids:
        """Vector ids, sorted, of the captions of volumes that pass, and of the reports of their studies."""
        found = self._allowed(space, where)
        return allowed_passages(self.database, space, where) if found is None else found

    def studies(self, where: Filter) -> Ids:
        """Ids, sorted, of the studies with a volume that passes. Raises `FilterError`."""
        found = self._passing(where)
        if found is not None:
            return np.sort(np.concatenate([part.table.studies[part.table.any_of(rows)] for part, rows in found]))
        query = select(Series.study_id).join(Volume, Volume.series_id == Series.id)
        query = query.join(Study, Study.id == Series.study_id).where(compile_filter(where)).distinct()
        with self.database.begin() as session:
            return np.sort(np.fromiter(session.scalars(query), dtype=np.int64))

    def facets(
        self, where: Filter = ALL, fields: Sequence[str] = FACETS, *, studies: Ids | None = None, base: Filter = ALL,
        smallest: int = 0,
    ) -> dict[str, tuple[Facet, ...]]:  # fmt: skip
        """By field: studies by value, shown (those that pass, of `studies` where they are given) of total (of `base`).

        A field's own conditions do not count for its own values, so that these tell what choosing another would give.
        Most studies first, equals by value. With `smallest` above 1 small counts are masked, and what passes of fewer
        patients than that tells nothing of itself, however it was narrowed down; nor does a value that fewer have,
        however many their studies. Raises `FilterError`.
        """
        require_facets(fields)
        compile_filter(where)
        with self.database.reading():
            require_tasks(self.database, [task for task in map(predicted_task, fields) if task])
            require_labels(self.database, ALL, fields)
            return self._facets(where, fields, studies, base, smallest)

    def _facets(
        self, where: Filter, fields: Sequence[str], studies: Ids | None, base: Filter, smallest: int
    ) -> dict[str, tuple[Facet, ...]]:
        found: dict[str, tuple[Facet, ...]] = {}
        rows: dict[Filter, _Rows | None] = {}
        few: dict[Filter, bool] = {}
        few_in_all = smallest > 1 and self._few(base, None, smallest)
        for field in dict.fromkeys(fields):
            others = without_field(where, field)
            if others not in rows:
                rows[others] = self._rows(others, studies)
                few[others] = smallest > 1 and self._few(others, studies, smallest)
            shown = self._counts(field, others, rows[others], studies, smallest)
            counted = shown_of_total(shown, self._total(field, base, smallest))
            found[field] = masked_facets(counted, smallest, few_shown=few[others], few_in_all=few_in_all)
        return found

    def _few(self, where: Filter, studies: Ids | None, smallest: int) -> bool:
        passing_studies = self.studies(where)
        if studies is not None:
            passing_studies = np.intersect1d(passing_studies, studies)
        return few_patients(self.database, passing_studies, smallest)

    def size(self, where: Filter, smallest: int) -> Count:
        """How many studies pass, masked. Raises `FilterError`."""
        with self.database.reading():
            if smallest > 1 and self._few(where, None, smallest):
                return hidden(smallest)
            return masked(len(self.studies(where)), smallest)

    def _total(self, field: str, base: Filter, smallest: int) -> dict[str, int]:
        view = self.view()
        if by_sql_alone(field) or predicted_tasks(base) or not view.certain_of({field} | fields_of(base)):
            # A running job moves files as it goes, and what is predicted changes though no vector does
            return self._counts(field, base, self._rows(base, None), None, smallest)
        key = (view.state, field, base, smallest)
        found = self._totals.get(key)
        if found is None:
            found = self._counts(field, base, self._rows(base, None), None, smallest)
            with self._lock:
                self._totals[key] = found
                while len(self._totals) > _REMEMBERED:
                    self._totals.popitem(last=False)
        return found

    def _counts(
        self, field: str, where: Filter, found: _Rows | None, studies: Ids | None, smallest: int
    ) -> dict[str, int]:
        """As `sql_counts`."""
        if found is None or by_sql_alone(field) or not self.certain_of({field}):
            return sql_counts(self.database, field, where, studies, smallest=smallest)
        counts: Counter[str] = Counter()
        for chosen in found:
            counts.update(count_studies(chosen, field))
        # Only few studies, or those of somebody with very many, can be of few patients
        most = (smallest - 1) * sum(chosen.table.most_of_a_patient for chosen in found)
        doubtful = [label for label, count in counts.items() if smallest <= count <= most] if smallest > 1 else []
        if doubtful:
            places, patients = map(
                np.concatenate, zip(*(patients_of(one, field, doubtful) for one in found), strict=True)
            )
            pairs = np.unique(np.stack([places, patients]), axis=1)
            for label, people in zip(doubtful, np.bincount(pairs[0], minlength=len(doubtful)).tolist(), strict=True):
                counts[label] = people if people < smallest else counts[label]
        return dict(counts)

    def _rows(self, where: Filter, studies: Ids | None) -> _Rows | None:
        """The rows of each table that pass; of those studies alone where they are given."""
        found = self._passing(where)
        if found is None:
            return None
        chosen = []
        for part, rows in found:
            table = part.table
            mine = rows if studies is None else rows & table.studies_of(studies)[table.study_of]
            chosen.append(Chosen(table, None if mine.all() else np.flatnonzero(mine)))
        return chosen

    def _allowed(self, space: SpaceRecord, where: Filter) -> Ids | None:
        found = self._passing(where)
        if found is None:
            return None
        ids = [np.empty(0, np.int64)]
        for part, rows in found:
            entries = part.table.spaces.get(space.id)
            if entries is None:
                continue
            if entries.straight and len(entries.ids) == len(rows):
                ids.append(entries.ids[rows])
                continue
            of_reports = entries.highest >= len(rows)
            allowed_rows = np.concatenate([rows, part.table.any_of(rows)]) if of_reports else rows
            ids.append(entries.ids[allowed_rows.take(entries.places)])
        return ids[1] if len(ids) == 2 else np.sort(np.concatenate(ids))

    def _passing(self, where: Filter) -> list[tuple[_Part, Flags]] | None:
        """The rows of each part that pass; None where SQL has to say. Raises `FilterError`."""
        compile_filter(where)
        rest, least = split_score(where)
        view = self.view()
        if not view.parts or not view.certain_of(fields_of(where)):
            return None
        asked = Asked(self.database, least)
        found = []
        for part in view.parts:
            rows = passing(part.table, rest, asked)
            found.append((part, rows if part.rows is None else rows & part.rows))
        return found

    def _sound_parts(self, session: Session, names: Sequence[str], state: State) -> tuple[tuple[_Part, ...], bool]:
        """The parts of the newest snapshot that the database bears out; it is asked once, when it is opened."""
        while True:
            self._open(names, state)
            parts, archives = self._parts(session, state)
            if self._opened is None or self._looked is None or self._opened[0].snapshot == self._agreed:
                return parts, archives
            manifest, table = self._opened
            try:
                require_agreement(session, manifest.snapshot, table, self._looked.changed, archives=archives)
            except BuildCorrupt as error:
                self._refused.add(manifest.snapshot)
                self.warnings.append(f"{error}, so it does not answer")
                self._opened = None
                continue
            self._agreed = manifest.snapshot
            return parts, archives

    def _open(self, names: Sequence[str], state: State) -> None:
        """Let the newest sound snapshot of this database answer, if there is one."""
        for name in names:
            if not self._may_answer(name, state):
                continue
            if self._opened is not None and self._opened[0].snapshot == name:
                if not _after(self._opened[0].state, state):
                    return
                self._ahead[name] = self._opened[0].state
                continue
            try:
                opened = open_snapshot(self._builds, name)
            except BuildCorrupt as error:
                self._refused.add(name)
                self.warnings.append(f"{error}, so it does not answer")
                continue
            then = opened[0].state
            if then.origin != state.origin:
                self._refused.add(name)
                continue
            if _after(then, state):  # of a later moment, or of what a backup took back
                self._ahead[name] = then
                continue
            self._opened = opened
            self._looked = Looked(then.last_tombstone, np.empty(0, np.int64))
            return
        self._opened = None

    def _parts(self, session: Session, state: State) -> tuple[tuple[_Part, ...], bool]:
        if self._opened is None or self._looked is None:
            return (), False
        manifest, table = self._opened
        if manifest.state.facts != state.facts:
            return (), False  # nothing tells which studies it was: the next snapshot will know
        archives = manifest.state.last_run == state.last_run >= 0
        if state == manifest.state:
            return (_Part(table),), archives
        try:
            changed = changed_studies(session, table, manifest.state, self._looked)
        except TooMuch:
            changed = np.arange(_MOST_STUDIES + 1)
        if len(changed) > _MOST_STUDIES:
            self._looked = None
            return (), False
        newer = read_facts(session, changed)
        self._looked = Looked(state.last_tombstone, changed, newer)
        live = ~table.studies_of(changed)[table.study_of]
        return (_Part(table, live), _Part(newer)), archives


def _after(one: State, other: State) -> bool:
    """Whether a state knows vectors or removals that another does not know yet."""
    return one.highest_id > other.highest_id or one.last_tombstone > other.last_tombstone
