"""Who is who: one key for a patient's ID, however it is written, and the number by which lists name a patient.

A row of `patients` is kept by its number; its key is there while a study has it. So a frozen cohort goes on telling
its patients apart when their IDs are changed or gone, without keeping an old ID.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from spinecho.db.schema.models import CohortMember, Patient, Study

PERSON = func.coalesce(Study.patient, -Study.id)
"""SQL: a number of a study's patient; a study without a patient ID is of a patient of its own."""


def patient_key(patient_id: str) -> str:
    """What two spellings of one patient ID have in common: no blanks around it, no regard to case or width of letters.

    '' for an ID that holds nothing: nobody's, so that whoever asks takes the study in its place. The issuer of the ID
    is left out: many files lack it, and taking two patients for one keeps a split and a mask safe, while taking one for
    two does not.
    """
    text = unicodedata.normalize("NFKC", patient_id.replace("\0", " "))
    text = unicodedata.normalize("NFKC", text.casefold().upper())  # upper, so that most IDs are their own keys
    return " ".join(text.split())


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
