"""What a filter means in SQL: conditions on `volumes` joined to `series` and `studies`."""

from __future__ import annotations

import difflib
import json
import math
import re
import string
from collections.abc import Sequence
from datetime import date
from typing import Any, assert_never

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    String,
    and_,
    bindparam,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from spinecho.db.errors import FilterError
from spinecho.db.filters.coded import RANGED, meant, ranges
from spinecho.db.filters.conditions import (
    ALL,
    FIELDS,
    KINDS,
    SCORE,
    UNRECORDED,
    All,
    And,
    Between,
    Contains,
    Filter,
    Is,
    Leaf,
    Not,
    Or,
    Says,
    Value,
    both,
    fields_of,
    label_name,
    predicted_task,
    predicted_tasks,
)
from spinecho.db.filters.labelled import labelled
from spinecho.db.filters.said import said_of_study
from spinecho.db.filters.several import any_name
from spinecho.db.schema.models import File, Folder, Series, Study, Volume, VolumeFile
from spinecho.db.store.predictions import predicted_between, predicted_contains, predicted_is

DESCRIPTION = Series.description + " " + Study.description
COLUMNS: dict[str, Any] = {
    "body_region": Volume.body_region,
    "sequence": Volume.sequence,
    "plane": Volume.plane,
    "contrast": Volume.contrast,
    "side": Volume.side,
    "technique": Volume.technique,
    "b_value": Volume.b_value,
    "dixon": Volume.dixon,
    "component": Volume.component,
    "computed": Volume.computed,
    "field_strength": Volume.field_strength_t,
    "vendor": Volume.vendor,
    "model": Volume.model,
    "derived": Volume.derived,
    "sex": Study.sex,
    "age": Study.age_years,
    "date": Study.date,
    "description": DESCRIPTION,
    "archive": Folder.root,
    "study_uid": Study.uid,
    "accession_number": Study.accession_number,
    "patient_id": Study.patient_id,
}
_OTHER_NAMES = {
    "accession": "accession_number", "area": "body_region", "b": "b_value", "body_part": "body_region",
    "bodypart": "body_region", "brand": "vendor", "bval": "b_value", "bvalue": "b_value", "map": "computed",
    "field": "field_strength", "folder": "archive", "gender": "sex", "laterality": "side",
    "manufacturer": "vendor", "modality": "sequence", "orientation": "plane", "patient": "patient_id",
    "region": "body_region", "root": "archive", "scanner": "model", "source": "archive", "study": "study_uid",
    "tesla": "field_strength", "uid": "study_uid", "weighting": "sequence", "year": "date",
}  # fmt: skip
"""What else people call the fields; offered, never taken for granted."""
_UPPER_TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_MANY = 100
"""More values than this take no variables: a stock build of SQLite binds 999 in all of a statement, or 32,766."""
_LONGEST = 10_000
"""Characters of a text that is looked for; SQLite's LIKE takes 50,000 bytes."""


def compile_filter(where: Filter) -> ColumnElement[bool]:
    """SQL over `volumes` joined to `series` and `studies`.

    Raises `FilterError` for an unknown field, a value of the wrong kind, and for a least score that belongs to no
    predicted condition.
    """
    rest, least = split_score(where)
    return _compile(rest, least)


def compile_leaf(leaf: Leaf, least: float | None) -> ColumnElement[bool]:
    """One condition by itself. least: the lowest score at which a prediction counts."""
    return _compile(leaf, least)


def split_score(where: Filter) -> tuple[Filter, float | None]:
    """The filter without its condition on the score, and the least score, None where there is none."""
    rest, scores = _without_score(where)
    if SCORE in fields_of(rest):
        raise FilterError(f"{SCORE} belongs beside the predicted condition: {SCORE}>=0.8, not within 'not' or 'or'")
    if scores and not predicted_tasks(rest):
        raise FilterError(f"{SCORE} says how sure a prediction must be; name one too, as in predicted.sequence=FLAIR")
    return rest, max(scores, default=None)


def require_field(field: str) -> None:
    """Raise `FilterError` for a field that is not there, naming those that may have been meant."""
    if field in KINDS:
        return
    known = [*FIELDS, *_OTHER_NAMES]
    close = [_OTHER_NAMES.get(name, name) for name in difflib.get_close_matches(field.casefold(), known, n=3)]
    near = list(dict.fromkeys(close))
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known fields: {', '.join(FIELDS)}"
    raise FilterError(f"no field {field!r} to filter by; {hint}")


def lowered(text: str) -> str:
    """As SQLite's `lower` has it: A to Z and no other letter."""
    return text.translate(_UPPER_TO_LOWER)


def words_of(values: Sequence[Value]) -> frozenset[str]:
    """What `lowered` text is compared with: the values in lower case, both as SQLite and as Unicode have it."""
    words = [value for value in values if isinstance(value, str)]
    return frozenset(map(lowered, words)) | frozenset(map(str.casefold, words))


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
    match where:
        case All():
            return true()
        case Is() | Between() | Contains() | Says():
            return _leaf(where, least)
        case Not(part):
            return not_(func.coalesce(_compile(part, least), false()))
        case And(parts):
            return and_(true(), *(_compile(part, least) for part in parts))
        case Or(parts):
            return or_(false(), *(_compile(part, least) for part in parts))
        case _:
            assert_never(where)


