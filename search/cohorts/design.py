"""What is drawn from the studies that passed the rules: windows, index studies, samples, parts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from db.cohorts import Roster
from search.cohorts.definition import Index, Sample, Split, Window
from search.cohorts.rules import Flags

Strata = Callable[[int], tuple[str, ...]]
"""What a place of the roster is alike in."""


def dice(seed: int, *names: str) -> float:
    """0 <= x < 1 from the seed and the names alone: what was drawn once is drawn again, whatever else has come."""
    told = "\x1f".join((str(seed), *names)).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") / 2**64


def in_window(roster: Roster, studies: Flags, others: Flags, window: Window) -> Flags:
    """Which of `studies` have (or, with need = "none", lack) one of `others` of the same patient in the window.

    A study without a date passes neither: nothing can be said of it.
    """
    dated = roster.days > 0
    by_patient: dict[int, list[int]] = defaultdict(list)
    for place in np.flatnonzero(others & dated).tolist():
        by_patient[int(roster.patients[place])].append(place)
    kept = np.zeros(len(studies), dtype=bool)
    for place in np.flatnonzero(studies & dated).tolist():
        day = int(roster.days[place])
        near = any(
            other != place and window.from_days <= int(roster.days[other]) - day <= window.to_days
            for other in by_patient.get(int(roster.patients[place]), ())
        )
        kept[place] = near == (window.need == "some")
    return kept


def index_studies(roster: Roster, studies: Flags, index: Index) -> Flags:
    """One study of each patient, or all of them. Undated ones come last (first, for "last"); equals by UID."""
    if index.study == "every":
        return studies

    def order(place: int) -> tuple[float, str]:
        uid = roster.uids[place]
        if index.study == "random":
            return dice(index.seed, uid), uid
        day = int(roster.days[place])
        if index.study == "first":
            return (day or np.inf), uid
        return -day, uid

    best: dict[int, int] = {}
    for place in np.flatnonzero(studies).tolist():
        patient = int(roster.patients[place])
        if patient not in best or order(place) < order(best[patient]):
            best[patient] = place
    return _flags(best.values(), len(studies))


def sampled(roster: Roster, studies: Flags, sample: Sample, strata: Strata) -> Flags:
    """As many studies as asked for, or all where there are fewer; from each stratum in proportion to its size."""
    places = np.flatnonzero(studies).tolist()
    if len(places) <= sample.studies:
        return studies
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in sorted(places, key=lambda place: (dice(sample.seed, roster.uids[place]), roster.uids[place])):
        groups[strata(place)].append(place)
    share = sample.studies / len(places)
    take = {key: int(len(some) * share) for key, some in groups.items()}
    left = sample.studies - sum(take.values())
    by_rest = sorted(groups, key=lambda key: (take[key] - len(groups[key]) * share, key))
    for key in by_rest[:left]:
        take[key] += 1
    return _flags((place for key, some in groups.items() for place in some[: take[key]]), len(studies))


def part_of(split: Split, patient: str) -> str:
    """train, validation or test, from the seed and the patient alone."""
    drawn = dice(split.seed, patient)
    if drawn < split.train:
        return "train"
    return "validation" if drawn < split.train + split.validation else "test"


def _flags(places: object, count: int) -> Flags:
    flags = np.zeros(count, dtype=bool)
    flags[np.fromiter(places, dtype=np.int64)] = True  # type: ignore[call-overload]
    return flags
