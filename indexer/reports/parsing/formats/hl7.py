"""HL7 v2 ORU^R01, MDM and OUL: each OBR, or document, of each message a report with its keys, status and text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from spinecho.db.keys import accession_key, is_uid, known_patient
from spinecho.encoders.errors import Reason
from spinecho.encoders.language.parts.sections import section_spans
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.reading.other_files import HL7_START
from spinecho.indexer.reports.parsing.formats.cda import carried_text
from spinecho.indexer.reports.parsing.formats.hl7_lexer import (
    NULL,
    Message,
    MessageTooLong,
    Segment,
    message_bytes,
    read_message,
)
from spinecho.indexer.reports.parsing.formats.hl7_others import REPORTING, OtherMessages
from spinecho.indexer.reports.parsing.formats.hl7_people import people_of
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row, some_rows
from spinecho.indexer.reports.parsing.markup import NoText, as_shown
from spinecho.indexer.reports.parsing.parsed import RawReport, ReportFailure, trouble_with
from spinecho.indexer.reports.report_facts import exam_key, in_utc, read_date
from spinecho.indexer.reports.report_status import Status

_STATUSES: dict[str, Status] = {
    "F": "final", "C": "corrected", "X": "cancelled", "P": "preliminary", "R": "preliminary", "I": "preliminary",
    "S": "preliminary", "A": "preliminary", "D": "cancelled", "W": "cancelled",
}  # fmt: skip
"""By OBR-25 (table 0123) and OBX-11 (table 0085)."""
_TRIGGERS: dict[str, Status] = {
    "T05": "addendum", "T06": "addendum", "T07": "corrected", "T08": "corrected", "T09": "corrected",
    "T10": "corrected", "T11": "cancelled",
}  # fmt: skip
"""What a document message (MDM) says by its event."""
_DOCUMENTS: dict[str, Status] = {
    "AU": "final", "LA": "final", "DI": "preliminary", "DO": "preliminary", "IN": "preliminary", "IP": "preliminary",
    "PA": "preliminary",
}  # fmt: skip
"""By TXA-17 (table 0271)."""
_WITHDRAWN = frozenset(("D", "W"))
"""OBX-11 of a value that was deleted, or sent for another patient."""
_TEXTS = frozenset(("TX", "FT", "ST", "", "CE", "CWE", "CNE", "CF"))
_NUMBERS = frozenset(("NM", "SN"))
_UID_NAMES = re.compile(r"113014|110180|study\s*instance\s*uid", re.IGNORECASE)
_HEADINGS = tuple(
    (heading, re.compile(words, re.IGNORECASE))
    for heading, words in (
        ("ADDENDUM", r"\bADT\b|addendum|nachtrag|\b55107-7\b"),
        ("IMPRESSION", r"\bIMP\b|impression|conclusi[oó]n|beurteilung|\b19005-8\b|\b59767-4\b"),
        ("FINDINGS", r"findings?\b|befund|hallazgos|r[ée]sultats?|\b59776-5\b|\b18782-3\b|\b59769-0\b"),
        ("INDICATION", r"indication|clinical (?:info|history)|\b55752-0\b|\b18785-6\b|\b11329-0\b|fragestellung"),
        ("TECHNIQUE", r"technique|\b55111-9\b|\b59773-2\b"),
        ("COMPARISON", r"comparison|\b18834-2\b|\b59768-2\b"),
    )
)
_LITERAL_TILDE = re.compile(r"(?<=[\s(])~(?=\d)(?!\d+[.)]\s)")
_ZONED = re.compile(r"(\d{8}(?:\d{2}){0,3})(?:\.\d*)?([+-])(\d{2})(\d{2})")
_GONE = "This report was withdrawn by the system that sent it."
_ELSEWHERE = "an HL7 message that only points to its report, or holds pictures alone (OBX-2 RP, ED): send the text"
_NOT_FOR_TEXT = frozenset(("DI", "IM", "AU", "JPEG", "PNG", "GIF", "TIFF", "DICOM"))


@dataclass(slots=True)
class _Order:
    """An OBR with what belongs to it."""

    request: Segment
    common: Segment | None
    results: list[Segment] = field(default_factory=list)
    uid: str = ""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file begins with a message or a batch of them."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[2:].replace(b"\0", b"")
    return HL7_START.search(head[:4096].removeprefix(b"\xef\xbb\xbf")) is not None


def read(path: Path) -> Iterator[Row]:
    """Every report of every message, then how many of other kinds there were. With these alone it raises `NotAReport`,
    unless they merge patients.
    """
    with open_file(path) as file:
        wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
    rows = _rows(path, wide)
    return some_rows(rows, f"{path.name} holds HL7 messages, and none of them a report (ORU^R01 with a text)")


def _rows(path: Path, wide: bool) -> Iterator[Row]:
    ordinal, others = 0, OtherMessages()
    try:
        for lines in message_bytes(path):
            message = read_message(lines, wide=wide)
            if message is None:
                ordinal += 1
                yield ReportFailure(str(path), ordinal, "an HL7 message whose first segment is damaged")
                continue
            others.met(message)
            for row in reports_of(message, str(path)):
                ordinal += 1
                yield replace(row, ordinal=ordinal)
    except MessageTooLong as error:
        yield ReportFailure(str(path), ordinal + 1, f"{error}: it and what follows was not read")
        ordinal += 1
    told = others.told(str(path), ordinal + 1)
    yield from told if ordinal else (row for row in told if row.reason is Reason.NOT_READ)


def reports_of(message: Message, source: str) -> Iterator[Row]:
    """The reports of a message, () for one that is no result. An order without a text of its own, whose status is
    that of the order before it, shares its text: that is how one report of several exams is sent.
    """
    head = message.segments[0]
    if head.value(9) not in REPORTING:
        return
    patient = _patient(message)
    orders = _orders(message)
    people = people_of(message)
    before: tuple[_Order, str] | None = None
    for order in orders:
        status = _status(order)
        stated = order.request.value(25)
        if not order.results and before is not None and stated in ("F", "C", "P") and _stated(before[0]) == stated:
            text = before[1]
        else:
            try:
                text = _text(order)
            except NoText as error:
                yield ReportFailure(source, 0, f"an HL7 message: {error}")
                continue
        if not text.strip():
            if status != "cancelled":
                if any(one.name == "OBX" and one.value(2).upper() in ("RP", "ED") for one in order.results):
                    yield ReportFailure(source, 0, _ELSEWHERE)
                continue
            text = _GONE
        before = (order, text)
        number, uid = _keys(order)
        unkeyed = "an HL7 message without an accession number (OBR-18, OBR-3, ORC-3) and a study UID (ZDS-1)"
        problem = trouble_with(text, number, uid, patient, keyed=bool(number or uid), unkeyed=unkeyed, what="message")
        if problem:
            yield ReportFailure(source, 0, problem)
            continue
        yield RawReport(
            source, 0, number, uid, text, charset=message.charset, patient_id=patient, status=status,
            dated=_dated(head.field(7)) or _dated(order.request.field(22)), exam=_exam(order.request), people=people,
        )  # fmt: skip


def _stated(order: _Order) -> str:
    return order.request.value(25)


def _orders(message: Message) -> list[_Order]:
    orders: list[_Order] = []
    common: Segment | None = None
    uids: list[str] = []
    last = ""
    for segment in message.segments:
        match segment.name:
            case "ORC":
                common = segment
            case "OBR":
                orders.append(_Order(segment, common))
                common = None
            case "TXA" if not any(one.name == "OBR" for one in message.segments):
                orders.append(_Order(_order_of_document(segment), common))
                common = None
            case "OBX" if orders:
                if _UID_NAMES.search(segment.field(3)) and is_uid(segment.value(5)):
                    orders[-1].uid = orders[-1].uid or segment.value(5)
                else:
                    orders[-1].results.append(segment)
            case "NTE" if orders and last in ("OBR", "OBX", "NTE", "TXA"):
                orders[-1].results.append(segment)
            case "ZDS" if is_uid(segment.value(1)):
                uids.append(segment.value(1))
                if orders:
                    orders[-1].uid = orders[-1].uid or segment.value(1)
        last = segment.name
    if len(set(uids)) == 1:  # at the end of the message, or before its first order
        for order in orders:
            order.uid = order.uid or (uids[0] if len(orders) == 1 else "")
    return orders


def _order_of_document(document: Segment) -> Segment:
    """The OBR that a document message without one would have: its orders (TXA-14, TXA-15) and its date (TXA-6)."""
    fields = [""] * 23
    fields[0], fields[2], fields[3] = "OBR", document.field(14), document.field(15)
    fields[22] = document.field(22) or document.field(6)
    return replace(document, name="OBR", raw=tuple(fields))


def _status_of_document(message: Message) -> Status:
    """What a document message says of its document by its event and its TXA; '' for other messages."""
    head = message.segments[0]
    about = next((one for one in message.segments if one.name == "TXA"), None)
    if head.value(9) != "MDM" or about is None:
        return ""
    if about.value(19).upper() in ("CA", "OB"):
        return "cancelled"
    return _TRIGGERS.get(head.value(9, 2).upper(), "") or _DOCUMENTS.get(about.value(17).upper(), "")


def _keys(order: _Order) -> tuple[str, str]:
    """(accession number, study UID): IHE's OBR-18, else the filler's number, else the order's."""
    found = [order.request.value(18), order.request.value(3)]
    if order.common is not None:
        found.append(order.common.value(3))
    found += [order.request.value(20), order.request.value(2)]
    uid = order.uid or next((one for one in found if is_uid(one)), "")
    numbers = [one for one in found if one and not is_uid(one)]
    placeholder = numbers[0] if numbers else ""
    return next((one for one in numbers if accession_key(one) and _like_a_number(one)), placeholder), uid


