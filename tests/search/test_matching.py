"""Matched controls: the most pairs, then the nearest, the same whoever indexed first; and how alike that makes them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from cohort_archive import CohortArchive, FilterArchive

from spinecho.db.people.cohorts import Roster
from spinecho.search.cohorts.balance import Groups, balance, masked_balance
from spinecho.search.cohorts.definition import Match, Rule
from spinecho.search.cohorts.freezing import balance_of, keep
from spinecho.search.cohorts.matched_controls import Matched, matched

UNKNOWN = 250.0


def roster_of(patients: Sequence[int], ages: Sequence[float], sexes: Sequence[str]) -> Roster:
    count = len(patients)
    return Roster(
        ids=np.arange(1, count + 1), uids=[f"1.{number}" for number in range(count)], patients=np.array(patients),
        names=[f"p{number}" for number in range(max(patients) + 1)], days=np.zeros(count, dtype=np.int64),
        ages=np.array(ages, dtype=np.float64), sexes=list(sexes),
    )  # fmt: skip


@st.composite
def problems(draw: st.DrawFn, most: int = 24) -> tuple[Roster, np.ndarray]:
    """A roster whose patients may have studies in both strata, and which of its studies are cases."""
    count = draw(st.integers(2, most))

    def each(one: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(one, min_size=count, max_size=count))

    ages = each(st.sampled_from([20.0, 20.25, 21.0, 21.5, 22.0, 23.0, 24.75, 60.0, math.nan]))
    roster = roster_of(each(st.integers(0, 14)), ages, each(st.sampled_from("FM")))  # type: ignore[arg-type]
    return roster, np.array(each(st.booleans()))


def run(roster: Roster, cases: np.ndarray, match: Match, **more: int) -> Matched:
    return matched(roster, np.ones(len(cases), dtype=bool), cases, match, lambda at: (roster.sexes[at],), **more)


def apart(roster: Roster, case: int, control: int) -> float:
    years = abs(float(roster.ages[case] - roster.ages[control]))
    return UNKNOWN if math.isnan(years) else years


def total(roster: Roster, found: Matched) -> float:
    return sum(apart(roster, case, one) for case, chosen in found.sets.items() for one in chosen)


def possible(roster: Roster, cases: np.ndarray, match: Match, case: int) -> list[int]:
    with_case = set(roster.patients[cases].tolist())
    return [
        at
        for at in range(len(cases))
        if int(roster.patients[at]) not in with_case
        and roster.sexes[at] == roster.sexes[case]
        and (match.age_within is None or apart(roster, case, at) <= match.age_within)
    ]


def in_turn(roster: Roster, cases: np.ndarray, match: Match) -> Matched:
    """Each case takes what is nearest, those with the fewest to choose from first."""
    choice = {case: possible(roster, cases, match, case) for case in np.flatnonzero(cases).tolist()}
    taken: set[int] = set()
    sets: dict[int, list[int]] = {}
    for case in sorted(choice, key=lambda case: (len(choice[case]), roster.uids[case])):
        chosen: dict[int, int] = {}
        for at in sorted(choice[case], key=lambda at: apart(roster, case, at)):
            patient = int(roster.patients[at])
            if patient not in taken and patient not in chosen and len(chosen) < match.controls:
                chosen[patient] = at
        if len(chosen) == match.controls:
            sets[case] = list(chosen.values())
            taken |= set(chosen)
    return Matched(sets, len(choice) - len(sets))


def best_of_all(roster: Roster, cases: np.ndarray, match: Match) -> tuple[int, float]:
    """(pairs, -distance) of the best matching with one control a case, by trying every one."""
    order = np.flatnonzero(cases).tolist()
    choice = {case: possible(roster, cases, match, case) for case in order}

    @cache
    def best(at: int, taken: frozenset[int]) -> tuple[int, float]:
        if at == len(order):
            return 0, 0.0
        found = best(at + 1, taken)
        for one in choice[order[at]]:
            patient = int(roster.patients[one])
            if patient not in taken:
                pairs, nearness = best(at + 1, taken | {patient})
                found = max(found, (pairs + 1, nearness - apart(roster, order[at], one)))
        return found

    return best(0, frozenset())


matches = st.builds(
    Match, st.just(Rule(filter="sex=F")), age_within=st.sampled_from([None, 0.0, 1.0, 3.0]),
    controls=st.integers(1, 3), seed=st.integers(0, 3),
)  # fmt: skip


@settings(deadline=None)
@given(problems(), matches)
def test_never_fewer_sets_than_in_turn_and_never_farther_with_as_many(
    problem: tuple[Roster, np.ndarray], match: Match
) -> None:
    roster, cases = problem
    found, turn = run(roster, cases, match), in_turn(roster, cases, match)
    assert len(found.sets) >= len(turn.sets)
    if len(found.sets) == len(turn.sets):
        assert total(roster, found) <= total(roster, turn) + 1e-6
    known = [years for c, some in found.sets.items() for o in some if (years := apart(roster, c, o)) < UNKNOWN]
    assert found.years == pytest.approx(sum(known))


@settings(deadline=None)
@given(problems(most=14), st.sampled_from([None, 0.0, 1.0, 3.0]), st.integers(0, 3))
def test_with_one_control_nothing_is_better(
    problem: tuple[Roster, np.ndarray], within: float | None, seed: int
) -> None:
    roster, cases = problem
    match = Match(Rule(filter="sex=F"), age_within=within, seed=seed)
    pairs, nearness = best_of_all(roster, cases, match)
    found = run(roster, cases, match)
    assert len(found.sets) == pairs
    assert total(roster, found) == pytest.approx(-nearness)


@settings(deadline=None)
@given(problems(), matches, st.sampled_from([0, 10_000_000]))
def test_sets_are_sound_whichever_way_they_were_found(
    problem: tuple[Roster, np.ndarray], match: Match, most_pairs: int
) -> None:
    roster, cases = problem
    found = run(roster, cases, match, most_pairs=most_pairs)
    used: list[int] = []
    for case, chosen in found.sets.items():
        assert len(chosen) == match.controls
        assert set(chosen) <= set(possible(roster, cases, match, case))
        used += [int(roster.patients[at]) for at in chosen]
    assert len(used) == len(set(used))
    assert found.alone + len(found.sets) == cases.sum()
    assert (found.in_turn > 0) <= (most_pairs == 0)


@settings(deadline=None)
@given(problems(), matches, st.randoms(use_true_random=False))
def test_the_order_in_which_studies_were_indexed_changes_nothing(
    problem: tuple[Roster, np.ndarray], match: Match, random: object
) -> None:
    roster, cases = problem
    order = list(range(len(cases)))
    random.shuffle(order)  # type: ignore[attr-defined]
    renamed: dict[int, int] = {}
    patients = [renamed.setdefault(int(roster.patients[at]), len(renamed)) for at in order]
    other = Roster(
        roster.ids, [roster.uids[at] for at in order], np.array(patients), [f"p{n}" for n in range(len(renamed))],
        roster.days, roster.ages[order], [roster.sexes[at] for at in order],
    )  # fmt: skip

    def told(whose: Roster, found: Matched) -> dict[str, list[str]]:
        return {whose.uids[case]: [whose.uids[at] for at in some] for case, some in found.sets.items()}

    assert told(other, run(other, cases[order], match)) == told(roster, run(roster, cases, match))


def test_a_case_gives_way_to_one_that_has_no_other_control() -> None:
    # in turn, the case of 50 takes the control of 50, and that of 47 finds nobody within 4 years
    roster = roster_of(range(4), [50.0, 47.0, 50.5, 54.0], "FFFF")
    cases = np.array([True, True, False, False])
    found = run(roster, cases, Match(Rule(filter="sex=F"), age_within=4))
    assert found.sets == {0: [3], 1: [2]}
    assert (found.alone, found.in_turn, found.years) == (0, 0, 7.5)


def test_strata_that_are_too_large_choose_in_turn_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = small(tmp_path)
    text = 'name = "c"\n[match]\ncases = { filter = "says:present(lesion)" }\nage_within = 9'
    assert not archive.run(text).warnings
    monkeypatch.setattr("spinecho.search.cohorts.attrition.MOST_PAIRS", 1)
    assert archive.run(text).warnings[0].endswith("too many to weigh every pair: 2")
    archive.facts.close()


def small(folder: Path) -> CohortArchive:
    """Two cases of 50 and 60, four others of whom one is a man and one is old."""
    archive = CohortArchive(FilterArchive(folder), folder)
    for number, (age, sex, case) in enumerate(
        [(50.0, "F", True), (60.0, "F", True), (51.0, "F", False), (62.0, "F", False), (50.0, "M", False),
         (90.0, "F", False)]
    ):  # fmt: skip
        says = [("A lesion.", "present")] if case else [("No lesion.", "absent")]
        archive.put(f"1.{number}", f"p{number}", age=age, sex=sex, says=says, vendor="GE" if case else "Siemens")
    return archive


def test_balance_is_told_before_and_after_and_kept_with_the_list(tmp_path: Path) -> None:
    archive = small(tmp_path)
    text = 'name = "c"\n[match]\ncases = { filter = "says:present(lesion)" }\nage_within = 9'
    found = archive.run(text)
    rows = {(one.fact, one.value): one for one in found.balance}
    age = rows["age", "years"]
    assert (age.cases, age.controls) == (55.0, 63.25)
    assert (age.matched_cases, age.matched_controls) == (55.0, 56.5)
    spread = math.sqrt((np.var([50.0, 60.0]) + np.var([51.0, 62.0, 50.0, 90.0])) / 2)
    assert age.before == pytest.approx((55 - 63.25) / spread)
    assert age.after == pytest.approx((55 - 56.5) / spread)
    assert rows["sex", "M"].after == 0.0
    assert rows["vendor", "GE"].before is None, "groups that differ wholly have no spread to measure it by"
    version = keep(archive.facts.database, archive.facts.builds, found, owner="ada")
    told = {(row["fact"], row["value"]): row for row in balance_of(version, 0)}
    assert told["age", "years"]["after"] == round(age.after or 0, 3)
    assert {row["after"] for row in balance_of(version, 5)} == {"<5"}
    assert "cases" not in balance_of(version, 5)[0], "a share of a known number is a count"
    assert not archive.run('name = "c"').balance
    archive.facts.close()


@given(st.integers(2, 60), st.integers(0, 5))
def test_groups_that_are_the_same_differ_in_nothing(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    ages, sexes = random.normal(50, 9, count), random.choice(["F", "M"], count)
    flags = np.arange(2 * count) < count
    groups = Groups(flags, ~flags, flags, ~flags)
    everybody = np.arange(2 * count)
    for row in balance(groups, everybody, np.tile(ages, 2), {"sex": np.tile(sexes, 2).tolist()}):
        assert row.before == pytest.approx(0)
        assert row.after == pytest.approx(0)
    facts = {"sex": np.tile(sexes, 2).tolist()}
    plain = [row.plain() for row in balance(groups, everybody, np.tile(ages, 2), facts)]
    for row in masked_balance(plain, count + 1):
        assert row["before"] == f"<{count + 1}"


@pytest.mark.parametrize(("women", "men"), [(28, 2), (2, 28)])
def test_a_hidden_value_does_not_follow_from_the_other(women: int, men: int) -> None:
    sexes = ["F"] * women + ["M"] * men + ["F"] * 15 + ["M"] * 15
    flags = np.arange(60) < 30
    rows = balance(Groups(flags, ~flags, flags, ~flags), np.arange(60), np.full(60, 50.0), {"sex": sexes})
    told = {row["value"]: row["before"] for row in masked_balance([row.plain() for row in rows], 5)}
    assert (told["F"], told["M"]) == ("<5", "<5")
    assert told["years"] == 0.0


def test_many_studies_of_a_few_patients_have_no_balance_to_show() -> None:
    patients = np.concatenate([np.arange(30) % 3, np.arange(100, 130)])
    flags = np.arange(60) < 30
    rows = balance(Groups(flags, ~flags, flags, ~flags), patients, np.arange(60.0), {"sex": ["F"] * 60})
    told = masked_balance([row.plain() for row in rows], 5)
    assert [(row["fact"], row["before"]) for row in told] == [("age", "<5")], "that there are women alone is not told"
    assert len(masked_balance([row.plain() for row in rows], 3)) == 2


@pytest.mark.parametrize("dropped", ['[index]\nstudy = "first"', '[[exclude]]\nfilter = "sequence=FLAIR"'])
def test_whoever_has_a_case_that_was_dropped_is_no_control(tmp_path: Path, dropped: str) -> None:
    archive = small(tmp_path)
    archive.put("2.0", "p9", day="2020-01-01", age=50.0, vendor="Siemens")
    archive.put("2.1", "p9", day="2021-01-01", age=51.0, sequence="FLAIR", says=[("A lesion.", "present")])
    found = archive.run(
        f'name = "c"\n{dropped}\n[match]\ncases = {{ filter = "says:present(lesion)" }}\nage_within = 9'
    )
    assert {one.study_uid for one in found.members} == {"1.0", "1.1", "1.2", "1.3"}
    rows = {(one.fact, one.value): one for one in found.balance}
    assert rows["age", "years"].controls == 63.25, "nor is it among those who might have been"
    archive.facts.close()
