"""Versions of reports: what stands, what is kept and never found, and why a report has no study."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = {"reason": "", "standing": "stands", "patient_id": "", "status": "", "dated": "", "exam": "", "charset": "", "digest": ""}  # fmt: skip # noqa: E501


def upgrade() -> None:
    for name, value in _TEXTS.items():
        op.add_column("reports", sa.Column(name, sa.String(), nullable=False, server_default=value))
    for name in ("named_study_id", "version"):
        op.add_column("reports", sa.Column(name, _BIG, nullable=True))
    for name in ("standing", "named_study_id"):
        op.create_index(op.f(f"ix_reports_{name}"), "reports", [name])
    op.create_table(
        "withdrawn_passages",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("report_id", _BIG, nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("ordinal", _BIG, nullable=False),
        sa.Column("start", _BIG, nullable=False),
        sa.Column("stop", _BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("assertion", sa.String(), nullable=False),
        sa.Column("sides", sa.String(), nullable=False),
        sa.Column("space_id", _BIG, nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_withdrawn_passages_report_id_reports")),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_withdrawn_passages_space_id_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawn_passages")),
    )
    op.create_index(op.f("ix_withdrawn_passages_report_id"), "withdrawn_passages", ["report_id"])
    # What a text file says of itself is derived from its stored text by the next run. What only a table's columns
    # say (patient, status, date) is not stored: a time that no file has makes the next run read the table again.
    # A table that is no longer on the disk keeps its reports as they are.
    op.execute(
        "UPDATE files SET mtime_ns = -2 WHERE kind = 'report' AND (state = 'rejected' OR lower(name) NOT LIKE '%.txt')"
    )


def downgrade() -> None:
    op.drop_table("withdrawn_passages")
    for name in ("standing", "named_study_id"):
        op.drop_index(op.f(f"ix_reports_{name}"), "reports")
    with op.batch_alter_table("reports") as table:
        for name in (*_TEXTS, "named_study_id", "version"):
            table.drop_column(name)