def _like_a_number(value: str) -> bool:
    return any(char.isdigit() for char in value) and len(value) <= 64


def _patient(message: Message) -> str:
    for segment in message.segments:
        if segment.name != "PID":
            continue
        ids = [one.split(message.component) for one in segment.field(3).split(message.repeat)]
        ids = [parts for parts in ids if parts[0].strip() not in ("", NULL)]
        ranked = sorted(ids, key=lambda parts: "MR" not in parts[4:5])
        found = [message.plain(parts[0]).strip() for parts in ranked] or [segment.value(2)]
        return next(filter(known_patient, found), "")
    return ""


def _status(order: _Order) -> Status:
    stated = _status_of_document(order.request.message) or _STATUSES.get(_stated(order).upper(), "")
    values = [one for one in order.results if one.name == "OBX"]
    letters = {one.value(11).upper() for one in values}
    if values and letters and letters <= _WITHDRAWN:
        return "cancelled"
    if stated in ("", "final"):
        if "C" in letters:
            stated = "corrected"
        elif not stated and letters:
            stated = "preliminary" if letters & {"P", "R", "S", "I"} else "final" if "F" in letters else ""
    kept = [one for one in values if one.value(11).upper() not in _WITHDRAWN and one.value(2).upper() not in _NUMBERS]
    if kept and stated != "cancelled" and all(_heading(one) == "ADDENDUM" for one in kept):
        return "addendum"
    return stated


