"""Clauses of report sentences, with full text of their own: what is affirmed and denied in one sentence apart.

Clauses are derived from the stored text of reports by the next `spinecho db upgrade` or run, see
`indexer.reports.clauses`; `read_by` 0 marks a report that waits for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORDS = (
    "CREATE VIRTUAL TABLE clauses_fts USING fts5("
    "text, content='clauses', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2', prefix='3')",
    "CREATE TRIGGER clauses_fts_insert AFTER INSERT ON clauses BEGIN "
    "INSERT INTO clauses_fts(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER clauses_fts_delete AFTER DELETE ON clauses BEGIN "
    "INSERT INTO clauses_fts(clauses_fts, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER clauses_fts_update AFTER UPDATE OF text ON clauses BEGIN "
    "INSERT INTO clauses_fts(clauses_fts, rowid, text) VALUES ('delete', old.id, old.text); "
    "INSERT INTO clauses_fts(rowid, text) VALUES (new.id, new.text); END",
)
_SEPARATORS = r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F\uFF00-\uFF0F"
_FOLDED = (
    rf"regexp_replace(regexp_replace(normalize(text, NFKD), '[\u0300-\u036F]+', '', 'g'), '[{_SEPARATORS}]+', ' ', 'g')"
)
_WORDS_POSTGRESQL = (
    "ALTER TABLE clauses ADD COLUMN words tsvector "
    f"GENERATED ALWAYS AS (to_tsvector('spinecho'::regconfig, {_FOLDED})) STORED",
    "CREATE INDEX ix_clauses_words ON clauses USING gin (words)",
)


def upgrade() -> None:
    op.create_table(
        "clauses",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("report_id", _BIG, nullable=False),
        sa.Column("sentence", _BIG, nullable=False),
        sa.Column("ordinal", _BIG, nullable=False),
        sa.Column("start", _BIG, nullable=False),
        sa.Column("stop", _BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("assertion", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("cue", sa.String(), nullable=False),
        sa.Column("sides", sa.String(), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("concepts", sa.String(), nullable=False),
        sa.Column("low_mm", sa.Double(), nullable=True),
        sa.Column("high_mm", sa.Double(), nullable=True),
        sa.Column("checksum", _BIG, nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_clauses_report_id_reports")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clauses")),
    )
    without = sa.column("checksum").is_(None)
    op.create_index("ix_clauses_unsealed", "clauses", ["checksum"], sqlite_where=without, postgresql_where=without)
    op.create_index("ix_clauses_report", "clauses", ["report_id", "sentence"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _WORDS_POSTGRESQL if postgresql else _WORDS:
        op.get_bind().exec_driver_sql(statement)
    # Not part of the checksum of a report: it says by what the text was read, and nothing of the report.
    op.add_column("reports", sa.Column("read_by", _BIG, nullable=False, server_default="0"))
    op.create_index(op.f("ix_reports_read_by"), "reports", ["read_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix_reports_read_by"), "reports")
    with op.batch_alter_table("reports") as table:
        table.drop_column("read_by")
    if op.get_bind().dialect.name != "postgresql":
        for trigger in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER clauses_fts_{trigger}")
        op.drop_table("clauses_fts")
    op.drop_table("clauses")
