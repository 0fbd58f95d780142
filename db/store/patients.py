"""Who is who: the number by which lists name a patient, whose ID has one key however it is written.

A row of `patients` is kept by its number; its key is there while a study has it. So a frozen cohort goes on telling
its patients apart when their IDs are changed or gone, without keeping an old ID.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from spinecho.db.keys import patient_key
from spinecho.db.schema.models import CohortMember, Patient, Study

PERSON = func.coalesce(Study.patient, -Study.id)
"""SQL: a number of a study's patient; a study without a patient ID is of a patient of its own."""


def patient_number(session: Session, patient_id: str) -> int | None:
    """The number of the patient with this ID, a new one where nobody has it; None for an empty ID."""
    key = patient_key(patient_id)
    if not key:
        return None
    found = session.scalar(select(Patient.id).where(Patient.key == key))
    if found is None:
        row = Patient(key=key)
        session.add(row)
        session.flush()
        found = row.id
    return found


def forget_patients(session: Session, numbers: Iterable[int | None]) -> None:
    """Forget the keys of those of these patients of whom no study is left, and the rows where no list names them."""
    for number in {number for number in numbers if number is not None}:
        session.flush()
        if session.scalar(select(Study.id).where(Study.patient == number).limit(1)) is not None:
            continue
        listed = exists().where(CohortMember.patient == number)
        session.execute(delete(Patient).where(Patient.id == number, ~listed))
        session.execute(update(Patient).where(Patient.id == number).values(key=None))
