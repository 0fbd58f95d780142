"""Which values of coded fields occur, and errors that name them for those that never do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from sqlalchemy import select

from spinecho.db.errors import FilterError
from spinecho.db.filters.coded import ACCEPTED, CLOSED, CODED, NOMINAL, counted_as, nominal, stored_value
from spinecho.db.filters.conditions import KINDS, And, Filter, Is, Not, Or, Value
from spinecho.db.filters.sql import COLUMNS, lowered
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Study, Volume

_NAMED = 24
"""Values at most that an error names."""
Occurring = Callable[[str], Collection[str]]


def occurring_values(database: Database, field: str) -> tuple[str, ...]:
    """The values of a coded field that some study has, as they are counted, sorted; 'unknown' is one, what is not
    recorded at all is not."""
    column = COLUMNS[field]
    query = select(column).distinct().select_from(Study if field == "sex" else Volume).where(column.is_not(None))
    with database.begin() as session:
        values = [one for value in session.scalars(query) for one in (value if isinstance(value, tuple) else (value,))]
    told = sorted({counted_as(field, value) for value in values if str(value)})
    return tuple(sorted(told, key=float) if KINDS[field] == "number" else told)


def require_occurring(where: Filter, occurring: Occurring) -> None:
    """Raise `FilterError` for a value of a coded field that no study has, naming those that some have.

    Of several values in a list one is enough, as long as each is one that scanners and people write. For what must not
    be, nothing is an error that the table of names knows. Where no value is stored, nothing is one but what a field
    cannot have whose every value the table knows.
    """
    for leaf, denied in _leaves(where, denied=False):
        if leaf.field not in CODED:
            continue
        known = {lowered(value) for value in occurring(leaf.field)}
        values = [value for value in leaf.values if value != ""]  # "" is what is not recorded
        if not known and leaf.field in CLOSED and (strange := [one for one in values if not _may_be(leaf.field, one)]):
            names = ", ".join(ACCEPTED[leaf.field])
            raise FilterError(f"no study has {leaf.field} {strange[0]!r}; the archive has none of {names}")
        if not known or not values:
            continue
        held = [value for value in values if lowered(counted_as(leaf.field, value)) in known]
        strange = [value for value in values if value not in held and not _may_be(leaf.field, value)]
        if strange or (not held and not denied):
            missing = (strange or values)[0]
            named = repr(missing) if isinstance(missing, str) else counted_as(leaf.field, missing)
            raise FilterError(f"no study has {leaf.field} {named}; the archive has {_listed(leaf.field, occurring)}")


def _may_be(field: str, value: Value) -> bool:
    """Whether the table of names knows the value, so that some archive has it."""
    if field == "b_value":
        return True
    if not isinstance(value, str):
        return nominal(value) in NOMINAL
    table: Mapping[str, str] = ACCEPTED.get(field, {})
    return stored_value(field, value) in table or value.casefold() == "unknown"


def _listed(field: str, occurring: Occurring) -> str:
    values = [value for value in occurring(field) if value != "unknown"] or list(occurring(field))
    more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return ", ".join(values[:_NAMED]) + more


def _leaves(where: Filter, *, denied: bool) -> Iterable[tuple[Is, bool]]:
    match where:
        case Is():
            yield where, denied
        case Not(part):
            yield from _leaves(part, denied=True)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _leaves(part, denied=denied or isinstance(where, Or))
        case _:
            return
