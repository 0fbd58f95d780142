"""Part of the signal, Dixon image, computed image and b-value of every volume in columns of their own, from the facts
that its row holds already.

No header and no file is read here; where older rules gave the facts, `spinecho db upgrade` works them out anew from the
stored headers afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from spinecho.db.schema.checksums import COLUMN, seal
from spinecho.db.schema.clean import text
from spinecho.db.schema.filling import fill

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_TEXTS = ("dixon", "component", "computed")


def upgrade() -> None:
    before = _volumes()
    op.add_column("volumes", sa.Column("b_value", sa.Float(), nullable=True))
    for name in _TEXTS:
        op.add_column("volumes", sa.Column(name, _TEXT, nullable=False, server_default=""))
    fill(op.get_bind(), before, _volumes(), _facts)


def downgrade() -> None:
    for name in (*_TEXTS, "b_value"):
        op.execute(f"ALTER TABLE volumes DROP COLUMN {name}")
    left = _volumes()
    op.get_bind().execute(left.update().values({COLUMN: None}))
    seal(op.get_bind(), left)


def _volumes() -> sa.Table:
    return sa.Table("volumes", sa.MetaData(), autoload_with=op.get_bind())


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = row["acquisition"] if isinstance(row["acquisition"], dict) else {}
    value = facts.get("b_value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return {
        "b_value": float(round(value)) if is_number else None,  # type: ignore[arg-type]
        **{name: text(facts[name]) if isinstance(facts.get(name), str) else "" for name in _TEXTS},
    }
