"""What parsing a report file gives, and the errors that say it gave nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from spinecho.encoders.errors import ReadError, Reason
from spinecho.indexer.reports.report_status import Status

LONGEST_REPORT = 10 * 2**20
"""Characters of one report; a longer one is a failure, never cut."""
NO_TEXT = "no report text"


_PLAIN: dict[int, str] = {
    **dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F], " "),
    **dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF], ""),
    **dict.fromkeys([0x2010, 0x2011], "-"),
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)),
    **{0xFEE0 + code: chr(code) for code in range(0x30, 0x7B) if chr(code).isalnum()},
}
"""Characters that look like others, or like nothing: what is set for a page, not written for its words."""
_NOT_PLAIN = re.compile(f"[{''.join(map(chr, _PLAIN))}]")


def plain_characters(text: str) -> str:
    """A text in the characters that are searched for: "o\u00adedema" (a soft hyphen) is no word, "Ｎｏ" denies nothing.

    Spaces that do not break become spaces, ligatures and full-width letters what they stand for; what only directs how
    a line is set goes.
    """
    return text.translate(_PLAIN) if _NOT_PLAIN.search(text) else text


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
    withdrawn_by_text: bool = False
    """Its status is cancelled by what its text says, and nothing beside the text says so."""
    people: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)
    """(kind, value) of whom its message names beside the text; to take them out of it, and never stored."""
    digest: str = field(init=False)
    """sha256 of the text, in UTF-8."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", plain_characters(self.text))
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, slots=True)
class ReportFailure:
    """A row, or with ordinal 0 a whole file, that gave no report. The message holds no text and no key of it."""

    path: str
    ordinal: int
    message: str
    reason: Reason = Reason.BAD_REPORT
    """Another for what is told and needs no mending."""


def trouble_with(text: str, *facts: str, keyed: bool, unkeyed: str, what: str) -> str:
    """Why a report cannot be kept, '' where it can.

    facts: its keys and what else is stored of it. keyed: whether it can name its study; unkeyed: what is said
    where not. what: "row", "message" and so on.
    """
    if not keyed:
        return unkeyed
    if not text.strip():
        return NO_TEXT
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
