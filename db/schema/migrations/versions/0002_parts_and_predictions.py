"""The parts of a volume, and what heads predict of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "region_vectors",
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("space_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grid", sa.JSON(), nullable=False),
        sa.Column("cells", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_region_vectors_space_id_spaces")),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name=op.f("fk_region_vectors_volume_id_volumes")),
        sa.PrimaryKeyConstraint("volume_id", "space_id", name=op.f("pk_region_vectors")),
    )
    with op.batch_alter_table("region_vectors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_region_vectors_space_id"), ["space_id"], unique=False)

    op.create_table(
        "predictions",
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("head_revision", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name=op.f("fk_predictions_volume_id_volumes")),
        sa.PrimaryKeyConstraint("volume_id", "task", name=op.f("pk_predictions")),
    )
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.create_index("ix_predictions_task", ["task", "value"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.drop_index("ix_predictions_task")
    op.drop_table("predictions")
    with op.batch_alter_table("region_vectors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_region_vectors_space_id"))
    op.drop_table("region_vectors")
