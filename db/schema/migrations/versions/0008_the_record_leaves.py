"""The record is a database of its own: its rows are carried over there, and then the table goes.

Rows are handed out while this transaction holds the table, and the record has them on its disk before anything is
dropped. Killed in between, the next upgrade hands out the same rows, and the record takes none of them twice.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from spinecho.db.errors import StoreError
from spinecho.db.values import Carried

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.BigInteger),
    sa.column("at", sa.DateTime),
    sa.column("user", sa.String),
    sa.column("role", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("facts", sa.JSON),
)


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
    rows = bind.execute(sa.select(_AUDIT).order_by(_AUDIT.c.id)).all()
    if rows:
        carry = context.config.attributes.get("carry")
        if carry is None:
            raise StoreError("the record of this database has to be carried over: run 'spinecho db upgrade'")
        carry([_carried(row) for row in rows])
    op.drop_table("audit")


def _carried(row: Any) -> Carried:
    number, at, user, role, action, subject, facts = row
    said = json.dumps([number, at.isoformat(), user, role, action, subject, facts], sort_keys=True)
    origin = f"audit-{hashlib.sha256(said.encode()).hexdigest()}"
    plain = {name: value for name, value in (facts or {}).items() if isinstance(value, str | int | float | bool | None)}
    return Carried(at, user, role, action, subject, plain, origin)


def downgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    for column in ("at", "user", "action"):
        op.create_index(op.f(f"ix_audit_{column}"), "audit", [column])
