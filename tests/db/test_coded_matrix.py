"""Every coded field by every door: what means the same selects the same studies, and is counted as one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "search"))

from cohort_archive import CohortArchive, uids
from filter_archive import FilterArchive

from spinecho.answering.connection import read_where
from spinecho.db.errors import FilterError
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import (
    FIELDS,
    HIDDEN,
    Between,
    Filter,
    Not,
    both,
    compile_filter,
    parse_filter,
    visible,
)
from spinecho.db.filters.coded import ACCEPTED, CLOSED, CODED
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.people.cohorts import read_roster, scanner_facts
from spinecho.db.queries.facets import sql_counts
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.models import Series, Study, Volume
from spinecho.encoders.acquisition.facts import BodySide, Component, Dixon
from spinecho.encoders.acquisition.image_kinds import COMPUTED, TECHNIQUES
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.cohorts.definition import FIELDS as COHORT_FIELDS
from spinecho.search.planning.facts_in_words import facts_in
from spinecho.search.planning.typed_facts import filter_of
from spinecho.ui.printing.conditions import read_filter
from spinecho.ui.views.search.facets import EMPTY, condition

PLAIN = {
    "sex": "F", "age_years": 50.0, "date": date(2020, 1, 1), "field_strength_t": 1.5, "plane": "sagittal",
    "sequence": "T1", "contrast": "unknown", "body_region": "pelvis", "vendor": "Canon", "model": "Orian",
}  # fmt: skip
STUDIES: dict[str, dict[str, Any]] = {
    "f": {"sex": "F"}, "f-word": {"sex": "female"}, "f-german": {"sex": "weiblich"}, "f-w": {"sex": "w"},
    "m": {"sex": "M"}, "m-lower": {"sex": "m"}, "no-sex": {"sex": None},
    "60": {"age_years": 60.0}, "60.5": {"age_years": 60.5}, "61": {"age_years": 61.0}, "18-months": {"age_years": 1.5},
    "no-age": {"age_years": None},
    "2.89": {"field_strength_t": 2.89362}, "3.0": {"field_strength_t": 3.0}, "2.5": {"field_strength_t": 2.5},
    "no-strength": {"field_strength_t": None},
    "ax": {"plane": "axial"}, "ax-upper": {"plane": "AXIAL"}, "ax-other": {"plane": "transverse"},
    "flair": {"sequence": "FLAIR"}, "flair-lower": {"sequence": "flair"}, "flair-long": {"sequence": "T2 FLAIR"},
    "after": {"contrast": "yes"}, "before": {"contrast": "no"},
    "left": {"side": "left"}, "left-upper": {"side": "LEFT"}, "right": {"side": "right"}, "no-side": {"side": None},
    "dixon": {"technique": ["Dixon"]}, "dixon-lower": {"technique": ["dixon"]},
    "water": {"dixon": "water"}, "water-short": {"dixon": "W"}, "in-phase": {"dixon": "in phase"},
    "phase": {"component": "phase"}, "phase-upper": {"component": "PHASE"}, "magnitude": {"component": "magnitude"},
    "adc": {"computed": "ADC map"}, "adc-short": {"computed": "adc"},
    "mip": {"computed": "maximum projection"},
    "b0": {"b_value": 0.0}, "b1000": {"b_value": 1000.0}, "b999.8": {"b_value": 999.8}, "b50": {"b_value": 50.0},
    "two-techniques": {"technique": ["MP2RAGE", "MP2RAGE uniform"]},
    "knee": {"body_region": "knee"}, "knee-upper": {"body_region": "KNEE"},
    "siemens": {"vendor": "Siemens"}, "siemens-upper": {"vendor": "SIEMENS"},
    "siemens-long": {"vendor": "Siemens Healthineers"}, "no-vendor": {"vendor": ""},
    "skyra": {"model": "Skyra"}, "skyra-upper": {"model": "SKYRA"},
    "2022-first": {"date": date(2022, 1, 1)}, "2022-last": {"date": date(2022, 12, 31)}, "no-date": {"date": None},
}  # fmt: skip
_FEMALE = {name for name, facts in STUDIES.items() if facts.get("sex", "F") in ("F", "female", "weiblich", "w")}


@dataclass(frozen=True)
class Row:
    """One meaning: who has it, and what says so by each door. None: the door has no way to say it."""

    studies: set[str]
    words: tuple[str, ...]
    typed: tuple[str, ...]
    """Values after `field:` and `field=`."""
    option: Mapping[str, tuple[str, ...]]
    chip: tuple[Mapping[str, Any], ...]
    facet: tuple[str, ...]
    """The values that these studies are counted under, no more and no less."""
    never: str = ""
    """A value that no study has; '' where any value may be asked for."""
    by: bool = field(default=False)
    """Whether cohorts can be alike in it."""


ROWS = {
    "sex": Row(_FEMALE, ("women, lesion", "female patients"), ("F", "f", "female", "Weiblich", "w", "woman"),
               {"sex": ("F", "female", "w", "WEIBLICH")}, ({"sex": ["F"]}, {"sex": ["female"]}),
               ("F",), "blue", by=True),
    "age": Row({"60", "60.5"}, ("60 years old", "aged 60"), ("60", "60y", "60 years"), {"age": ("60", "60-60", "60y")},
               ({"age": (60, 60)},), ()),
    "field_strength": Row({"2.89", "3.0"}, ("at 3 tesla", "3T lesion", "3.0 T"), ("3", "3.0", "2.89", "3T", "3 T"),
                          {}, ({"tesla": ["3 T"]},), ("3",), "9.4", by=True),
    "plane": Row({"ax", "ax-upper", "ax-other"}, ("axial images",), ("axial", "AX", "tra", "Transverse"),
                 {"plane": ("axial", "tra")}, ({"plane": ["axial"]},), ("axial",), "slanted"),
    "sequence": Row({"flair", "flair-lower", "flair-long"}, ("FLAIR images",), ("FLAIR", "flair", "dark fluid"),
                    {"sequence": ("FLAIR", "flair")}, ({"sequence": ["FLAIR"]},), ("FLAIR",), "FLARE", by=True),
    "contrast": Row({"after"}, ("after contrast",), ("yes", "post", "GD", "with"),
                    {"contrast": ("yes", "after contrast")},
                    ({"contrast": ["yes"]},), ("yes",), "maybe"),
    "side": Row({"left", "left-upper"}, (), ("left", "Left", "L", "links"), {"side": ("left", "L")},
                ({"side": ["left"]},), ("left",), "upper"),
    "technique": Row({"dixon", "dixon-lower"}, (), ("Dixon", "DIXON", "mDixon"), {"technique": ("dixon",)},
                     ({"technique": ["Dixon"]},), ("Dixon",), "spiral"),
    "dixon": Row({"water", "water-short"}, (), ("water", "Water", "W", "water-only"), {"dixon": ("water", "w")},
                 ({"dixon": ["water"]},), ("water",), "ice"),
    "component": Row({"phase", "phase-upper"}, (), ("phase", "PHASE", "pha"), {"component": ("phase", "P")},
                     ({"component": ["phase"]},), ("phase",), "lunar"),
    "computed": Row({"adc", "adc-short"}, (), ("ADC", "adc map", "apparent diffusion coefficient"),
                    {"computed": ("ADC", "ADC map")}, ({"computed": ["ADC map"]},), ("ADC map",), "drawing"),
    "b_value": Row({"b1000", "b999.8"}, (), ("1000", "1000.0"), {"b_value": ("1000", "900-1100", "800-", ">=1000")},
                   ({"b_value": ["1000"]},), ("1000",), "23"),
    "body_region": Row({"knee", "knee-upper"}, (), ("knee", "Knee"), {"region": ("knee", "KNEE")},
                       ({"body_region": ["knee"]},), (), "tail", by=True),
    "vendor": Row({"siemens", "siemens-upper", "siemens-long"}, ("Siemens",),
                  ("Siemens", "SIEMENS", "siemens healthcare"),
                  {"vendor": ("siemens",)}, ({"vendor": ["Siemens"]},), ("Siemens",), "Acme", by=True),
    "model": Row({"skyra", "skyra-upper"}, (), ("Skyra", "skyra"), {}, (), (), "Verio", by=True),
    "date": Row({"2022-first", "2022-last"}, ("from 2022", "in 2022"), ("2022", "2022-01-01..2022-12-31"), {},
                ({"from": date(2022, 1, 1), "to": date(2022, 12, 31)},), ("2022",)),
}  # fmt: skip
NOT_CODED = {"derived", "description", "archive", "study_uid", "accession_number", "patient_id"}
"""Free text, identifiers and a flag: nothing in them has several names."""


def _words(name: str, row: Row) -> Iterator[Filter]:
    for text in row.words:
        for one in facts_in(text, date(2022, 6, 1)):
            if one.field == name:
                yield Between("date", date(2022, 1, 1), date(2022, 12, 31)) if text == "from 2022" else one.where


def _box(name: str, row: Row) -> Iterator[Filter]:
    for value in row.typed:
        yield filter_of(parse_query(f'lesion {name}:"{value}"' if " " in value else f"lesion {name}:{value}").fields)


def _where(name: str, row: Row) -> Iterator[Filter]:
    for value in row.typed:
        if ".." not in value:
            yield read_where(f"{name}={value}")


def _options(name: str, row: Row) -> Iterator[Filter]:
    for option, values in row.option.items():
        yield from (read_filter(**{option: value}) for value in values)  # type: ignore[arg-type]
    yield from (read_filter([f"{name}={value}"]) for value in row.typed if ".." not in value)


def _chips(_: str, row: Row) -> Iterator[Filter]:
    yield from (condition({**EMPTY, **chosen}) for chosen in row.chip)


DOORS: dict[str, Callable[[str, Row], Iterator[Filter]]] = {
    "words": _words, "box": _box, "where": _where, "option": _options, "chip": _chips,
}  # fmt: skip
OF_IMAGES = ("side", "technique", "dixon", "component", "computed", "b_value")
SILENT = {(field, "words") for field in ("body_region", "model", *OF_IMAGES)} | {("model", "chip")}
"""Doors that have no way to say a field. A side in words is for the sentences of reports alone."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilterArchive]:
    made = FilterArchive(tmp_path_factory.mktemp("matrix"))
    for number, (name, special) in enumerate(STUDIES.items()):
        facts = {**PLAIN, "derived": False, **special}
        of_study = {key: facts.pop(key) for key in ("sex", "age_years", "date")}
        study = {
            "uid": name,
            "accession_number": f"A{number}",
            "patient_id": f"p{number}",
            "description": "",
            **of_study,
        }
        made.store(study, f"{name}.1", [facts])
    yield made
    made.close()


