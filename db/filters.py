"""Conditions on studies: one value, built from small parts, compiled to SQL."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias, assert_never

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from db.errors import FilterError
from db.models import Series, Study, Volume
from db.predictions import predicted_between, predicted_contains, predicted_is

_COLUMNS: dict[str, Any] = {
    "body_region": Volume.body_region,
    "sequence": Volume.sequence,
    "plane": Volume.plane,
    "contrast": Volume.contrast,
    "field_strength": Volume.field_strength_t,
    "vendor": Volume.vendor,
    "model": Volume.model,
    "derived": Volume.derived,
    "sex": Study.sex,
    "age": Study.age_years,
    "date": Study.date,
    "description": Series.description + " " + Study.description,
    "study_uid": Study.uid,
    "accession_number": Study.accession_number,
    "patient_id": Study.patient_id,
}
FIELDS = tuple(_COLUMNS)
_NUMBERS = frozenset({"age", "field_strength"})
PREDICTED = "predicted."
"""What heads said is filtered by `predicted.TASK`, never by the name of a recorded fact."""
SCORE = "predicted.score"
"""The least score of every other predicted condition beside it; it stands in no `Not` or `Or`."""

Value: TypeAlias = str | float | bool | date


@dataclass(frozen=True, slots=True)
class All:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Is:
    """The field has one of these values, compared without regard to case."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The field lies between the two bounds, both included; None leaves that side open."""

    field: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True, slots=True)
class Contains:
    """The field contains the text, without regard to case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold. What is unknown does not hold either way: it passes."""

    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds, all of them for one and the same volume."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


Filter: TypeAlias = All | Is | Between | Contains | Not | And | Or
ALL = All()
HIDDEN: Filter = Or((Is("derived", (True,)), Is("sequence", ("localizer",))))
"""What results leave out unless asked for: computed images and localizers."""


def both(*parts: Filter) -> Filter:
    """The conjunction, without needless nesting."""
    kept = tuple(part for part in parts if part != ALL)
    return kept[0] if len(kept) == 1 else And(kept) if kept else ALL


def fields_of(where: Filter) -> frozenset[str]:
    """Every field that the filter speaks of."""
    match where:
        case All():
            return frozenset()
        case Is(field) | Between(field) | Contains(field):
            return frozenset({field})
        case Not(part):
            return fields_of(part)
        case And(parts) | Or(parts):
            return frozenset().union(*(fields_of(part) for part in parts))
        case _:
            assert_never(where)


def visible(where: Filter) -> Filter:
    """`where` without computed images and localizers, unless it asks for them by `derived` or `sequence`."""
    return where if fields_of(where) & {"derived", "sequence"} else both(where, Not(HIDDEN))


def predicted_tasks(where: Filter) -> tuple[str, ...]:
    """The tasks whose predictions the filter asks for, in order of name."""
    return tuple(sorted(task for field in fields_of(where) - {SCORE} if (task := _task(field))))


def compile_filter(where: Filter) -> ColumnElement[bool]:
    """SQL over `volumes` joined to `series` and `studies`.

    Raises `FilterError` for an unknown field, and for a least score that belongs to no predicted condition.
    """
    rest, scores = _without_score(where)
    if SCORE in fields_of(rest):
        raise FilterError(f"{SCORE} belongs beside the predicted condition: {SCORE}>=0.8, not within 'not' or 'or'")
    if scores and not predicted_tasks(rest):
        raise FilterError(f"{SCORE} says how sure a prediction must be; name one too, as in predicted.sequence=FLAIR")
    return _compile(rest, max(scores, default=None))


def _without_score(where: Filter) -> tuple[Filter, list[float]]:
    """The filter without its conditions on the score, and their bounds."""
    match where:
        case Between(field, low, None) if field == SCORE and isinstance(low, int | float):
            return ALL, [float(low)]
        case And(parts):
            split = [_without_score(part) for part in parts]
            return both(*(rest for rest, _ in split)), [score for _, scores in split for score in scores]
        case _:
            return where, []


