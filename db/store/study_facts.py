"""Facts of a study: what most of its series say of it now, and which of them do not agree.

Every series keeps what its own files say of the study; the study's row is made from these whenever one of them is
stored or removed, so that it never depends on what came first, and nothing stays of a header that was corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from spinecho.db.keys import patient_key
from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Series, Study, Volume, VolumeFile
from spinecho.db.store.patients import forget_patients, patient_number
from spinecho.db.store.watermarks import facts_changed
from spinecho.db.values import FileRecord

STUDY_FIELDS = ("patient_id", "accession_number", "date", "description", "sex", "age_years")
SERIES_FIELDS = ("number", "description", "protocol")
_WATCHED = ("patient_id", "accession_number", "date", "sex", "age_years")
"""What all series of a study should agree in; descriptions differ for good reasons."""
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Agreed:
    """facts: by field, without those that nobody gives; disagreeing: fields in which some say otherwise."""

    facts: dict[str, Any]
    disagreeing: tuple[str, ...] = ()


def agree(stated: Iterable[Facts], fields: tuple[str, ...] = STUDY_FIELDS) -> Agreed:
    """What most say, field by field, whatever their order; of what equally many say the lowest.

    The patient is agreed on first. Those that name another have no say in the rest: one person's sex must not come
    with another's ID.
    """
    votes: Counter[tuple[Any, ...]] = Counter(tuple(_clean(one.get(name)) for name in fields) for one in stated)
    disagreeing = tuple(
        name for at, name in enumerate(fields) if name in _WATCHED and len(_values(votes, at, name)) > 1
    )
    if "patient_id" in fields:
        at = fields.index("patient_id")
        keys = _values(votes, at, "patient_id")
        if len(keys) > 1:
            chosen = _first(keys)
            votes = Counter(
                {row: n for row, n in votes.items() if _comparable("patient_id", row[at]) in {None, chosen}}
            )
    facts = {
        name: _first(counted)
        for at, name in enumerate(fields)
        if (counted := Counter({value: n for value, n in _counted(votes, at).items() if value is not None}))
    }
    return Agreed(facts, disagreeing)


def refresh_study(session: Session, study: int) -> None:
    """Make a study's row anew from what its series say, within a transaction already begun."""
    session.flush()
    row = session.get(Study, study)
    if row is None:
        return
    agreed = agree(
        [stated or {} for stated in session.scalars(select(Series.study_facts).where(Series.study_id == study))]
    )
    facts, before = agreed.facts, row.patient
    row.patient_id = facts.get("patient_id", "")
    row.accession_number = facts.get("accession_number", "")
    row.date = date.fromisoformat(facts["date"]) if "date" in facts else None
    row.description = facts.get("description", "")
    row.sex = facts.get("sex")
    row.age_years = facts.get("age_years")
    row.disagreeing = ",".join(agreed.disagreeing)
    row.patient = patient_number(session, row.patient_id)
    session.flush()
    if before != row.patient:
        forget_patients(session, [before])


def silent_series(database: Database, *, most: int = 200) -> dict[int, tuple[FileRecord, ...]]:
    """Series that do not say yet what their files say, by id, with those of their files that have a header."""
    query = (
        select(Volume.series_id, File.id, Folder.path, File.name, File.header, File.state)
        .join(VolumeFile, VolumeFile.volume_id == Volume.id)
        .join(File, File.id == VolumeFile.file_id)
        .join(Folder, Folder.id == File.folder_id)
        .distinct()
    )
    with database.begin() as session:
        ids = list(
            session.scalars(select(Series.id).where(Series.study_facts.is_(None)).order_by(Series.id).limit(most))
        )
        found: dict[int, list[FileRecord]] = {series: [] for series in ids}
        for series, file, folder, name, header, state in session.execute(query.where(Volume.series_id.in_(ids))):
            if header:
                found[series].append(FileRecord(file, str(Path(folder) / name), header, state))
    return {series: tuple(records) for series, records in found.items()}


def put_facts(database: Database, by_series: Mapping[int, tuple[Facts, Facts] | None]) -> None:
    """Keep what series say of their studies and of themselves, by id; files of those with None are pending again."""
    with database.begin() as session:
        rows = {row.id: row for row in session.scalars(select(Series).where(Series.id.in_(list(by_series))))}
        for series, facts in by_series.items():
            row = rows[series]
            row.study_facts = {} if facts is None else kept_facts(facts[0])
            if facts is not None:
                own = clean.facts(facts[1])
                row.number = own.get("number")
                row.description, row.protocol = own.get("description") or "", own.get("protocol") or ""
            else:
                mine = select(VolumeFile.file_id).join(Volume).where(Volume.series_id == series)
                session.execute(update(File).where(File.id.in_(mine)).values(state="pending"))
        session.flush()
        for study in sorted({row.study_id for row in rows.values()}):
            silent = select(Series.id).where(Series.study_id == study, Series.study_facts.is_(None)).limit(1)
            if session.scalar(silent) is None:
                refresh_study(session, study)
        facts_changed(session)


def study_id(session: Session, uid: str) -> int:
    """The id of the study with this UID, added where it is new; `refresh_study` fills it."""
    found = session.scalar(select(Study.id).where(Study.uid == uid))
    if found is None:
        row = Study(uid=uid, accession_number="", patient_id="", description="", disagreeing="")
        session.add(row)
        session.flush()
        found = row.id
    return found


def disagreements(database: Database) -> dict[str, int]:
    """By field: studies whose series do not agree in it; under '' how many studies that are."""
    counts: Counter[str] = Counter()
    query = select(Study.disagreeing, func.count()).where(Study.disagreeing != "").group_by(Study.disagreeing)
    with database.begin() as session:
        for fields, number in session.execute(query):
            counts[""] += number
            counts.update(dict.fromkeys(fields.split(","), number))
    return dict(counts)


def kept_facts(values: Facts) -> dict[str, Any]:
    """What a reader gives of a study, as a series keeps it: JSON that can be stored, without what is empty."""
    kept = clean.facts(values)
    return {name: value for name in STUDY_FIELDS if (value := _clean(kept.get(name))) is not None}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip()
    elif isinstance(value, date):
        value = value.isoformat()
    return None if value in (None, "") else value


def _comparable(name: str, value: Any) -> Any:
    """'PAT1' and 'pat1' are one patient."""
    return (patient_key(value) or None) if name == "patient_id" and value is not None else value


def _counted(votes: Counter[tuple[Any, ...]], at: int) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for row, number in votes.items():
        counts[row[at]] += number
    return counts


def _values(votes: Counter[tuple[Any, ...]], at: int, name: str) -> Counter[Any]:
    """How many give each value, in the form in which values are compared."""
    counts: Counter[Any] = Counter()
    for value, number in _counted(votes, at).items():
        if (known := _comparable(name, value)) is not None:
            counts[known] += number
    return counts


def _first(counted: Counter[Any]) -> Any:
    return min(counted, key=lambda value: (-counted[value], value))