def selected(archive: FilterArchive, where: Filter) -> set[str]:
    query = select(Study.uid).join(Series, Series.study_id == Study.id).join(Volume, Volume.series_id == Series.id)
    with archive.database.begin() as session:
        by_sql = set(session.scalars(query.where(compile_filter(where))))
        names: dict[int, str] = {row[0]: row[1] for row in session.execute(select(Study.id, Study.uid))}
    before = Selection(archive.database, archive.builds)
    make_snapshot(archive.database, archive.builds)
    after = Selection(archive.database, archive.builds)
    for selection in (before, after):
        assert {names[one] for one in selection.studies(where).tolist()} == by_sql
    assert after.source != "SQL"
    return by_sql


def test_every_field_has_a_row() -> None:
    assert set(ROWS) | NOT_CODED == set(FIELDS), "a new field: say here what it means by every door"
    assert set(ROWS) >= CODED


def test_the_table_knows_every_value_that_there_can_be() -> None:
    every = {"technique": TECHNIQUES, "computed": COMPUTED}
    every |= {"side": get_args(BodySide), "dixon": get_args(Dixon), "component": get_args(Component)}
    assert set(ACCEPTED) >= CLOSED == set(every)
    for name, values in every.items():
        assert set(ACCEPTED[name]) == set(values)
    with pytest.raises(FilterError, match="none of left, right, both"):
        require_occurring(parse_filter("side=upper"), lambda _: ())
    require_occurring(parse_filter("side=left"), lambda _: ())


