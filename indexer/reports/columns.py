"""Which column or JSON key means what, by the names that exports use; case and punctuation do not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ACCESSION = "accession accessionnumber accessionno acc accno accnumber accessionid orderaccession auftragsnummer"
_STUDY_UID = "studyuid studyinstanceuid studyinstuid studyiuid instanceuid suid"
_REPORT = (
    "report reporttext radiologyreport fullreport reportbody reportcontent finalreport reportfull mrreport mrireport"
    " narrative befundtext bericht text"
)
_SECTIONS = (
    (
        "INDICATION",
        "indication clinicalindication history clinicalhistory clinicalinformation reasonforexam fragestellung",
    ),
    ("TECHNIQUE", "technique protocol technik"),
    ("COMPARISON", "comparison vergleich"),
    ("FINDINGS", "findings finding reportfindings befund"),
    ("IMPRESSION", "impression impressions conclusion conclusions summary reportimpression beurteilung"),
)
_WEAK = frozenset({"text", "history", "summary", "conclusion", "technique", "protocol", "comparison", "finding"})


@dataclass(frozen=True, slots=True)
class Columns:
    """The original names, in order of preference, under each meaning."""

    accession: tuple[str, ...]
    study_uid: tuple[str, ...]
    report: tuple[str, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def keyed(self) -> bool:
        """True where a column can name the study."""
        return bool(self.accession or self.study_uid)


def find_columns(names: Iterable[str]) -> Columns | None:
    """None where no column can hold a report: one called plainly "text" or "summary" counts only beside a key."""
    plain = {name: "".join(char for char in name.lower() if char.isalnum()) for name in names}

    def called(aliases: str) -> tuple[str, ...]:
        return tuple(name for alias in aliases.split() for name, short in plain.items() if short == alias)

    sections = tuple((heading, found) for heading, aliases in _SECTIONS if (found := called(aliases)))
    columns = Columns(called(_ACCESSION), called(_STUDY_UID), called(_REPORT), sections)
    bodies = {plain[name] for name in columns.report} | {plain[n] for _, found in sections for n in found}
    bodies -= set(" ".join(aliases for heading, aliases in _SECTIONS[:3]).split())
    if not bodies or (not columns.keyed and bodies <= _WEAK):
        return None
    return columns


def report_text(columns: Columns, row: Mapping[str, str]) -> str:
    """The report column as it stands; where that is empty, the section columns under headings."""
    whole = _first(columns.report, row)
    if whole.strip():
        return whole
    parts = [(heading, _first(names, row)) for heading, names in columns.sections]
    return "\n\n".join(f"{heading}:\n{body.strip()}" for heading, body in parts if body.strip())


def keys(columns: Columns, row: Mapping[str, str]) -> tuple[str, str]:
    """(accession number, study UID), trimmed, "" where there is none."""
    return _first(columns.accession, row).strip(), _first(columns.study_uid, row).strip()


def _first(names: tuple[str, ...], row: Mapping[str, str]) -> str:
    return next((value for name in names if (value := row.get(name, "")).strip()), "")
