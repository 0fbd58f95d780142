"""Which study each report belongs to, and which version of it stands: a function of what the tables hold.

Recomputed for every report at the end of every run, so that the order in which studies and reports came, and what
their keys used to be, cannot matter. Two statements read; what has changed is written, and nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, defer

from spinecho.db.keys import accession_key, is_damaged, known_patient, same_number, uid_key
from spinecho.db.reports.versions import FOUND, Settled, Standing, Version, settle
from spinecho.db.reports.withdrawal import reinstate, withdraw
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.clean import stored_path
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Report, Study
from spinecho.db.values import GuessedReport, UnmatchedReport, WithdrawnReport

WHY: Mapping[str, str] = {
    "no_study": "no study has this key",
    "placeholder": "its key is a placeholder that names no exam",
    "damaged_number": "its accession number was rounded by a spreadsheet; export that column as text",
    "lost_zeros": "a study's accession number differs only by zeros in front, which spreadsheets drop",
    "several_studies": "several studies have this key",
    "keys_disagree": "its accession number and its study UID name different exams",
    "patient_disagrees": "its patient is not the patient of the study that its key names",
}
"""Why a report has no study."""


@dataclass(frozen=True, slots=True)
class Matched:
    """counts: reports by match, and by standing where that is not `stands`. warnings: for whoever ran it."""

    counts: dict[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Verdict:
    match: str
    study: int | None
    reason: str
    keys: tuple[str, str]
    """Of accession number and study UID, as they were compared."""
    named: tuple[int, ...] = ()
    """Studies that the keys name, also where one is not taken for it."""


class _Studies:
    """What is known of all studies, by their keys."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self.uids: dict[int, str] = {}
        self._by_uid: dict[str, int] = {}
        self._by_number: dict[str, list[int]] = defaultdict(list)
        self._number: dict[int, str] = {}
        self._patient: dict[int, str] = {}
        self._without_zeros: set[str] | None = None
        for study, uid, accession_number, patient_id in rows:
            self.uids[study], self._by_uid[uid_key(uid)] = uid, study
            self._number[study] = number = accession_key(accession_number)
            if number:
                self._by_number[number].append(study)
            self._patient[study] = patient_id

    def of(self, accession_number: str, study_uid: str, patient_id: str) -> _Verdict:
        """The one study that the keys name; never a guess between several, or where they contradict one another."""
        number, uid = keys = accession_key(accession_number), uid_key(study_uid)
        if not number and not uid:
            return _Verdict(
                "unmatched", None, "damaged_number" if is_damaged(accession_number) else "placeholder", keys
            )
        by_uid = self._by_uid.get(uid) if uid else None
        by_number = self._by_number.get(number, []) if number else []
        if by_uid is not None:
            own = self._number[by_uid]
            agrees = not number or by_uid in by_number or (not by_number and (not own or same_number(own, number)))
            if not agrees:
                match = "ambiguous" if by_number else "unmatched"
                return _Verdict(match, None, "keys_disagree", keys, (by_uid, *by_number))
            named = [by_uid]
        elif uid and by_number:
            return _Verdict("unmatched", None, "keys_disagree", keys, tuple(by_number))
        elif by_number:
            named = by_number
        else:
            lost = bool(number) and number.isdigit() and number.lstrip("0") in self._zeros_dropped()
            return _Verdict("unmatched", None, "lost_zeros" if lost else "no_study", keys)
        patient = known_patient(patient_id)
        fitting = [one for one in named if not patient or _may_be_one(patient, known_patient(self._patient[one]))]
        if not fitting:
            return _Verdict("unmatched", None, "patient_disagrees", keys, tuple(named))
        if len(fitting) > 1:
            return _Verdict("ambiguous", None, "several_studies", keys, tuple(fitting))
        return _Verdict("matched", fitting[0], "", keys)

    def _zeros_dropped(self) -> set[str]:
        if self._without_zeros is None:
            self._without_zeros = {number.lstrip("0") for number in self._by_number if number.isdigit()}
        return self._without_zeros


def _may_be_one(one: str, other: str) -> bool:
    """Whether two patients' keys do not speak against each other."""
    return not one or not other or same_number(one, other)