@pytest.mark.parametrize(
    "text",
    [
        "left knee", "bilateral hip effusion", "Dixon of the liver", "technique: axial Dixon", "in phase signal drop",
        "water in the joint", "fat fraction of the liver", "low ADC", "arterial phase: enhancement", "b 1000 signal",
    ],
)  # fmt: skip
def test_words_of_what_images_show_are_no_condition_on_headers(text: str) -> None:
    found = facts_in(text, date(2022, 6, 1))
    assert not {one.field for one in found} & set(OF_IMAGES)
    assert parse_query(text).fields == ()


def test_b_values_are_typed_by_their_letter_with_bounds_and_ranges(archive: FilterArchive) -> None:
    for typed, found in {
        "b:1000": {"b1000", "b999.8"},
        "b:>=50": {"b50", "b1000", "b999.8"},
        "b:0-100": {"b0", "b50"},
        "b:0,50": {"b0", "b50"},
        "b:<50": {"b0"},
        "-b:>0 b_value:>=0": {"b0"},
    }.items():
        assert selected(archive, filter_of(parse_query(f"lesion {typed}").fields)) == found, typed


def test_who_asks_for_a_computed_image_is_shown_it() -> None:
    for asked in ("computed=adc", 'dixon="fat fraction"', "not computed=mask", "sequence=ADC"):
        assert visible(parse_filter(asked)) == parse_filter(asked)
    for asked in ("component=phase", "b_value=1000", "technique=Dixon"):
        assert visible(parse_filter(asked)) == both(parse_filter(asked), Not(HIDDEN))


