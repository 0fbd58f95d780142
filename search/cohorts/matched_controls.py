"""Controls for cases: as many complete sets as can be had, and among those the nearest in age.

Cases and patients who may be controls are a bipartite graph: the cost of a pair is how far their ages lie apart, and
each patient is used once. Its cheapest assignment is found exactly (Jonker and Volgenant 1987, Computing
38:325, for sparse graphs, as in SciPy), stratum by stratum. With one control a case that is the best there is: no other
matching has more pairs, none with as many has a smaller total distance. With several controls a case, of which a case
needs all, the most complete sets cannot be found in reasonable time; what is given has never fewer sets than choosing
case by case, nor a larger distance with as many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinecho.db.people.cohorts import Roster
from spinecho.search.cohorts.definition import Match
from spinecho.search.cohorts.design import Strata, dice
from spinecho.search.cohorts.passing import Flags

MOST_PAIRS = 5_000_000
"""Possible pairs of one stratum above which cases choose one after another: so many take some fifteen seconds."""
_UNIT = 0.001
"""Years that distances are counted in, so that sums are exact on every machine."""
_UNKNOWN = 250_000
"""The distance, in units, where an age is not recorded and none was asked for."""
_TIES = 64
"""Equal distances are told apart by a draw, which weighs less than one unit over all pairs of a stratum."""
Ints = NDArray[np.int64]
Sets = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class Matched:
    """Sets of a case and its controls. alone: cases that found too few controls and are left out."""

    sets: Mapping[int, Sequence[int]]
    alone: int
    in_turn: int = 0
    """Cases that chose one after another because their stratum is too large for the assignment."""
    years: float = 0.0
    """How far cases and controls lie apart, over all pairs whose ages are known."""


@dataclass(frozen=True, slots=True)
class _Pool:
    """The studies of one stratum that may be controls, by an order drawn from seed and UID."""

    places: Ints
    patients: Ints
    """Numbers that follow from seed and UIDs, so that the same archive indexed in another order gives the same sets."""
    ages: NDArray[np.float64]
    ties: Ints
    most: int
    """Studies of the patient who has the most."""


@dataclass(frozen=True, slots=True)
class _Near:
    """The controls a case may have, the nearest first, one study a patient."""

    places: Ints
    patients: Ints
    distances: Ints
    ties: Ints


class _Case:
    """A case beside the pool of its stratum."""

    def __init__(self, place: int, age: float, pool: _Pool, within: float | None) -> None:
        self.place, self._age, self._pool, self._within = place, age, pool, within
        self.possible = int(self._fits(np.abs(pool.ages - age)).sum())

    def near(self, most: int) -> _Near:
        """Of at most so many patients."""
        pool = self._pool
        apart = np.abs(pool.ages - self._age)
        at = np.flatnonzero(self._fits(apart))
        distances = np.where(np.isfinite(apart[at]), np.round(apart[at] / _UNIT), _UNKNOWN).astype(np.int64)
        if most * pool.most < len(at):
            enough = np.partition(distances, most * pool.most - 1)[most * pool.most - 1]
            at, distances = at[distances <= enough], distances[distances <= enough]
        order = np.lexsort((at, pool.ties[at], distances))
        _, first = np.unique(pool.patients[at[order]], return_index=True)
        chosen = order[np.sort(first)][:most]
        at, distances = at[chosen], distances[chosen]
        return _Near(pool.places[at], pool.patients[at], distances, pool.ties[at])

    def _fits(self, apart: NDArray[np.float64]) -> Flags:
        """Without a limit a control of unknown age will do, where there is none of a known age."""
        return np.ones(len(apart), dtype=bool) if self._within is None else apart <= self._within


@dataclass(frozen=True, slots=True)
class _Solved:
    sets: Sets = field(default_factory=dict)
    distances: list[int] = field(default_factory=list)
    """Of every pair, in units."""

    @property
    def worth(self) -> tuple[int, int]:
        """More sets are better, then less distance."""
        return len(self.sets), -sum(self.distances)


def matched(
    roster: Roster, studies: Flags, cases: Flags, match: Match, strata: Strata, *, most_pairs: int = MOST_PAIRS
) -> Matched:
    """Controls for each case: alike, of the nearest age, of patients without a case, each patient used once.

    A case whose age, or whose every control's age, is not recorded stays alone where ages are to be matched.
    """
    places = np.flatnonzero(studies & cases).tolist()
    places.sort(key=lambda case: roster.uids[case])
    pools = _pools(roster, np.flatnonzero(free(roster, studies, cases)).tolist(), match.seed, strata)
    sets: Sets = {}
    distances: list[int] = []
    in_turn = 0
    for cases_of in _components({case: strata(case) for case in places}, pools):
        some = [_Case(case, float(roster.ages[case]), pools[key], match.age_within) for case, key in cases_of]
        found = _assigned(some, match.controls, most_pairs)
        if found is None:
            found, in_turn = _in_turn(some, match.controls), in_turn + len(some)
        sets |= found.sets
        distances += found.distances
    known = sum(one for one in distances if one < _UNKNOWN)
    return Matched(sets, len(places) - len(sets), in_turn, known * _UNIT)


def free(roster: Roster, studies: Flags, cases: Flags) -> Flags:
    """Which of these studies may be controls: those of patients of whom no study at all is a case, also none that a
    rule or the choice of an index study has dropped."""
    with_case = np.zeros(len(roster.names), dtype=bool)
    with_case[roster.patients[cases]] = True
    return np.asarray(studies & ~with_case[roster.patients])


def _pools(roster: Roster, controls: Sequence[int], seed: int, strata: Strata) -> dict[tuple[str, ...], _Pool]:
    drawn = {place: dice(seed, roster.uids[place]) for place in controls}
    by_stratum: dict[tuple[str, ...], list[int]] = defaultdict(list)
    numbers: dict[int, int] = {}
    for place in sorted(controls, key=lambda place: (drawn[place], roster.uids[place])):
        by_stratum[strata(place)].append(place)
        numbers.setdefault(int(roster.patients[place]), len(numbers))
    pools = {}
    for key, some in by_stratum.items():
        patients = np.array([numbers[int(roster.patients[place])] for place in some], dtype=np.int64)
        ties = np.array([int(drawn[place] * _TIES) for place in some], dtype=np.int64)
        most = int(np.unique(patients, return_counts=True)[1].max())
        pools[key] = _Pool(np.array(some, dtype=np.int64), patients, roster.ages[some], ties, most)
    return pools


def _components(
    cases: Mapping[int, tuple[str, ...]], pools: Mapping[tuple[str, ...], _Pool]
) -> list[list[tuple[int, tuple[str, ...]]]]:
    """(case, its stratum) of cases that share no patient with others: by stratum, unless a patient is in several."""
    above: dict[tuple[str, ...], tuple[str, ...]] = {key: key for key in sorted(pools)}

    def top(key: tuple[str, ...]) -> tuple[str, ...]:
        while above[key] != key:
            key = above[key]
        return key

    first: dict[int, tuple[str, ...]] = {}
    for key, pool in pools.items():
        for patient in set(pool.patients.tolist()):
            one, other = sorted((top(first.setdefault(patient, key)), top(key)))
            above[other] = one
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for case, key in cases.items():
        if key in pools:
            found[top(key)].append(case)
    return [[(case, cases[case]) for case in some] for _, some in sorted(found.items())]


def _in_turn(cases: Sequence[_Case], controls: int) -> _Solved:
    """Cases with the fewest possible controls choose first, those with as many in the order of their UIDs."""
    solved, taken = _Solved(), set[int]()
    for case in sorted(cases, key=lambda case: case.possible):
        one, chosen = case.near(len(cases) * controls), list[int]()
        for at, patient in enumerate(one.patients.tolist()):
            if patient not in taken:
                chosen.append(at)
            if len(chosen) == controls:
                break
        if len(chosen) == controls:
            solved.sets[case.place] = one.places[chosen].tolist()
            solved.distances.extend(one.distances[chosen].tolist())
            taken.update(one.patients[chosen].tolist())
    return solved


def _assigned(cases: Sequence[_Case], controls: int, most_pairs: int) -> _Solved | None:
    """The cheapest assignment, None where it would be too large.

    No case needs more patients to choose from than all cases together take: whoever it took beyond its nearest so many,
    one of those would be free. With several controls a case, cases that lack some give theirs back, half at a time.
    """
    wanted = len(cases) * controls
    if sum(min(case.possible, wanted) for case in cases) * controls > most_pairs:
        return None
    near = {case.place: case.near(wanted) for case in cases}
    near = {case: one for case, one in near.items() if len(one.places) >= controls}
    best, lacking = _cheapest(near, controls)
    if not lacking:  # always so with one control: then a case has it or has none
        return best
    left, possible = dict(near), {case.place: case.possible for case in cases}
    while lacking:
        worst = sorted(lacking, key=lambda case: (lacking[case], possible[case]))
        for place in worst[: (len(worst) + 1) // 2]:
            del left[place]
        best, lacking = _cheapest(left, controls)
    chose = _in_turn(cases, controls)
    instead, _ = _cheapest({place: near[place] for place in near if place in chose.sets}, controls)
    return max(best, instead, key=lambda one: one.worth)


def _cheapest(near: Mapping[int, _Near], controls: int) -> tuple[_Solved, dict[int, int]]:
    """(complete sets, by case how many it has where it has some and lacks some)"""
    from scipy.sparse import coo_array  # noqa: PLC0415  (slow to import)
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415

    if not near:
        return _Solved(), {}
    rows = controls * len(near)
    weight = _TIES * (rows + 1)
    costs = [one.distances * weight + one.ties + 1 for one in near.values()]  # an entry of 0 would be none
    never = (rows + 1) * max(int(some.max()) for some in costs)
    patients = np.concatenate([one.patients for one in near.values()])
    width = int(patients.max()) + 1
    # Every row has a column of its own beside the patients', dearer than all pairs together: to be left without
    lengths = [len(some) for some in costs]
    of_rows = np.repeat(np.arange(rows).reshape(len(near), controls), lengths, axis=0)
    found = np.concatenate([*(of_rows[:, copy] for copy in range(controls)), np.arange(rows)])
    columns = np.concatenate([*([patients] * controls), width + np.arange(rows)])
    weights = np.concatenate([*(costs * controls), np.full(rows, never)]).astype(np.float64)
    graph = coo_array((weights, (found, columns)), shape=(rows, width + rows)).tocsr()
    graph.sort_indices()
    chosen: dict[int, list[int]] = defaultdict(list)
    cases = list(near)
    for row, column in zip(*min_weight_full_bipartite_matching(graph), strict=True):
        if column < width:
            case = cases[int(row) // controls]
            chosen[case].append(int(np.flatnonzero(near[case].patients == column)[0]))
    solved = _Solved()
    for case in (case for case in cases if len(chosen[case]) == controls):
        at_nearest = sorted(chosen[case])
        solved.sets[case] = near[case].places[at_nearest].tolist()
        solved.distances.extend(near[case].distances[at_nearest].tolist())
    return solved, {case: len(some) for case, some in chosen.items() if 0 < len(some) < controls}
