"""What parsing a report file gives, and the errors that say it gave nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from spinecho.encoders.errors import ReadError, Reason
from spinecho.indexer.reports.report_facts import Status

LONGEST_REPORT = 10 * 2**20
"""Characters of one report; a longer one is a failure, never cut."""


@dataclass(frozen=True, slots=True)
class RawReport:
    """One report as it came. At least one of the two keys is set; neither has been looked up.

    `ordinal` is the line (jsonl) or the record (csv, the header being 1), 0 for a text file of one report, its place
    from 1 in one of several. `charset` is the character set where it had to be guessed, '' where it was certain: of a
    guessed one single characters may be wrong.
    """

    source: str
    ordinal: int
    accession_number: str
    study_uid: str
    text: str
    charset: str = ""
    patient_id: str = ""
    status: Status = ""
    dated: str = ""
    """ISO 8601, a date or a date and time, or ''."""
    version: int | None = None
    exam: str = ""
    """The body parts that its exam names, or ''."""
    people: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)
    """(kind, value) of whom its message names beside the text; to take them out of it, and never stored."""
    digest: str = field(init=False)
    """sha256 of the text, in UTF-8."""

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, slots=True)
class ReportFailure:
    """A row, or with ordinal 0 a whole file, that gave no report. The message holds no text and no key of it."""

    path: str
    ordinal: int
    message: str


def trouble_with(text: str, *facts: str, keyed: bool, unkeyed: str, what: str) -> str:
    """Why a report cannot be kept, '' where it can.

    facts: its keys and what else is stored of it. keyed: whether it can name its study; unkeyed: what is said
    where not. what: "row", "message" and so on.
    """
    if not keyed:
        return unkeyed
    if not text.strip():
        return "no report text"
    if len(text) > LONGEST_REPORT:
        return f"the report is longer than {LONGEST_REPORT} characters"
    return f"the {what} holds NUL characters" if "\x00" in "".join((text, *facts)) else ""


class NotAReport(ReadError):
    """The file is no report file at all (a README, a table of something else): nothing to mend."""

    def __init__(self, message: str, *, missing: str = "") -> None:
        """missing: what to say of columns that were given and that the table does not have."""
        super().__init__(Reason.UNSUPPORTED_TYPE, message)
        self.missing = missing


class ReportUnreadable(ReadError):
    """The file could not be opened or read to its end."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.UNREADABLE, message)