def _heading(segment: Segment) -> str:
    if segment.name != "OBX":
        return ""
    name = segment.message.plain(segment.field(3)).replace("_", " ")
    return next((heading for heading, words in _HEADINGS if words.search(name)), "")


def _text(order: _Order) -> str:
    """Values under their headings, in the order of the message. Raises `NoText` where only a document says something
    and it cannot be read.
    """
    groups: list[tuple[str, list[str]]] = []
    fault: NoText | None = None
    for segment in order.results:
        if segment.name == "OBX" and segment.value(11).upper() in _WITHDRAWN:
            continue
        heading = _heading(segment) if segment.name == "OBX" else (groups[-1][0] if groups else "")
        try:
            value = _value(segment)
        except NoText as error:
            fault = error
            continue
        if value is None:
            continue
        if not groups or groups[-1][0] != heading:
            groups.append((heading, []))
        groups[-1][1].append(value)
    parts = [(heading, as_shown("\n".join(lines))) for heading, lines in groups]
    parts = [(heading, text) for heading, text in parts if text.strip()]
    if not parts and fault is not None:
        raise fault
    several = len({heading for heading, _ in parts}) > 1
    return "\n\n".join(_headed(heading, text) if several or heading == "ADDENDUM" else text for heading, text in parts)


def _headed(heading: str, text: str) -> str:
    """A part under its heading, where it does not bring one."""
    spans = section_spans(text[:2000])
    if not heading or (spans and spans[0].heading) or re.match(rf"\W*{heading}", text, re.IGNORECASE):
        return text
    return f"{heading}:\n{text}"


