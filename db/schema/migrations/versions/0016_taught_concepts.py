"""Concepts that people taught: heads over stored vectors, a row a version, with their cards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "taught_concepts",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("version", _BIG, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("space_id", _BIG, nullable=False),
        sa.Column("owner", _TEXT, nullable=False),
        sa.Column("taught_at", sa.DateTime(), nullable=False),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_taught_concepts_space_id_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taught_concepts")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_taught_concepts_name_version")),
    )
    op.create_index(op.f("ix_taught_concepts_space_id"), "taught_concepts", ["space_id"])
    without = sa.column("checksum").is_(None)
    op.create_index(
        "ix_taught_concepts_unsealed", "taught_concepts", ["checksum"], sqlite_where=without, postgresql_where=without
    )


def downgrade() -> None:
    op.drop_table("taught_concepts")
