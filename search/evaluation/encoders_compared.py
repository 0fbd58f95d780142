"""Two encoders on the same held-out patients of one archive: reports find scans, scans find reports, scans find scans.

What an encoder is adapted on must not be what it is measured on, so patients are held out by a digest of who they are:
the same in every run, and in every archive that holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinecho.db.filters.algebra import ALL, visible
from spinecho.db.queries.learning.evaluating import VolumeFacts, volume_facts
from spinecho.db.queries.learning.self_tests import PairText, affirmed_texts, studies_with_reports
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.encoders.measuring.candidates import numbers, text_groups
from spinecho.encoders.measuring.figures import EmptyPool, EvaluationError, Figure
from spinecho.encoders.measuring.held_out import SHARE, is_held_out
from spinecho.encoders.measuring.metrics import Floats
from spinecho.encoders.measuring.pairs import paired
from spinecho.encoders.measuring.resampling import Resamples

LEAST = 30
"""Held-out patients with which something can be measured."""
LONGEST = 600
"""Characters at most of what a report affirms."""
Encode = Callable[[Sequence[str]], Any]


def held_out_texts(database: Database, *, held_out: bool = True, share: float = SHARE) -> tuple[PairText, ...]:
    """What the reports of held-out patients affirm, a text a study; with held_out=False those of the others."""
    chosen = tuple(pair for pair in studies_with_reports(database) if is_held_out(pair[1], share) is held_out)
    return affirmed_texts(database, chosen, longest=LONGEST)


@dataclass(frozen=True, slots=True)
class Row:
    """One scan of a study in some space, with the pool that it belongs to."""

    study_uid: str
    key: tuple[str, str]
    """(body region, sequence)"""


def measured(
    texts: Sequence[PairText], text_rows: Floats, scans: Sequence[Row], scan_rows: Floats, *, resamples: int = 1000
) -> dict[str, Figure]:
    """R@10 of reports to scans and back, in the full pool and within one region and sequence; by name.

    A study is found where any with the same words of its report is. Raises `EvaluationError` for too few patients.
    """
    patients = {one.study_uid: one.patient for one in texts}
    kept = [number for number, one in enumerate(scans) if one.study_uid in patients]
    scans, scan_rows = [scans[number] for number in kept], scan_rows[kept]
    there = {one.study_uid for one in scans}
    asked = [number for number, one in enumerate(texts) if one.study_uid in there]
    texts, text_rows = [texts[number] for number in asked], text_rows[asked]
    if len({one.patient for one in texts}) < LEAST:
        raise EvaluationError(
            f"{len({one.patient for one in texts})} held-out patients have a scan and a report that affirms something, "
            f"and it takes {LEAST}: about {int(LEAST / SHARE)} patients with reports in all"
        )
    group = dict(zip([one.study_uid for one in texts], text_groups([one.text for one in texts]).tolist(), strict=True))
    words = {one.study_uid: row for one, row in zip(texts, text_rows, strict=True)}
    keyed = _keyed(scans)
    found: dict[str, Figure] = {}
    for name, queries, gallery, hard in (
        ("report to scan", [(one.study_uid, None) for one in texts], [(one.study_uid, None) for one in scans], False),
        ("report to scan, one region and sequence", keyed, [(one.study_uid, one.key) for one in scans], True),
    ):
        rows = np.stack([words[uid] for uid, _ in queries])
        found |= _recall(name, queries, rows, gallery, scan_rows, group, patients, resamples, hard=hard)
    means = _means(scans, scan_rows, keyed)
    by_study = _means(scans, scan_rows, [(uid, None) for uid in dict.fromkeys(one.study_uid for one in scans)])
    for name, by, hard in (
        ("scan to report", by_study, False),
        ("scan to report, one region and sequence", means, True),
    ):
        gallery = [(one.study_uid, None) for one in texts] if not hard else keyed
        rows = np.stack([words[uid] for uid, _ in gallery])
        found |= _recall(
            name, list(by), np.stack(list(by.values())), gallery, rows, group, patients, resamples, hard=hard
        )
    return found


def _recall(
    name: str,
    queries: Sequence[tuple[str, Any]],
    query_rows: Floats,
    gallery: Sequence[tuple[str, Any]],
    gallery_rows: Floats,
    group: Mapping[str, int],
    patients: Mapping[str, str],
    resamples: int,
    *,
    hard: bool,
) -> dict[str, Figure]:
    """Nothing where no pool has anything to be told apart."""
    try:
        done = paired(
            query_rows,
            gallery_rows,
            query_uids=[uid for uid, _ in queries],
            gallery_uids=[uid for uid, _ in gallery],
            patients=[patients[uid] for uid, _ in queries],
            query_groups=[group[uid] for uid, _ in queries],
            gallery_groups=[group[uid] for uid, _ in gallery],
            hard=([key for _, key in queries], [key for _, key in gallery]) if hard else None,
            ks=(10,),
            resamples=resamples,
        )
    except EmptyPool:
        return {}
    return {name: done.figures["Recall@10"]}


def _keyed(scans: Sequence[Row]) -> list[tuple[str, Any]]:
    return list(dict.fromkeys((one.study_uid, one.key) for one in scans))


def _means(scans: Sequence[Row], rows: Floats, keys: Sequence[tuple[str, Any]]) -> dict[tuple[str, Any], Floats]:
    """For each study, or study and key, the mean of its scans, of unit length."""
    sums = {key: np.zeros(rows.shape[1]) for key in keys}
    for one, row in zip(scans, rows, strict=True):
        for key in ((one.study_uid, None), (one.study_uid, one.key)):
            if key in sums:
                sums[key] = sums[key] + row
    return {key: value / max(float(np.linalg.norm(value)), 1e-12) for key, value in sums.items()}


def space_rows(database: Database, space: SpaceRecord, uids: Sequence[str]) -> tuple[list[Row], Floats]:
    """What results show of these studies, in a space."""
    facts, rows = volume_facts(database, space, visible(ALL), uids)
    return [_row(one) for one in facts], np.asarray(rows, np.float64)


def _row(facts: VolumeFacts) -> Row:
    return Row(facts.study_uid, (facts.body_region, facts.sequence))


def measured_space(
    database: Database, space: SpaceRecord, encode: Encode, texts: Sequence[PairText], *, resamples: int = 1000
) -> dict[str, Figure]:
    """`measured` for a space as it is stored, and the text tower that goes with it."""
    scans, rows = space_rows(database, space, [one.study_uid for one in texts])
    words = np.asarray(encode([one.text for one in texts]), np.float64) if texts else np.empty((0, space.dim))
    return measured(texts, words, scans, rows, resamples=resamples)


@dataclass(frozen=True, slots=True)
class Hits:
    """By query: the patient, and the rank of the first scan of a study whose report says the same."""

    queries: tuple[Any, ...]
    patients: tuple[str, ...]
    ranks: tuple[int, ...]


def hits_within(
    texts: Sequence[PairText], text_rows: Floats, scans: Sequence[Row], scan_rows: Floats, *, within: bool
) -> Hits:
    """Reports that find scans: among all studies by their best scan, or within one region and sequence."""
    number = {one.study_uid: n for n, one in enumerate(texts)}
    group = text_groups([one.text for one in texts])
    owner = np.array([number[one.study_uid] for one in scans], np.int64)
    scores = text_rows @ scan_rows.T
    queries: list[Any] = []
    patients: list[str] = []
    ranks: list[int] = []
    pools = _pools(scans) if within else {None: np.arange(len(scans))}
    for key, members in pools.items():
        held, place = np.unique(owner[members], return_inverse=True)
        best = np.full((len(held), len(held)), -np.inf)
        np.maximum.at(best.T, place, scores[np.ix_(held, members)].T)
        right = group[held][:, None] == group[held]
        own = np.where(right, best, -np.inf).max(axis=1, keepdims=True)
        found = 1 + ((best >= own) & ~right).sum(axis=1)
        asked = ~right.all(axis=1)
        queries += [(texts[one].study_uid, key) for one in held[asked]]
        patients += [texts[one].patient for one in held[asked]]
        ranks += found[asked].tolist()
    return Hits(tuple(queries), tuple(patients), tuple(ranks))


def _pools(scans: Sequence[Row]) -> dict[Any, Any]:
    found: dict[Any, list[int]] = {}
    for number, one in enumerate(scans):
        found.setdefault(one.key, []).append(number)
    return {key: np.array(members) for key, members in found.items()}


def difference(after: Hits, before: Hits | None, *, k: int = 10, resamples: int = 1000) -> tuple[float, float]:
    """The 95 % interval of what R@k rose by, query by query, over patients. before: None for what finds nothing."""
    earlier = {} if before is None else dict(zip(before.queries, before.ranks, strict=True))
    gains = np.array(
        [
            float(rank <= k) - float(earlier.get(query, k + 1) <= k)
            for query, rank in zip(after.queries, after.ranks, strict=True)
        ]
    )
    units = numbers(after.patients)[0]
    low, high = Resamples(units, resamples=resamples).mean(gains) or (0.0, 0.0)
    return low, high
