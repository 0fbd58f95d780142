"""Reports in a .txt file, mostly one, and how to tell them from a README."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from spinecho.db.keys import is_uid
from spinecho.encoders.language.parts.sections import section_spans
from spinecho.indexer.reports.parsing.decode import Charset, find_charset, open_text, reading
from spinecho.indexer.reports.parsing.markup import NoText, as_shown
from spinecho.indexer.reports.parsing.parsed import LONGEST_REPORT, NO_TEXT, NotAReport, RawReport, ReportFailure
from spinecho.indexer.reports.parsing.report_head import Head, NotDivided, divide, read_head, says_more_than_keys

# DICOM's accession number has at most 16 characters (PS3.5, VR SH); a bare file name must look like one.
_ACCESSION_STEM = re.compile(r"(?=.{4,16}$)[A-Za-z]{0,6}[-_]?\d{3,}[-_\d]*[A-Za-z]?")
_PROSE = re.compile(
    r"(?:read[-_ ]?me|licen[cs]e|copying|notice|source|sources|authors|change[-_ ]?log|changes|history|requirements?"
    r"|constraints?|manifest|todo|notes?|index|robots|cmakelists|version|install|citation|contributing"
    r"|data[-_ ]?dictionary)"
    r"(?:[-_. ].*)?",
    re.I,
)


def parse_text_file(path: Path) -> list[RawReport | ReportFailure]:
    """The report that a file holds, or each of several; a report's text is that of the file, header lines included.

    Its key: "Accession: X" or "StudyInstanceUID: X" within the first lines, else the file's name. Raises `NotAReport`
    where no header line, no findings or impression heading, and no name like a key says that it is a report.
    """
    charset = find_charset(path)
    with reading(path), open_text(path, charset) as file:
        text = file.read(_LONGEST_FILE + 1)
    if len(text) <= _LONGEST_FILE:
        words = text.rstrip("\x00\x1a \t\r\n\f")
        if set("\x00\x1a") & set(text[len(words) :]):  # in which files of old systems end
            text = words
    try:
        text = as_shown(text)
    except NoText as error:
        return [ReportFailure(str(path), 0, str(error))]
    return reports_of_text(path, text, charset)


def reports_of_text(path: Path, text: str, charset: Charset) -> list[RawReport | ReportFailure]:
    """The reports of a file whose text is this, as `parse_text_file` tells them."""
    if not text.strip():
        return [ReportFailure(str(path), 0, "the file is empty")]
    head = read_head(text)
    if not head.keyed and is_note(path):
        raise NotAReport(f"{path.name} is named like a note about the data, and has no accession or study UID line")
    if "\x00" in text:
        return [ReportFailure(str(path), 0, "the file holds NUL characters: it is binary, or UTF-16 without its mark")]
    if not head.keyed:
        named = bool(is_uid(path.stem) or _ACCESSION_STEM.fullmatch(path.stem))
        if not named and not has_body(text[:_HEADINGS_WITHIN]):
            raise NotAReport(
                f"{path.name} has no accession or study UID line, no findings or impression heading, "
                "and no name like a key"
            )
        number, uid = ("", path.stem) if is_uid(path.stem) else (path.stem, "")
        head = replace(head, accession_number=number, study_uid=uid)
    try:
        parts = divide(text)
    except NotDivided:
        return [ReportFailure(str(path), 0, _NOT_DIVIDED)]
    if len(parts) == 1:
        return [_report(path, 0, text, head, charset)]
    contents = [text[part.start : part.stop] for part in parts]
    return [_report(path, number, one, read_head(one), charset) for number, one in enumerate(contents, 1)]


_HEADINGS_WITHIN = 100_000
_LONGEST_FILE = 4 * LONGEST_REPORT
"""Characters of a file of several reports."""
_NOT_DIVIDED = (
    "the file holds several reports, and which text belongs to which study is not certain: give each report a file, "
    "or an accession number of its own in its first lines"
)
_SEVERAL_NUMBERS = "the report names several accession numbers: give each study a report of its own"


def _report(path: Path, ordinal: int, text: str, head: Head, charset: Charset) -> RawReport | ReportFailure:
    if len(text) > LONGEST_REPORT:
        return ReportFailure(str(path), ordinal, f"the report is longer than {LONGEST_REPORT} characters")
    if head.several:
        return ReportFailure(str(path), ordinal, _SEVERAL_NUMBERS)
    if not says_more_than_keys(text):
        return ReportFailure(str(path), ordinal, NO_TEXT)
    return RawReport(
        str(path),
        ordinal,
        head.accession_number,
        head.study_uid,
        text,
        charset=charset.guess,
        patient_id=head.patient_id,
        status=head.status,
        dated=head.dated,
        version=head.version,
        exam=head.exam,
        withdrawn_by_text=head.status == "cancelled",
    )


def has_body(text: str) -> bool:
    """True for a text with a heading for findings or an impression."""
    return any(span.section in ("findings", "impression") for span in section_spans(text))


def is_note(path: Path) -> bool:
    """True for a name that speaks of a note about the data."""
    return _PROSE.fullmatch(path.stem) is not None
