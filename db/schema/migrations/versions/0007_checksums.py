"""A checksum beside every row that is the truth; those of existing rows are computed from what they say now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from spinecho.db.schema.checksums import COLUMN, seal

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "runs", "files", "failures", "studies", "series", "volumes", "thumbnails", "reports", "passages", "spaces",
    "serving", "vectors", "region_vectors", "predictions", "cohorts", "cohort_versions", "cohort_members", "feedback",
    "backgrounds", "saved_searches", "archives", "patients", "withdrawn_passages",
)  # fmt: skip


def upgrade() -> None:
    for name in _TABLES:
        op.add_column(name, sa.Column(COLUMN, _BIG, nullable=True))
        without = sa.text(f"{COLUMN} IS NULL")
        op.create_index(op.f(f"ix_{name}_unsealed"), name, [COLUMN], sqlite_where=without, postgresql_where=without)
        # Over the columns that the table has here: a migration that adds one empties its checksums and seals it again
        seal(op.get_bind(), sa.Table(name, sa.MetaData(), autoload_with=op.get_bind()))


def downgrade() -> None:
    for name in _TABLES:
        op.drop_index(f"ix_{name}_unsealed", name)
        with op.batch_alter_table(name) as table:
            table.drop_column(COLUMN)