def match_reports(database: Database) -> Matched:
    """Join every report to the one study that its keys name, and settle which of its versions stand."""
    with database.begin() as session:
        studies = _studies(session)
        rows = session.execute(
            select(
                Report.id,
                Report.study_id,
                Report.match,
                Report.reason,
                Report.standing,
                Report.named_study_id,
                Report.accession_number,
                Report.study_uid,
                Report.patient_id,
                Report.status,
                Report.dated,
                Report.version,
                Report.exam,
                Report.digest,
                Report.file_id,
                Report.ordinal,
            ).order_by(Report.id)
        ).all()
        verdicts = {row.id: studies.of(row.accession_number, row.study_uid, row.patient_id) for row in rows}
        settled = _settled(session, rows, verdicts)
        _write(session, rows, verdicts, settled)
        counts = Counter(verdict.match for verdict in verdicts.values())
        counts.update(standing for standing in settled.standings.values() if standing != "stands")
        return Matched(dict(counts), tuple(_warnings(settled)))


def unmatched_reports(database: Database) -> tuple[UnmatchedReport, ...]:
    """Reports without a study, with the keys that were tried, why, and the studies that speak against one another."""
    with database.begin() as session:
        rows = session.execute(_listed(Report.patient_id).where(Report.match != "matched")).all()
        studies = _studies(session) if rows else None
        found = []
        for report, folder, name, patient in rows:
            verdict = studies.of(report.accession_number, report.study_uid, patient) if studies else None
            named = verdict.named if verdict and verdict.match != "matched" else ()
            uids = tuple(sorted(studies.uids[study] for study in named)) if studies else ()
            why = WHY.get(report.reason, report.reason)
            keys = (report.accession_number, report.study_uid)
            found.append(
                UnmatchedReport(
                    report.id, stored_path(f"{folder}/{name}"), report.ordinal, report.match, *keys, why, uids
                )
            )
        return tuple(found)


def withdrawn_reports(database: Database, *, study_ids: Sequence[int] | None = None) -> tuple[WithdrawnReport, ...]:
    """Reports that are kept and never found, of all studies or of these."""
    query = _listed(Study.uid).outerjoin(Study, Study.id == Report.named_study_id)
    query = query.where(Report.standing.not_in(sorted(FOUND)))
    parts = [query]
    if study_ids is not None:
        parts = [query.where(Report.named_study_id.in_(some)) for some in chunks(study_ids)]
    with database.begin() as session:
        return tuple(
            WithdrawnReport(r.id, stored_path(f"{folder}/{name}"), r.ordinal, r.standing, r.status, r.dated, uid or "")
            for part in parts
            for r, folder, name, uid in session.execute(part)
        )


def guessed_reports(database: Database) -> tuple[GuessedReport, ...]:
    """Reports whose character set had to be guessed."""
    with database.begin() as session:
        rows = session.execute(_listed(Report.charset).where(Report.charset != ""))
        return tuple(
            GuessedReport(r.id, stored_path(f"{folder}/{name}"), r.ordinal, charset)
            for r, folder, name, charset in rows
        )


def report_counts(database: Database) -> dict[str, int]:
    """Reports by match, by standing where they are no plain ones, and those whose character set was guessed."""
    with database.begin() as session:
        by_match = session.execute(select(Report.match, func.count()).group_by(Report.match))
        matches = {row[0]: row[1] for row in by_match}
        by_standing = session.execute(select(Report.standing, func.count()).group_by(Report.standing))
        standings = {row[0]: row[1] for row in by_standing}
        guessed = session.scalar(select(func.count()).select_from(Report).where(Report.charset != "")) or 0
    counts = {f"reports_{match}": matches.get(match, 0) for match in ("matched", "unmatched", "ambiguous")}
    for standing in ("addendum", "superseded", "duplicate", "withdrawn"):
        if standings.get(standing):
            counts[f"reports_{standing}"] = standings[standing]
    return counts | ({"reports_charset_guessed": guessed} if guessed else {})


def _studies(session: Session) -> _Studies:
    query = select(Study.id, Study.uid, Study.accession_number, Study.patient_id).order_by(Study.id)
    return _Studies(session.execute(query))


