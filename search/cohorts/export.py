"""A frozen list as files: studies, series, files, a manifest, BIDS participants, and a script that copies.

participants.tsv: Brain Imaging Data Structure 1.9, "Participants file".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from spinecho.db.csv_files import write_csv
from spinecho.db.durable import filled_folder, sha256_of
from spinecho.db.people.cohorts import CohortError, Frozen, Member, files_of, series_of, study_facts
from spinecho.db.people.masking import masked_rows, masked_sizes
from spinecho.db.schema.database import Database
from spinecho.search.cohorts.copying import SCRIPT
from spinecho.search.cohorts.freezing import balance_of, shown_making
from spinecho.search.cohorts.pseudonyms import NOTICE as PSEUDONYMOUS
from spinecho.search.cohorts.pseudonyms import Pseudonyms, coded, days_since_first, redacted_manifest, whole_years

FORMATS = ("csv", "parquet", "bids", "copy")
NOTICE = (
    "Not de-identified: the tables name patients, and the files that the script copies hold what the archive holds."
)
_CODED = ("body_region", "sequence", "plane", "contrast", "vendor")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. missing: members that the archive no longer has; they are listed without facts."""

    folder: Path
    files: tuple[str, ...]
    studies: int
    missing: tuple[str, ...]


def export(
    database: Database, version: Frozen, members: Sequence[Member], folder: Path, *,
    formats: Sequence[str] = FORMATS, pseudonyms: bool = False, smallest: int = 0,
) -> Exported:  # fmt: skip
    """Write everything into a new folder, whole or not at all. Raises `CohortError` for a folder that holds something.

    pseudonyms: nothing in it names a patient, see `search.cohorts.pseudonyms`; the format "copy", a list of paths and
    a script that copies files as they are, is left out.
    """
    formats = [one for one in formats if not (pseudonyms and one == "copy")]
    if not formats:
        raise CohortError("with pseudonyms no list of files can be had; take csv, parquet or bids")
    if folder.exists() and any(folder.iterdir()):
        raise CohortError(f"{folder} is not empty; export into a new folder")
    with filled_folder(folder, prefix=".spinecho-export-") as made:
        tables = _Tables(database, version, members, pseudonyms=pseudonyms)
        _write(made, tables, formats, smallest)
        names = tuple(sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()))
    return Exported(folder, names, len(members), tables.missing)  # its own user sees the real UIDs of what is missing


class _Tables:
    """The rows of each table. With pseudonyms every value goes through `search.cohorts.pseudonyms`."""

    def __init__(self, database: Database, version: Frozen, members: Sequence[Member], *, pseudonyms: bool) -> None:
        self.version, self.members = version, members
        self.names = Pseudonyms(version)
        self.pseudonyms = pseudonyms
        uids = [member.study_uid for member in members]
        self._facts, self._series = study_facts(database, uids), series_of(database, uids)
        self._days = days_since_first(members, {uid: facts[1] for uid, facts in self._facts.items()})
        self.missing = tuple(uid for uid in uids if uid not in self._facts)
        self.files = [] if pseudonyms else list(files_of(database, uids))

    def study(self, uid: str) -> str:
        return self.names.study(uid) if self.pseudonyms else uid

    def _series_uid(self, uid: str) -> str:
        return self.names.series(uid) if self.pseudonyms else uid

    def _coded(self, fact: str, value: object) -> object:
        if self.pseudonyms:
            return coded(fact, value)
        return "" if value is None else value

    def studies(self) -> list[Row]:
        rows: list[Row] = []
        for member in self.members:
            accession, day, sex, age = self._facts.get(member.study_uid, ("", None, "", None))
            series = self._series.get(member.study_uid, [])
            row: dict[str, Any] = {"study_uid": self.study(member.study_uid)}
            if self.pseudonyms:
                years = whole_years(age)
                row |= {
                    "patient": self.names.patient(member),
                    "day": self._days.get(member.study_uid, ""),
                    "sex": coded("sex", sex),
                    "age_years": "" if years is None else years,
                }
            else:
                row |= {
                    "patient": member.patient,
                    "accession_number": accession,
                    "date": day or "",
                    "sex": sex,
                    "age_years": "" if age is None else age,
                }
            row |= {
                "part": member.part,
                "series": len(series),
                "series_uids": " ".join(self._series_uid(one.uid) for one in series),
                "sequences": " ".join(sorted({str(self._coded("sequence", one.sequence)) for one in series})),
                "in_archive": member.study_uid in self._facts,
                "similarity": max(member.facts.get("similarity", {}).values(), default=""),
                "set": member.facts.get("set", ""),
                "role": member.facts.get("role", ""),
                "cohort": self.names.cohort if self.pseudonyms else self.version.name,
                "version": self.version.number,
            }
            rows.append(row)
        return rows

    def series(self) -> list[Row]:
        rows: list[Row] = []
        for member in self.members:
            for one in self._series.get(member.study_uid, []):
                row: dict[str, Any] = {
                    "study_uid": self.study(member.study_uid),
                    "series_uid": self._series_uid(one.uid),
                    "number": "" if one.number is None else one.number,
                }
                if not self.pseudonyms:
                    row["description"] = one.description
                row |= {name: self._coded(name, getattr(one, name)) for name in _CODED}
                row["field_strength_t"] = "" if one.field_strength_t is None else one.field_strength_t
                if not self.pseudonyms:
                    row["model"] = one.model or ""
                row |= {
                    "volumes": one.volumes,
                    "patient": self.names.patient(member) if self.pseudonyms else member.patient,
                    "part": member.part,
                }
                rows.append(row)
        return rows

    def participants(self) -> list[Row]:
        """One row a patient, of the earliest study; missing values are n/a."""
        first: dict[str, tuple[Any, Row]] = {}
        for member in self.members:
            _, day, sex, age = self._facts.get(member.study_uid, ("", None, "", None))
            years = whole_years(age) if self.pseudonyms or age is None else round(age, 2)
            row = {
                "participant_id": f"sub-{self.names.patient(member)}",
                "age": "n/a" if years is None else years,
                "sex": (coded("sex", sex) if self.pseudonyms else sex) or "n/a",
                "group": member.facts.get("role") or "n/a",
                "part": member.part or "n/a",
            }
            patient, key = str(row["participant_id"]), (day or date.max, member.study_uid)
            if patient not in first or key < first[patient][0]:
                first[patient] = (key, row)
        return sorted((row for _, row in first.values()), key=lambda row: str(row["participant_id"]))

    def manifest(self, smallest: int) -> dict[str, Any]:
        version = self.version
        if self.pseudonyms:
            return redacted_manifest(version, self.names, smallest)
        return {
            "cohort": version.name,
            "version": version.number,
            "description": version.description,
            "owner": version.owner,
            "frozen_at": version.created_at.isoformat() + "Z",
            "definition": version.definition,
            "attrition": masked_rows(list(version.attrition), smallest),
            **({"balance": table} if (table := balance_of(version, smallest)) else {}),
            "made_with": shown_making(version, smallest),
        }


