"""Parts of a list: whole patients, whole matched sets, shares as near as those allow, and a word where they are not."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

sys.path.insert(0, str(Path(__file__).parent))

from cohort_archive import CohortArchive, FilterArchive

from spinecho.db.keys import patient_key
from spinecho.db.people.cohorts import members_of
from spinecho.db.people.same_scans import same_scans
from spinecho.db.schema.models import Series, Study, Vector, Volume
from spinecho.search.cohorts.definition import Split
from spinecho.search.cohorts.design import FAR, divided, part_of
from spinecho.search.cohorts.freezing import keep, shown_making

SHARES = st.sampled_from([(0.7, 0.15, 0.15), (0.5, 0.25, 0.25), (0.8, 0.2, 0.0), (1.0, 0.0, 0.0), (0.34, 0.33, 0.33)])


@st.composite
def lists(draw: st.DrawFn) -> tuple[dict[int, str], list[tuple[int, ...]]]:
    """(patient by place, matched sets): some patients have several studies, some cases share a patient."""
    count = draw(st.integers(1, 40))
    names = [f"P{draw(st.integers(0, 25))}" for _ in range(count)]
    spelt = [draw(st.sampled_from([name, name.lower(), f" {name}"])) for name in names]
    places, sets = list(range(count)), []
    while len(places) >= 3 and draw(st.booleans()):
        size = draw(st.integers(2, 3))
        sets.append(tuple(places.pop(draw(st.integers(0, len(places) - 1))) for _ in range(size)))
    return dict(enumerate(spelt)), sets


@given(lists(), SHARES, st.integers(0, 50))
def test_patients_and_matched_sets_are_whole(
    drawn: tuple[dict[int, str], list[tuple[int, ...]]], shares: tuple[float, float, float], seed: int
) -> None:
    patients, sets = drawn
    made = divided(Split(*shares, seed), patients, sets)
    assert made.part.keys() == patients.keys()
    for some in sets:
        assert len({made.part[place] for place in some}) == 1
    by_patient: dict[str, set[str]] = {}
    for place, name in patients.items():
        by_patient.setdefault(patient_key(name), set()).add(made.part[place])
    assert all(len(parts) == 1 for parts in by_patient.values())
    counts = Counter(made.part.values())
    asked = dict(zip(("train", "validation", "test"), shares, strict=True))
    far = {name for name, share in asked.items() if abs(counts[name] / len(patients) - share) > FAR}
    assert {name for name, _, _ in made.far} == far, "whatever is far is told, with its numbers"
    assert all(counts[name] == count and asked[name] == share for name, share, count in made.far)
    assert not counts.keys() - {name for name, share in asked.items() if share}, "nobody is in a part of nothing"


@given(lists(), SHARES, st.integers(0, 50), st.randoms())
def test_who_shares_a_scan_is_in_one_part(
    drawn: tuple[dict[int, str], list[tuple[int, ...]]], shares: tuple[float, float, float], seed: int, chance: Random
) -> None:
    patients, sets = drawn
    sharing = [chance.sample(sorted(patients), min(2, len(patients))) for _ in range(chance.randint(0, 4))]
    made = divided(Split(*shares, seed), patients, sets, sharing)
    assert made.part.keys() == patients.keys()
    assert all(len({made.part[place] for place in some}) == 1 for some in (*sets, *sharing))


def test_one_scan_under_two_names_is_on_one_side_of_a_split(tmp_path: Path) -> None:
    """The same voxels have the same vector whatever the header says; what many people share is a phantom or blank."""
    archive = CohortArchive(FilterArchive(tmp_path), tmp_path)
    for number in range(8):
        archive.put(f"1.{number}", f"P{number}", sequence=["T1", "T2"])
    with archive.facts.database.begin() as session:
        rows = session.execute(
            select(Vector.id, Series.uid, Volume.sequence).join(Volume, Volume.id == Vector.volume_id).join(Series)
        ).all()
        for vector, series, sequence in rows:
            of = "1.0.1" if series == "1.5.1" else series
            own = b"blank" if sequence == "T1" else of.encode()
            session.execute(update(Vector).where(Vector.id == vector).values(data=own.ljust(64, b"\0")))
        ids = {row.uid: row.id for row in session.execute(select(Study.uid, Study.id))}
    assert same_scans(archive.facts.database, list(ids.values())) == [(ids["1.0"], ids["1.5"])]
    assert same_scans(archive.facts.database, [ids["1.0"], ids["1.1"]]) == [(ids["1.0"], ids["1.1"])]
    for seed in range(6):
        found = archive.run(f'name = "x"\n[split]\ntrain = 0.5\nvalidation = 0.25\ntest = 0.25\nseed = {seed}\n')
        part = {member.study_uid: member.part for member in found.members}
        assert part["1.0"] == part["1.5"]
        assert len(set(part.values())) > 1
        assert sum("have a scan in common" in note and note.endswith(": 2") for note in found.warnings) == 1


@given(lists(), SHARES, st.integers(0, 50), st.randoms())
def test_the_order_of_the_archive_changes_nothing(
    drawn: tuple[dict[int, str], list[tuple[int, ...]]], shares: tuple[float, float, float], seed: int, random: object
) -> None:
    patients, sets = drawn
    places = list(patients)
    random.shuffle(places)  # type: ignore[attr-defined]
    other = dict(zip(patients, places, strict=True))
    split = Split(*shares, seed)
    again = divided(split, {other[place]: name for place, name in patients.items()},
                    [tuple(other[place] for place in some) for some in sets][::-1])  # fmt: skip
    made = divided(split, patients, sets)
    by_name = [Counter((name, one.part[at[place]]) for place, name in patients.items())
               for one, at in ((made, {place: place for place in patients}), (again, other))]  # fmt: skip
    assert by_name[0] == by_name[1]


@given(st.integers(0, 200))
@settings(max_examples=40)
def test_a_part_misses_its_share_by_less_than_two_groups(seed: int) -> None:
    patients = {place: f"p{place // 2}" for place in range(60)}
    made = divided(Split(0.7, 0.15, 0.15, seed), patients)
    counts = Counter(made.part.values())
    if made.moved:
        assert all(abs(counts[name] - 60 * share) <= 2 for name, share in zip(counts, (0.7, 0.15, 0.15), strict=False)
                   if name == "train")  # fmt: skip
    assert not made.far


def test_six_matched_pairs_are_parted_as_asked() -> None:
    patients = {place: f"p{place}" for place in range(12)}
    for seed in range(50):
        made = divided(Split(0.7, 0.15, 0.15, seed), patients, [(place, place + 6) for place in range(6)])
        assert Counter(made.part.values()) == {"train": 8, "validation": 2, "test": 2}
        assert not made.far


def test_in_a_large_list_nobody_changes_sides_because_others_come() -> None:
    split = Split(0.7, 0.15, 0.15, 4)
    small = divided(split, {place: f"p{place}" for place in range(2000)})
    large = divided(split, {place: f"p{place}" for place in range(2600)})
    assert not small.moved
    assert all(small.part[place] == large.part[place] == part_of(split, f"p{place}") for place in small.part)


def test_what_cannot_be_reached_is_told() -> None:
    made = divided(Split(0.7, 0.15, 0.15), {place: f"p{place // 9}" for place in range(10)})
    assert {name for name, _, _ in made.far} >= {"train", "validation"} or np.isclose(len(made.far), 3)
    assert not divided(Split(0.7, 0.15, 0.15), {}).far


def test_a_matched_cohort_is_parted_by_whole_sets_and_what_is_far_is_kept_with_it(tmp_path: Path) -> None:
    facts = FilterArchive(tmp_path / "home")
    archive = CohortArchive(facts, tmp_path)
    for number in range(6):
        archive.put(f"1.{number}", f"case{number}", age=40.0 + number, says=[("A lesion.", "present")])
        archive.put(f"2.{number}", f"control{number}", age=40.0 + number)
    rules = 'name = "m"\n[match]\ncases = { filter = \'says:present("lesion")\' }\n[split]\nseed = 1\n'
    found = archive.run(rules + "train = 0.7\nvalidation = 0.15\ntest = 0.15\n")
    by_set: dict[int, set[str]] = {}
    for member in found.members:
        by_set.setdefault(member.facts["set"], set()).add(member.part)
    assert len(by_set) == 6
    assert all(len(parts) == 1 for parts in by_set.values())
    assert found.parts == {"train": 8, "validation": 2, "test": 2}
    assert not [note for note in found.warnings if "was to have" in note]
    few = archive.run(rules.replace("says:present", "sex=F and age<=41 and says:present")
                      + "train = 0.7\nvalidation = 0.15\ntest = 0.15\n")  # fmt: skip
    warnings_shown = [note for note in few.warnings if "was to have" in note]
    assert warnings_shown
    assert all("of the studies, and has" in note and "matched sets stay together" in note for note in warnings_shown)
    made = keep(facts.database, facts.builds, few, owner="x")
    assert set(warnings_shown) <= set(shown_making(made, 0)["notes"]), (
        "the manifest, show and the page tell it later too"
    )
    assert not [note for note in few.warnings_shown(5) if "was to have" in note], "of few patients nothing is noted"
    assert members_of(facts.database, "m", 1)
    facts.close()
