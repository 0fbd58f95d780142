"""Several reports in one cell of a table: told apart where that is certain, and else left as one.

Certain are heads that name different exams, one of them the row's; and parts between rules ("-----", "||") or below a
head that is repeated, of which each is a whole report: it says its date, its exam or its status, no two the same, and
has findings or an impression of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spinecho.db.keys import accession_key, known_patient, uid_key
from spinecho.encoders.language.parts.sections import section_spans
from spinecho.indexer.reports.parsing.report_head import Head, NotDivided, divide, read_head

PART = 100_000_000
"""The second report of row 5 has the ordinal 100,000,005, so that the rows of a table keep theirs."""
_MOST = 20
_RULES = re.compile(r"^[ \t]*(?:([-=*_#~+])(?:[ \t]*\1){4,})[ \t]*$|[ \t]*\|\|+[ \t]*|\f", re.MULTILINE)
_LABEL = re.compile(r"\W*([^\W\d][\w ./-]{2,40}?)[ \t]*[:#=]")


@dataclass(frozen=True, slots=True)
class CellReport:
    """One of a cell's reports. of_row: whether it is of its row's exam; else it has keys of its own."""

    text: str
    accession_number: str
    study_uid: str
    of_row: bool = True


def reports_in(text: str, number: str, uid: str, patient: str) -> list[CellReport]:
    """The reports of a cell, by the keys and the patient of its row: mostly one, the text as it is.

    A part that names another exam is that exam's, every other part the row's. Raises `NotDivided` for heads that name
    different exams of which none is the row's, or another patient.
    """
    bounds = divide(text)
    if len(bounds) > 1:
        return _by_keys([text[one.start : one.stop] for one in bounds], number, uid, patient)
    for parts in (_between_rules(text), _below_heads(text)):
        if 1 < len(parts) <= _MOST and _are_whole(parts):
            return [CellReport(part.strip("\r\n"), number, uid) for part in parts]
    return [CellReport(text, number, uid)]


def _by_keys(texts: Sequence[str], number: str, uid: str, patient: str) -> list[CellReport]:
    heads = [read_head(one) for one in texts]
    patients = {known_patient(one) for one in (patient, *(head.patient_id for head in heads))} - {""}
    of_row = [_is_of(head, number, uid) for head in heads]
    if not any(of_row) or len(texts) > _MOST or len(patients) > 1 or any(head.several for head in heads):
        raise NotDivided
    return [
        CellReport(one, number, uid) if own else CellReport(one, head.accession_number, head.study_uid, of_row=False)
        for one, head, own in zip(texts, heads, of_row, strict=True)
    ]


def _is_of(head: Head, number: str, uid: str) -> bool:
    """Whether a head names the row's exam."""
    same_number = accession_key(head.accession_number) and accession_key(head.accession_number) == accession_key(number)
    return bool(same_number or (uid_key(head.study_uid) and uid_key(head.study_uid) == uid_key(uid)))


def _between_rules(text: str) -> list[str]:
    starts = [0, *(found.end() for found in _RULES.finditer(text))]
    stops = [*(found.start() for found in _RULES.finditer(text)), len(text)]
    return [part for start, stop in zip(starts, stops, strict=True) if (part := text[start:stop]).strip(" \t\r\n*#")]


def _below_heads(text: str) -> list[str]:
    """Parts that begin as the first line does: by its label, or by the line itself."""
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    begins = _beginning(first)
    if not begins:
        return []
    parts: list[str] = []
    for line in lines:
        if not parts or (_beginning(line) == begins and parts[-1].strip()):
            parts.append("")
        parts[-1] += line
    return parts


def _beginning(line: str) -> str:
    label = _LABEL.match(line)
    return label[1].casefold() if label else line.strip().casefold() if len(line) <= 60 else ""


def _are_whole(parts: Sequence[str]) -> bool:
    """Whether each is a report: it has a body, and before it says what tells it from the others.

    Parts that say the same are pages of one report.
    """
    heads = []
    for part in parts:
        body = next((span for span in section_spans(part) if span.section in ("findings", "impression")), None)
        if body is None or not part[body.start : body.end].strip():
            return False
        head = read_head(part[: part.find(body.heading)] if body.heading else "")
        heads.append((head.dated, head.exam, head.status))
    return len(set(heads)) == len(heads) and any(map(all, zip(*heads, strict=True)))
