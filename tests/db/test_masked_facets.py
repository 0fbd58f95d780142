"""Facet counts with small counts hidden: no filter is narrow enough to tell of a few people what they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import ALL, Filter, parse_filter
from spinecho.db.people.masking import masked, together
from spinecho.db.queries.facets import Facet, masked_facets, shown_of_total
from spinecho.db.queries.lookup import facets
from spinecho.db.queries.selection import Selection

SMALLEST = 5


@pytest.fixture(params=["SQL", "snapshot"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilterArchive]:
    """Twelve women and eight men of a study each; seven studies more of one woman, who alone has a scanner of GE."""
    made = FilterArchive(tmp_path)
    for number in range(20):
        put(made, f"1.{number}", f"p{number}", "F" if number < 12 else "M", "Siemens", 30.0 + number)
    for number in range(7):
        put(made, f"2.{number}", "often", "F", "GE", 71.0)
    if request.param == "snapshot":
        made.end_run()
        make_snapshot(made.database, made.builds)
    yield made
    made.close()


def put(archive: FilterArchive, uid: str, patient: str, sex: str, vendor: str, age: float) -> None:
    study = {
        "uid": uid, "accession_number": uid, "patient_id": patient, "date": date(2020, 1, 1), "description": "head",
        "sex": sex, "age_years": age,
    }  # fmt: skip
    volume: dict[str, Any] = {
        "body_region": "brain", "sequence": "T2", "plane": "axial", "contrast": "no", "field_strength_t": 1.5,
        "vendor": vendor, "model": "x", "derived": False,
    }  # fmt: skip
    archive.store(study, f"{uid}.1", [volume])


def counted(archive: FilterArchive, where: Filter | str, *fields: str, **more: Any) -> dict[str, tuple[Facet, ...]]:
    asked = parse_filter(where) if isinstance(where, str) else where
    return Selection(archive.database, archive.builds).facets(asked, fields, smallest=SMALLEST, **more)


def test_counts_are_rounded_and_small_ones_hidden(archive: FilterArchive) -> None:
    found = counted(archive, "age<33 or age>=42", "sex")["sex"]
    assert found == (Facet("F", "<5", 20), Facet("M", 10, 10)), "ten studies of four women"
    assert counted(archive, "age>=34", "sex")["sex"] == (Facet("F", 15, 20), Facet("M", 10, 10))
    found = counted(archive, "age<33 or age>=42", "vendor", "sex")["vendor"]
    assert found == (Facet("Siemens", 10, 20), Facet("GE", "<5", "<5")), "seven studies of one woman"


@pytest.mark.parametrize(
    "where", ["patient_id=p3", "study_uid=1.3,1.15", "age>=33 and age<36", "patient_id=often", "vendor=GE"]
)
def test_a_narrow_filter_tells_nothing_of_those_it_leaves(archive: FilterArchive, where: str) -> None:
    for field, some in counted(archive, where, "sex", "vendor", "age", "sequence").items():
        if field not in where:  # a field's own condition does not count for its own values
            assert {one.shown for one in some} == {"<5"}, field


def test_nor_does_a_narrow_list_of_studies(archive: FilterArchive) -> None:
    ids = Selection(archive.database, archive.builds).studies(parse_filter("study_uid=1.1,1.2"))
    for some in counted(archive, ALL, "sex", "vendor", studies=ids).values():
        assert {one.shown for one in some} == {"<5"}
    none = counted(archive, ALL, "sex", studies=np.empty(0, np.int64))["sex"]
    assert {one.shown for one in none} == {0}, "nobody is nobody"


def test_an_archive_of_few_people_tells_no_totals(archive: FilterArchive) -> None:
    for some in counted(archive, ALL, "sex", base=parse_filter("vendor=GE")).values():
        assert {one.total for one in some} == {"<5"}


counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40))


@given(counts, counts, st.integers(2, 12))
def test_what_is_shown_is_a_masked_count_and_nothing_finer(
    shown: dict[str, int], total: dict[str, int], smallest: int
) -> None:
    exact = shown_of_total(shown, total)
    told = masked_facets(exact, smallest)
    assert {(one.value, one.shown, one.total) for one in told} == {
        (one.value, masked(int(one.shown), smallest), masked(int(one.total), smallest)) for one in exact
    }
    same = [(one.total, one.value) for one in told if one.total == f"<{smallest}"]
    assert same == sorted(same), "the order among hidden counts is that of the names"
    assert masked_facets(exact, 0) == exact


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(2, 12))
def test_counts_are_added_without_telling_more(some: list[int], smallest: int) -> None:
    told = together([masked(one, smallest) for one in some], smallest)
    if isinstance(told, int):
        assert told % smallest == 0
    elif told.startswith("<"):
        assert sum(some) < int(told[1:])


def test_many_studies_of_one_patient_are_not_many(archive: FilterArchive) -> None:
    for number in range(13):
        put(archive, f"3.{number}", "Often" if number % 2 else "often", "F", "GE", 71.0)
    for among in (None, Selection(archive.database, archive.builds).studies(parse_filter("age>=40"))):
        found = counted(archive, ALL, "vendor", "age", "sex", studies=among)
        for field, value in (("vendor", "GE"), ("age", "70-79")):
            (one,) = [facet for facet in found[field] if facet.value == value]
            assert (one.shown, one.total) == ("<5", "<5"), field
    found = counted(archive, "age>=34", "sex")
    assert found["sex"][0] == Facet("F", 30, 30), "studies are counted where patients are many"
    assert Selection(archive.database, archive.builds).size(parse_filter("vendor=GE"), SMALLEST) == "<5"
    for values in facets(archive.database, ["vendor"], smallest=SMALLEST).values():
        assert list(values.items()) == [("Siemens", 20), ("GE", "<5")]


def test_hidden_counts_of_the_archive_stand_in_the_order_of_their_names(archive: FilterArchive) -> None:
    for number, vendor in enumerate(["Zeta", "Zeta", "Zeta", "Alpha"]):
        put(archive, f"4.{number}", f"q{number}", "F", vendor, 20.0)
    (values,) = facets(archive.database, ["vendor"], smallest=SMALLEST).values()
    assert list(values) == ["Siemens", "Alpha", "GE", "Zeta"]
