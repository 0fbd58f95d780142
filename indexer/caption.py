"""A sentence that says what a volume is, put together from its header, so that words can find it without a report."""

from __future__ import annotations

import re

from spinecho.encoders.acquisition.facts import Acquisition

_NAMES = {
    "DWI": "diffusion-weighted (DWI)",
    "ADC": "apparent diffusion coefficient map (ADC)",
    "FLAIR": "FLAIR",
    "T2*": "T2*-weighted gradient echo",
    "SWI": "susceptibility-weighted (SWI)",
    "BOLD": "functional BOLD",
    "ASL": "arterial spin labelling (ASL) perfusion",
    "DCE": "dynamic contrast-enhanced (DCE)",
    "MRA": "MR angiography (MRA)",
    "T1": "T1-weighted",
    "T2": "T2-weighted",
    "PD": "proton-density-weighted",
}


def caption(acquisition: Acquisition, *, series: str, study: str) -> str:
    """E.g. "Sagittal T1-weighted MRI of the brain, with contrast, 3 T Siemens. SAG MPRAGE GD; MR Brain"."""
    a = acquisition
    words = [
        a.plane if a.plane != "unknown" else "",
        "" if a.sequence == "unknown" else _NAMES.get(a.sequence, a.sequence),
        "MRI",
        "" if a.body_region == "unknown" else f"of the {a.body_region}",
    ]
    facts = [" ".join(word for word in words if word)]
    facts += ["with contrast"] if a.contrast == "yes" else []
    facts += ["fat-suppressed"] if a.fat_suppressed else []
    scanner = [f"{a.field_strength_t:g} T" if a.field_strength_t else "", a.vendor if a.vendor != "unknown" else ""]
    facts += [" ".join(part for part in scanner if part)]
    sentence = ", ".join(fact for fact in facts if fact)
    described = [text for text in dict.fromkeys((_plain(series), _plain(study))) if text]
    return sentence[0].upper() + sentence[1:] + (f". {'; '.join(described)}" if described else "")


def _plain(text: str) -> str:
    return re.sub(r"[_^\s]+", " ", text).strip()
