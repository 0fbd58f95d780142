"""Which studies a rule holds for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.db.filters.algebra import ALL, Filter, parse_filter, predicted_tasks, visible
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.filters.selection import Selection
from spinecho.db.people.cohorts import CohortError, Roster
from spinecho.db.queries import lookup
from spinecho.db.queries.sentences import passage_cards
from spinecho.db.store import part_vectors
from spinecho.db.store.predictions import require_tasks
from spinecho.db.vectors.protocol import Ids, Rows
from spinecho.db.vectors.served import ServedSpace
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.query import parse_query
from spinecho.search.answers.agreement import judge
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.cohorts.definition import Rule
from spinecho.search.query import ImageQuery

Flags: TypeAlias = NDArray[np.bool_]
"""By place of the roster."""
Scores: TypeAlias = NDArray[np.float32]
"""By place of the roster: the highest cosine, nan where nothing reached what was asked for."""
ReadScan: TypeAlias = Callable[[Path], ImageQuery]


@dataclass(frozen=True, eq=False)
class Passed:
    """Where a rule holds, and by rule's label how near the nearest came."""

    flags: Flags
    scores: dict[str, Scores] = field(default_factory=dict)


class Likeness:
    """What is like words or a scan, compared with everything, so that a threshold leaves nothing out."""

    def __init__(self, retriever: Retriever, dual: DualEncoder, read_scan: ReadScan) -> None:
        self._retriever, self._dual, self._read_scan = retriever, dual, read_scan

    def to_scan(self, rule: Rule) -> dict[int, float]:
        """Studies by their scan nearest to the example's scans; the example itself too."""
        path = Path(rule.like)
        database, space = self._retriever.database, self._retriever.image.space
        study = lookup.study_ids_by_uid(database, [rule.like]).get(rule.like)
        if study is not None:
            _, vectors = part_vectors.volumes_of_study(database, space, study)
        elif path.exists():
            vectors = self._dual.image.encode_prepared(self._read_scan(path).prepared)
        else:
            raise CohortError(f"like = {rule.like!r} is no study of the index and no file; give a UID or a path")
        return self._studies_of(self._above(self._retriever.image, vectors, rule))

    def to_words(self, rule: Rule) -> dict[int, float]:
        """Studies by the sentence of their reports, or the scan, that is nearest to the words."""
        query = parse_query(rule.text)
        if not query.wanted:
            raise CohortError(f"text = {rule.text!r} says only what is not wanted; put that under [[exclude]]")
        if rule.by == "scans":
            aligned = self._dual.aligned_text
            if aligned is None:
                raise CohortError(f"the encoder {self._dual.name!r} does not compare words with scans; leave out by")
            return self._studies_of(self._above(self._retriever.image, aligned.encode([query.wanted]), rule))
        near = self._above(self._retriever.text, self._dual.text.encode([query.wanted]), rule)
        found: dict[int, float] = {}
        for vector_id, card in passage_cards(self._retriever.database, list(near)).items():
            if card.report_id is None or card.study_id is None:
                continue
            hit = judge(query, card, near[vector_id])
            if rule.says not in ("any", hit.assertion or card.assertion):
                continue
            if hit.contradicts in ("", "absent"):
                found[card.study_id] = max(near[vector_id], found.get(card.study_id, -1.0))
        return found

    @staticmethod
    def _above(space: ServedSpace, vectors: Rows, rule: Rule) -> dict[int, float]:
        """Vector ids with a cosine of at least what the rule asks for; all are compared, nothing is guessed."""
        space.refresh()
        best: dict[int, float] = {}
        for vector in vectors:
            near = space.nearest(vector[None], len(space))
            enough = near.similarities[0] >= np.float32(rule.at_least or 0.0)
            for vector_id, value in zip(
                near.ids[0][enough].tolist(), near.similarities[0][enough].tolist(), strict=True
            ):
                best[vector_id] = max(value, best.get(vector_id, -1.0))
        return best

    def _studies_of(self, near: dict[int, float]) -> dict[int, float]:
        found: dict[int, float] = {}
        for vector_id, card in lookup.volume_cards(self._retriever.database, list(near)).items():
            found[card.study_id] = max(near[vector_id], found.get(card.study_id, -1.0))
        return found


class Rules:
    """Resolves rules over the studies of one roster. `likeness` is asked for at the first rule that needs it."""

    def __init__(self, roster: Roster, selection: Selection, likeness: Callable[[], Likeness]) -> None:
        self.roster = roster
        self._selection, self._likeness = selection, likeness

    def passing(self, rule: Rule) -> Passed:
        """Raises `FilterError`, `CohortError`, and what reading an example raises."""
        found = self._of_study(rule)
        if rule.of == "patient":
            return Passed(self.of_patients(found.flags), found.scores)
        return found

    def filtered(self, text: str) -> Flags:
        """Studies with a volume that passes a filter as typed; computed images and localizers only if it asks."""
        return self._flags(self._selection.studies(visible(self.parsed(text))))

    def parsed(self, text: str) -> Filter:
        """A filter as typed, with every name of the findings in it. Raises `FilterError`, also for unheard values."""
        where = parse_filter(text, expand=names_of)
        require_tasks(self._selection.database, predicted_tasks(where))
        require_occurring(where, lambda field: occurring_values(self._selection.database, field))
        return where

    def everything(self) -> Flags:
        """Studies with a volume that is no computed image and no localizer."""
        return self._flags(self._selection.studies(visible(ALL)))

    def of_patients(self, flags: Flags) -> Flags:
        """Every study of the patients of these studies."""
        patients = np.zeros(len(self.roster.names), dtype=bool)
        patients[self.roster.patients[flags]] = True
        return np.asarray(patients[self.roster.patients])

    def _of_study(self, rule: Rule) -> Passed:
        if rule.filter:
            return Passed(self.filtered(rule.filter))
        if rule.text or rule.like:
            near = self._likeness().to_words(rule) if rule.text else self._likeness().to_scan(rule)
            scores = np.full(len(self.roster.ids), np.nan, dtype=np.float32)
            studies = np.fromiter(near, dtype=np.int64, count=len(near))
            at = np.searchsorted(self.roster.ids, studies)
            at = np.minimum(at, max(0, len(self.roster.ids) - 1))
            known = self.roster.ids[at] == studies if len(self.roster.ids) else np.zeros(len(studies), dtype=bool)
            scores[at[known]] = np.fromiter(near.values(), dtype=np.float32, count=len(near))[known]
            return Passed(~np.isnan(scores), {rule.label: scores})
        if rule.studies:
            wanted = set(rule.studies)
            return Passed(np.fromiter((uid in wanted for uid in self.roster.uids), np.bool_, len(self.roster.uids)))
        return self._joined(rule)

    def _joined(self, rule: Rule) -> Passed:
        parts = [self.passing(part) for part in (*rule.any, *rule.all, *rule.none)]
        scores = {label: one for part in parts for label, one in part.scores.items()}
        flags = np.logical_and.reduce([part.flags for part in parts]) if rule.all else _any([p.flags for p in parts])
        return Passed(~flags if rule.none else flags, {} if rule.none else scores)

    def _flags(self, studies: Ids) -> Flags:
        return np.isin(self.roster.ids, studies, assume_unique=True)


def _any(flags: Sequence[Flags]) -> Flags:
    return np.asarray(np.logical_or.reduce(flags))