def _compile(where: Filter, least: float | None) -> ColumnElement[bool]:
    """`least` is the lowest score at which a prediction counts."""
    match where:
        case All():
            return true()
        case Is(field, values) if _task(field):
            return predicted_is(_task(field), [str(value) for value in values], least=least)
        case Between(field, low, high) if _task(field):
            bounds = [_number(field, bound) if bound is not None else None for bound in (low, high)]
            return predicted_between(_task(field), bounds[0], bounds[1], least=least)
        case Contains(field, text) if _task(field):
            return predicted_contains(_task(field), text, least=least)
        case Is(field, values):
            return _is(_column(field), values)
        case Between(field, low, high):
            column = _column(field)
            limits = [column >= low] if low is not None else []
            limits += [column <= high] if high is not None else []
            return and_(true(), *limits)
        case Contains(field, text):
            escaped = re.sub(r"([%_\\])", r"\\\1", text)
            found: ColumnElement[bool] = _column(field).ilike(f"%{escaped}%", escape="\\")
            return found
        case Not(part):
            return not_(func.coalesce(_compile(part, least), false()))
        case And(parts):
            return and_(true(), *(_compile(part, least) for part in parts))
        case Or(parts):
            return or_(false(), *(_compile(part, least) for part in parts))
        case _:
            assert_never(where)


def _is(column: Any, values: Sequence[Value]) -> ColumnElement[bool]:
    words = [value.casefold() for value in values if isinstance(value, str)]
    others = [value for value in values if not isinstance(value, str)]
    parts: list[ColumnElement[bool]] = []
    if words:
        parts.append(func.lower(column).in_(words))
    if others:
        parts.append(column.in_(others))
    return or_(false(), *parts)


def _task(field: str) -> str:
    """The task of a predicted field, '' for a recorded one."""
    return field.removeprefix(PREDICTED) if field.startswith(PREDICTED) else ""


def _column(field: str) -> Any:
    if field not in _COLUMNS:
        near = difflib.get_close_matches(field, FIELDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(FIELDS)}"
        raise FilterError(f"no field {field!r} to filter by; {hint}")
    return _COLUMNS[field]


_CONDITION = re.compile(r"^\s*(?P<field>\w+(?:\.[\w -]*\w)?)\s*(?P<sign>!=|>=|<=|>|<|=|~)\s*(?P<value>.*?)\s*$")


def parse_condition(text: str) -> Filter:
    """One condition as typed: `sequence=T1,T2`, `plane!=axial`, `age>=40`, `date<2024-01-31`, `description~flair`.

    What heads predicted is `predicted.TASK`, with `predicted.score>=0.8` for how sure they must be: `predicted.sex=F`,
    `predicted.age>60`. Raises `FilterError` with an example when it cannot be read.
    """
    found = _CONDITION.match(text)
    if not found:
        raise FilterError(f"cannot read the condition {text!r}; write it like sequence=T2, age>=40 or description~knee")
    field, sign, value = found["field"], found["sign"], found["value"]
    if not _task(field):
        _column(field)
    if not value:
        raise FilterError(f"the condition {text!r} has no value; write it like {field}{sign}VALUE")
    if field == SCORE:
        return Between(field, low=_score(text, sign, value))
    if sign == "~":
        return Contains(field, value)
    if sign in {">=", "<=", ">", "<"}:
        bound = _number(field, value) if _task(field) else _value(field, value)
        within = Between(field, low=bound) if sign[0] == ">" else Between(field, high=bound)
        return within if sign[1:] else And((within, Not(Is(field, (bound,)))))
    same = Is(field, tuple(_value(field, part.strip()) for part in value.split(",") if part.strip()))
    return same if sign == "=" else Not(same)


def _score(text: str, sign: str, value: str) -> float:
    try:
        least = float(value)
    except ValueError:
        least = -1.0
    if sign != ">=" or not 0.0 <= least <= 1.0:
        raise FilterError(f"cannot read {text!r}; write the least score like {SCORE}>=0.8, from 0 to 1")
    return least


def _number(field: str, value: Value) -> float:
    try:
        number = float(value) if isinstance(value, str | float | int) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FilterError(f"{field} needs a number, not {str(value)!r}")
    return number


def _value(field: str, text: str) -> Value:
    try:
        if field in _NUMBERS:
            return float(text)
        if field == "date":
            return date.fromisoformat(text)
    except ValueError:
        wanted = "a number" if field in _NUMBERS else "a date like 2024-01-31"
        raise FilterError(f"{field} needs {wanted}, not {text!r}") from None
    if field == "derived":
        if text.lower() not in {"yes", "no", "true", "false"}:
            raise FilterError(f"derived needs yes or no, not {text!r}")
        return text.lower() in {"yes", "true"}
    return text
