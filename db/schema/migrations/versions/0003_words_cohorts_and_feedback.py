"""Full text over passages, cohorts, feedback, and what similarity means nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORDS = (
    "CREATE VIRTUAL TABLE passages_fts USING fts5("
    "text, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2', prefix='3')",
    "CREATE TRIGGER passages_fts_insert AFTER INSERT ON passages BEGIN "
    "INSERT INTO passages_fts(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER passages_fts_delete AFTER DELETE ON passages BEGIN "
    "INSERT INTO passages_fts(passages_fts, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER passages_fts_update AFTER UPDATE OF text ON passages BEGIN "
    "INSERT INTO passages_fts(passages_fts, rowid, text) VALUES ('delete', old.id, old.text); "
    "INSERT INTO passages_fts(rowid, text) VALUES (new.id, new.text); END",
    "INSERT INTO passages_fts(passages_fts) VALUES ('rebuild')",
)
_SEPARATORS = r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F\uFF00-\uFF0F"
_FOLDED = (
    rf"regexp_replace(regexp_replace(normalize(text, NFKD), '[\u0300-\u036F]+', '', 'g'), '[{_SEPARATORS}]+', ' ', 'g')"
)
_WORDS_POSTGRESQL = (
    "CREATE TEXT SEARCH DICTIONARY spinecho_stem (TEMPLATE = snowball, LANGUAGE = porter)",
    "CREATE TEXT SEARCH CONFIGURATION spinecho (PARSER = pg_catalog.default)",
    "ALTER TEXT SEARCH CONFIGURATION spinecho ADD MAPPING FOR asciiword, word, numword, int, uint, float, sfloat, "
    "version, hword, asciihword, numhword, hword_part, hword_asciipart, hword_numpart WITH spinecho_stem",
    "ALTER TABLE passages ADD COLUMN words tsvector "
    f"GENERATED ALWAYS AS (to_tsvector('spinecho'::regconfig, {_FOLDED})) STORED",
    "CREATE INDEX ix_passages_words ON passages USING gin (words)",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _WORDS_POSTGRESQL if postgresql else _WORDS:
        op.get_bind().exec_driver_sql(statement)
    op.create_table(
        "cohorts",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        sa.UniqueConstraint("name", name=op.f("uq_cohorts_name")),
    )
    op.create_table(
        "cohort_versions",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("cohort_id", _BIG, nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("attrition", sa.JSON(), nullable=False),
        sa.Column("made_with", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name=op.f("fk_cohort_versions_cohort_id_cohorts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_versions")),
        sa.UniqueConstraint("cohort_id", "number", name=op.f("uq_cohort_versions_cohort_id_number")),
    )
    op.create_index(op.f("ix_cohort_versions_cohort_id"), "cohort_versions", ["cohort_id"])
    op.create_table(
        "cohort_members",
        sa.Column("version_id", _BIG, nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["cohort_versions.id"], name=op.f("fk_cohort_members_version_id_cohort_versions")
        ),
        sa.PrimaryKeyConstraint("version_id", "study_uid", name=op.f("pk_cohort_members")),
    )
    op.create_table(
        "feedback",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("query_key", sa.String(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("verdict", _BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("user", "query_key", "study_uid", name=op.f("uq_feedback_user_query_key_study_uid")),
    )
    op.create_index(op.f("ix_feedback_user"), "feedback", ["user"])
    op.create_index(op.f("ix_feedback_query_key"), "feedback", ["query_key"])
    op.create_table(
        "backgrounds",
        sa.Column("space_id", _BIG, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("count", _BIG, nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_backgrounds_space_id_spaces")),
        sa.PrimaryKeyConstraint("space_id", "channel", name=op.f("pk_backgrounds")),
    )


def downgrade() -> None:
    for table in ("backgrounds", "feedback", "cohort_members", "cohort_versions", "cohorts"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_passages_words", "passages")
        op.drop_column("passages", "words")
        op.execute("DROP TEXT SEARCH CONFIGURATION spinecho")
        op.execute("DROP TEXT SEARCH DICTIONARY spinecho_stem")
        return
    for trigger in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER passages_fts_{trigger}")
    op.drop_table("passages_fts")
