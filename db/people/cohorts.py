"""Cohorts: frozen lists of studies in SQL, and what is read of studies to make and to export them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import case, delete, func, insert, select
from sqlalchemy.orm import Session

from spinecho.db.errors import StoreError
from spinecho.db.filters.coded import counted_as
from spinecho.db.keys import patient_key
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import (
    Cohort,
    CohortMember,
    CohortVersion,
    File,
    Folder,
    Series,
    Study,
    Volume,
    VolumeFile,
)
from spinecho.db.schema.turns import in_turn
from spinecho.db.vectors.indexes.protocol import Ids

_INDEX_DATE = "index_date"
"""The study's date: looked up when it is shown, since it may be corrected."""
_GONE = "deleted"
"""What stands in `made_with` of a version of which only the number is left."""


class CohortError(StoreError):
    """A cohort that cannot be made, found or kept; the message says what to change."""


@dataclass(frozen=True, eq=False)
class Roster:
    """Every study that has a volume, by ascending id.

    ids: (n,); uids: n; patients: (n,) numbers of patients from 0, a study without a patient ID being a patient of its
    own; names: the patient ID by number, '' for those; people: the database's number of each, None for those; days:
    (n,) date ordinals, 0 where no date is recorded; ages: (n,)
    years, nan where not recorded; sexes: n.
    """

    ids: Ids
    uids: Sequence[str]
    patients: NDArray[np.int64]
    names: Sequence[str]
    days: NDArray[np.int64]
    ages: NDArray[np.float64]
    sexes: Sequence[str]
    people: Sequence[int | None] = ()

    def patient_of(self, place: int) -> str:
        """What stands for the patient: the ID, or the study's UID where there is none."""
        return self.names[self.patients[place]] or self.uids[place]

    def key_of(self, place: int) -> str:
        """The same however the ID is written."""
        return patient_key(self.names[self.patients[place]]) or self.uids[place]

    def person_of(self, place: int) -> int | None:
        """The database's number of the patient."""
        return self.people[self.patients[place]] if self.people else None


@dataclass(frozen=True, slots=True)
class Member:
    """A study of a version. patient: what to show, the patient's ID as it is now or what stands for it; part: train,
    validation, test, ''; facts: why it is in; person: the patient's number, None for a study without a patient ID.
    """

    study_uid: str
    patient: str
    part: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    person: int | None = None

    @property
    def who(self) -> str:
        """What all members of the same patient have in common, whatever becomes of the ID."""
        return self.study_uid if self.person is None else f"patient {self.person}"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A version of a cohort, without its members."""

    name: str
    number: int
    description: str
    owner: str
    created_at: datetime
    definition: Mapping[str, Any]
    attrition: Sequence[Mapping[str, Any]]
    made_with: Mapping[str, Any]
    studies: int
    patients: int


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What an export says of a series, from its first volume that is no computed image."""

    study_uid: str
    uid: str
    number: int | None
    description: str
    body_region: str
    sequence: str
    plane: str
    contrast: str
    field_strength_t: float | None
    vendor: str
    model: str
    volumes: int


def read_roster(database: Database) -> Roster:
    """Every study that has a volume."""
    query = (
        select(Study.id, Study.uid, Study.patient, Study.date, Study.age_years, Study.sex, Study.patient_id)
        .where(Study.id.in_(select(Series.study_id).join(Volume, Volume.series_id == Series.id)))
        .order_by(Study.id)
    )
    with database.begin() as session:
        rows: list[Any] = list(session.execute(query))
    numbers: dict[int, int] = {}
    patients = [numbers.setdefault(-row[0] if row[2] is None else row[2], len(numbers)) for row in rows]
    names = {row[2]: row[6] for row in reversed(rows) if row[2] is not None}
    return Roster(
        ids=np.array([row[0] for row in rows], dtype=np.int64),
        uids=[row[1] for row in rows],
        patients=np.array(patients, dtype=np.int64),
        names=[names.get(person, "") for person in numbers],
        people=[person if person in names else None for person in numbers],
        days=np.array([row[3].toordinal() if row[3] else 0 for row in rows], dtype=np.int64),
        ages=np.array([np.nan if row[4] is None else row[4] for row in rows], dtype=np.float64),
        sexes=[counted_as("sex", row[5] or "") for row in rows],
    )


