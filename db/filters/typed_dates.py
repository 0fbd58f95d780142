"""Dates as typed: a day, or a year or a month, all of whose days are meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from spinecho.db.errors import FilterError
from spinecho.db.filters.coded import date_span
from spinecho.db.filters.conditions import Between, Filter, Not, Or


def of_dates(sign: str, values: Sequence[str]) -> Filter:
    """Dates of which one is a year or a month, all of whose days are meant: 2022, 2022-03."""
    known = [date_span(value) or (day_of(value), day_of(value)) for value in values]
    (first, last), day = known[0], timedelta(days=1)
    spans = [Between("date", low, high) for low, high in known]
    same = spans[0] if len(spans) == 1 else Or(tuple(spans))
    match sign:
        case "=":
            return same
        case "!=":
            return Not(same)
        case ">=":
            return Between("date", low=first)
        case "<=":
            return Between("date", high=last)
        case ">":
            return Between("date", low=last + day)
        case _:
            return Between("date", high=first - day)


def day_of(text: str) -> date:
    """The day that is written. Raises `FilterError`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FilterError(f"date needs a date like 2024-01-31, not {text!r}") from None
