"""Ages in years, months, weeks and days: read, shown, filtered by and counted alike, from the day of birth on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.facts.counts import labels
from spinecho.db.filters.coded import age_range, shown_age
from spinecho.encoders.acquisition.evidence import age_in_years, keep_age
from spinecho.ui.server.api.dicomweb.attributes import _age


@given(st.integers(0, 999), st.sampled_from("DWMY"))
def test_an_age_is_shown_as_a_filter_finds_it(count: int, unit: str) -> None:
    written = f"{count:03d}{unit}"
    years = age_in_years(written)
    if years is None:
        assert unit == "Y"
        assert count == 0 or count >= 130
        return
    low, below = age_range(shown_age(years)) or (None, None)
    assert low is not None
    assert low <= years < (below if below is not None else low + 1)
    low, below = age_range(written) or (None, None)
    assert low is not None
    assert low <= years < (below if below is not None else low + 1)
    assert labels("age", years) == (f"{int(years // 10) * 10}-{int(years // 10) * 10 + 9}",)
    told = age_in_years(_age(years) or "")
    assert told is not None, "and DICOMweb tells of it"
    assert abs(told - years) < max(0.09, years / 2 if years > 2 else 0.09)


@pytest.mark.parametrize(
    ("written", "born", "seen", "years"),
    [
        ("000D", "", "20240102", 0.0), ("000W", "", "20240102", 0.0), ("000M", "", "20240102", 0.0),
        ("000Y", "", "20240102", None), ("000", "", "20240102", None), ("", "20240102", "20240102", 0.0),
        ("000Y", "20240102", "20240102", 0.0), ("", "20240102", "20240101", None), ("", "20231203", "20240102", 0.082),
        ("", "20220102", "20240102", 2.0), ("000D", "19500101", "20240102", 0.0),
    ],
)  # fmt: skip
def test_a_newborn_is_no_days_old(written: str, born: str, seen: str, years: float | None) -> None:
    facts: dict[str, Any] = {"age": written, "birth_date": born, "study_date": seen}
    keep_age(facts)
    assert age_in_years(facts["age"]) == years
    assert "birth_date" not in facts
