"""One meaning of everything coded: by every door, in SQL and in the snapshot of facts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.errors import FilterError
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import ALL, And, Between, Filter, Is, Not, Or, both, parse_filter
from spinecho.db.filters.coded import ACCEPTED, stored_value
from spinecho.db.filters.contradictions import contradictions
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.engines import Location
from spinecho.db.schema.models import Study
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.planning.typed_facts import filter_of
from spinecho.ui.printing.conditions import read_filter
from spinecho.ui.views.search.facets import EMPTY, condition

AGES = [0.0, 0.5, 17.999, 18.0, 54.9, 55.0, 55.5, 55.999, 56.0, 59.9, 60.0, 60.5, 60.99, 61.0, 80.0, None]


def filled(made: FilterArchive) -> FilterArchive:
    for number, age in enumerate(AGES):
        study = {
            "uid": f"1.{number}", "accession_number": f"A{number}", "patient_id": f"p{number}",
            "date": date(2020, 1, 1), "description": "head", "sex": ("F", "M")[number % 2], "age_years": age,
        }  # fmt: skip
        facts = {
            "sequence": ("T2", "FLAIR")[number % 2], "plane": "axial", "body_region": "brain", "contrast": "no",
            "vendor": "Siemens", "field_strength_t": 3.0, "model": "Skyra", "derived": False,
        }  # fmt: skip
        made.store(study, f"1.{number}.1", [facts])
    return made


@pytest.fixture
def archive(tmp_path: Path, location: Location) -> Iterator[FilterArchive]:
    made = filled(FilterArchive(tmp_path, location))
    yield made
    made.close()


def passing(archive: FilterArchive, where: Filter) -> list[float]:
    """The ages of the studies that pass, by SQL, and the same by a snapshot of facts."""
    found = Selection(archive.database, archive.builds).studies(where)
    with archive.database.begin() as session:
        known = {row[0]: row[1] for row in session.execute(select(Study.id, Study.age_years))}
    return sorted(age for key in found.tolist() if (age := known[key]) is not None)


def by_option(text: str) -> Filter:
    return read_filter(age=text)


def by_box(text: str) -> Filter:
    return filter_of(parse_query(f"lesion age:{text}").fields)


def by_slider(low: int, high: int) -> Filter:
    return condition({**EMPTY, "age": (low, high)})


@pytest.mark.parametrize("snapshot", [False, True])
def test_every_door_means_whole_years(archive: FilterArchive, snapshot: bool) -> None:
    if snapshot:
        make_snapshot(archive.database, archive.builds)
    fifties = [55.0, 55.5, 55.999]
    between = [age for age in AGES if age is not None and 40 <= age < 61]
    for where in (
        by_option("55"),
        by_box("55"),
        by_slider(55, 55),
        parse_filter("age=55"),
        parse_filter("age>=55 and age<=55"),
    ):
        assert passing(archive, where) == fifties
    for where in (by_option("40-60"), by_box("40-60"), by_slider(40, 60), parse_filter("age>=40 and age<=60")):
        assert passing(archive, where) == between
        assert 60.5 in passing(archive, where)
    for where in (by_box(">60"), parse_filter("age>60"), by_option("61-")):
        assert passing(archive, where) == [61.0, 80.0]
    for where in (by_option("-17"), by_box("-17"), parse_filter("age<18"), parse_filter("not age>=18 and age>=0")):
        assert passing(archive, where) == [0.0, 0.5, 17.999]
    assert passing(archive, parse_filter("age=60.5")) == [60.5]
    assert passing(archive, parse_filter("not age=60 and age>=59 and age<=61")) == [59.9, 61.0]


signs = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
bounds = st.sampled_from([0, 0.5, 17, 18, 55, 59.9, 60, 60.5, 61])


@settings(max_examples=60)
@given(st.lists(st.tuples(signs, bounds), min_size=1, max_size=3))
def test_what_is_called_a_contradiction_lets_nobody_pass(said: list[tuple[str, float]]) -> None:
    where = parse_filter(" and ".join(f"age{sign}{value}" for sign, value in said))
    if contradictions(where):
        assert not [age for age in AGES if age is not None and _passes(age, said)]


def _passes(age: float, said: list[tuple[str, float]]) -> bool:
    tests: dict[str, Callable[[float, float], bool]] = {
        "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
        "=": lambda a, b: a == b, "!=": lambda a, b: a != b,
    }  # fmt: skip
    return all(tests[sign](float(int(age)) if float(value).is_integer() else age, value) for sign, value in said)


def test_every_name_of_a_value_means_the_value_by_every_door(archive: FilterArchive) -> None:
    wanted = passing(archive, Is("sex", ("F",)))
    assert wanted
    for name in ("F", "f", "female", "Female", "FEMALE", "w", "woman", "women", "weiblich"):
        for where in (
            read_filter(sex=name), filter_of(parse_query(f"lesion sex:{name}").fields), parse_filter(f"sex={name}"),
            read_filter([f"sex={name}"]), condition({**EMPTY, "sex": [name]}),
        ):  # fmt: skip
            assert passing(archive, where) == wanted
            require_occurring(where, lambda field: occurring_values(archive.database, field))


def test_names_are_unambiguous() -> None:
    for field, table in ACCEPTED.items():
        said = [name.strip() for names in table.values() for name in names.split("|")]
        assert len(said) == len(set(said)), field
        assert all(stored_value(field, value) == value for value in table)


NEVER = [
    ("sex=blue", "no study has sex 'blue'; the archive has F, M"),
    ("sex=O", "no study has sex 'O'; the archive has F, M"),
    ("sequence=FLARE", "no study has sequence 'FLARE'; the archive has FLAIR, T2"),
    ("sequence=SWI", "no study has sequence 'SWI'"),
    ("sequence=T2,FLARE", "no study has sequence 'FLARE'"),
    ("not sex=blue", "no study has sex 'blue'"),
    ("age>=40 and (vendor=GE or sex=divers-ish)", "no study has sex 'divers-ish'"),
    ("model=Verio", "no study has model 'Verio'; the archive has Skyra"),
]


def test_a_value_that_never_occurs_is_an_error_that_names_those_that_do(archive: FilterArchive) -> None:
    for written, message in NEVER:
        with pytest.raises(FilterError) as caught:
            require_occurring(parse_filter(written), lambda field: occurring_values(archive.database, field))
        assert message in str(caught.value)


def test_what_may_be_is_no_error(archive: FilterArchive) -> None:
    for written in (
        "sequence=T2,SWI",
        "not sequence=SWI",
        "sex=F or vendor=GE",
        "description~zzz",
        "age>200",
        'vendor=""',
    ):
        require_occurring(parse_filter(written), lambda field: occurring_values(archive.database, field))


def test_in_an_empty_archive_no_value_is_an_error(tmp_path: Path) -> None:
    made = FilterArchive(tmp_path)
    require_occurring(parse_filter("sex=F"), lambda field: occurring_values(made.database, field))
    made.close()


def test_filters_are_written_as_they_were_asked() -> None:
    where = both(Is("sex", ("female",)), Between("age", 40, 60), Not(Or((Is("plane", ("tra",)), ALL))))
    assert isinstance(where, And)
    assert where.parts[0] == Is("sex", ("female",))
