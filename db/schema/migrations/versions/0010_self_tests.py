"""What the scans of this archive are measured to know of its reports, by space; see `search.self_test`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "self_tests",
        sa.Column("space_id", _BIG, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("measured_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("pairs", _BIG, nullable=False),
        sa.Column("reports", _BIG, nullable=False),
        sa.Column("vectors", _BIG, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("checksum", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_self_tests_space_id_spaces")),
        sa.PrimaryKeyConstraint("space_id", name=op.f("pk_self_tests")),
    )
    without = sa.column("checksum").is_(None)
    op.create_index(
        "ix_self_tests_unsealed", "self_tests", ["checksum"], sqlite_where=without, postgresql_where=without
    )


def downgrade() -> None:
    op.drop_table("self_tests")
