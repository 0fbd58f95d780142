"""One report in one .txt file, and how to tell it from a README."""

from __future__ import annotations

import re
from pathlib import Path

from encoders.text.sections import section_spans
from indexer.reports.decode import find_charset, open_text, reading
from indexer.reports.values import LONGEST_REPORT, NotAReport, RawReport, ReportFailure

_HEADER_LINES = 40
_ACCESSION = re.compile(
    r"^[\s*#]*acc(?:ession)?\.?[ \t_]*(?:number|no\.?|nr\.?|#|id)?[ \t*]*[:=][ \t*]*(\S.*?)[\s*]*$", re.I
)
_STUDY_UID = re.compile(r"^[\s*#]*study[ \t_]*(?:instance[ \t_]*)?uid[ \t*]*[:=][ \t*]*(\S+)[\s*]*$", re.I)
_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
# DICOM's accession number has at most 16 characters (PS3.5, VR SH); a bare file name must look like one.
_ACCESSION_STEM = re.compile(r"(?=.{4,16}$)[A-Za-z]{0,6}[-_]?\d{3,}[-_\d]*[A-Za-z]?")
_PROSE = re.compile(
    r"(?:read[-_ ]?me|licen[cs]e|copying|notice|source|sources|authors|change[-_ ]?log|changes|history|requirements?"
    r"|constraints?|manifest|todo|notes?|index|robots|cmakelists|version|install|citation|contributing"
    r"|data[-_ ]?dictionary)"
    r"(?:[-_. ].*)?",
    re.I,
)


def parse_text_file(path: Path) -> RawReport | ReportFailure:
    """The whole file is the report's text, header lines included, so that offsets are those of the file.

    Its key: "Accession: X" or "StudyInstanceUID: X" within the first lines, else the file's name. Raises `NotAReport`
    where no header line, no findings or impression heading, and no name like a key says that it is a report.
    """
    charset = find_charset(path)
    with reading(path), open_text(path, charset) as file:
        text = file.read(LONGEST_REPORT + 1)
    if not text.strip():
        return ReportFailure(str(path), 0, "the file is empty")
    accession, study_uid = _header(text)
    keyed = bool(accession or study_uid)
    if not keyed and is_note(path):
        raise NotAReport(f"{path.name} is named like a note about the data, and has no accession or study UID line")
    if "\x00" in text:
        return ReportFailure(str(path), 0, "the file holds NUL characters: it is binary, or UTF-16 without its mark")
    if not keyed:
        named = bool(_UID.fullmatch(path.stem) or _ACCESSION_STEM.fullmatch(path.stem))
        if not named and not has_body(text[:_HEADINGS_WITHIN]):
            raise NotAReport(
                f"{path.name} has no accession or study UID line, no findings or impression heading, "
                "and no name like a key"
            )
        accession, study_uid = ("", path.stem) if _is_uid(path.stem) else (path.stem, "")
    if len(text) > LONGEST_REPORT:
        return ReportFailure(str(path), 0, f"the report is longer than {LONGEST_REPORT} characters")
    return RawReport(str(path), 0, accession, study_uid, text, charset.guessed)


_HEADINGS_WITHIN = 100_000


def _header(text: str) -> tuple[str, str]:
    accession = study_uid = ""
    for line in text[: _HEADER_LINES * 200].splitlines()[:_HEADER_LINES]:
        if not accession and len(line) < 200 and (found := _ACCESSION.match(line)):
            accession = found[1]
        if not study_uid and len(line) < 200 and (found := _STUDY_UID.match(line)):
            study_uid = found[1]
    return accession, study_uid


def has_body(text: str) -> bool:
    """True for a text with a heading for findings or an impression."""
    return any(span.section in ("findings", "impression") for span in section_spans(text))


def is_note(path: Path) -> bool:
    """True for a name that speaks of a note about the data."""
    return _PROSE.fullmatch(path.stem) is not None


def _is_uid(stem: str) -> bool:
    return len(stem) <= 64 and bool(_UID.fullmatch(stem)) and stem.count(".") >= 3
