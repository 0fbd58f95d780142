"""Report files that this version reads otherwise than those before it: looked at again once, by the first run of it."""

from __future__ import annotations

from pathlib import PurePath

from spinecho.db.files import runs
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.other_files import READER
from spinecho.indexer.reports.parsing.parse import SUFFIXES

_SINCE_4 = frozenset(
    """
    .json .fhir .ndjson .xlsx .xlsm .docx .docm .rtf .html .htm .xhtml .pdf .hl7 .oru .msg .csv .tsv
    .jsonl .parquet .pq
    """.split()  # noqa: SIM905
)


def read_otherwise(database: Database) -> int:
    """Have the files looked at again that a run of an older reader read, where their text is now another; how many.

    A structured report is a report file whose name says nothing.
    """
    if runs.newest_reader(database) >= READER:
        return 0
    return runs.read_reports_again(database, _is_read_otherwise)


def _is_read_otherwise(name: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    return suffix in _SINCE_4 or suffix not in SUFFIXES
