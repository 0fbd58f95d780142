"""Columns of reports' tables over runs: what a person named stays until it is forgotten, and what was taken is told."""

from __future__ import annotations

from collections import Counter

from spinecho.db.files import runs
from spinecho.db.schema.database import Database
from spinecho.indexer.reports.parsing.given_columns import MEANINGS, read_columns
from spinecho.indexer.reports.store import COLUMNS

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx", ".xlsm", ".parquet", ".pq")


def given_columns(database: Database, given: str | None) -> str:
    """The columns for this run; where they are not the last run's, tables are looked at again.

    Raises `ReportColumnsError`, before anything is changed.
    """
    kept = runs.last_report_columns(database)
    columns = kept if given is None else str(read_columns(given))
    if columns != kept:
        runs.read_reports_again(database, lambda name: name.lower().endswith(_TABLES))
    return columns


def columns_taken(counts: Counter[str]) -> dict[str, dict[str, int]]:
    """By meaning, how many files were read by which column; takes them out of the counts."""
    taken: dict[str, dict[str, int]] = {}
    for key in [key for key in counts if key.startswith(COLUMNS)]:
        meaning, _, name = key.removeprefix(COLUMNS).partition("=")
        taken.setdefault(meaning, {})[name] = counts.pop(key)
    order = {meaning: number for number, meaning in enumerate(MEANINGS)}
    return {
        meaning: dict(sorted(names.items()))
        for meaning, names in sorted(taken.items(), key=lambda one: (order.get(one[0], -1), one[0]))
    }
