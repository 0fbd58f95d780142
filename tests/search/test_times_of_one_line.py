"""Times beside one another in a line, times by name, and times that no condition goes by."""

# ruff: noqa: E501 - rows broken over more lines read worse

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest

from spinecho.db.filters.algebra import Between, Not, Or, both, conjuncts
from spinecho.search.planning.facts_in_words import facts_in, offers_of
from spinecho.search.planning.moments import months_from, part_of
from spinecho.search.planning.other_times import other_times

TODAY = date(2026, 11, 30)
MONTHS = ("January", "feb", "March", "april", "May", "june", "Jul", "August", "sept", "October", "Nov", "December")


def counted(typed: str, today: date = TODAY) -> list[object]:
    offers = offers_of(typed, facts_in(typed, today))
    return [part for one in offers if one.on for part in conjuncts(one.where)]


def days(low: date | None, high: date | None) -> Between:
    return Between("date", low, high)


@pytest.mark.parametrize(
    "no", ["but not in", "except", ", not", "without", "apart from", "excluding", "other than", "save for"]
)
def test_what_a_year_leaves_out_is_of_that_year(no: str) -> None:
    for number, month in enumerate(MONTHS, start=1):
        for said in (f"in 2024 {no} {month}", f"scans of 2024 {no} {month}"):
            assert counted(said) == [
                days(date(2024, 1, 1), date(2024, 12, 31)),
                Not(days(*months_from(2024, number, 1))),
            ], said
    for quarter in range(1, 5):
        assert Not(days(*part_of(2022, f"q{quarter}"))) in counted(f"2022 {no} Q{quarter}")


@pytest.mark.parametrize(
    ("way", "low", "high"), [("before", None, date(2022, 6, 30)), ("after", date(2022, 8, 1), None)]
)
def test_a_bound_within_a_year_is_of_that_year(way: str, low: date | None, high: date | None) -> None:
    assert days(low, high) in counted(f"2022, but only {way} July")


@pytest.mark.parametrize("joint", [", ", " and ", " or ", " & "])
def test_months_in_a_row_are_of_the_year_at_its_end(joint: str) -> None:
    for first in range(12):
        for length in (2, 3, 4):
            names = [MONTHS[(first + at) % 12] for at in range(length)]
            if first + length > 12:
                continue
            (where,) = counted(f"knees in {joint.join(names)} 2025")
            low, high = months_from(2025, first + 1, length)
            assert where == days(low, high), names
    (apart,) = counted(f"knees in March{joint}June 2025")
    assert apart == Or((days(*months_from(2025, 3, 1)), days(*months_from(2025, 6, 1))))


@pytest.mark.parametrize("today", [date(2026, 11, 30), date(2026, 1, 1), date(2024, 2, 29), date(2025, 6, 15)])
def test_last_month_by_name_is_the_latest_that_is_over(today: date) -> None:
    for number, month in enumerate(MONTHS, start=1):
        ((where),) = counted(f"knees of last {month}", today)
        assert isinstance(where, Between)
        assert isinstance(where.low, date)
        assert isinstance(where.high, date)
        assert where.low.month == number
        assert where.high < today
        assert (today - where.high) <= timedelta(days=366)


@pytest.mark.parametrize("unit", ["week", "weeks", "month", "days"])
def test_so_long_before_a_day_ends_there(unit: str) -> None:
    (where,) = counted(f"the {'' if unit in ('week', 'month') else '2 '}{unit} before Christmas 2025")
    assert isinstance(where, Between)
    assert where.high == date(2025, 12, 24)
    assert isinstance(where.low, date)
    assert where.low < date(2025, 12, 25)


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("winter 2022/23", date(2022, 12, 1), date(2023, 2, 28)), ("winter 2022-23", date(2022, 12, 1), date(2023, 2, 28)),
        ("winter 2022 to 2023", date(2022, 12, 1), date(2023, 2, 28)), ("scans from Friday", date(2026, 11, 27), date(2026, 11, 27)),
        ("scans from yesterday", date(2026, 11, 29), date(2026, 11, 29)), ("from yesterday onwards", date(2026, 11, 29), None),
        ("week of 12 May 2025", date(2025, 5, 12), date(2025, 5, 18)), ("last weekend", date(2026, 11, 28), date(2026, 11, 29)),
        ("knees since spring", date(2026, 3, 1), None), ("2 months ago to now", date(2026, 9, 30), None),
    ],
)  # fmt: skip
def test_times_by_name(typed: str, low: date, high: date | None) -> None:
    assert counted(typed) == [days(low, high)]