def test_one_of_several_techniques_is_enough(archive: FilterArchive) -> None:
    for name in ("MP2RAGE", "mp2rage uni"):
        assert selected(archive, parse_filter(f'technique="{name}"')) == {"two-techniques"}
    assert selected(archive, parse_filter("technique=MP2RAGE and technique=Dixon")) == set()
    assert "two-techniques" not in selected(archive, parse_filter("not technique=MP2RAGE"))
    with_one = {"two-techniques", "dixon", "dixon-lower", "left", "left-upper", "right"}
    assert selected(archive, parse_filter('technique="" and side=""')) == set(STUDIES) - with_one
    assert sql_counts(archive.database, "technique", parse_filter("technique=MP2RAGE")) == {
        "MP2RAGE": 1, "MP2RAGE uniform": 1,
    }  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ROWS)
def test_the_same_meaning_selects_the_same_studies(archive: FilterArchive, name: str, door: str) -> None:
    asked = list(DOORS[door](name, ROWS[name]))
    assert bool(asked) == ((name, door) not in SILENT), "the door says nothing of this field"
    for where in asked:
        assert selected(archive, where) == ROWS[name].studies, where
        require_occurring(where, lambda known: occurring_values(archive.database, known))


@pytest.mark.parametrize("name", ROWS)
def test_a_cohort_rule_selects_the_same_studies(archive: FilterArchive, tmp_path: Path, name: str) -> None:
    for value in ROWS[name].typed:
        if ".." not in value:
            found = CohortArchive(archive, tmp_path).run(f"name = 'x'\n[[include]]\nfilter = '{name}={value}'\n")
            assert set(uids(found)) == ROWS[name].studies, value


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.facet])
def test_what_is_selected_is_counted_as_one(archive: FilterArchive, name: str) -> None:
    row = ROWS[name]
    where = parse_filter(f"{name}={row.typed[0]}")
    make_snapshot(archive.database, archive.builds)
    facets = Selection(archive.database, archive.builds).facets(where, [name])[name]
    assert {one.value: one.shown for one in facets}[row.facet[0]] == len(row.studies)
    assert {one.value: one.total for one in facets}[row.facet[0]] == len(row.studies)
    assert sql_counts(archive.database, name, where) == {row.facet[0]: len(row.studies)}


def test_cohorts_can_be_alike_in_what_has_a_row() -> None:
    assert {name for name, row in ROWS.items() if row.by} == set(COHORT_FIELDS)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.by and row.facet])
def test_what_is_selected_is_one_stratum_of_a_cohort(archive: FilterArchive, name: str) -> None:
    roster = read_roster(archive.database)
    scanners = scanner_facts(archive.database, roster.ids.tolist())
    strata = {
        uid: roster.sexes[place] if name == "sex" else scanners[int(roster.ids[place])][name]
        for place, uid in enumerate(roster.uids)
    }
    assert {uid for uid, stratum in strata.items() if stratum == ROWS[name].facet[0]} == ROWS[name].studies


@pytest.mark.parametrize("name", sorted(CODED))
def test_what_never_occurs_is_an_error_that_names_what_does(archive: FilterArchive, tmp_path: Path, name: str) -> None:
    value = ROWS[name].never
    assert value, "a coded field: name a value that no study has"
    asked = [filter_of(parse_query(f"lesion {name}:{value}").fields), read_where(f"{name}={value}")]
    asked.append(read_filter([f"{name}={value}"]))
    for where in asked:
        with pytest.raises(FilterError, match="the archive has"):
            require_occurring(where, lambda known: occurring_values(archive.database, known))
    with pytest.raises(FilterError, match="the archive has"):
        CohortArchive(archive, tmp_path).run(f"name = 'x'\n[[include]]\nfilter = '{name}={value}'\n")
