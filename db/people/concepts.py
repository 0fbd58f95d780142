"""Taught concepts in SQL: versions with their cards, and what they say of studies as predicted facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import and_, delete, exists, func, select
from sqlalchemy.orm import Session

from spinecho.db.errors import StoreError
from spinecho.db.filters.conditions import ALL, Filter, visible
from spinecho.db.filters.sql import compile_filter
from spinecho.db.keys import patient_key
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Prediction, RegionVector, Series, SpaceRow, Study, TaughtConcept, Vector, Volume
from spinecho.db.schema.turns import in_turn
from spinecho.db.store.patients import PERSON
from spinecho.db.values import PredictedFact, SpaceRecord
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.stored_rows import unpack

YES, NO = "yes", "no"
"""What a concept says of a study that it is sure of."""
SERVES, REPLACED, DRAFT, UNDONE = "serves", "replaced", "draft", "undone"
_TAUGHT = "taught "
_PAGE = 400


class ConceptError(StoreError):
    """A concept that cannot be taught, found or undone; the message says what to change."""


@dataclass(frozen=True, slots=True)
class KeptConcept:
    """One version of a concept. space: whose vectors it reads; state: serves, replaced, draft or undone."""

    name: str
    version: int
    state: str
    space: SpaceRecord
    owner: str
    taught_at: datetime
    card: Mapping[str, Any]
    weights: bytes

    @property
    def revision(self) -> str:
        """What its predictions are marked with."""
        return f"{_TAUGHT}{self.version}"


@dataclass(frozen=True, slots=True)
class StudyRows:
    """What is stored of a study's scans in a space. vectors: (n, dim), of each region and sequence the first.

    patient: a number; key: as `patient_key` has it, the study's UID where it has no patient. regions: (m, cells * dim),
    of those of them that have any.
    """

    study: int
    uid: str
    patient: int
    key: str
    vectors: Rows
    regions: Rows


def keep_concept(
    database: Database, *, name: str, space: int, owner: str, card: Mapping[str, Any], weights: bytes, draft: bool
) -> KeptConcept:
    """Keep a head as the next version; one that is no draft serves from now on, in the same transaction."""
    with database.begin(durable=True) as session:
        in_turn(session, TaughtConcept)
        versions = session.scalars(select(TaughtConcept).where(TaughtConcept.name == name)).all()
        for one in versions:
            if one.state == SERVES and not draft:
                one.state = REPLACED
        row = TaughtConcept(
            name=name, version=max((one.version for one in versions), default=0) + 1,
            state=DRAFT if draft else SERVES, space_id=space, owner=owner,
            taught_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0), card=dict(card), weights=weights,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return _kept(session, row)


def concepts(database: Database, name: str | None = None) -> tuple[KeptConcept, ...]:
    """Every version of every concept, or of one, by name and version."""
    query = select(TaughtConcept).order_by(TaughtConcept.name, TaughtConcept.version)
    with database.begin() as session:
        rows = session.scalars(query if name is None else query.where(TaughtConcept.name == name)).all()
        return tuple(_kept(session, row) for row in rows)


def undo_concept(database: Database, name: str, version: int | None = None) -> tuple[KeptConcept, KeptConcept | None]:
    """Take the newest version back that serves, or is a draft where none does; (it, the one that serves now again).

    What it predicted goes in the same transaction. version: the one that is meant. Raises `ConceptError` where there is
    nothing to undo, or that is another one by now.
    """
    with database.begin(durable=True) as session:
        rows = session.scalars(
            select(TaughtConcept).where(TaughtConcept.name == name).order_by(TaughtConcept.version.desc())
        ).all()
        last = next((row for state in (SERVES, DRAFT) for row in rows if row.state == state), None)
        if last is None:
            raise ConceptError(f"no version of {name!r} serves, so there is nothing to undo")
        if version not in (None, last.version):
            raise ConceptError(
                f"version {version} of {name!r} is not the one that stands: that is version {last.version} now; "
                "look at it first"
            )
        served = last.state == SERVES
        last.state = UNDONE
        before = next((row for row in rows if row.state == REPLACED), None) if served else None
        if before is not None:
            before.state = SERVES
        if served:
            session.execute(delete(Prediction).where(Prediction.task == name, Prediction.head_revision == _of(last)))
        session.flush()
        return _kept(session, last), None if before is None else _kept(session, before)


def served_names(database: Database) -> tuple[str, ...]:
    """The concepts that predict, in order: a look-up, without their heads."""
    with database.begin() as session:
        query = select(TaughtConcept.name).where(TaughtConcept.state == SERVES).order_by(TaughtConcept.name)
        return tuple(session.scalars(query))


def predicted_yes(database: Database, name: str, where: Filter, *, most: int) -> dict[int, float]:
    """By id, the studies with a volume that passes the filter of which a concept says yes, the surest first: its score.

    Equals by UID, so that the same come whatever else is stored.
    """
    surest = func.max(Prediction.score)
    query = (
        select(Study.id, surest)
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Prediction, Prediction.volume_id == Volume.id)
        .where(Prediction.task == name, Prediction.value == YES, compile_filter(where))
        .group_by(Study.id, Study.uid)
        .order_by(surest.desc(), Study.uid)
        .limit(most)
    )
    with database.begin() as session:
        return {int(study): float(score) for study, score in session.execute(query)}


def require_free(database: Database, name: str) -> None:
    """Raise `ConceptError` where a head of the encoder predicts something under this name."""
    query = select(Prediction.head_revision).where(Prediction.task == name).distinct()
    with database.begin() as session:
        if any(not revision.startswith(_TAUGHT) for revision in session.scalars(query)):
            raise ConceptError(f"the encoder's heads predict {name!r} already: give the concept another name")


def study_rows(database: Database, space: SpaceRecord, studies: Sequence[int] | None = None) -> Iterator[StudyRows]:
    """By study id, for studies with a scan that is no computed image and no localizer; of all where none are named."""
    regions = and_(RegionVector.volume_id == Volume.id, RegionVector.space_id == space.id)
    query = (
        select(Study.id, Study.uid, PERSON, Study.patient_id)
        .add_columns(Volume.body_region, Volume.sequence, Vector.data, RegionVector.data)
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Vector, and_(Vector.volume_id == Volume.id, Vector.space_id == space.id))
        .outerjoin(RegionVector, regions)
        .where(compile_filter(visible(ALL)))
        .order_by(Study.id, Series.uid, Volume.key)
    )
    wanted = sorted(set(studies)) if studies is not None else study_numbers(database)
    for at in range(0, len(wanted), _PAGE):
        with database.begin() as session:
            found = session.execute(query.where(Study.id.in_(wanted[at : at + _PAGE]))).all()
        yield from _by_study(found, space.dim)


def study_numbers(database: Database) -> list[int]:
    """Ids of every study, in order."""
    with database.begin() as session:
        return list(session.scalars(select(Study.id).order_by(Study.id)))


def uids_of(database: Database, studies: Sequence[int]) -> list[str]:
    """UIDs of these studies, in order."""
    found: list[str] = []
    with database.begin() as session:
        for some in chunks(sorted(set(studies))):
            found += session.scalars(select(Study.uid).where(Study.id.in_(some)))
    return sorted(found)


def lacking_studies(database: Database, concept: KeptConcept) -> list[int]:
    """Ids of studies of which a scan has a vector of the concept's space, and some volume no prediction of it."""
    own = exists().where(
        Prediction.volume_id == Volume.id, Prediction.task == concept.name,
        Prediction.head_revision == concept.revision,
    )  # fmt: skip
    query = (
        select(Series.study_id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Vector, and_(Vector.volume_id == Volume.id, Vector.space_id == concept.space.id))
        .where(~own)
        .distinct()
        .order_by(Series.study_id)
    )
    with database.begin() as session:
        return list(session.scalars(query))