def scanner_facts(database: Database, studies: Sequence[int]) -> dict[int, dict[str, str]]:
    """By study: the vendor, model, field_strength, body_region and sequence that most of its volumes have."""
    columns = {
        "vendor": Volume.vendor,
        "model": Volume.model,
        "field_strength": Volume.field_strength_t,
        "body_region": Volume.body_region,
        "sequence": Volume.sequence,
    }
    query = select(Series.study_id, *columns.values()).join(Series, Series.id == Volume.series_id)
    counts: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    with database.begin() as session:
        for row in _by(session, query.where(Volume.derived.is_(False)), Series.study_id, studies):
            for name, value in zip(columns, row[1:], strict=True):
                shown_value = "" if value is None else counted_as(name, value)
                counts[row[0]][name][shown_value] += 1
    return {
        study: {name: min(some, key=lambda value: (-some[value], value)) for name, some in by_name.items()}
        for study, by_name in counts.items()
    }


def freeze(
    database: Database, *, name: str, description: str, owner: str, definition: Mapping[str, Any],
    attrition: Sequence[Mapping[str, Any]], made_with: Mapping[str, Any], members: Sequence[Member],
) -> Frozen:  # fmt: skip
    """Keep a new version of the cohort of this name, whole or not at all. Raises `CohortError` for an empty name."""
    if not name.strip():
        raise CohortError("the cohort has no name; give it one")
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    with database.begin(durable=True) as session:
        in_turn(session, Cohort)
        cohort = session.scalar(select(Cohort).where(Cohort.name == name))
        if cohort is None:
            cohort = Cohort(name=name, description=description, owner=owner, created_at=now)
            session.add(cohort)
            session.flush()
        before = select(CohortVersion.made_with).where(CohortVersion.cohort_id == cohort.id)
        if all(_GONE in made for made in session.scalars(before)):
            cohort.owner, cohort.created_at = owner, now
        cohort.description = description
        last = session.scalar(select(func.max(CohortVersion.number)).where(CohortVersion.cohort_id == cohort.id))
        version = CohortVersion(
            cohort_id=cohort.id, number=(last or 0) + 1, created_at=now, definition=dict(definition),
            attrition=[dict(step) for step in attrition], made_with={**made_with, "frozen_by": owner},
        )  # fmt: skip
        session.add(version)
        session.flush()
        number = version.number
        rows = [
            {"version_id": version.id, "study_uid": member.study_uid, "patient": member.person, "part": member.part,
             "facts": {name: value for name, value in member.facts.items() if name != _INDEX_DATE}}
            for member in members
        ]  # fmt: skip
        for start in range(0, len(rows), 5000):
            session.execute(insert(CohortMember), rows[start : start + 5000])
        people = {member.person for member in members if member.person is not None}
        patients = len(people) + sum(member.person is None for member in members)
        return Frozen(
            name, number, description, cohort.owner, now, version.definition, version.attrition, version.made_with,
            len(rows), patients,
        )  # fmt: skip


def cohorts(database: Database) -> list[Frozen]:
    """Every version of every cohort: by name, oldest first."""
    with database.begin() as session:
        return _known(session)


def _known(session: Session) -> list[Frozen]:
    sizes = select(
        CohortMember.version_id,
        func.count().label("studies"),
        (
            func.count(CohortMember.patient.distinct()) + func.sum(case((CohortMember.patient.is_(None), 1), else_=0))
        ).label("patients"),
    )
    counted = sizes.group_by(CohortMember.version_id).subquery()
    query = (
        select(Cohort, CohortVersion, counted.c.studies, counted.c.patients)
        .join(CohortVersion, CohortVersion.cohort_id == Cohort.id)
        .outerjoin(counted, counted.c.version_id == CohortVersion.id)
        .order_by(Cohort.name, CohortVersion.number)
    )
    return [
        Frozen(
            cohort.name, version.number, cohort.description, cohort.owner, version.created_at, version.definition,
            version.attrition, version.made_with, studies or 0, patients or 0,
        )
        for cohort, version, studies, patients in session.execute(query)
        if _GONE not in version.made_with
    ]  # fmt: skip


def frozen(database: Database, name: str, number: int | None = None) -> Frozen:
    """A version of a cohort, the latest where no number is given. Raises `CohortError` for what is not there."""
    return _chosen(cohorts(database), name, number)


def _chosen(known: Sequence[Frozen], name: str, number: int | None) -> Frozen:
    mine = [one for one in known if one.name == name]
    if not mine:
        names = ", ".join(sorted({one.name for one in known})) or "none is frozen yet"
        raise CohortError(f"no cohort {name!r}; there are: {names}")
    if number is None:
        return mine[-1]
    for one in mine:
        if one.number == number:
            return one
    raise CohortError(f"cohort {name!r} has no version {number}; it has {', '.join(str(one.number) for one in mine)}")


