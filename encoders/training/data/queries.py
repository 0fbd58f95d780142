"""Facts in a reader's words: short queries for training, each with the facts that a scan must have to match it.

These stand in for reports where there are none, and are marked as such wherever a figure rests on them.
"""

# ruff: noqa: E501 - tables of words read best one a line

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spinecho.encoders.training.data.examples import Facts

FAMILIES: tuple[tuple[str, str], ...] = (
    ("bold", "BOLD"), ("asl", "ASL"), ("adc", "ADC"), ("fa map", "FA"), ("dwi", "DWI"), ("dti", "DWI"), ("flair", "FLAIR"), ("swi", "SWI"),
    ("cine", "cine"), ("dce", "DCE"), ("mt-off", "GRE"), ("phase-contrast", "phase contrast"), ("field map", "field map"),
    ("t2*", "T2*"), ("t2", "T2"), ("t1", "T1"), ("pd", "PD"),
)  # fmt: skip
"""What a sequence's name contains, and the family that it belongs to; the first that fits."""

SEQUENCE: dict[str, tuple[str, ...]] = {
    "T1": ("T1", "T1-weighted", "T1w"), "T2": ("T2", "T2-weighted", "T2w"), "FLAIR": ("FLAIR", "fluid-attenuated inversion recovery", "T2 FLAIR"),
    "DWI": ("DWI", "diffusion-weighted", "diffusion"), "ADC": ("ADC map", "apparent diffusion coefficient", "ADC"),
    "T2*": ("T2*", "T2* gradient echo", "GRE T2*"), "SWI": ("SWI", "susceptibility-weighted"), "BOLD": ("BOLD fMRI", "functional MRI", "EPI BOLD"),
    "ASL": ("ASL", "arterial spin labelling", "ASL perfusion"), "PD": ("PD", "proton density"), "FA": ("FA map", "fractional anisotropy"),
    "cine": ("cine", "cine bSSFP", "cine SSFP short axis"), "DCE": ("DCE", "dynamic contrast-enhanced", "dynamic T1"), "GRE": ("gradient echo", "GRE"),
    "phase contrast": ("phase contrast", "phase-contrast flow"), "field map": ("field map", "B0 map"),
}  # fmt: skip
REGION: dict[str, tuple[str, ...]] = {
    "brain": ("brain", "head", "cerebral"), "cervical spine": ("cervical spine", "neck spine", "C-spine"), "lumbar spine": ("lumbar spine", "L-spine", "lower back"),
    "heart": ("heart", "cardiac"), "abdomen": ("abdomen", "abdominal", "liver and kidneys"), "prostate": ("prostate", "prostatic"), "pelvis": ("pelvis", "pelvic", "female pelvis"),
    "breast": ("breast", "breasts"), "knee": ("knee",), "shoulder": ("shoulder",), "thigh": ("thigh", "upper leg"), "extremity": ("extremity", "limb", "soft tissue of a limb"),
    "fetal": ("fetal", "fetus"), "fetal brain": ("fetal brain", "fetal head"), "spine": ("spine",),
}  # fmt: skip
KIND: dict[str, tuple[str, ...]] = {
    "acute infarct": ("acute infarct", "acute ischaemic stroke", "recent infarction", "restricted diffusion, acute infarct"),
    "chronic infarct": ("chronic infarct", "old infarct", "encephalomalacia after infarction"),
    "high-grade glioma": ("high-grade glioma", "glioblastoma", "necrotic glioma with ring enhancement"),
    "low-grade glioma": ("low-grade glioma", "diffuse low-grade astrocytoma", "non-enhancing glioma"),
    "meningioma": ("meningioma", "extra-axial dural-based mass"), "metastasis": ("metastasis", "brain metastases", "secondary deposit"),
    "ms plaque": ("MS plaques", "demyelinating lesions", "multiple sclerosis"), "haemorrhage": ("haemorrhage", "intracerebral hemorrhage", "parenchymal haematoma"),
    "cavernoma": ("cavernoma", "cavernous malformation"), "abscess": ("abscess", "cerebral abscess"), "arachnoid cyst": ("arachnoid cyst",),
    "small vessel disease": ("small vessel disease", "confluent white matter hyperintensities", "microangiopathy"),
    "normal": ("normal brain", "no intracranial abnormality", "unremarkable study, no lesion"),
}  # fmt: skip
_SITE: dict[str, tuple[str, ...]] = {
    "frontal lobe": ("frontal lobe", "frontal"), "temporal lobe": ("temporal lobe", "temporal"), "parietal lobe": ("parietal lobe", "parietal"),
    "occipital lobe": ("occipital lobe", "occipital"), "cerebellum": ("cerebellum", "cerebellar hemisphere", "cerebellar"), "thalamus": ("thalamus", "thalamic"),
    "basal ganglia": ("basal ganglia", "lentiform nucleus"), "brainstem": ("brainstem", "pons"), "periventricular white matter": ("periventricular white matter", "periventricular"),
    "middle cranial fossa": ("middle cranial fossa",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query and what it asks for: acquisition facts of a series, and facts that one lesion of its study must have."""

    text: str
    series: Mapping[str, str] = field(default_factory=dict)
    lesion: Mapping[str, str] = field(default_factory=dict)

    def mirrored(self) -> Wanted | None:
        """The same on the other side: the hardest thing to tell apart; None for a query that names no one side."""
        other = {"left": "right", "right": "left"}.get(self.lesion.get("side", ""))
        if other is None:
            return None
        return Wanted(mirrored(self.text), self.series, {**self.lesion, "side": other})

    def fits(self, facts: Facts) -> bool | None:
        """Whether a volume matches; None where its facts leave it open, or its lesion is not in the picture."""
        known = series_facts(facts)
        answers = [known[name] == value if known[name] else None for name, value in self.series.items()]
        if False in answers:
            return False
        if self.lesion:
            answers.append(self._lesion_fits(facts))
        return False if False in answers else None if None in answers else True

    def _lesion_fits(self, facts: Facts) -> bool | None:
        lesions = facts.labels.get("lesions")
        if lesions is None:
            return None
        if self.lesion.get("kind") == "normal":
            return not lesions
        found = any(all(lesion[name] == value for name, value in self.lesion.items()) for lesion in lesions)
        if not found:
            return False
        return None if facts.labels.get("lesion_box") is None else True


def mirrored(text: str) -> str:
    """Left and right exchanged."""
    return _SIDE.sub(
        lambda found: _OTHER[found[0].casefold()] if found[0].islower() else _OTHER[found[0].casefold()].title(), text
    )


_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}


def family(sequence: str) -> str:
    """The family of a sequence's name in any table's words; '' for one that is not known."""
    lower = sequence.casefold()
    return next((name for part, name in FAMILIES if part in lower), "")


def series_facts(facts: Facts) -> dict[str, str]:
    """region, sequence (its family), plane and contrast; '' for what is not known."""
    return {
        "region": facts.region,
        "sequence": family(facts.sequence),
        "plane": facts.plane if facts.plane in {"axial", "coronal", "sagittal"} else "",
        "contrast": facts.contrast,
    }


def series_query(facts: Facts, rng: np.random.Generator) -> Wanted:
    """A few of a volume's acquisition facts, in varied words and order."""
    known = {name: value for name, value in series_facts(facts).items() if value}
    if known.get("contrast") == "no" and rng.random() < 0.7:
        known.pop("contrast")
    share = {"region": 0.85, "sequence": 0.85, "plane": 0.4, "contrast": 0.5}
    kept = {name: value for name, value in known.items() if rng.random() < share[name]}
    if not kept:
        kept = {name: known[name] for name in ("region", "sequence") if name in known}
    return Wanted(_series_words(kept, rng) or "MRI", series=kept)


def lesion_query(facts: Facts, rng: np.random.Generator) -> Wanted | None:
    """One lesion of the volume's study in words, sometimes with the sequence; None where lesions are not known."""
    lesions = facts.labels.get("lesions")
    if lesions is None:
        return None
    if not lesions:
        return Wanted(_one(KIND["normal"], rng), lesion={"kind": "normal"})
    lesion = lesions[int(rng.integers(len(lesions)))]
    share = {"kind": 0.85, "site": 0.85, "side": 0.85}
    kept = {name: str(lesion[name]) for name in share if rng.random() < share[name]}
    kept = kept if {"kind", "site"} & kept.keys() else {**kept, "kind": str(lesion["kind"])}
    text = lesion_words(kept, rng)
    if rng.random() < 0.25:
        name = series_facts(facts)["sequence"]
        return Wanted(f"{_one(SEQUENCE.get(name, (name,)), rng)}, {text}", series={"sequence": name}, lesion=kept)
    return Wanted(text, lesion=kept)


def lesion_words(kept: Mapping[str, str], rng: np.random.Generator) -> str:
    """Kind, site and side (whichever are there) in one of several ways of saying them."""
    kind = _one(KIND.get(kept.get("kind", ""), ("lesion", "abnormality", "focal lesion")), rng)
    site = _one(_SITE[kept["site"]], rng) if kept.get("site") in _SITE else kept.get("site", "")
    side = {"left": "left", "right": "right", "both": "bilateral", "midline": "midline"}.get(kept.get("side", ""), "")
    where = " ".join(part for part in (side, site) if part)
    ways = (
        [f"{kind} in the {where}", f"{where} {kind}", f"{kind}, {where}", f"{kind} of the {where}", f"{kind} {where}"]
        if where
        else [kind]
    )
    return _one(ways, rng)


def _series_words(kept: Mapping[str, str], rng: np.random.Generator) -> str:
    region = _one(REGION.get(kept.get("region", ""), (kept.get("region", ""),)), rng)
    sequence = _one(SEQUENCE.get(kept.get("sequence", ""), (kept.get("sequence", ""),)), rng)
    plane = kept.get("plane", "")
    contrast = {
        "yes": _one(("post-contrast", "after gadolinium", "with contrast"), rng),
        "no": _one(("without contrast", "non-contrast"), rng),
    }.get(kept.get("contrast", ""), "")
    parts = [
        [plane, sequence, "MRI" if rng.random() < 0.5 else "", f"of the {region}" if region else "", contrast],
        [region, plane, sequence, contrast],
        [sequence, region, plane, contrast],
        ["MRI", region + "," if region else "", plane, sequence, contrast],
    ][int(rng.integers(4))]
    text = " ".join(part for part in parts if part)
    return text[0].upper() + text[1:] if text and rng.random() < 0.5 else text


def _one(ways: Sequence[str], rng: np.random.Generator) -> str:
    return ways[int(rng.integers(len(ways)))]
