"""DICOM objects that hold a report: structured reports as text, and documents (PDF, CDA) within an object."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.dicom.scan import inflates_past
from spinecho.indexer.reports.parsing.formats.cda import cda_text
from spinecho.indexer.reports.parsing.formats.content_items import Item, bytes_of, items_of, read_items, text_of
from spinecho.indexer.reports.parsing.formats.documents import document_text
from spinecho.indexer.reports.parsing.formats.reading import LARGEST_DOCUMENT, ReportFormat, Row, TooLarge, read_whole
from spinecho.indexer.reports.parsing.formats.structured_report import MEASURED, PROCEDURE, tree_text
from spinecho.indexer.reports.parsing.markup import NoText
from spinecho.indexer.reports.parsing.parsed import NotAReport, RawReport, ReportFailure
from spinecho.indexer.reports.report_facts import exam_key, read_date
from spinecho.indexer.reports.report_status import Status

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CLASSES = re.compile(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:88\.\d+|104\.[12])(?![.\d])")
_PDF, _CDA = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2"
_MOST = 2 * LARGEST_DOCUMENT


def recognises(path: Path, head: bytes) -> bool:
    """A DICOM file whose class is a structured report's or a document's."""
    return head[128:132] == b"DICM" and _CLASSES.search(head[:2048]) is not None


def read(path: Path) -> Iterator[Row]:
    """The report of the object. Raises `NotAReport` for a tree without a word, and a document that holds none."""
    from pydicom import dcmread  # noqa: PLC0415  (only where one was met)

    too_large = ReportFailure(str(path), 0, f"the object has more than {_MOST >> 20} MB")
    try:
        data = read_whole(path, most=_MOST)
        if inflates_past(data, _MOST):
            return iter([too_large])
        # from memory: of a file pydicom asks for as many bytes as an element claims to have
        dataset = dcmread(BytesIO(data), force=False)
    except TooLarge:
        return iter([too_large])
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # what the library does on hostile bytes is not stated
        return iter([ReportFailure(str(path), 0, f"the object could not be read: {type(error).__name__}")])
    try:
        with warnings.catch_warnings():  # pydicom's quote what an element holds
            warnings.simplefilter("ignore")
            return iter([_report(dataset, path)])
    except NoText as error:
        raise NotAReport(str(error)) from error


def _report(dataset: Dataset, path: Path) -> Row:
    kind = text_of(dataset, "SOPClassUID")
    status: Status = ""
    procedure = ""
    if kind in (_PDF, _CDA):
        data = bytes_of(dataset, "EncapsulatedDocument")
        text = cda_text(data) if kind == _CDA else document_text(data.rstrip(b"\x00"))
    else:
        root = read_items(dataset)
        tree = tree_text(root)
        text = str(tree)
        status = _status(dataset, root, narrative=tree.narrative)
        procedure = next((one.value for one in root.inner if one.code == PROCEDURE), "")
    if not text.strip():
        raise NotAReport(f"{path.name} holds no text and no measurement")
    when = f"{text_of(dataset, 'ContentDate')}{text_of(dataset, 'ContentTime')[:6]}"
    zone = text_of(dataset, "TimezoneOffsetFromUTC")
    titles = (text_of(dataset, name) for name in ("StudyDescription", "RequestedProcedureDescription"))
    exam = next(filter(None, map(exam_key, (*titles, procedure, text_of(dataset, "SeriesDescription")))), "")
    number, uid = text_of(dataset, "AccessionNumber"), text_of(dataset, "StudyInstanceUID")
    if not number and not uid:
        return ReportFailure(str(path), 0, "neither an accession number nor a study UID")
    return RawReport(
        str(path), 0, number, uid, text.replace("\x00", ""), patient_id=text_of(dataset, "PatientID"), status=status,
        dated=read_date(f"{when}{zone}") or read_date(when) or read_date(text_of(dataset, "ContentDate")), exam=exam,
    )  # fmt: skip


def _status(dataset: Dataset, root: Item, *, narrative: bool) -> Status:
    """Values that nobody put into words stand beside a report as an addendum does, and never take its place."""
    if not narrative or root.code in MEASURED:
        return "addendum"
    preliminary = text_of(dataset, "PreliminaryFlag")
    if preliminary == "PRELIMINARY" or text_of(dataset, "CompletionFlag") == "PARTIAL":
        return "preliminary"
    if items_of(dataset, "PredecessorDocumentsSequence"):
        return "corrected"
    return "final" if preliminary == "FINAL" or text_of(dataset, "VerificationFlag") == "VERIFIED" else ""


DICOM = ReportFormat(
    "a DICOM object with a structured report or an encapsulated document", frozenset(), recognises, read
)
