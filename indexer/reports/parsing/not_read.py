"""Files named like reports that give none: which of them are mere notes, and which could hold a report all the same."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.nifti.bids import in_data_set
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.reading.other_files import foreign_kind, noise_kind, refuse
from spinecho.indexer.reports.parsing.formats import every
from spinecho.indexer.reports.parsing.parsed import NotAReport
from spinecho.indexer.reports.parsing.text_file import has_body, is_note

_HEAD = 1 << 16


def refuse_what_is_no_text(path: Path) -> None:
    """Raise the `ReadError` for a message, document, archive or image that is named like a report."""
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ReadError(Reason.UNREADABLE, f"the file could not be opened: {error.strerror}") from error
    if noise := noise_kind(path, head):
        raise ReadError(Reason.UNSUPPORTED_TYPE, noise)
    if any(one.recognises(path, head) for one in every.FORMATS):
        return
    if kind := foreign_kind(path, head):
        raise ReadError(Reason.NOT_READ, kind)


def verdict(path: Path, error: NotAReport) -> ReadError:
    """The error to keep for a file in which no report was found: notes about the data are nothing to mend."""
    if is_note(path) and not _speaks_of_findings(path):
        return ReadError(Reason.UNSUPPORTED_TYPE, "a note about the data")
    if path.suffix.lower() not in _TEXT_AND_TABLES or _is_known_format(path):
        return _by_kind(path, error)
    if path.suffix.lower() == ".txt":
        help_ = "give it a line 'Accession: ...' or 'StudyInstanceUID: ...'"
        return ReadError(Reason.NOT_READ, f"a text in which no report was found: {help_}")
    if path.stem.lower() in ("participants", "sessions", "scans") or path.stem.lower().endswith(
        ("_sessions", "_scans")
    ):
        if in_data_set(path.parent):
            return ReadError(Reason.UNSUPPORTED_TYPE, "a table of subjects (BIDS), whose columns go with their scans")
        return ReadError(Reason.NOT_READ, "a table of subjects (BIDS) without folders of subjects (sub-...) beside it")
    help_ = error.missing or "name the columns accession_number (or study_uid) and report, or give --report-columns"
    return ReadError(Reason.NOT_READ, f"a table whose columns were not understood: {help_}")


_TEXT_AND_TABLES = frozenset((".txt", ".csv", ".tsv", ".jsonl", ".ndjson"))


def _is_known_format(path: Path) -> bool:
    try:
        return every.format_of(path) is not None
    except OSError:
        return False


def _by_kind(path: Path, error: NotAReport) -> ReadError:
    """What a file is in which no report was found, with what the parser says of it."""
    try:
        known = every.format_of(path)
        if known is not None and known.name != "JSON":  # of JSON its name tells more: a sidecar, for one
            return ReadError(Reason.NOT_READ, f"{known.name}: {error}")
        with open_file(path) as file:
            refuse(path, file.read(_HEAD))
    except OSError:
        return ReadError(Reason.NOT_READ, str(error))
    except ReadError as kind:
        return kind


def _speaks_of_findings(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return has_body(file.read(_HEAD).decode("utf-8", "replace"))
    except (OSError, ReadError):
        return False