def members_of(database: Database, name: str, number: int) -> list[Member]:
    """The studies of a version, by UID, with the patient IDs and dates that the archive has now."""
    columns = (CohortMember.study_uid, CohortMember.part, CohortMember.facts, CohortMember.patient)
    query = (
        select(*columns, Study.id, Study.patient_id, Study.date)
        .join(CohortVersion, CohortVersion.id == CohortMember.version_id)
        .join(Cohort, Cohort.id == CohortVersion.cohort_id)
        .outerjoin(Study, Study.uid == CohortMember.study_uid)
        .where(Cohort.name == name, CohortVersion.number == number)
        .order_by(CohortMember.study_uid)
    )
    with database.begin() as session:
        rows = session.execute(query).all()
        lost = {row.patient for row in rows if row.id is None and row.patient is not None}
        known = select(Study.patient, func.min(Study.patient_id)).group_by(Study.patient)
        elsewhere = dict(tuple(one) for one in _by(session, known, Study.patient, sorted(lost)))
    found = []
    for row in rows:
        now = row.patient_id if row.id is not None else elsewhere.get(row.patient, "")
        instead = row.study_uid if row.patient is None else f"patient {row.patient}"
        facts = {_INDEX_DATE: row.date.isoformat()} if row.date is not None else {}
        found.append(Member(row.study_uid, now or instead, row.part, {**facts, **row.facts}, row.patient))
    return found


def delete_cohort(database: Database, name: str, number: int | None = None) -> int:
    """Forget a version, or the whole cohort; how many versions went. Raises `CohortError` for what is not there.

    The highest number stays as an empty row, so that what was cited as version 3 is never something else.
    """
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    with database.begin(durable=True) as session:
        _chosen(_known(session), name, number)
        cohort = session.scalars(select(Cohort).where(Cohort.name == name)).one()
        of_cohort = select(CohortVersion).where(CohortVersion.cohort_id == cohort.id).order_by(CohortVersion.number)
        versions = list(session.scalars(of_cohort))
        going = [one for one in versions if number in (None, one.number)]
        gone = sum(_GONE not in one.made_with for one in going)
        for some in chunks([one.id for one in going]):
            session.execute(delete(CohortMember).where(CohortMember.version_id.in_(some)))
        for one in going:
            one.definition, one.attrition, one.made_with = {}, [], {_GONE: now}
        for one in versions[:-1]:
            if _GONE in one.made_with:
                session.delete(one)
        if all(_GONE in one.made_with for one in versions):
            cohort.description = ""
    return gone


def series_of(database: Database, study_uids: Sequence[str]) -> dict[str, list[SeriesFacts]]:
    """By study UID: its series, in the order of their numbers. Studies that are gone are left out."""
    query = (
        select(
            Study.uid, Series.uid, Series.number, Series.description, Volume.body_region, Volume.sequence,
            Volume.plane, Volume.contrast, Volume.field_strength_t, Volume.vendor, Volume.model, Volume.derived,
        )
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .order_by(Series.number.is_(None), Series.number, Series.uid, Volume.derived, Volume.id)
    )  # fmt: skip
    rows: dict[tuple[str, str], list[Any]] = defaultdict(list)
    with database.begin() as session:
        for row in _by(session, query, Study.uid, study_uids):
            rows[row[0], row[1]].append(row)
    found: dict[str, list[SeriesFacts]] = defaultdict(list)
    for (study, _), several in rows.items():
        found[study].append(SeriesFacts(*(*several[0][:11], len(several))))
    return dict(found)


def study_facts(database: Database, study_uids: Sequence[str]) -> dict[str, tuple[str, date | None, str, float | None]]:
    """By study UID: accession number, date, sex ('' where not recorded), age in years."""
    query = select(Study.uid, Study.accession_number, Study.date, Study.sex, Study.age_years)
    with database.begin() as session:
        return {row[0]: (row[1], row[2], row[3] or "", row[4]) for row in _by(session, query, Study.uid, study_uids)}


def files_of(database: Database, study_uids: Sequence[str]) -> Iterator[tuple[str, str, str, int]]:
    """(study UID, series UID, path, bytes) of every file that a volume of these studies came from, by path."""
    query = (
        select(Study.uid, Series.uid, Folder.path, File.name, File.size)
        .select_from(VolumeFile)
        .join(Volume, Volume.id == VolumeFile.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .join(File, File.id == VolumeFile.file_id)
        .join(Folder, Folder.id == File.folder_id)
        .distinct()
        .order_by(Folder.path, File.name)
    )
    with database.begin() as session:
        for study, series, folder, name, size in _by(session, query, Study.uid, study_uids):
            yield study, series, f"{folder}/{name}", size


def highest_study(database: Database) -> int:
    """The newest study's id: those above it came later."""
    with database.begin() as session:
        return session.scalar(select(func.max(Study.id))) or 0


def _by(session: Session, query: Any, column: Any, values: Sequence[Any]) -> Iterator[Any]:
    unique = list(dict.fromkeys(values))
    for some in chunks(unique):
        yield from session.execute(query.where(column.in_(some)))