def _value(segment: Segment) -> str | None:
    """The text of a value, with its markup; None for what is no text."""
    message = segment.message
    if segment.name == "NTE":
        return _repeats(message, segment.field(3)) or None
    kind = segment.value(2).upper()
    content = segment.field(5)
    if kind == "ED":
        return _document(segment)
    if kind in _NUMBERS:
        name = segment.value(3, 2) or segment.value(3)
        number = message.plain(content).replace(message.component, " ").strip()
        return f"{name}: {number} {segment.value(6)}".strip() if number and name else None
    if kind not in _TEXTS:
        return None
    if kind.startswith("C"):
        return segment.value(5, 2) or segment.value(5) or None
    if "{\\rtf" in content[:200]:
        return content.replace("\\E\\", "\\")
    return _repeats(message, content)


def _repeats(message: Message, content: str) -> str:
    """A field with a line for each repeat."""
    lines = _LITERAL_TILDE.sub("\x01", content).split(message.repeat) if message.repeat else [content]
    return "\n".join(message.plain(line.replace("\x01", "~")) for line in lines if line.strip() != NULL)


def _document(segment: Segment) -> str | None:
    parts = segment.field(5).split(segment.message.component, 4)
    if len(parts) < 5 or any(part.upper() in _NOT_FOR_TEXT for part in parts[1:3]):
        return None
    if "base64" not in parts[3].lower():
        return segment.message.plain(parts[4])
    try:
        data = base64.b64decode(re.sub(r"\s|\\\.br\\", "", parts[4]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoText("the document in it is no base64") from error
    return carried_text(data)


def _exam(request: Segment) -> str:
    names = [request.value(4, 2), request.value(4, 5), request.value(44, 2), request.value(4)]
    return next((key for name in names if (key := exam_key(name))), "")


def _dated(value: str) -> str:
    """A time stamp as ISO 8601; in UTC where it names its zone, so that a change of the clock reorders nothing."""
    value = value.split("^", 1)[0].strip()
    if (zoned := _ZONED.fullmatch(value)) is not None and len(zoned[1]) >= 12:
        sign = 1 if zoned[2] == "+" else -1
        zone = timezone(sign * timedelta(hours=min(int(zoned[3]), 23), minutes=int(zoned[4]) % 60))
        try:
            moment = datetime.strptime(zoned[1].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=zone)
            return in_utc(moment)
        except (ValueError, OverflowError):
            return ""
    digits = re.match(r"\d{8,14}", value)
    return read_date(digits[0][: 14 if len(digits[0]) >= 14 else 12 if len(digits[0]) >= 12 else 8]) if digits else ""


HL7 = ReportFormat("an HL7 message", frozenset((".hl7", ".oru", ".msg")), recognises, read)
