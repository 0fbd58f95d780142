"""Which patients a head learns from, is calibrated on and is measured on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from spinecho.encoders.training.data.examples import Facts

Part: TypeAlias = Literal["train", "calibration", "test"]
Patient: TypeAlias = tuple[str, str]
PARTS: tuple[Part, ...] = ("train", "calibration", "test")

_DEALT: tuple[Part, ...] = (
    "train", "test", "calibration", "train", "train", "train", "test", "calibration", "train", "train",
)  # fmt: skip
"""Six tenths, two tenths, two tenths; a class of six patients is in all three."""


def patient_of(facts: Facts) -> Patient:
    """(source, patient): ids of two sources say nothing of one another. Without an id, the study, else the volume."""
    return facts.source, facts.patient or facts.study or facts.key


def split(patients: Sequence[Patient], strata: Sequence[str], *, seed: int) -> dict[Patient, Part]:
    """A part for each patient, from the patients of the rows and a stratum (a class, say) of each row.

    A patient belongs to the rarest of its strata, and each stratum is dealt out in an order that hangs on the seed and
    the patient's own name only, not on the order of rows.
    """
    mine: dict[Patient, set[str]] = {}
    for patient, stratum in zip(patients, strata, strict=True):
        mine.setdefault(patient, set()).add(stratum)
    common = Counter(stratum for own in mine.values() for stratum in own)
    groups: dict[str, list[Patient]] = {}
    for patient, own in mine.items():
        groups.setdefault(min(own, key=lambda stratum: (common[stratum], stratum)), []).append(patient)
    parts: dict[Patient, Part] = {}
    for group in groups.values():
        for place, patient in enumerate(sorted(group, key=lambda one: _drawn(one, seed))):
            parts[patient] = _DEALT[place % len(_DEALT)]
    return parts


def patients_by(classes: Mapping[Patient, set[str]]) -> Counter[str]:
    """How many patients have each class."""
    return Counter(name for own in classes.values() for name in own)


def _drawn(patient: Patient, seed: int) -> str:
    return hashlib.sha256("\x1f".join((str(seed), *patient)).encode()).hexdigest()
