"""Which studies a rule holds for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.db.filters.algebra import ALL, Filter, visible
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.people.cohorts import Roster
from spinecho.db.queries.named import require_named
from spinecho.db.queries.selection import Selection
from spinecho.db.vectors.indexes.protocol import Ids
from spinecho.search.cohorts.definition import Rule
from spinecho.search.likeness import Likeness
from spinecho.search.planning.typed_filter import typed_filter

Flags: TypeAlias = NDArray[np.bool_]
"""By place of the roster."""
Scores: TypeAlias = NDArray[np.float32]
"""By place of the roster: the highest cosine, nan where nothing reached what was asked for."""


@dataclass(frozen=True, eq=False)
class Passed:
    """Where a rule holds, and by rule's label how near the nearest came."""

    flags: Flags
    scores: dict[str, Scores] = field(default_factory=dict)


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
        where = typed_filter(text)
        require_named(self._selection.database, where)
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
            like, least = self._likeness(), rule.at_least or 0.0
            near = (
                like.to_words(rule.text, at_least=least, by=rule.by, says=rule.says)
                if rule.text
                else like.to_scan(rule.like, at_least=least)
            )
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
