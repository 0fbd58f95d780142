"""The report formats that are recognised by their bytes, in the order in which they are asked."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.formats.cda import CDA
from spinecho.indexer.reports.parsing.formats.dicom import DICOM
from spinecho.indexer.reports.parsing.formats.document_files import HTML, PDF, RTF, WORD
from spinecho.indexer.reports.parsing.formats.fhir import FHIR
from spinecho.indexer.reports.parsing.formats.hl7 import HL7
from spinecho.indexer.reports.parsing.formats.json_arrays import JSON
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat
from spinecho.indexer.reports.parsing.formats.tables import PARQUET
from spinecho.indexer.reports.parsing.formats.workbooks import WORKBOOK

FORMATS: tuple[ReportFormat, ...] = (DICOM, HL7, FHIR, JSON, CDA, PDF, RTF, WORD, HTML, WORKBOOK, PARQUET)
SUFFIXES = frozenset(suffix for one in FORMATS for suffix in one.suffixes)
_HEAD = 1 << 16


def format_of(path: Path) -> ReportFormat | None:
    """The format whose file this is, None for text, tables and what is no report file. Raises OSError."""
    with open_file(path) as file:
        head = file.read(_HEAD)
    return next((one for one in FORMATS if one.recognises(path, head)), None)
