"""Texts that sort, fold and compare alike whatever locale a server's database was made with.

SQLite does so by itself. On PostgreSQL every text column gets the collation "C", and what full text is made from is
ASCII before the server's parser sees it: that and its dictionaries ask the database's locale, whatever a column says.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

_COLUMNS = sa.text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
    "AND data_type IN ('character varying', 'text') AND table_name NOT IN ('alembic_version', 'record_rows', "
    "'record_head') ORDER BY table_name, ordinal_position"
)
_MARKS = r"\u0300-\u036F"
_OLD_SEPARATORS = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F\uFF00-\uFF0F"
)
_SEPARATORS = _OLD_SEPARATORS + r"\u20A0-\u20CF\u2190-\u245F\u2500-\u2775\u2794-\u2BFF"
_CAPITALS = [
    one for one in map(chr, range(0x80, 0x588))
    if len(one.casefold()) == 1 and one.casefold() != one and unicodedata.normalize("NFKD", one) == one
]  # fmt: skip


def _made_from(text: str, separators: str) -> str:
    bare = f"regexp_replace(normalize({text}, NFKD), '[{_MARKS}]+', '', 'g')"
    return f"regexp_replace({bare}, '[{separators}]+', ' ', 'g')"


def _in_ascii() -> str:
    """Lower case, and each byte beyond ASCII as zq and its octal number: a part of a word for every parser."""
    small = "".join(one.casefold() for one in _CAPITALS)
    folded = f"""lower({_made_from('text COLLATE "C"', _SEPARATORS)} COLLATE "C")"""
    folded = f"translate({folded}, '{''.join(_CAPITALS)}', '{small}')"
    return rf"replace(encode(({folded})::bytea, 'escape'), '\', 'zq')"


def _change(collation: str, made_from: str) -> None:
    connection = op.get_bind()
    for table in ("passages", "clauses"):
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN words")  # the index over them goes with them
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        columns.setdefault(table, []).append(column)
    for table, names in columns.items():
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE varchar COLLATE "{collation}"' for name in names)
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {changes}')
    for table in ("passages", "clauses"):
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD COLUMN words tsvector "
            f"GENERATED ALWAYS AS (to_tsvector('spinecho'::regconfig, {made_from})) STORED"
        )
        connection.exec_driver_sql(f"CREATE INDEX ix_{table}_words ON {table} USING gin (words)")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change("C", _in_ascii())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change("default", _made_from("text", _OLD_SEPARATORS))
