"""The door to report files: choose the parser by the file's bytes, else by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from spinecho.indexer.reports.parsing.decode import reading
from spinecho.indexer.reports.parsing.formats import every
from spinecho.indexer.reports.parsing.formats.tables import read_csv
from spinecho.indexer.reports.parsing.parsed import NotAReport, RawReport, ReportFailure, ReportUnreadable
from spinecho.indexer.reports.parsing.table_files import begins_a_table, parse_csv, parse_jsonl
from spinecho.indexer.reports.parsing.text_file import parse_text_file

__all__ = ["SUFFIXES", "NotAReport", "RawReport", "ReportFailure", "ReportUnreadable", "parse_reports"]


def _text(path: Path) -> Iterator[RawReport | ReportFailure]:
    """One report, or several; or a table that an export calls .txt."""
    return _csv(path) if begins_a_table(path) else iter(parse_text_file(path))


def _csv(path: Path) -> Iterator[RawReport | ReportFailure]:
    try:
        return parse_csv(path)
    except NotAReport as error:
        try:
            return read_csv(path)  # its header may stand below a title
        except NotAReport:
            raise error from None


_PARSERS: dict[str, Callable[[Path], Iterator[RawReport | ReportFailure]]] = {
    ".txt": _text,
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": parse_jsonl,
    ".ndjson": parse_jsonl,
}

SUFFIXES = frozenset(_PARSERS) | every.SUFFIXES


def parse_reports(path: Path) -> Iterator[RawReport | ReportFailure]:
    """Every report of a file in its order, and a failure for each row that gives none; two of one key are both kept.

    Raises `NotAReport` (nothing to mend) and `ReportUnreadable`, both before the first item; the latter also later,
    should the disk fail midway. Both are `ReadError`s. Rows are read as they are asked for. Memory: about one report.
    """
    with reading(path):
        known = every.format_of(path)
    parser = known.read if known is not None else _PARSERS.get(path.suffix.lower())
    if parser is None:
        raise NotAReport(f"{path.name}: reports are read from {', '.join(sorted(SUFFIXES))}")
    return parser(path)