def _write(folder: Path, tables: _Tables, formats: Sequence[str], smallest: int) -> None:
    version, studies, series = tables.version, tables.studies(), tables.series()
    made = tables.manifest(smallest)
    if "csv" in formats:
        _write_table(folder / "studies.csv", studies)
        _write_table(folder / "series.csv", series)
    if "parquet" in formats:
        provenance = {
            "cohort": made["cohort"],
            "version": str(version.number),
            "made_with": json.dumps(made["made_with"]),
        }
        _write_parquet(folder / "studies.parquet", studies, provenance)
        _write_parquet(folder / "series.parquet", series, provenance)
    if "bids" in formats:
        _write_table(folder / "participants.tsv", tables.participants(), delimiter="\t")
        _write_json(folder / "participants.json", _COLUMNS if not tables.pseudonyms else _COLUMNS | _WHOLE_YEARS)
    if "copy" in formats:
        rows = [
            {"study_uid": study, "series_uid": one, "bytes": size, "path": path}
            for study, one, path, size in tables.files
        ]
        _write_table(folder / "files.csv", rows, columns=("study_uid", "series_uid", "bytes", "path"))
        script = folder / "copy_files.py"
        script.write_text(SCRIPT, encoding="utf-8")
        script.chmod(0o700)
    digests = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    sizes = masked_sizes(version.studies, version.patients, smallest)  # else they would undo the last line's
    manifest = {
        **made,
        "studies": sizes[0],
        "patients": sizes[1],
        "pseudonyms": tables.pseudonyms,
        "missing": [tables.study(uid) for uid in tables.missing],
        "sha256": digests,
        "notice": PSEUDONYMOUS if tables.pseudonyms else NOTICE,
    }
    _write_json(folder / "manifest.json", manifest)


def _write_table(path: Path, rows: Sequence[Row], *, columns: Sequence[str] = (), delimiter: str = ",") -> None:
    """A table with a header line."""
    names = list(columns or (rows[0] if rows else ()))
    write_csv(path, [names, *([row[name] for name in names] for row in rows)], delimiter=delimiter, fresh=True)


def _write_parquet(path: Path, rows: Sequence[Row], provenance: Mapping[str, str]) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    names = list(rows[0]) if rows else []
    table = pa.table({name: _typed(row[name] for row in rows) for name in names})
    kept = {f"spinecho.{key}".encode(): value.encode() for key, value in provenance.items()}
    parquet.write_table(table.replace_schema_metadata(kept), path)
    path.chmod(0o600)


def _typed(values: Iterable[object]) -> list[object]:
    """Values of one kind, '' for missing in columns of numbers and dates becoming null."""
    held = list(values)
    if any(not isinstance(value, str) for value in held):
        return [None if value == "" else value for value in held]
    return held


def _write_json(path: Path, value: object) -> None:
    with _opened(path) as file:
        json.dump(value, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")


def _opened(path: Path) -> Any:
    """For writing, readable by the owner alone."""
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
        "w",
        encoding="utf-8",
        errors="surrogateescape",
        newline="",
    )


_COLUMNS = {
    "age": {"Description": "Age at the earliest study of the cohort", "Units": "years"},
    "sex": {"Description": "Sex as recorded in the header", "Levels": {"F": "female", "M": "male", "O": "other"}},
    "group": {"Description": "Role in matched sets", "Levels": {"case": "case", "control": "matched control"}},
    "part": {"Description": "Part of the split, by patient"},
}
_WHOLE_YEARS = {
    "age": {
        "Description": "Age at the earliest study of the cohort, whole years; 90 stands for 90 and above",
        "Units": "years",
    }
}
