"""Who is one patient: IDs that differ in case or in spaces around them are."""

from __future__ import annotations


def patient_key(patient_id: str) -> str:
    """What stands for a patient wherever patients are told apart."""
    return patient_id.strip().casefold()