@pytest.mark.parametrize(
    "typed",
    [
        "tear of the spring ligament", "wrist pain since the fall", "surgery 3 weeks ago", "march fracture", "first half of pregnancy",
        "two weeks before surgery", "before Easter 2024, cyst", "fiscal year 2024 knees", "academic year 2023/24 knees",
        "FY 2023 knees", "MS since 2015",
    ],
)  # fmt: skip
def test_what_is_no_time_of_a_scan_counts_nowhere(typed: str) -> None:
    assert not [one for one in counted(typed) if isinstance(one, Between) and one.field == "date"]


def test_a_year_of_something_else_is_not_shared() -> None:
    assert days(*months_from(2026, 3, 1)) in counted("MS since 2015, scanned in March")
    assert counted("2021, march fracture") == [days(date(2021, 1, 1), date(2021, 12, 31))]


def test_hours_weekdays_and_feasts_are_told() -> None:
    for scans, time in product(
        ("scans done", "MRIs performed", "imaged"), ("at night", "overnight", "at weekends", "out of hours")
    ):
        assert len(other_times(f"{scans} {time}, stroke")) == 1, (scans, time)
    for way, feast in product(("since", "before", "around"), ("Easter", "Ramadan", "Whitsun", "Diwali")):
        ((span, _),) = other_times(f"knees {way} {feast} 2024")
        assert f"knees {way} {feast} 2024"[slice(*span)] == f"{way} {feast}"
    for complaint in (
        "shoulder pain at night",
        "night pain",
        "weekend warrior",
        "on call bag",
        "24 hours after onset",
        "Easter egg",
    ):
        assert other_times(complaint) == []


@pytest.mark.parametrize(
    "scale", ["type", "class", "grade", "stage", "category", "Bosniak", "Bosniak type", "segment", "CMT type"]
)
def test_a_letter_behind_the_number_of_a_scale_is_no_sex(scale: str) -> None:
    for number, letter, after in product((1, 2, 4), "FfMm", (" cyst", "", ", follow up")):
        for blank in ("", " "):
            typed = f"{scale} {number}{blank}{letter}{after}"
            found = facts_in(typed, TODAY)
            assert "sex" not in str([one.where for one in found]), typed


def test_whom_a_denial_leaves_out_is_one_person() -> None:
    (young,) = counted("no children under 10, cyst")
    assert young == Not(both(Between("age", None, 17), Between("age", None, 9)))
    (older,) = counted("no children over 12, cyst")
    assert older == Not(both(Between("age", None, 17), Between("age", 13, None)))
    (nobody,) = counted("cyst, no men under 50")
    assert isinstance(nobody, Not)
    assert len(conjuncts(nobody.part)) == 2
    assert len(counted("women not over 50, cyst")) == 2


@pytest.mark.parametrize(
    "typed",
    [
        "lesion, this may represent metastasis", "this may suggest abscess", "in 2021, may show infarct",
        "scans in 2021 and may have metastases", "scans in 2023, may be stroke", "lesions in june 2024 or may be old",
    ],
)  # fmt: skip
def test_may_before_a_verb_is_no_month(typed: str) -> None:
    assert all(
        one.where.low is None or one.where.low.month != 5
        for one in facts_in(typed, TODAY)
        if isinstance(one.where, Between) and isinstance(one.where.low, date)
    )
    assert not any(isinstance(one.where, Or) for one in facts_in(typed, TODAY))


@pytest.mark.parametrize(
    "typed", ["tumour last may", "scans from this may", "this may with contrast", "since may", "studies of May"]
)
def test_may_is_a_month_all_the_same(typed: str) -> None:
    (one, *_) = facts_in(typed, TODAY)
    assert isinstance(one.where, Between)
    assert one.where.low == date(TODAY.year, 5, 1)


@pytest.mark.parametrize(
    "typed", ["pain after hours", "worse after hours of walking", "pain on mondays", "headache worse at weekends"]
)
def test_when_it_hurts_is_a_complaint(typed: str) -> None:
    assert other_times(typed) == []