def _leaf(leaf: Leaf, least: float | None) -> ColumnElement[bool]:
    if isinstance(leaf, Says):
        return said_of_study(leaf)
    if task := predicted_task(leaf.field):
        return _predicted(task, leaf, least)
    if label_name(leaf.field):
        return labelled(leaf)
    require_field(leaf.field)
    check_values(leaf)
    if leaf.field == "technique":
        return any_name(COLUMNS[leaf.field], lambda name: _compare(leaf, name))
    compared = _compare(leaf, COLUMNS[leaf.field])
    if leaf.field != "archive":
        return compared
    roots = select(VolumeFile.volume_id).join(File, File.id == VolumeFile.file_id).join(Folder)
    return Volume.id.in_(roots.where(compared))


def _compare(leaf: Is | Between | Contains, column: Any) -> ColumnElement[bool]:
    match meant(leaf):
        case Is(field, values) if UNRECORDED in values and field != "description":
            rest = _compare(Is(field, tuple(value for value in values if value != UNRECORDED)), column)
            empty = [func.coalesce(column, UNRECORDED) == UNRECORDED] if KINDS[field] == "text" else [column.is_(None)]
            return or_(*empty, rest)
        case Is(field, _) as numbers if field in RANGED:
            spans, alone = ranges(numbers)
            within = (and_(column >= one.low, column <= one.high) for one in spans)
            return or_(false(), *within, *([_one_of(column, alone)] if alone else []))
        case Is(_, values):
            others = [value for value in values if not isinstance(value, str)]
            parts = [_among(func.lower(column), sorted(words))] if (words := words_of(values)) else []
            return or_(false(), *parts, *([_one_of(column, others)] if others else []))
        case Between(_, low, high):
            limits = [column >= low] if low is not None else []
            limits += [column <= high] if high is not None else []
            return and_(true(), *limits)
        case Contains(field, text):
            escaped = re.sub(r"([%_\\])", r"\\\1", text)
            written = column if KINDS[field] == "text" else _Written(column)
            found: ColumnElement[bool] = written.ilike(f"%{escaped}%", escape="\\")
            return found
        case other:
            assert_never(other)


def _one_of(column: Any, values: Sequence[Value]) -> ColumnElement[bool]:
    """The column is one of these numbers, dates or flags, checked before: many are written into the statement."""
    if len(values) <= _MANY:
        found: ColumnElement[bool] = column.in_(values)
        return found
    written: ColumnElement[bool] = column.in_(
        bindparam(None, list(values), type_=column.type, expanding=True, literal_execute=True)
    )
    return written


def _among(column: Any, words: Sequence[str]) -> ColumnElement[bool]:
    if len(words) <= _MANY:
        found: ColumnElement[bool] = column.in_(words)
        return found
    listed: ColumnElement[bool] = column.op("IN", is_comparison=True)(_Listed(json.dumps(words)))
    return listed


class _Listed(FunctionElement[Any]):
    """The members of a JSON list: a subquery for the right of IN."""

    inherit_cache = True
    type = String()


class _Written(FunctionElement[Any]):
    """A number, a date or a flag as SQLite writes it: 3.0, 2024-01-31, 1."""

    inherit_cache = True
    type = String()


@compiles(_Listed, "sqlite")
def _listed_sqlite(element: _Listed, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608


@compiles(_Listed, "postgresql")
def _listed_postgresql(element: _Listed, compiler: Any, **options: Any) -> str:
    return f"(SELECT json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json)))"


@compiles(_Written, "sqlite")
def _written_sqlite(element: _Written, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS VARCHAR)"


@compiles(_Written, "postgresql")
def _written_postgresql(element: _Written, compiler: Any, **options: Any) -> str:
    (column,) = element.clauses
    value = compiler.process(column, **options)
    if isinstance(column.type, Boolean):
        return f"CAST(CAST({value} AS integer) AS varchar)"
    if isinstance(column.type, Date):
        return f"CAST({value} AS varchar)"
    return f"regexp_replace(CAST(CAST({value} AS numeric) AS varchar), '^(-?[0-9]+)$', '\\1.0')"


def _predicted(task: str, leaf: Is | Between | Contains, least: float | None) -> ColumnElement[bool]:
    match leaf:
        case Is(_, values):
            names = meant(Is(task, values))
            return predicted_is(task, [str(value) for value in getattr(names, "values", values)], least=least)
        case Between(field, low, high):
            bounds = [None if bound is None else read_number(field, bound) for bound in (low, high)]
            return predicted_between(task, bounds[0], bounds[1], least=least)
        case Contains(_, text):
            return predicted_contains(task, text, least=least)
        case _:
            assert_never(leaf)


def read_number(field: str, value: Value) -> float:
    """The finite number that was written. Raises `FilterError`."""
    try:
        number = float(value) if isinstance(value, str | float | int) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise FilterError(f"{field} needs a number, not {str(value)!r}")
    return number


def check_values(leaf: Is | Between | Contains) -> None:
    """Raise `FilterError` for a value that is not of the field's kind."""
    match leaf:
        case Contains(field, text):
            if len(text) > _LONGEST:
                raise FilterError(f"{field} is to contain {len(text)} characters; look for {_LONGEST} at most")
            return
        case Is(field, values):
            given: Sequence[Value | None] = values
        case Between(field, low, high):
            given = (low, high)
        case _:
            assert_never(leaf)
    for value in given:
        if value is None or (value == UNRECORDED and isinstance(leaf, Is) and KINDS[field] != "flag"):
            continue
        match KINDS[field]:
            case "number":
                read_number(field, math.nan if isinstance(value, str) else value)
            case "date":
                if not isinstance(value, date):
                    raise FilterError(f"{field} needs a date like 2024-01-31, not {str(value)!r}")
            case "flag":
                if not isinstance(value, bool):
                    raise FilterError(f"{field} needs yes or no, not {str(value)!r}")
            case "text":
                if not isinstance(value, str):
                    raise FilterError(f"{field} needs a text, not {str(value)!r}")
            case kind:
                assert_never(kind)