def _settled(session: Session, rows: Sequence[Any], verdicts: Mapping[int, _Verdict]) -> Settled:
    """The standing of every report; of most there is only one."""
    groups: dict[object, list[Any]] = defaultdict(list)
    for row in rows:
        groups[_group(row, verdicts[row.id])].append(row)
    several = [row for group in groups.values() if len(group) > 1 for row in group]
    places = _places(session, sorted({row.file_id for row in several}))
    standings: dict[int, Standing] = {}
    undecided = by_date = 0
    for group in groups.values():
        if len(group) == 1 and group[0].status not in ("addendum", "cancelled", "superseded"):
            standings[group[0].id] = "stands"
            continue
        settled = settle([_version(row, places.get(row.file_id, (0, ""))) for row in group])
        standings.update(settled.standings)
        undecided, by_date = undecided + settled.undecided, by_date + settled.by_date
    return Settled(standings, undecided, by_date)


def _group(row: Any, verdict: _Verdict) -> object:
    """Reports of one study; where there is none, those of the same keys. A placeholder makes no group of strangers."""
    if verdict.study is not None:
        return verdict.study
    if not any(verdict.keys):
        return (row.accession_number, row.study_uid, row.patient_id, row.digest)
    return (*verdict.keys, known_patient(row.patient_id))


def _version(row: Any, place: tuple[int, str]) -> Version:
    return Version(
        id=row.id,
        accession=accession_key(row.accession_number),
        exam=row.exam,
        status=row.status,
        dated=row.dated,
        number=row.version,
        digest=row.digest or f"report {row.id}",
        place=(*place, row.ordinal),
    )


def _places(session: Session, files: Sequence[int]) -> dict[int, tuple[int, str]]:
    """(mtime, path) by file."""
    found: dict[int, tuple[int, str]] = {}
    query = select(File.id, File.mtime_ns, Folder.path, File.name).join(Folder, Folder.id == File.folder_id)
    for some in chunks(files):
        for file, mtime, folder, name in session.execute(query.where(File.id.in_(some))):
            found[file] = (mtime, stored_path(f"{folder}/{name}"))
    return found


def _write(
    session: Session,
    rows: Sequence[Any],
    verdicts: Mapping[int, _Verdict],
    settled: Settled,
) -> None:
    """Bring the rows to what was found.

    A report that changes its study gets new vectors, by which all who keep facts of studies learn of it: a study's
    facts change only with a vector of it.
    """
    out, back, changed = [], [], []
    for row in rows:
        verdict, standing = verdicts[row.id], settled.standings[row.id]
        found = standing in FOUND
        study, named = (verdict.study, None) if found else (None, verdict.study)
        was_found = row.standing in FOUND
        moved = was_found and found and row.study_id is not None and row.study_id != study
        if was_found and (moved or not found):
            out.append(row.id)
        if found and (moved or not was_found):
            back.append(row.id)
        new = (study, verdict.match, verdict.reason, standing, named)
        if new != (row.study_id, row.match, row.reason, row.standing, row.named_study_id):
            names = ("study_id", "match", "reason", "standing", "named_study_id")
            changed.append({"id": row.id, **dict(zip(names, new, strict=True))})
    withdraw(session, out)
    if changed:
        session.execute(update(Report), changed)
    reinstate(session, back)


def _warnings(settled: Settled) -> list[str]:
    warnings = []
    if settled.undecided:
        warnings.append(
            f"{settled.undecided} reports stand beside another of the same exam, as nothing tells which is the later "
            "version: a column for status or date would"
        )
    if settled.by_date:
        warnings.append(f"{settled.by_date} reports were taken for earlier versions by their dates alone")
    return warnings


def _listed(column: Any) -> Any:
    """Reports with the place of their file and one column more, by path and entry."""
    return (
        select(Report, Folder.path, File.name, column)
        .join(File, File.id == Report.file_id)
        .join(Folder, Folder.id == File.folder_id)
        .options(defer(Report.text))
        .order_by(Folder.path, File.name, Report.ordinal)
    )
