"""What is not in the index as rows of one list, for a ticket or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

COLUMNS = ("what", "reason", "path", "entry", "message", "remedy")
_NO_STUDY = "Give the report an accession number or StudyInstanceUID that one study has; docs/reports.md has the rules."
_OUT = "Nothing to do: a later version stands, or the report was withdrawn."
_CHARSET = "Save it as UTF-8 if its letters are wrong."


def failure_rows(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row by `COLUMNS` for each file, and for each report that has no study, that no search finds, or whose
    character set was guessed. entry: of a file of several reports, counted from 1; 0 for the file.
    """
    remedies = {one["reason"]: one["remedy"] for one in facts["by_reason"]}
    for one in facts["failures"]:
        yield _row("file", one["reason"], one, one["message"], remedies[one["reason"]])
    for one in facts["reports_without_study"]:
        keys = f"accession number {one['accession_number'] or '-'}, study UID {one['study_uid'] or '-'}"
        why = f"{one['reason']}; tried {keys}" if one["reason"] else f"tried {keys}"
        yield _row("report without a study", one["match"].upper(), one, why, _NO_STUDY)
    for one in facts["reports_out_of_search"]:
        yield _row("report out of search", one["standing"].upper(), one, "kept, and not found", _OUT)
    for one in facts["reports_charset_guessed"]:
        yield _row("report of a guessed charset", "CHARSET_GUESSED", one, f"read as {one['charset']}", _CHARSET)


def _row(what: str, reason: str, one: dict[str, Any], message: str, remedy: str) -> dict[str, Any]:
    values = (what, reason, one["path"], one["ordinal"], message, remedy)
    return dict(zip(COLUMNS, values, strict=True))
