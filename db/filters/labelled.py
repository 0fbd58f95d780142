"""Labels of subjects, by `label.NAME`: columns of a data set's tables, kept with each of the subject's volumes."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from spinecho.db.errors import FilterError
from spinecho.db.filters.conditions import And, Between, Contains, Filter, Is, Or, fields_of, label_name
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Volume

_NAME = re.compile(r"\w(?:[\w -]*\w)?")
_NAMED = 24
"""Names or values at most that an error lists."""


def label_column(name: str) -> Any:
    """The label of a volume as text, '' where it has none. Raises `FilterError` for what cannot be a label's name."""
    if not is_label(name):
        raise FilterError(f"{name!r} is no name of a label: it has letters, digits, blanks, - and _")
    return func.coalesce(Volume.notes[("labels", name.lower())].as_string(), "")


def is_label(name: str) -> bool:
    """Whether a label may be called so where filters name it."""
    return _NAME.fullmatch(name) is not None


def labelled(leaf: Is | Between | Contains) -> ColumnElement[bool]:
    """A condition on a label. Numbers are compared as numbers; a word lies within no bounds."""
    name = label_name(leaf.field)
    column, number = label_column(name), Volume.notes[("label_numbers", name.lower())].as_float()
    match leaf:
        case Is(_, values):
            words = sorted({word for value in values for word in (str(value).lower(), str(value).casefold())})
            numbers = [one for value in values if (one := _number(value)) is not None]
            same = func.lower(column).in_(words)
            return or_(false(), same, *([number.in_(numbers)] if numbers else []))
        case Between(_, low, high):
            limits = [(number >= _bound(leaf.field, low)) if low is not None else true()]
            limits += [number <= _bound(leaf.field, high)] if high is not None else []
            return and_(number.is_not(None), *limits)
        case Contains(_, text):
            escaped = re.sub(r"([%_\\])", r"\\\1", text)
            found: ColumnElement[bool] = column.ilike(f"%{escaped}%", escape="\\")
            return found


def label_values(database: Database, name: str) -> tuple[str, ...]:
    """The values of a label that some volume has, sorted."""
    column = label_column(name)
    with database.begin() as session:
        return tuple(sorted(filter(None, session.scalars(select(column).distinct()))))


def label_names(database: Database) -> tuple[str, ...]:
    """The labels that some volume has, sorted."""
    with database.begin() as session:
        found = session.scalars(select(Volume.notes["labels"].as_string()).distinct())
        return tuple(sorted({name for labels in found if labels for name in json.loads(labels)}))


def require_labels(database: Database, where: Filter, fields: Iterable[str] = ()) -> None:
    """Raise `FilterError` for a label or a value that no volume has, naming those that there are."""
    wanted = dict.fromkeys(name.lower() for one in (*sorted(fields_of(where)), *fields) if (name := label_name(one)))
    values = {name: label_values(database, name) for name in wanted}
    for name, held in values.items():
        if held:
            continue
        known = label_names(database)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"labels here: {_listed(known)}" if known else "columns of a BIDS participants.tsv are labels"
        hint = f"did you mean 'label.{near[0]}'?" if near else hint
        raise FilterError(f"nothing in this index has a label {name!r}; {hint}")
    for leaf in _leaves(where):
        name = label_name(leaf.field).lower()
        if name and leaf.values and not any(_is_held(value, values[name]) for value in leaf.values):
            raise FilterError(f"no study has {leaf.field} {leaf.values[0]!r}; the archive has {_listed(values[name])}")


def _is_held(value: object, held: Sequence[str]) -> bool:
    number = _number(value)
    words = {one.casefold() for one in held} | {""}
    return str(value).casefold() in words or (number is not None and number in {_number(one) for one in held})


def _leaves(where: Filter) -> Iterable[Is]:
    """Those that are not denied: what must not be may as well be nowhere."""
    match where:
        case Is():
            yield where
        case And(parts) | Or(parts):
            for part in parts:
                yield from _leaves(part)
        case _:
            return


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _number(value: object) -> float | None:
    try:
        number = float(str(value).replace(",", "."))
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _bound(field: str, value: object) -> float:
    number = _number(value)
    if number is None:
        raise FilterError(f"{field} needs a number, not {str(value)!r}")
    return number
