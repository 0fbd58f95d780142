"""Side and technique of every volume in columns of their own, from the facts that its row holds already.

No header and no file is read here; where older rules gave the facts, `spinecho db upgrade` works them out anew from the
stored headers afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from spinecho.db.schema.checksums import COLUMN, seal
from spinecho.db.schema.clean import CleanNames
from spinecho.db.schema.filling import fill

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_NAMES = CleanNames()


def upgrade() -> None:
    before = _volumes()
    op.add_column("volumes", sa.Column("side", _TEXT, nullable=False, server_default=""))
    op.add_column("volumes", sa.Column("technique", _TEXT, nullable=False, server_default=""))
    fill(op.get_bind(), before, _volumes(), _facts)


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
