"""Facts in words: every kind alone, combined and denied, and what only looks like one."""

from __future__ import annotations

from datetime import date
from itertools import combinations, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.db.filters.algebra import Filter, Not, both, conjuncts, parse_filter
from spinecho.search.planning.facts_in_words import facts_in, fields_named, offers_of
from spinecho.search.planning.query_plan import Offer

TODAY = date(2026, 11, 28)
SEX = {"women": "sex=F", "female patients": "sex=F", "men": "sex=M", "males": "sex=M", "Frauen": "sex=F"}
AGE = {
    "over 60 years old": "age>=61", "older than 60": "age>=61", "60 and older": "age>=60",
    "at least 60 years old": "age>=60",
    "under 18 years of age": "age<=17", "younger than 40": "age<=39", "up to 18 years old": "age<=18",
    "between 40 and 60 years old": "age>=40 and age<=60", "aged 40 to 60": "age>=40 and age<=60",
    "40-60 year olds": "age>=40 and age<=60", "55-year-old": "age>=55 and age<=55", "55 yo": "age>=55 and age<=55",
    "age 55": "age>=55 and age<=55", "in her 60s": "age>=60 and age<=69", "in their forties": "age>=40 and age<=49",
    "child": "age<=17", "children": "age<=17", "paediatric": "age<=17", "pediatric": "age<=17", "adults": "age>=18",
    "young women": "sex=F and age>=18 and age<=39", "middle-aged man": "sex=M and age>=40 and age<=64",
    "an older lady": "sex=F and age>=65", "junge Frauen": "sex=F and age>=18 and age<=39",
    "octogenarian": "age>=80 and age<=89", "in her mid 50s": "age>=54 and age<=56", "late 40s": "age>=46 and age<=49",
    "more than 70 and less than 80": "age>=71 and age<=79", "age>40": "age>=41", "paeds": "age<=17",
    "under 12s": "age<=11", "over 75s": "age>=76",
    "elderly": "age>=65", "infant": "age<=1", "neonate": "age<=0", "teenagers": "age>=13 and age<=19",
}  # fmt: skip
DATE = {
    "from 2022": "date>=2022-01-01", "since 2022": "date>=2022-01-01", "since March 2022": "date>=2022-03-01",
    "after 2022": "date>=2023-01-01", "before 2020": "date<=2019-12-31", "until 2020": "date<=2020-12-31",
    "in 2022": "date>=2022-01-01 and date<=2022-12-31", "from 2019 to 2021": "date>=2019-01-01 and date<=2021-12-31",
    "2019-2021": "date>=2019-01-01 and date<=2021-12-31", "since 2022-03-15": "date>=2022-03-15",
    "last year": "date>=2025-01-01 and date<=2025-12-31", "this year": "date>=2026-01-01 and date<=2026-12-31",
    "until end of 2017": "date<=2017-12-31", "by the end of 2017": "date<=2017-12-31",
    "since the beginning of 2017": "date>=2017-01-01", "before March 2019": "date<=2019-02-28",
    "in spring 2022": "date>=2022-03-01 and date<=2022-05-31", "autumn 2019": "date>=2019-09-01 and date<=2019-11-30",
    "winter 2023/24": "date>=2023-12-01 and date<=2024-02-29", "q3 2021": "date>=2021-07-01 and date<=2021-09-30",
    "first half of 2020": "date>=2020-01-01 and date<=2020-06-30", "jan 2023": "date>=2023-01-01 and date<=2023-01-31",
    "jan to jun 2025": "date>=2025-01-01 and date<=2025-06-30", "since march": "date>=2026-03-01",
    "since december": "date>=2025-12-01", "this summer": "date>=2026-06-01 and date<=2026-08-31",
    "last 6 months": "date>=2026-05-28 and date<=2026-11-28", "last 2 yrs": "date>=2024-11-28 and date<=2026-11-28",
    "scans older than 5 years": "date<=2021-11-28", "ytd": "date>=2026-01-01 and date<=2026-11-28",
    "last month": "date>=2026-10-01 and date<=2026-10-31",
    "in the last 7 days": "date>=2026-11-21 and date<=2026-11-28",
    "yesterday": "date>=2026-11-27 and date<=2026-11-27",
}  # fmt: skip
SEQUENCE = {
    "T2 FLAIR": "sequence=FLAIR", "FLAIR": "sequence=FLAIR", "T1": "sequence=T1", "T2-weighted images": "sequence=T2",
    "T2*": "sequence=T2*", "DWI": "sequence=DWI", "SWI": "sequence=SWI", "STIR": "sequence=STIR",
}  # fmt: skip
PLANE = {"axial": "plane=axial", "coronal": "plane=coronal", "sagittal": "plane=sagittal", "transverse": "plane=axial"}
TESLA = {
    "at 3 tesla": "field_strength=3", "3T": "field_strength=3",
    "1.5 T": "field_strength=1.5", "1.5t": "field_strength=1.5", "3-Tesla": "field_strength=3",
}  # fmt: skip
VENDOR = {
    "Siemens": "vendor=Siemens",
    "philips": "vendor=Philips",
    "GE": "vendor=GE",
    "vendor ge": "vendor=GE",
    "phillips": "vendor=Philips",
    "Seimens": "vendor=Siemens",
    "Siemens scanner": "vendor=Siemens",
}
CONTRAST = {
    "after contrast": "contrast=yes", "with contrast": "contrast=yes", "post-contrast": "contrast=yes",
    "contrast-enhanced": "contrast=yes", "after gadolinium": "contrast=yes", "without contrast": "contrast=no",
    "non-contrast": "contrast=no", "before contrast": "contrast=no", "ohne KM": "contrast=no",
}  # fmt: skip
KINDS = {
    "sex": SEX, "age": AGE, "date": DATE, "sequence": SEQUENCE, "plane": PLANE, "field": TESLA, "vendor": VENDOR,
    "contrast": CONTRAST,
}  # fmt: skip
EVERY = [(words, written) for kind in KINDS.values() for words, written in kind.items()]


