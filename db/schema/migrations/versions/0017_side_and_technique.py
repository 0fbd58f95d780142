"""Side and technique of every volume in columns of their own, from the facts that its row holds already.

No header and no file is read here; where older rules gave the facts, `spinecho db upgrade` works them out anew from the
stored headers afterwards. A row's checksum is made anew where it was right: a row that was damaged stays one that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from alembic import op

from spinecho.db.schema.checksums import COLUMN, columns_of, seal, summing
from spinecho.db.schema.clean import CleanNames

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_NAMES = CleanNames()
_PAGE = 2_000


def upgrade() -> None:
    before = _volumes()
    op.add_column("volumes", sa.Column("side", _TEXT, nullable=False, server_default=""))
    op.add_column("volumes", sa.Column("technique", _TEXT, nullable=False, server_default=""))
    _fill(before, _volumes())


def downgrade() -> None:
    for name in ("technique", "side"):
        op.execute(f"ALTER TABLE volumes DROP COLUMN {name}")
    left = _volumes()
    op.get_bind().execute(left.update().values({COLUMN: None}))
    seal(op.get_bind(), left)


def _volumes() -> sa.Table:
    return sa.Table("volumes", sa.MetaData(), autoload_with=op.get_bind())


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = row["acquisition"] if isinstance(row["acquisition"], dict) else {}
    side, names = facts.get("side"), facts.get("technique")
    texts = [one for one in names if isinstance(one, str)] if isinstance(names, list) else []
    return {
        "side": side if isinstance(side, str) else "",
        "technique": _NAMES.process_bind_param(texts, op.get_bind().dialect),
    }


def _fill(before: sa.Table, after: sa.Table) -> None:
    """Put the facts of every row, and its checksum over the columns of `after` where it had a right one."""
    old, new = summing(before), summing(after)
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("side", "technique", COLUMN)}
    change = after.update().where(after.c.id == sa.bindparam("row")).values(values)
    for rows in _pages(op.get_bind(), before):
        changed = []
        for row in rows:
            whole = {**row, **_facts(row)}
            if row[COLUMN] == old([row[name] for name in columns_of(before)]):
                whole[COLUMN] = new([whole[name] for name in columns_of(after)])
            changed.append({"row": row["id"], **{f"new_{name}": whole[name] for name in values}})
        op.get_bind().execute(change, changed)


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
