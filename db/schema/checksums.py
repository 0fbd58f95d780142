"""A checksum beside every row that is the truth, so that a changed byte is noticed.

A row's checksum is the CRC-32 of its columns, all but those in `LEFT_OUT`, in the order of their names. It is computed
in Python: a table's columns are what it takes, whatever kind of database holds them. SQLite's own check tells a file's
structure and its indexes, and nothing of what a row says; a server has checksums of its pages where it was told to.

Rows get theirs when they are added or changed through the ORM. An INSERT or UPDATE that goes past it leaves none, and
the transaction computes them before it commits, found by an index over the rows without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias
from zlib import crc32

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Float,
    Insert,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    TypeDecorator,
    Update,
    bindparam,
    select,
    tuple_,
)
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Session

from spinecho.db.schema.clean import Unstorable

COLUMN = "checksum"
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "files": frozenset({"state"}),
    "reports": frozenset({"study_id", "match", "reason", "standing", "named_study_id", "read_by"}),
}
"""Columns that are changed for many rows at once, by table. Each has an index, which tells where it was changed by
anybody else."""
_PAGE = 5_000
_DIALECT = DefaultDialect()

Row: TypeAlias = Sequence[Any]
Summed: TypeAlias = Callable[[Row], int]
"""The checksum of a row's values in the order of `columns_of`."""


def columns_of(table: Table) -> tuple[str, ...]:
    """What a table's checksums are over, in order. A key that the database gives is left out: it is not yet known."""
    out = LEFT_OUT.get(table.name, frozenset()) | {COLUMN}
    given = [column.name for column in table.primary_key if isinstance(column.type, Integer)]
    if given == ["id"]:
        out |= {"id"}
    return tuple(sorted(column.name for column in table.columns if column.name not in out))


@cache
def summing(table: Table) -> Summed:
    """What computes the checksums of a table's rows."""
    forms = [_form(table.columns[name].type) for name in columns_of(table)]

    def checksum(row: Row) -> int:
        return crc32(b"\x1f".join([b"\x00" if value is None else form(value) for form, value in zip(forms, row)]))  # noqa: B905

    return checksum


def with_checksum(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a whole row and its checksum, for an INSERT or UPDATE past the ORM. Raises `Unstorable`."""
    return {**values, COLUMN: sum_of(table, [values.get(name) for name in columns_of(table)])}


def sum_of(table: Table, row: Row) -> int:
    """The checksum of a row that is to be written. Raises `Unstorable` for one with a value that no column takes."""
    try:
        return summing(table)(row)
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Unstorable(f"no column takes a value of a row of {table.name} ({type(error).__name__})") from error


def pages(connection: Connection, table: Table, *names: str, where: Any = None) -> Iterator[Sequence[Any]]:
    """Rows of these columns after those of the primary key, in its order, a page at a time, each a query of its own."""
    last: tuple[Any, ...] | None = None
    while rows := page_after(connection, table, last, *names, where=where):
        yield rows
        if len(rows) < _PAGE:
            return
        last = tuple(rows[-1][: len(table.primary_key)])


def page_after(
    connection: Connection, table: Table, last: Sequence[Any] | None, *names: str, where: Any = None, most: int = _PAGE
) -> Sequence[Any]:
    """The page of rows that comes after the key `last`, the first one for None; nothing after the last row."""
    keys = list(table.primary_key)
    columns = [table.columns[name] for name in names]
    query = select(*keys, *columns).order_by(*keys).limit(most)
    query = query if where is None else query.where(where)
    if last is not None:
        query = query.where(tuple_(*keys) > tuple_(*last) if len(keys) > 1 else keys[0] > last[0])
    return connection.execute(query).all()


def seal(connection: Connection, table: Table) -> int:
    """Compute the checksums of the rows that have none; how many those were. For migrations too."""
    keys, names, checksum = list(table.primary_key), columns_of(table), summing(table)
    same = [key == bindparam(f"key_{number}") for number, key in enumerate(keys)]
    change = table.update().where(*same).values({COLUMN: bindparam("sum")})
    count = 0
    for rows in pages(connection, table, *names, where=table.columns[COLUMN].is_(None)):
        values = [
            {f"key_{number}": row[number] for number in range(len(keys))} | {"sum": checksum(row[len(keys) :])}
            for row in rows
        ]
        connection.execute(change, values)
        count += len(rows)
    return count


class SealingSession(Session):
    """A session that leaves no row without a checksum."""

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """As `Session.execute`."""
        if isinstance(statement, Insert | Update):
            statement = self._noticed(statement, params)
        return super().execute(statement, params, **options)

    def seal(self) -> None:
        """Compute what is still to be computed; called before the commit."""
        self.flush()
        for table in self.info.pop("unsealed", ()):
            seal(self.connection(), table)

    def _noticed(self, statement: Insert | Update, params: Any) -> Insert | Update:
        table = statement.table
        if not isinstance(table, Table) or COLUMN not in table.columns:
            return statement
        rows: list[Any] = [params] if isinstance(params, Mapping) else list(params or ())
        named = {getattr(column, "key", column) for column in getattr(statement, "_values", None) or ()}
        named |= {name for row in rows for name in row}
        if COLUMN in named or (isinstance(statement, Update) and named and not named & set(columns_of(table))):
            return statement
        self.info.setdefault("unsealed", {})[table] = None
        if isinstance(statement, Update):
            if not rows:
                return statement.values({COLUMN: None})
            for row in rows:
                row[COLUMN] = None
        return statement


def _form(type_: Any) -> Callable[[Any], bytes]:
    """How a value of a column becomes bytes: the same before it is stored and when it is read."""
    if isinstance(type_, TypeDecorator):  # what is stored is what it makes of a value
        stored, form = type_.process_bind_param, _form(type_.impl_instance)
        return lambda value: form(stored(value, _DIALECT))
    if isinstance(type_, JSON):
        return lambda value: json.dumps(value).encode()
    if isinstance(type_, LargeBinary):
        return bytes
    if isinstance(type_, Boolean):
        return lambda value: b"1" if value else b"0"
    if isinstance(type_, Integer):
        return lambda value: b"%d" % int(value)
    if isinstance(type_, Float | Numeric):
        return lambda value: repr(float(value)).encode()
    if isinstance(type_, Date | DateTime):
        return lambda value: value.isoformat().encode()
    return lambda value: str(value).encode("utf-8", "surrogatepass")
