"""What a patient is known by, wherever patients are compared."""

from __future__ import annotations


def patient_key(patient_id: str) -> str:
    """The patient ID without regard to case and to blanks around it; '' for none."""
    return patient_id.strip().casefold()
