"""What is drawn from the studies that passed the rules: windows, index studies, samples, parts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from spinecho.db.keys import patient_key
from spinecho.db.people.cohorts import Roster
from spinecho.search.cohorts.definition import Index, Sample, Split, Window
from spinecho.search.cohorts.passing import Flags

FAR = 0.05
"""A part's share of the studies may be so far from what was asked before it is moved, or warned of."""
Strata = Callable[[int], tuple[str, ...]]
"""What a place of the roster is alike in."""


def dice(seed: int, *names: str) -> float:
    """0 <= x < 1 from the seed and the names alone: what was drawn once is drawn again, whatever else has come."""
    seeded = "\x1f".join((str(seed), *names)).encode()
    return int.from_bytes(hashlib.blake2b(seeded, digest_size=8).digest(), "big") / 2**64


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


@dataclass(frozen=True, slots=True)
class Divided:
    """Parts by place, and how near they come to what was asked."""

    part: Mapping[int, str]
    moved: bool
    """Whether the draws alone left a part too far from its share, so that the boundaries between parts were moved."""
    far: tuple[tuple[str, float, int], ...]
    """(part, share that was asked for, studies it has) of the parts that are still far from it."""


def divided(
    split: Split, patients: Mapping[int, str], sets: Iterable[Sequence[int]] = (),
    sharing: Iterable[Sequence[int]] = (),
) -> Divided:  # fmt: skip
    """The part of each study. patients: by place what stands for the patient; sets: places of each matched set;
    sharing: places of studies that have a scan in common.

    All studies of a patient, all patients of a matched set and all who share a scan are in one part. Which one
    follows from the seed and the patient (of a set: its first case's) alone, unless that leaves a part more than `FAR`
    from its share: then those who were drawn nearest to a boundary change sides until the shares are as near as whole
    groups allow.
    """
    groups = _groups(patients, sets, sharing)
    drawn = [(dice(split.seed, name), name, places) for name, places in groups]
    shares = {"train": split.train, "validation": split.validation, "test": split.test}
    first = {place: part_of(split, name) for _, name, places in drawn for place in places}
    if not _far(first, shares):
        return Divided(first, False, ())
    second = _moved(sorted(drawn), shares)
    return Divided(second, second != first, _far(second, shares))


def _groups(
    patients: Mapping[int, str], sets: Iterable[Sequence[int]], sharing: Iterable[Sequence[int]]
) -> list[tuple[str, list[int]]]:
    """(what the draw is of, places) of studies that go together: by patient, and by the sets and scans they share."""
    spelt: dict[str, str] = {}
    by_patient: dict[str, list[int]] = defaultdict(list)
    for place, name in sorted(patients.items()):
        key = patient_key(name)
        spelt[key] = min(name, spelt.get(key, name))
        by_patient[key].append(place)
    above = {key: key for key in by_patient}

    def top(key: str) -> str:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    def join(places: Sequence[int]) -> str:
        keys = [patient_key(patients[place]) for place in places]
        for key in keys[1:]:
            above[top(key)] = top(keys[0])
        return keys[0]

    cases = {join(some) for some in sets}
    for some in sharing:
        join(some)
    together: dict[str, list[str]] = defaultdict(list)
    for key in by_patient:
        together[top(key)].append(key)
    found = []
    for keys in together.values():
        name = min(spelt[key] for key in keys if key in cases or not cases.intersection(keys))
        found.append((name, [place for key in keys for place in by_patient[key]]))
    return found


def _moved(drawn: Sequence[tuple[float, str, Sequence[int]]], shares: Mapping[str, float]) -> dict[int, str]:
    """Groups in the order of their draws, cut where the parts come nearest to their shares."""
    wanted = {part: share for part, share in shares.items() if share > 0}
    total = sum(len(places) for _, _, places in drawn)
    bounds = list(accumulate(share * total for share in wanted.values()))
    found: dict[int, str] = {}
    done = 0
    for _, _, places in drawn:
        middle = done + len(places) / 2
        at = min(sum(middle >= bound for bound in bounds), len(bounds) - 1)
        found |= dict.fromkeys(places, list(wanted)[at])
        done += len(places)
    return found


def _far(part: Mapping[int, str], shares: Mapping[str, float]) -> tuple[tuple[str, float, int], ...]:
    counts = Counter(part.values())
    return tuple(
        (name, share, counts[name])
        for name, share in shares.items()
        if part and abs(counts[name] / len(part) - share) > FAR
    )


def _flags(places: object, count: int) -> Flags:
    flags = np.zeros(count, dtype=bool)
    flags[np.fromiter(places, dtype=np.int64)] = True  # type: ignore[call-overload]
    return flags
