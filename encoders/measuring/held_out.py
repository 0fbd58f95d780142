"""Patients that are measured on and never learned from: told by a digest of who they are, so the same in every run.

An encoder that was adapted here has learned which reports the other patients' scans belong to. Whatever is measured of
it on those, a self-test, a test of evidence, an evaluation, would be too good, and nobody would see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

SHARE = 0.2
"""Of the patients, held out."""
_LEARNS_HERE = ("adapted",)
"""Kinds of encoders that learn from the reports of the archive that they answer in."""


def is_held_out(patient: str, share: float = SHARE) -> bool:
    """Whether a patient is measured on and never trained on."""
    digest = hashlib.sha256(f"held-out\x1f{patient}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def learned_here(encoder: str) -> bool:
    """Whether an encoder of this name learned from reports of the archive that holds it."""
    return encoder.partition(":")[0] in _LEARNS_HERE


def measured_on(encoder: str) -> Callable[[str], bool]:
    """Which patients (`patient_key`, or the study where that is empty) an encoder may be measured on."""
    return is_held_out if learned_here(encoder) else lambda _: True