def offered(typed: str) -> tuple[Offer, ...]:
    return offers_of(typed, facts_in(typed, TODAY))


def meaning(where: Filter) -> set[Filter]:
    """Its conjuncts, bounds one by one, so that writing them in two parts makes no difference."""
    return {part for one in conjuncts(where) for part in conjuncts(parse_filter(_written(one)))}


def _written(where: Filter) -> str:
    from spinecho.db.filters.algebra import write_filter  # noqa: PLC0415

    return write_filter(where)


def read(written: str) -> set[Filter]:
    return meaning(parse_filter(written))


@pytest.mark.parametrize(("words", "written"), EVERY)
def test_alone_a_fact_is_all_that_is_asked(words: str, written: str) -> None:
    found = offered(words)
    assert set().union(*(meaning(one.where) for one in found)) == read(written)
    assert all(one.on for one in found)


@pytest.mark.parametrize(("words", "written"), EVERY)
@pytest.mark.parametrize("no", ["not", "no", "excluding", "except"])
def test_denied_a_fact_is_denied(words: str, written: str, no: str) -> None:
    if words == "contrast-enhanced" or written == "contrast=no":
        return  # "not contrast-enhanced" is without contrast, and "not without contrast" nobody says
    found = offered(f"{no} {words}")
    assert len(found) == 1
    assert isinstance(found[0].where, Not)
    assert meaning(found[0].where.part) == read(written)
    assert (found[0].start, found[0].stop) == (0, len(f"{no} {words}"))


@pytest.mark.parametrize("pair", list(combinations(KINDS, 2)))
def test_two_facts_are_two_conditions(pair: tuple[str, str]) -> None:
    for (one, first), (other, second) in product(list(KINDS[pair[0]].items())[:4], list(KINDS[pair[1]].items())[:4]):
        for typed in (f"{one}, {other}", f"{other}, {one}"):
            found = offered(typed)
            assert meaning(both(*(offer.where for offer in found))) == read(first) | read(second), typed
            assert all(offer.on for offer in found)


def test_all_at_once() -> None:
    found = offered("T2 FLAIR axial at 3 tesla, Siemens, women over 60 from 2022 after contrast")
    assert [sorted(fields_named(one.where))[0] for one in found] == [
        "sequence", "plane", "field_strength", "vendor", "sex", "age", "date", "contrast"
    ]  # fmt: skip
    assert all(one.on for one in found)


