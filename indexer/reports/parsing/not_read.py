"""Files named like reports that give none: which of them are mere notes, and which could hold a report all the same."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.other_files import foreign_kind, noise_kind
from spinecho.indexer.reports.parsing.parsed import NotAReport
from spinecho.indexer.reports.parsing.text_file import has_body, is_note

_HEAD = 1 << 16


def refuse_what_is_no_text(path: Path) -> None:
    """Raise the `ReadError` for a message, document, archive or image that is named like a report."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ReadError(Reason.UNREADABLE, f"the file could not be opened: {error.strerror}") from error
    if noise := noise_kind(path, head):
        raise ReadError(Reason.UNSUPPORTED_TYPE, noise)
    if kind := foreign_kind(path, head):
        raise ReadError(Reason.NOT_READ, kind)


def verdict(path: Path, error: NotAReport) -> ReadError:
    """The error to keep for a file in which no report was found: notes about the data are nothing to mend."""
    if is_note(path) and not _speaks_of_findings(path):
        return ReadError(Reason.UNSUPPORTED_TYPE, "a note about the data")
    if path.suffix.lower() == ".txt":
        help_ = "give it a line 'Accession: ...' or 'StudyInstanceUID: ...'"
        return ReadError(Reason.NOT_READ, f"a text in which no report was found: {help_}")
    if path.stem.lower() in ("participants", "sessions", "scans") or path.stem.lower().endswith(
        ("_sessions", "_scans")
    ):
        return ReadError(Reason.NOT_READ, "a table of subjects (BIDS): ages, sexes and dates are not read from it")
    help_ = "name the columns accession_number (or study_uid) and report"
    return ReadError(Reason.NOT_READ, f"a table whose columns were not understood: {help_}")


def _speaks_of_findings(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return has_body(file.read(_HEAD).decode("utf-8", "replace"))
    except OSError:
        return False
