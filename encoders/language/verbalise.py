"""Acquisition facts and labels in words, by many templates: the seed of text where nobody wrote a report.

What is made here is marked with the kind "facts" wherever it is stored, so that no figure takes it for a report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

KIND = "facts"
"""How a text that was made here is marked, beside "report"."""

SEQUENCES: dict[str, tuple[str, ...]] = {
    "T1": ("T1", "T1-weighted", "T1w", "T1 weighted"),
    "T2": ("T2", "T2-weighted", "T2w", "T2 weighted"),
    "PD": ("PD", "proton density", "proton-density-weighted", "PDw"),
    "FLAIR": ("FLAIR", "fluid-attenuated inversion recovery", "T2 FLAIR"),
    "STIR": ("STIR", "short tau inversion recovery"),
    "T2*": ("T2*", "T2*-weighted", "T2 star gradient echo", "GRE T2*"),
    "SWI": ("SWI", "susceptibility-weighted", "susceptibility weighted imaging"),
    "DWI": ("DWI", "diffusion-weighted", "diffusion weighted imaging"),
    "ADC": ("ADC", "ADC map", "apparent diffusion coefficient"),
    "DTI map": ("DTI map", "diffusion tensor map"),
    "BOLD": ("BOLD", "fMRI", "functional BOLD"),
    "ASL": ("ASL", "arterial spin labelling", "arterial spin labeling"),
    "perfusion": ("perfusion", "dynamic susceptibility contrast perfusion"),
    "DCE": ("DCE", "dynamic contrast-enhanced"),
    "MRA": ("MRA", "MR angiography", "angiographic"),
    "cine": ("cine", "cine SSFP"),
    "MT": ("MT", "magnetisation transfer"),
    "phase contrast": ("phase contrast", "phase-contrast flow"),
    "field map": ("field map", "B0 map"),
    "quantitative map": ("quantitative map", "parametric map"),
    "localizer": ("localizer", "scout"),
}
REGIONS: dict[str, tuple[str, ...]] = {
    "brain": ("brain", "head", "cerebrum"),
    "head and neck": ("head and neck", "neck"),
    "cervical spine": ("cervical spine", "C-spine", "neck spine"),
    "thoracic spine": ("thoracic spine", "T-spine", "dorsal spine"),
    "lumbar spine": ("lumbar spine", "L-spine", "lower back"),
    "spine": ("spine", "vertebral column"),
    "chest": ("chest", "thorax"),
    "breast": ("breast", "breasts"),
    "heart": ("heart", "cardiac"),
    "abdomen": ("abdomen", "abdominal organs"),
    "pelvis": ("pelvis", "pelvic organs"),
    "prostate": ("prostate", "prostate gland"),
    "extremity": ("extremity", "limb"),
    "fetal": ("fetus", "fetal"),
    "whole body": ("whole body", "entire body"),
}
_PLANES: dict[str, tuple[str, ...]] = {
    "axial": ("axial", "ax", "transverse"),
    "coronal": ("coronal", "cor"),
    "sagittal": ("sagittal", "sag"),
    "oblique": ("oblique",),
}
_CONTRAST: dict[str, tuple[str, ...]] = {
    "yes": ("with contrast", "post-contrast", "after gadolinium", "contrast-enhanced", "+C"),
    "no": ("without contrast", "non-contrast", "unenhanced", "pre-contrast"),
}
_SEXES = {"F": ("female", "woman"), "M": ("male", "man")}

TEMPLATES: tuple[str, ...] = (
    "[{plane} ][{sequence} ]MRI[ of the {region}][, {contrast}][, {patient}][. {labels}]",
    "[{sequence} ][{plane} ][{region} ][{contrast}][. {labels}]",
    "MRI[ {region}][: {sequence}][, {plane}][, {contrast}][. {labels}]",
    "[{labels}; ][{region} ]MRI[, {plane}][, {sequence}][, {contrast}]",
    "[{region} ]MR[, {contrast}][, {sequence}][, {plane} plane][, {patient}][. {labels}]",
    "[{patient}, ]MRI[ of the {region}][, {plane}][ {sequence}][, {contrast}][. {labels}]",
    "Technique: [{plane} ][{sequence} ]images[ of the {region}][, {contrast}][. {labels}]",
    "Examination: MRI[ {region}][ {contrast}].[ Sequence: {sequence}.][ Plane: {plane}.][ {labels}]",
    "[{sequence} ]images[ of the {region}][ ({plane})][, {contrast}][. {labels}]",
    "MR scan[ of the {region}][: {plane}][ {sequence}][, {contrast}][. {labels}]",
    "[{region}, ][{sequence}. ][{labels}. ][{plane}, ][{contrast}]",
    "[{labels} on ][{sequence} ]MRI[ of the {region}][, {plane}][, {contrast}]",
    "[{contrast}, ][{plane} ][{sequence} ]series[, {region}][. {patient}][. {labels}]",
    "MR examination[ of the {region}][ in the {plane} plane][ with {sequence}][, {contrast}][. {patient}][. {labels}]",
    "[{region} ][{sequence} ][{plane}]",
    "[{sequence} ][{region}][. {labels}]",
)
"""What stands in brackets is said only where its fact is known."""

_OPTION = re.compile(r"\[([^\[\]]*\{(\w+)\}[^\[\]]*)\]")


def verbalise(facts: Mapping[str, object], generator: np.random.Generator) -> str:
    """A sentence or two; "" where nothing is known. The same facts and generator give the same words.

    facts: any of sequence, region, plane, contrast ("yes", "no"), sex ("F", "M"), age_years, and labels, a list of
    phrases; what is "", "unknown" or None is not spoken of. A name in no table is said as it is.
    """
    words = {name: _word(name, facts.get(name), generator) for name in ("sequence", "region", "plane", "contrast")}
    words["patient"] = _patient(facts.get("sex"), facts.get("age_years"))
    words["labels"] = _labels(facts.get("labels"), generator)
    if not any(words.values()):
        return ""
    # A template that leaves facts out may have room for none that is known: then another is asked.
    able = [one for one in TEMPLATES if any(words[name] for _, name in _OPTION.findall(one))]
    template = able[int(generator.integers(len(able)))]
    phrase = _OPTION.sub(lambda found: found[1].format(**words) if words[found[2]] else "", template)
    phrase = re.sub(r"[\s,;:.]*([,;:.])(?=\s|$)", r"\1", re.sub(r"\s+", " ", phrase)).strip(" ,;:.")
    return phrase[:1].upper() + phrase[1:]


def _word(name: str, value: object, generator: np.random.Generator) -> str:
    tables = {"sequence": SEQUENCES, "region": REGIONS, "plane": _PLANES, "contrast": _CONTRAST}
    phrase = "" if value in (None, "", "unknown") else str(value)
    names = tables[name].get(phrase, () if name == "contrast" else (phrase,))
    return names[int(generator.integers(len(names)))] if names else ""


def _patient(sex: object, age: object) -> str:
    noun = {"F": "woman", "M": "man"}.get(str(sex), "")
    if not isinstance(age, int | float):
        return f"{_SEXES[str(sex)][0]} patient" if noun else ""
    return f"{round(age)}-year-old {noun or 'patient'}"


def _labels(labels: object, generator: np.random.Generator) -> str:
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        return str(labels or "")
    phrases = [str(label) for label in labels if label]
    return ", ".join(phrases[place] for place in generator.permutation(len(phrases)).tolist())
