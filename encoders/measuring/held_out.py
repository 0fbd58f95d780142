"""Patients that are measured on and never learned from: told by a digest of who they are, so the same in every run.

An encoder that was adapted here has learned which reports the other patients' scans belong to, and one that was
trained (`spinecho train`) may have: no name tells on whose reports. Whatever is measured of them on those, a self-test,
a test of evidence, an evaluation, would be too good, and nobody would see it. All training holds out the same patients.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

SHARE = 0.2
"""Of the patients, held out."""
_LEARNS_HERE = ("adapted",)
"""Kinds of encoders that learn from the reports of the archive that they answer in."""
_MAY_HAVE = ("tower", "spinecho-3d", "vit")
"""Kinds that are trained by oneself, on this archive as likely as on any."""


def is_held_out(patient: str, share: float = SHARE) -> bool:
    """Whether a patient is measured on and never trained on."""
    digest = hashlib.sha256(f"held-out\x1f{patient}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def learned_here(encoder: str) -> bool:
    """Whether an encoder of this name learned from reports of the archive that holds it, or may have."""
    return encoder.partition(":")[0] in (*_LEARNS_HERE, *_MAY_HAVE)


def learning_of(encoder: str) -> str:
    """What such an encoder has learned from, or may have, as the beginning of a sentence."""
    kind = encoder.partition(":")[0]
    of = "from the reports of four in five patients of this archive"
    if kind in _LEARNS_HERE:
        return f"the encoder learned {of} ('spinecho adapt')"
    return f"the encoder may have learned {of}, by training"


def measured_on(encoder: str) -> Callable[[str], bool]:
    """Which patients (`patient_key`, or the study where that is empty) an encoder may be measured on."""
    return is_held_out if learned_here(encoder) else lambda _: True
