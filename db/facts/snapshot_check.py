"""Whether a snapshot of facts says what the database says, of the studies that nothing has happened to since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from spinecho.db.errors import BuildCorrupt
from spinecho.db.facts.fact_table import IDENTIFIERS, FactTable, read_facts
from spinecho.db.schema.models import Series, Volume
from spinecho.db.vectors.indexes.protocol import Ids

_SAMPLE = 24
"""Studies that are compared when a snapshot is opened."""
_PAGE = 500


def require_agreement(
    session: Session, name: str, table: FactTable, changed: Ids, *, archives: bool, whole: bool = False,
    after: int = 0, most: int | None = None,
) -> None:  # fmt: skip
    """Raise `BuildCorrupt` where they differ.

    `changed`: studies that something has happened to. `archives`: whether the folders' roots are those of that time.
    `whole`: compare every study, or `most` of those after the id `after`.
    """
    present = select(Series.study_id).join(Volume, Volume.series_id == Series.id).distinct()
    now = np.setdiff1d(np.fromiter(session.scalars(present), dtype=np.int64), changed)
    then = np.setdiff1d(table.studies, changed)
    if not np.array_equal(now, then):
        odd = np.setxor1d(now, then)
        raise BuildCorrupt(f"fact snapshot {name} and the database differ in {len(odd)} studies")
    if whole and (after or most is not None):
        then = then[then > after][:most]
    for some in _portions(then, whole=whole):
        if len(some) and _facts_of(table, some, archives) != _facts_of(read_facts(session, some), some, archives):
            raise BuildCorrupt(f"fact snapshot {name} says other things of its studies than the database does")


def _portions(studies: Ids, *, whole: bool) -> Iterator[Ids]:
    if not whole:
        picked = np.random.default_rng().choice(len(studies), min(_SAMPLE, len(studies)), replace=False)
        yield np.sort(studies[picked])
        return
    for start in range(0, len(studies), _PAGE):
        yield studies[start : start + _PAGE]


def _facts_of(table: FactTable, studies: Ids, archives: bool) -> dict[str, Any]:
    """What a table says of some studies that it has, in terms that no table's order changes."""
    wanted = table.studies_of(studies)
    rows = np.flatnonzero(wanted[table.study_of])
    volumes = table.volumes[rows]
    order = np.argsort(volumes, kind="stable")
    rows, volumes = rows[order], volumes[order]
    facts: dict[str, Any] = {"volumes": volumes.tolist(), "of": table.studies[table.study_of[rows]].tolist()}
    for name, column in table.columns.items():
        if name != "archive" or archives:
            facts[name] = [column.values[code] for code in column.codes[rows].tolist()]
    for name in IDENTIFIERS:
        facts[name] = table.digests[name][wanted].tolist()
    for space, entries in sorted(table.spaces.items()):
        places = np.asarray(entries.places)
        of_volumes = places < len(table.volumes)
        owner = np.where(of_volumes, table.study_of[np.where(of_volumes, places, 0)], places - len(table.volumes))
        mine = wanted[owner]
        behind = np.where(of_volumes, table.volumes[np.where(of_volumes, places, 0)], -table.studies[owner])
        if mine.any():
            facts[f"space {space}"] = (np.asarray(entries.ids)[mine].tolist(), behind[mine].tolist())
    with_passages = (table.passage_studies >= 0) & wanted[np.maximum(table.passage_studies, 0)]
    facts["passages"] = table.passages[with_passages].tolist()
    mine = (table.report_studies >= 0) & wanted[np.maximum(table.report_studies, 0)]
    facts["reports"] = table.reports[mine].tolist()
    return facts


def require_shape(name: str, table: FactTable, counts: dict[str, int]) -> None:
    """Raise `BuildCorrupt` for arrays that do not fit one another, or their manifest."""
    n_studies, n_volumes, n_passages = len(table.studies), len(table.volumes), len(table.passages)
    vectors = sum(len(entries.ids) for entries in table.spaces.values())
    facts = {"studies": n_studies, "volumes": n_volumes, "passages": n_passages, "vectors": vectors}
    fits = (
        facts == counts
        and len(table.first) == n_studies
        and len(table.study_of) == n_volumes
        and all(len(column.codes) == n_volumes for column in table.columns.values())
        and all(len(digests) == n_studies for digests in table.digests.values())
        and len(table.passage_studies) == n_passages
        and len(table.reports) == len(table.report_studies)
        and all(_ascending(ids) for ids in (table.studies, table.passages, table.reports))
        and all(_within(of, n_studies) for of in (table.study_of, table.passage_studies, table.report_studies))
        and _within(table.first, n_volumes)
        and all(
            len(entries.ids) == len(entries.places)
            and _ascending(entries.ids)
            and _within(entries.places, n_volumes + n_studies)
            for entries in table.spaces.values()
        )
        and all(_within(column.codes, len(column.values)) for column in table.columns.values())
    )
    if not fits:
        raise BuildCorrupt(f"fact snapshot {name} holds arrays that do not fit one another")


def _ascending(ids: Ids) -> bool:
    return bool((ids[1:] > ids[:-1]).all())


def _within(places: Any, end: int) -> bool:
    return not len(places) or (int(np.min(places)) >= -1 and int(np.max(places)) < end)
