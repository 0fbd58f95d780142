"""DICOM objects that hold a report: structured reports as text, and documents (PDF, CDA) within an object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.dicom.scan import inflates_past
from spinecho.indexer.reports.parsing.formats.cda import cda_text
from spinecho.indexer.reports.parsing.formats.documents import document_text
from spinecho.indexer.reports.parsing.formats.reading import LARGEST_DOCUMENT, ReportFormat, Row, TooLarge, read_whole
from spinecho.indexer.reports.parsing.markup import NoText
from spinecho.indexer.reports.parsing.parsed import NotAReport, RawReport, ReportFailure
from spinecho.indexer.reports.report_facts import Status, exam_key, read_date

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CLASSES = re.compile(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:88\.\d+|104\.[12])(?![.\d])")
_PDF, _CDA = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2"
_DEEPEST, _MOST_ITEMS, _MOST = 60, 50_000, 2 * LARGEST_DOCUMENT
_HEADING = re.compile(
    r"(?:key )?(?:findings?|impressions?|conclusions?|history|indications?|technique|comparison|recommendations?"
    r"|summary|procedure description|request|current procedure descriptions?|prior procedure descriptions?)",
    re.IGNORECASE,
)
_MEASURED = frozenset(("126000", "125007"))
"""Codes of an imaging measurement report and of a group of measurements (TID 1500, 1501)."""


@dataclass
class _Tree:
    lines: list[str] = field(default_factory=list)
    items: int = 0
    narrative: bool = False
    """Whether somebody wrote a text, rather than a program its values."""


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
        return iter([_report(dcmread(BytesIO(data), force=False), path)])
    except TooLarge:
        return iter([too_large])
    except (ReadError, MemoryError):
        raise
    except NoText as error:
        raise NotAReport(str(error)) from error
    except Exception as error:  # whatever a library does on hostile bytes
        return iter([ReportFailure(str(path), 0, f"the object could not be read: {type(error).__name__}")])


def _report(dataset: Dataset, path: Path) -> Row:
    kind = str(dataset.get("SOPClassUID", ""))
    status: Status = ""
    if kind in (_PDF, _CDA):
        data = bytes(dataset.get("EncapsulatedDocument", b"") or b"")
        text = cda_text(data) if kind == _CDA else document_text(data.rstrip(b"\x00"))
    else:
        tree = _Tree()
        _walk(dataset, tree, 0, "")
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(tree.lines)).strip("\n")
        status = _status(dataset, tree)
    if not text.strip():
        raise NotAReport(f"{path.name} holds no text and no measurement")
    when = f"{_value(dataset, 'ContentDate')}{_value(dataset, 'ContentTime')[:6]}"
    exam = next((key for name in ("StudyDescription", "RequestedProcedureDescription", "SeriesDescription")
                 if (key := exam_key(_value(dataset, name)))), "")  # fmt: skip
    number, uid = _value(dataset, "AccessionNumber"), _value(dataset, "StudyInstanceUID")
    if not number and not uid:
        return ReportFailure(str(path), 0, "neither an accession number nor a study UID")
    return RawReport(
        str(path), 0, number, uid, text.replace("\x00", ""), patient_id=_value(dataset, "PatientID"), status=status,
        dated=read_date(when) or read_date(_value(dataset, "ContentDate")), exam=exam,
    )  # fmt: skip


def _status(dataset: Dataset, tree: _Tree) -> Status:
    """Values that nobody put into words stand beside a report as an addendum does, and never take its place."""
    code = next((one for one in dataset.get("ConceptNameCodeSequence", []) or []), None)
    if not tree.narrative or (code is not None and _value(code, "CodeValue") in _MEASURED):
        return "addendum"
    preliminary = _value(dataset, "PreliminaryFlag")
    if preliminary == "PRELIMINARY" or _value(dataset, "CompletionFlag") == "PARTIAL":
        return "preliminary"
    if dataset.get("PredecessorDocumentsSequence"):
        return "corrected"
    return "final" if preliminary == "FINAL" or _value(dataset, "VerificationFlag") == "VERIFIED" else ""


def _walk(item: Dataset, tree: _Tree, depth: int, section: str) -> None:
    """Lines for an item's children, in their order."""
    if depth > _DEEPEST:
        raise NoText(f"the report has more than {_DEEPEST} levels")
    for child in item.get("ContentSequence", []) or []:
        tree.items += 1
        if tree.items > _MOST_ITEMS:
            raise NoText(f"the report has more than {_MOST_ITEMS} items")
        if _value(child, "RelationshipType") in ("HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS ACQ CONTEXT"):
            continue  # who observed, in which language, of which patient
        name, code = _concept(child)
        kind = _value(child, "ValueType")
        if kind == "CONTAINER":
            if code in _MEASURED or name.lower() == "measurement group":
                group = _Tree(items=tree.items)
                _walk(child, group, depth + 1, name)
                tree.items = group.items
                tree.lines += ["; ".join(line.strip() for line in group.lines if line.strip()) + "."]
                continue
            tree.lines += ["", f"{name.upper()}:"] if name else [""]
        elif line := _line(child, kind, name, section):
            if kind == "TEXT":
                tree.narrative = True
                if _HEADING.fullmatch(name) and not _HEADING.fullmatch(section):
                    tree.lines += ["", f"{name.upper()}:"]
            tree.lines.append(line)
        _walk(child, tree, depth + 1, name if kind == "CONTAINER" else section)


def _line(child: Dataset, kind: str, name: str, section: str) -> str:
    if kind == "TEXT":
        text = _value(child, "TextValue").replace("\r\n", "\n").replace("\r", "\n")
        return text if _HEADING.fullmatch(name) or not name or not text else f"{name}: {text}"
    if kind == "CODE":
        codes = child.get("ConceptCodeSequence", []) or []
        meaning = ", ".join(filter(None, (_value(one, "CodeMeaning") for one in codes)))
        return f"{name}: {meaning}" if meaning and name and name != section else meaning
    if kind == "NUM":
        for measured in child.get("MeasuredValueSequence", []) or []:
            units = measured.get("MeasurementUnitsCodeSequence", []) or []
            unit = next((_value(one, "CodeValue") for one in units), "")
            number = _value(measured, "NumericValue")
            return f"{name}: {number} {unit if unit not in ('1', '{}') else ''}".strip() if number else ""
    return ""


def _concept(item: Dataset) -> tuple[str, str]:
    """(meaning, code) of an item's name."""
    for one in item.get("ConceptNameCodeSequence", []) or []:
        return _value(one, "CodeMeaning"), _value(one, "CodeValue")
    return "", ""


def _value(dataset: Dataset, name: str) -> str:
    value: Any = dataset.get(name, "")
    return "" if value is None else str(value).strip(" \x00")


DICOM = ReportFormat(
    "a DICOM object with a structured report or an encapsulated document", frozenset(), recognises, read
)