def write_predictions(
    database: Database, concept: KeptConcept, head: str, facts: Mapping[int, PredictedFact | None]
) -> None:
    """Put what was predicted of studies, by id, on all of their volumes, in place of what was; None takes it away.

    Nothing is written once another version serves.
    """
    for some in chunks(sorted(facts)):
        with database.begin() as session:
            query = select(TaughtConcept.id).where(
                TaughtConcept.name == concept.name, TaughtConcept.version == concept.version,
                TaughtConcept.state == SERVES,
            )  # fmt: skip
            if session.scalar(query) is None:
                return
            rows = select(Volume.id, Series.study_id).join(Series, Series.id == Volume.series_id)
            found = session.execute(rows.where(Series.study_id.in_(some))).all()
            for ids in chunks([volume for volume, _ in found]):
                session.execute(
                    delete(Prediction).where(Prediction.task == concept.name, Prediction.volume_id.in_(ids))
                )
            session.add_all(
                Prediction(
                    volume_id=volume, task=fact.task, value=fact.value, score=fact.score, number=fact.number,
                    details=dict(fact.details), head=head, head_revision=concept.revision,
                )
                for volume, study in found
                if (fact := facts[study]) is not None
            )  # fmt: skip


def predicted_counts(database: Database, name: str) -> dict[str, tuple[int, int]]:
    """(studies, patients) by what is predicted of them."""
    query = (
        select(Prediction.value, func.count(Study.id.distinct()), func.count(PERSON.distinct()))
        .join(Volume, Volume.id == Prediction.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(Prediction.task == name)
        .group_by(Prediction.value)
        .order_by(Prediction.value)
    )
    with database.begin() as session:
        return {str(value): (int(studies), int(people)) for value, studies, people in session.execute(query)}


def _by_study(found: Sequence[Any], dim: int) -> Iterator[StudyRows]:
    at = 0
    while at < len(found):
        first, end = found[at], at
        vectors: dict[tuple[str, str], bytes] = {}
        regions: dict[tuple[str, str], bytes] = {}
        while end < len(found) and found[end][0] == first[0]:
            region, sequence, vector, parts = found[end][4:]
            if (region, sequence) not in vectors:
                vectors[region, sequence] = vector
                if parts is not None:
                    regions[region, sequence] = parts
            end += 1
        widest = max(map(len, regions.values()), default=0)
        whole = [unpack(one, dim).reshape(1, -1) for one in regions.values() if len(one) == widest]
        parts_of = np.concatenate(whole) if whole else unpack(b"", dim)
        key = patient_key(first[3]) or first[1]
        yield StudyRows(first[0], first[1], first[2], key, unpack(b"".join(vectors.values()), dim), parts_of)
        at = end


def _of(row: TaughtConcept) -> str:
    return f"{_TAUGHT}{row.version}"


def _kept(session: Session, row: TaughtConcept) -> KeptConcept:
    space = session.get_one(SpaceRow, row.space_id)
    record = SpaceRecord(space.id, space.model, space.revision, space.preprocessing, space.dim, "")
    return KeptConcept(row.name, row.version, row.state, record, row.owner, row.taught_at, row.card, bytes(row.weights))
