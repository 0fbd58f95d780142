"""Columns that a migration adds to a table, filled from what its rows hold already.

A row's checksum is made anew where it was right: a row that was damaged stays one that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from spinecho.db.schema.checksums import COLUMN, columns_of, summing

_PAGE = 2_000


def fill(
    connection: sa.Connection, before: sa.Table, after: sa.Table, facts: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    """Put `facts` of every row into the columns of `after` that `before` lacks, and its checksum over all of them."""
    old, new = summing(before), summing(after)
    added = [name for name in after.columns.keys() if name not in before.columns]  # noqa: SIM118
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in (*added, COLUMN)}
    change = after.update().where(after.c.id == sa.bindparam("row")).values(values)
    for rows in _pages(connection, before):
        changed = []
        for row in rows:
            whole = {**row, **facts(row)}
            if row[COLUMN] == old([row[name] for name in columns_of(before)]):
                whole[COLUMN] = new([whole[name] for name in columns_of(after)])
            changed.append({"row": row["id"], **{f"new_{name}": whole[name] for name in values}})
        connection.execute(change, changed)


def _pages(connection: sa.Connection, table: sa.Table) -> Iterator[Sequence[Any]]:
    """All rows that can be read: one whose JSON is none stays as it is, and is found by its checksum as before."""
    last = 0
    while ids := list(
        connection.scalars(sa.select(table.c.id).where(table.c.id > last).order_by(table.c.id).limit(_PAGE))
    ):
        last = ids[-1]
        query = sa.select(table).order_by(table.c.id)
        try:
            rows = list(connection.execute(query.where(table.c.id.between(ids[0], last))).mappings())
        except ValueError:
            rows = []
            for one in ids:
                with suppress(ValueError):
                    rows += connection.execute(query.where(table.c.id == one)).mappings()
        if rows:
            yield rows