@pytest.mark.parametrize(
    ("typed", "on", "off"),
    [
        ("meningioma in women over 60", ["in women", "over 60"], []),
        ("women with meningioma", ["women with"], []),
        ("T2 hyperintense lesion", [], ["T2"]),
        ("axial FLAIR images of a glioma", ["FLAIR images"], ["axial"]),
        ("ring enhancement, 3T", ["3T"], []),
        ("infarct, over 60", ["over 60"], []),
        ("surgery last year, new lesion", [], ["last year"]),
        ("glioma, not Siemens or GE", ["not Siemens or GE"], []),
        ("glioma, non-Siemens", ["non-Siemens"], []),
        ("glioma -siemens", ["-siemens"], []),
        ("stroke in men and women", [], []),
        ("tumour in a 55F", ["in a 55F"], []),
        ("tear, T1 and T2", [], ["T1 and T2"]),
        ("glioma,2022", ["2022"], []),
    ],
)
def test_beside_other_words_what_can_mean_nothing_else_counts(typed: str, on: list[str], off: list[str]) -> None:
    found = offered(typed)
    assert [typed[one.start : one.stop] for one in found if one.on] == on
    assert [typed[one.start : one.stop] for one in found if not one.on] == off


@pytest.mark.parametrize(
    "typed",
    [
        "mass over 42 mm", "larger than 4 cm", "stable over 2 years", "Child-Pugh B cirrhosis",
        "axial spondyloarthritis",
        "no contrast enhancement", "adult-type diffuse glioma", "L4-5 disc", "5-10 lesions", "over 60 %",
        "T12 fracture",
        '"women over 60"', "sex:F", "age:40-60", "human", "mango", "menisci", "German", "follow-up after 6 months",
        "cyst under 5 mm", "more than 10 lesions", "WHO grade 2 to 3", "female:lesion", "WOMAC score", "childhood",
        "dynamic contrast enhanced breast", "dynamic contrast-enhanced prostate MRI",
            "man of war", "child's pose", "female athlete triad", "Siemens star", "stiff man syndrome",
            "adult-onset leukodystrophy",
        "contrast injected into joint", "contrast was injected in the shoulder",
        "pain not related to contrast injected",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_fact_is_none(typed: str) -> None:
    assert offered(typed) == ()


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [*[words for words, _ in EVERY], "lesion", "not", "no", ",", "-", "or", '"', "of the", "(", "12"]
        ),
        max_size=9,
    ),
    st.sampled_from([" ", ", ", "\n", "  "]),
)
def test_spans_lie_within_the_text_and_never_overlap(parts: list[str], joint: str) -> None:
    typed = joint.join(parts)
    found = offered(typed)
    for one in found:
        assert 0 <= one.start < one.stop <= len(typed)
    ordered = sorted(found, key=lambda one: one.start)
    assert all(one.stop <= other.start for one, other in pairwise(ordered)), typed


def test_hostile_text_costs_no_more_than_its_length() -> None:
    for typed in (" " * 400, "women " * 66, "not " * 100, "1" * 400, "in the " * 57, "-" * 400, "40 to " * 66):
        offered(typed)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("woman of 45 years", "sex=F and age>=45 and age<=45"),
        ("men in their twenties", "sex=M and age>=20 and age<=29"),
        ("20s male", "sex=M and age>=20 and age<=29"), ("F >35", "sex=F and age>=36"),
        ("lads under 30", "sex=M and age<=29"),
    ],
)  # fmt: skip
def test_a_person_and_an_age_are_two_facts(words: str, written: str) -> None:
    assert set().union(*(meaning(one.where) for one in offered(words))) == read(written)


@pytest.mark.parametrize("stage", ["neonatal anoxia", "infant surgery", "newborn screening"])
def test_a_stage_of_life_that_contradicts_an_age_is_of_the_past(stage: str) -> None:
    for who in ("7yo boy", "7-year-old child", "a boy aged 7"):
        ages = [
            meaning(one.where) for one in offered(f"sequelae of {stage} in {who}") if "age" in fields_named(one.where)
        ]
        assert read("age<=1") not in ages
        assert read("age<=0") not in ages
        assert read("age>=7 and age<=7") in ages


@given(st.integers(1, 119), st.integers(1, 119))
def test_two_bounds_of_an_age_are_never_turned_round(low: int, high: int) -> None:
    for typed in (f"age more than {low} and less than {high}", f"over {low} and under {high} years, knee"):
        bounds = [part for one in offered(typed) for part in meaning(one.where)]
        if high - low >= 2:
            assert set(bounds) == read(f"age>={low + 1} and age<={high - 1}"), typed


@given(
    st.integers(1990, 2026),
    st.sampled_from(["end", "beginning", "start"]),
    st.sampled_from(["until", "since", "before"]),
)
def test_the_end_of_a_year_bounds_from_one_side(year: int, part: str, way: str) -> None:
    for one in offered(f"meniscal tear {way} the {part} of {year}"):
        assert len(meaning(one.where)) == 1, "a span has come of a bound"
