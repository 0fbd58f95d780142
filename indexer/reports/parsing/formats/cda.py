"""CDA documents: the text of their body; of their head only the keys, never the patient's name and address."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from spinecho.db.keys import accession_key, is_uid, known_patient
from spinecho.indexer.reports.parsing.formats.cda_people import people_of
from spinecho.indexer.reports.parsing.formats.documents import document_text
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row, TooLarge, read_whole
from spinecho.indexer.reports.parsing.markup import NoText, html_text
from spinecho.indexer.reports.parsing.parsed import NotAReport, RawReport, ReportFailure
from spinecho.indexer.reports.report_facts import exam_key, read_date
from spinecho.indexer.reports.report_status import Status

_NAMESPACE = re.compile(r"\{[^}]*\}")
_SILENT = frozenset(("entry", "author", "subject", "informant"))
_REPLACING: dict[str, Status] = {"RPLC": "corrected", "APND": "addendum"}
_DEEPEST = 100


def recognises(path: Path, head: bytes) -> bool:
    """An XML file whose first element is a clinical document."""
    plain = head[2:].replace(b"\0", b"") if head.startswith((b"\xff\xfe", b"\xfe\xff")) else head
    return (
        re.search(rb"<(?:\w+:)?ClinicalDocument[\s>/]", plain[:8192]) is not None
        and plain.lstrip()[:200].find(b"<") >= 0
    )


def read(path: Path) -> Iterator[Row]:
    """The report of the document. Raises `NotAReport` for one without a text."""
    try:
        data = read_whole(path)
        root = _parsed(data)
        text = _body(root)
    except (NoText, TooLarge) as error:
        raise NotAReport(str(error)) from error
    number, uid = _keys(root)
    if not number and not uid:
        return iter([ReportFailure(str(path), 0, "neither an order's number nor a study UID in the document's head")])
    patients = [one.get("extension", "") for one in root.iterfind("./recordTarget/patientRole/id")]
    version = next((one.get("value", "") for one in root.iterfind("./versionNumber")), "")
    related = [one.get("typeCode", "") for one in root.iterfind("./relatedDocument")]
    dated = next((one.get("value", "") for one in root.iterfind("./effectiveTime")), "")
    report = RawReport(
        str(path), 0, number, uid, text.replace("\x00", ""), patient_id=next(filter(known_patient, patients), ""),
        status=next((_REPLACING[code] for code in related if code in _REPLACING), ""),
        dated=read_date(dated),
        version=int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else None,
        exam=next((key for one in root.iterfind("./title") if (key := exam_key("".join(one.itertext())))), ""),
        people=people_of(root),
    )  # fmt: skip
    return iter([report])


def cda_text(data: bytes) -> str:
    """The text of a document's body. Raises `NoText`."""
    return _body(_parsed(data))


def carried_text(data: bytes, *, encoding: str = "") -> str:
    """The text of a document that lies within a message, of CDA its body alone. Raises `NoText`.

    The head of a CDA document names its patient, who is none of the report's words.
    """
    return cda_text(data) if _is_cda(data) else document_text(data, encoding=encoding)


def carried_keys(data: bytes) -> tuple[str, str]:
    """(accession number, study UID) of the head of a CDA document, '' for what is not said."""
    return _keys(_parsed(data)) if _is_cda(data) else ("", "")


def _is_cda(data: bytes) -> bool:
    return recognises(Path(), data[: 1 << 16])


def _parsed(data: bytes) -> ElementTree.Element:
    """The tree, names without their namespaces."""
    if b"<!ENTITY" in data[:65536]:
        raise NoText("the document defines entities of its own, which are not expanded")
    try:
        root = ElementTree.fromstring(data.rstrip(b"\x00"))  # noqa: S314  (in a child with limits, without entities)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise NoText("the document is no whole XML") from error
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag) if isinstance(element.tag, str) else ""
    return root


def _body(root: ElementTree.Element) -> str:
    parts: list[str] = []
    for inner in root.iterfind("./component/nonXMLBody/text"):
        content = "".join(inner.itertext())
        if inner.get("representation") == "B64":
            try:
                content = document_text(base64.b64decode("".join(content.split()), validate=True))
            except (binascii.Error, ValueError) as error:
                raise NoText(str(error) if isinstance(error, NoText) else "the body is no base64") from error
        parts.append(content)
    for body in root.iterfind("./component/structuredBody"):
        _sections(body, parts, 0)
    text = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    if not text.strip():
        raise NoText("the document's body holds no text")
    return text


def _sections(element: ElementTree.Element, parts: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise NoText(f"the document has more than {_DEEPEST} levels")
    for child in element:
        if child.tag == "title":
            title = " ".join("".join(child.itertext()).split())
            parts.append(title if not title or title.endswith(":") else f"{title}:")
        elif child.tag == "text":
            parts.append(html_text(ElementTree.tostring(child, encoding="unicode")))
        elif child.tag not in _SILENT:
            _sections(child, parts, depth + 1)


def _keys(root: ElementTree.Element) -> tuple[str, str]:
    orders = [one.get("extension", "") or one.get("root", "") for one in root.iterfind("./inFulfillmentOf/order/id")]
    events = [one.get("root", "") for one in root.iterfind("./documentationOf/serviceEvent/id")]
    acts = [
        one.get("root", "")
        for act in root.iter("act")
        if any(code.get("code") == "113014" for code in act.iterfind("./code"))
        for one in act.iterfind("./id")
    ]
    uid = next((one for one in [*acts, *events] if is_uid(one)), "")
    return next((one for one in orders if accession_key(one) and not is_uid(one)), ""), uid


CDA = ReportFormat("a CDA document", frozenset((".xml", ".cda")), recognises, read)
