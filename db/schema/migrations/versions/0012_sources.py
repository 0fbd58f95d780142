"""Sources by name, and the studies that were taken from each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("pulled_at", sa.DateTime(), nullable=True),
        sa.Column("checksum", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )
    op.create_table(
        "source_studies",
        sa.Column("source_id", _BIG, nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("instances", _BIG, nullable=False),
        sa.Column("gone_at", sa.DateTime(), nullable=True),
        sa.Column("checksum", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_source_studies_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "study_uid", name=op.f("pk_source_studies")),
    )
    op.create_index(op.f("ix_source_studies_remote_id"), "source_studies", ["remote_id"])
    without = sa.column("checksum").is_(None)
    for table in ("sources", "source_studies"):
        op.create_index(f"ix_{table}_unsealed", table, ["checksum"], sqlite_where=without, postgresql_where=without)


def downgrade() -> None:
    op.drop_table("source_studies")
    op.drop_table("sources")
