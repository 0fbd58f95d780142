"""Cohorts: what rules and designs choose, over an archive whose every fact is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cohort_archive import CohortArchive, FilterArchive, uids
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.errors import FilterError
from spinecho.db.people.cohorts import Roster
from spinecho.db.people.masking import masked, masked_rows
from spinecho.search.cohorts.definition import ConfigError, Index, Match, Rule, Sample, Split, from_plain, to_plain
from spinecho.search.cohorts.design import index_studies, part_of, sampled
from spinecho.search.cohorts.matched_controls import matched


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[CohortArchive]:
    facts = FilterArchive(tmp_path)
    made = CohortArchive(facts, tmp_path)
    lesion, none = [("A lesion.", "present")], [("No lesion.", "absent")]
    made.put("1.1", "p1", day="2020-01-01", says=lesion, sequence=("T2", "T1"))
    made.put("1.2", "p1", day="2020-06-01", says=none, vendor="Siemens")
    made.put("1.3", "p2", day="2021-01-01", says=none, sex="M", age=51)
    made.put("1.4", "p2", day="2021-01-15", sequence="FLAIR", sex="M", age=51)
    made.put("1.5", "", day="2019-01-01", sequence="T1", region="knee")
    made.put("1.6", "p3", says=lesion, age=None)
    made.put("1.7", "p4", day="2022-03-01", says=none, age=53)
    made.put("1.8", "p4", day="2022-03-01", sequence="localizer")
    yield made
    facts.close()


def test_every_rule_is_counted_in_turn(archive: CohortArchive) -> None:
    found = archive.run(
        """
        name = "c"
        [[include]]
        what = "brain"
        filter = "body_region=brain"
        [[include]]
        filter = "sequence=T2,FLAIR"
        [[exclude]]
        what = "a lesion"
        filter = "says:present(lesion)"
        """
    )
    assert [(step["what"], step["studies"], step["patients"]) for step in found.attrition] == [
        ("every study", 7, 5),  # the study of a localizer alone is none
        ("brain", 6, 4),
        ("sequence=T2,FLAIR", 6, 4),
        ("not a lesion", 4, 3),
    ]
    assert uids(found) == ["1.2", "1.3", "1.4", "1.7"]
    assert found.fell_at("1.6") == "not a lesion"
    assert found.fell_at("1.5") == "brain"
    assert found.fell_at("1.3") is None
    assert not found.holds("9.9")


def test_findings_count_under_their_other_names_too(archive: CohortArchive) -> None:
    archive.put("2.1", "p9", says=[("Intracerebral haemorrhage.", "present")])
    for name in ("hemorrhage", "bleed"):
        found = archive.run(f'name = "c"\n[[include]]\nfilter = "says:present({name})"')
        assert uids(found) == ["2.1"]


def test_rules_join_and_a_patient_is_excluded_with_all_studies(archive: CohortArchive) -> None:
    found = archive.run(
        """
        name = "c"
        [[include]]
        any = [{ filter = "sequence=FLAIR" }, { all = [{ filter = "sequence=T2" }, { filter = "sequence=T1" }] }]
        """
    )
    assert uids(found) == ["1.1", "1.4"]
    found = archive.run('name = "c"\n[[exclude]]\nfilter = "says:present(lesion)"\nof = "patient"')
    assert uids(found) == ["1.3", "1.4", "1.5", "1.7"]
    found = archive.run('name = "c"\n[[include]]\nnone = [{ filter = "sequence=T2" }]')
    assert uids(found) == ["1.4", "1.5"]


def test_windows_look_at_other_studies_of_the_patient(archive: CohortArchive) -> None:
    text = 'name = "c"\n[[window]]\nfrom_days = {0}\nto_days = {1}\nneed = "{2}"\nfilter = "{3}"'
    assert uids(archive.run(text.format(1, 365, "some", "everything"))) == ["1.1", "1.3"]
    assert uids(archive.run(text.format(-365, -1, "some", "everything"))) == ["1.2", "1.4"]
    assert uids(archive.run(text.format(1, 20, "some", "sequence=FLAIR"))) == ["1.3"]
    lonely = archive.run(text.format(-365, 365, "none", "everything"))
    assert uids(lonely) == ["1.5", "1.7"], "a study without a date is in no window"
    assert "studies without a date, which so fall at" in lonely.warnings[0]
    assert lonely.warnings[0].endswith(": 1")
    assert lonely.warnings_shown(5)[0].endswith(": <5")


@pytest.mark.parametrize(
    ("which", "chosen"),
    [("first", ["1.1", "1.3", "1.5", "1.6", "1.7"]), ("last", ["1.2", "1.4", "1.5", "1.6", "1.7"])],
)
def test_one_study_of_each_patient(archive: CohortArchive, which: str, chosen: list[str]) -> None:
    found = archive.run(f'name = "c"\n[index]\nstudy = "{which}"')
    assert uids(found) == chosen
    assert any("without a patient ID" in warning for warning in found.warnings)


def test_controls_are_alike_and_of_patients_without_a_case(archive: CohortArchive) -> None:
    found = archive.run(
        """
        name = "c"
        [match]
        cases = { filter = "says:present(lesion)" }
        by = ["sex"]
        age_within = 4
        """
    )
    facts = {member.study_uid: (member.facts["set"], member.facts["role"]) for member in found.members}
    # 1.1 (F, 50) finds 1.5 (50) before 1.7 (53); 1.2 is of the case's patient; 1.6 has no age
    assert facts == {"1.1": (1, "case"), "1.5": (1, "control")}
    assert found.warnings[-1] == "cases without a control, which are left out: 1"


def test_parts_of_the_split_are_by_patient(archive: CohortArchive) -> None:
    found = archive.run('name = "c"\n[split]\ntrain = 0.5\nvalidation = 0.2\ntest = 0.3')
    parts: dict[str, set[str]] = {}
    for member in found.members:
        parts.setdefault(member.patient, set()).add(member.part)
    assert all(len(some) == 1 and some <= {"train", "validation", "test"} for some in parts.values())
    assert sum(found.parts.values()) == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('nam = "c"', "did you mean 'name'"),
        ('name = " "', "name is empty"),
        ('name = "c"\n[[include]]\nwhat = "x"', "one of filter, text, like"),
        ('name = "c"\n[[include]]\nfilter = "sex=F"\ntext = "x"', "has filter and text"),
        ('name = "c"\n[[include]]\ntext = "x"', "needs at_least"),
        ('name = "c"\n[[include]]\ntext = "x"\nat_least = 2.0', "no cosine"),
        ('name = "c"\n[[include]]\nfilter = "sex=F"\nat_least = 0.5', "does not go with filter"),
        ('name = "c"\n[[window]]\nfrom_days = 9\nto_days = 3', "is empty"),
        ('name = "c"\n[sample]\nstudies = 0', "at least 1"),
        ('name = "c"\n[sample]\nstudies = 5\nby = ["colour"]', "there are sex, vendor"),
        ('name = "c"\n[split]\ntrain = 0.9\nvalidation = 0.3\ntest = 0.1', "add up to 1"),
        ('name = "c"\n[sample]\nstudies = 1\n[match]\ncases = { filter = "sex=F" }', "do not go together"),
        ('name = "c"\n[[include]]\nfilter = "sex=F"\nof = "patients"', "did you mean 'patient'"),
    ],
)
def test_a_definition_that_cannot_be_meant_is_refused(archive: CohortArchive, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        archive.read(text)


def test_filters_that_cannot_be_read_are_refused(archive: CohortArchive) -> None:
    for wrong in ("colour=red", "sex=", "predicted.lesion=yes"):
        with pytest.raises(FilterError):
            archive.run(f'name = "c"\n[[include]]\nfilter = "{wrong}"')


names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)
rules = st.recursive(
    st.one_of(
        st.builds(Rule, what=names, filter=names),
        st.builds(Rule, text=names, at_least=st.floats(-1, 1), says=st.sampled_from(["present", "absent"])),
        st.builds(Rule, like=names, at_least=st.floats(-1, 1), of=st.just("patient")),
    ),
    lambda inner: st.builds(Rule, any=st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=4,
)


@given(st.lists(rules, max_size=3).map(tuple), st.none() | st.builds(Split, st.just(0.5), st.just(0.25), st.just(0.25)))
def test_a_definition_survives_being_stored(include: tuple[Rule, ...], split: Split | None) -> None:
    plain = {"name": "c", "include": [to_plain(rule) for rule in include]}
    plain |= {"split": to_plain(split)} if split else {}
    read = from_plain(plain, name="c")
    assert (read.include, read.split) == (include, split)
    assert from_plain(to_plain(read), name="c") == read


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    count = draw(st.integers(1, 30))
    patients = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    return Roster(
        ids=np.arange(1, count + 1),
        uids=[f"1.{number}" for number in range(count)],
        patients=np.array(patients),
        names=[f"p{number}" for number in range(10)],
        days=np.array(draw(st.lists(st.integers(0, 50), min_size=count, max_size=count))),
        ages=np.array(draw(st.lists(st.sampled_from([20.0, 22.0, 60.0, np.nan]), min_size=count, max_size=count))),
        sexes=draw(st.lists(st.sampled_from("FM"), min_size=count, max_size=count)),
    )


@given(rosters(), st.sampled_from(["first", "last", "random"]), st.integers(0, 3))
def test_an_index_study_is_one_of_each_patient_that_had_any(roster: Roster, which: str, seed: int) -> None:
    among = roster.ids % 3 > 0
    kept = index_studies(roster, among, Index(which, seed))  # type: ignore[arg-type]
    assert not (kept & ~among).any()
    assert sorted(roster.patients[kept].tolist()) == sorted(set(roster.patients[among].tolist()))


@given(rosters(), st.integers(1, 40), st.integers(0, 3))
def test_a_sample_is_as_large_as_asked_for_and_in_proportion(roster: Roster, wanted: int, seed: int) -> None:
    everything = np.ones(len(roster.ids), dtype=bool)

    def strata(place: int) -> tuple[str, ...]:
        return (roster.sexes[place],)

    kept = sampled(roster, everything, Sample(wanted, seed=seed), strata)
    assert kept.sum() == min(wanted, len(everything))
    for sex in "FM":
        mine = np.array([one == sex for one in roster.sexes])
        assert abs((kept & mine).sum() - mine.sum() * kept.sum() / len(kept)) < 1


@given(rosters(), st.integers(1, 2), st.integers(0, 3))
def test_matched_sets_are_alike_and_share_no_patient(roster: Roster, controls: int, seed: int) -> None:
    cases = roster.ids % 4 == 0
    match = Match(Rule(filter="sex=F"), age_within=3, controls=controls, seed=seed)
    everything = np.ones(len(cases), dtype=bool)
    found = matched(roster, everything, cases, match, lambda place: (roster.sexes[place],))
    used: list[int] = []
    of_cases = set(roster.patients[cases].tolist())
    for case, chosen in found.sets.items():
        assert cases[case]
        assert len(chosen) == controls
        for place in chosen:
            assert roster.sexes[place] == roster.sexes[case]
            assert abs(roster.ages[place] - roster.ages[case]) <= 3
            assert int(roster.patients[place]) not in of_cases
            used.append(int(roster.patients[place]))
    assert len(used) == len(set(used))
    assert found.alone + len(found.sets) == cases.sum()


@given(st.lists(names, min_size=400, max_size=400, unique=True), st.integers(0, 5))
def test_parts_are_near_their_fractions_and_never_change(patients: list[str], seed: int) -> None:
    split = Split(0.5, 0.25, 0.25, seed)
    drawn = [part_of(split, patient) for patient in patients]
    assert 130 < drawn.count("train") < 270
    assert drawn == [part_of(split, patient) for patient in patients]


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(2, 20))
def test_masked_counts_and_their_differences_tell_of_nobody(one: int, other: int, smallest: int) -> None:
    for count in (one, other):
        shown = masked(count, smallest)
        assert (shown == 0) == (count == 0)
        assert isinstance(shown, str) == (0 < count < smallest)
        assert isinstance(shown, str) or shown % smallest == 0
    assert masked(one, 0) == one


def test_what_few_patients_are_does_not_follow_from_the_lines_after_them(archive: CohortArchive) -> None:
    few = '[[include]]\nfilter = "says:present(lesion)"\nof = "patient"\n'
    after = '[[include]]\nfilter = "sex={}"\n[split]\ntrain = 0.5\nvalidation = 0.2\ntest = 0.3\n'
    for sex in "FM":
        found = archive.run(f'name = "c"\n{few}{after.format(sex)}')
        warnings_shown = masked_rows(found.attrition, 5)
        assert [(row["studies"], row["patients"]) for row in warnings_shown] == [(5, 5), ("<5", "<5"), ("<5", "<5")]
        assert found.shown_sizes(5) == ("<5", "<5")
        assert set(found.shown_parts(5).values()) <= {"<5"}
    for design in ('[match]\ncases = { filter = "sex=M" }', "[sample]\nstudies = 9"):
        found = archive.run(f'name = "c"\n{few}{design}')
        assert found.warnings
        assert not found.warnings_shown(5), "nor from a note"
    assert (
        masked_rows([{"studies": 20, "patients": 1}, {"studies": 0, "patients": 0}], 5)
        == [{"studies": "<5", "patients": "<5"}] * 2
    )
    assert masked_rows([{"studies": 20, "patients": 9}, {"studies": 0, "patients": 0}], 5)[1]["studies"] == 0
