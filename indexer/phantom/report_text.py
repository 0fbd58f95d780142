"""Reports that say what the images show: findings, true negatives and an impression, in varied words.

Every sentence is guarded by what was acquired: nothing is said of enhancement without contrast medium, of diffusion
without a DWI, or of blood products without a T2*.
"""

# ruff: noqa: E501 - tables of words read best one a line

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from spinecho.indexer.phantom.lesions import MASS_EFFECT
from spinecho.indexer.phantom.model import Case, Lesion
from spinecho.indexer.phantom.phrases import FINDING, IMPRESSION, NAMES_OF_SERIES, american


@dataclass(frozen=True, slots=True)
class Style:
    """How this reporter writes, and what there is to write about."""

    rng: np.random.Generator
    case: Case
    centimetres: bool
    seen: frozenset[str]
    """Sequences at hand; 'contrast' among them after contrast medium."""

    def say(self, *options: str) -> str:
        """One of these."""
        return options[int(self.rng.integers(len(options)))]

    def maybe(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def size(self, mm: float) -> str:
        """A diameter as this reporter writes it."""
        return f"{mm / 10:.1f} cm" if self.centimetres else f"{mm:.0f} mm"


def seen_in(case: Case) -> frozenset[str]:
    """The sequences of a case, with 'contrast' where medium was given and 'diffusion' for DWI with ADC."""
    found = {plan.sequence for plan in case.series} - {"localizer"}
    extra = {"contrast"} if case.has_contrast else set()
    return frozenset({str(f) for f in found} | extra)


def midline_shift_mm(lesion: Lesion) -> float:
    """How far a mass pushes the midline, from the model's own displacement."""
    share, radius = MASS_EFFECT.get(lesion.kind, 0.0), lesion.size_mm / 2
    gap = abs(lesion.center_mni_mm[0]) - radius
    return share * radius * float(np.exp(-max(gap, 0) / 25))


def _where(style: Style, lesion: Lesion) -> str:
    """'left frontal lobe', 'pons', 'left cerebellar hemisphere' ..."""
    site = lesion.site
    if site == "brainstem":
        return style.say("pons", "brainstem")
    if site == "cerebellum":
        site = style.say("cerebellum", "cerebellar hemisphere")
    return f"{lesion.side} {site}" if lesion.side in ("left", "right") else site


def _territory(lesion: Lesion) -> str:
    if lesion.site == "occipital lobe":
        return "PCA"
    return "PICA" if lesion.site == "cerebellum" else "MCA"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _bright_on(style: Style) -> str:
    """The fluid-sensitive sequences that there are."""
    words: list[str] = [w for w in ("T2", "FLAIR") if w in style.seen]
    return _listed(words) if words else "long TR"


def _fill(style: Style, text: str, lesion: Lesion) -> str:
    return text.format(
        where=_where(style, lesion),
        side=lesion.side,
        size=style.size(lesion.size_mm),
        territory=_territory(lesion),
        bright=_bright_on(style),
        site=lesion.site,
    )


def _behaviour(style: Style, lesion: Lesion) -> list[str]:
    """The sentences that this lesion's kind earns on the sequences at hand."""
    found = []
    for needs, variant, options in FINDING[lesion.kind]:
        absent = {n[1:] for n in needs if n.startswith("!")}
        wanted = {n for n in needs if not n.startswith("!")}
        if wanted <= style.seen and not absent & style.seen and variant in ("", lesion.variant):
            found.append(_fill(style, style.say(*options), lesion))
    return found


def _mass_effect(style: Style, lesion: Lesion) -> str:
    shift = midline_shift_mm(lesion)
    if lesion.kind not in MASS_EFFECT or lesion.size_mm < 18:
        return ""
    if shift >= 2.0:
        return style.say(
            f"There is mass effect with midline shift of {style.size(round(shift))} to the {_other(lesion.side)}.",
            f"Mass effect with effacement of the adjacent sulci and {style.size(round(shift))} of midline shift.",
        )
    return style.say("Mild local mass effect without midline shift.", "Local sulcal effacement. No midline shift.")


def _other(side: str) -> str:
    return {"left": "right", "right": "left"}.get(side, "contralateral side")


def _lesion_findings(style: Style) -> list[str]:
    case = style.case
    if not case.lesions:
        return []
    first = case.lesions[0]
    match first.kind:
        case "metastasis":
            sentences = _behaviour(style, first)
            listed = _listed([f"{_where(style, x)} ({style.size(x.size_mm)})" for x in case.lesions])
            count = ("", "", "Two", "Three", "Four")[len(case.lesions)]
            sentences.insert(
                0,
                style.say(
                    f"{count} intra-axial lesions: {listed}.", f"{count} parenchymal lesions are seen in the {listed}."
                ),
            )
        case "ms plaque":
            largest = max(case.lesions, key=lambda lesion: lesion.size_mm)
            sentences = _behaviour(style, replace(largest, enhancing=False, variant=""))
            active = [x for x in case.lesions if x.enhancing]
            if active and "contrast" in style.seen:
                sentences.append(
                    f"One plaque in the {active[0].side} periventricular white matter, {style.size(active[0].size_mm)}, shows enhancement after contrast, in keeping with active demyelination."
                )
            elif "contrast" in style.seen:
                sentences.append(style.say("No enhancing plaque.", "None of the lesions enhances after contrast."))
            below = [x for x in case.lesions if x.site in ("cerebellum", "brainstem")]
            if below:
                sentences.append(f"A further lesion is present in the {_where(style, below[0])}.")
        case _:
            sentences = _behaviour(style, first)
            effect = _mass_effect(style, first)
            sentences += [effect] if effect else []
    return sentences


def _change(style: Style) -> str:
    case = style.case
    match case.change:
        case "larger":
            return style.say(
                "Compared with the prior study the lesion burden has increased in size.",
                "Interval enlargement since the previous examination.",
            )
        case "smaller":
            return style.say(
                "Compared with the prior study there is a clear decrease in size.",
                "Interval regression since the previous examination.",
            )
        case "matured":
            return style.say(
                "The acute infarct of the prior study has matured, without residual diffusion restriction."
                if "DWI" in style.seen
                else "The infarct of the prior study has matured.",
                "Expected evolution of the previously seen infarct.",
            )
        case "new":
            return style.say(
                "One new plaque since the prior study.", "Compared with the prior study there is one new lesion."
            )
    return ""


def _white_matter(style: Style) -> str:
    load = style.case.wmh_load
    if style.case.diagnosis in ("small vessel disease", "ms plaque") or "FLAIR" not in style.seen:
        return ""
    if load < 0.12:
        return style.say("White matter signal is normal for age.", "") if not style.case.lesions else ""
    degree = "mild" if load < 0.32 else "moderate"
    grade = 1 if load < 0.32 else 2
    return style.say(
        f"{degree.capitalize()} periventricular white matter hyperintensities (Fazekas {grade}), likely due to chronic small vessel ischaemia.",
        f"Scattered white matter T2 hyperintensities of {degree} degree, which may represent small vessel disease.",
        f"There is {degree} white matter change of presumed microvascular origin, in keeping with age.",
    )


def _ventricles(style: Style) -> str:
    atrophy = style.case.atrophy
    if any(midline_shift_mm(x) >= 2.0 for x in style.case.lesions):
        return style.say("The basal cisterns are patent.", "")
    if atrophy > 0.62:
        return style.say(
            "Generalised cerebral volume loss with prominence of ventricles and sulci.",
            "Moderate global atrophy; ventricles and sulci are enlarged accordingly.",
        )
    if atrophy > 0.42:
        return style.say(
            "Mild generalised volume loss.", "Ventricles and sulci are mildly prominent, in keeping with age."
        )
    return style.say(
        "The ventricles and sulci are normal in size and configuration.",
        "Ventricular system normal in size and midline.",
        "Normal CSF spaces.",
    )


def _negatives(style: Style) -> list[str]:
    """True negatives that the sequences allow."""
    case, seen = style.case, style.seen
    kinds = {x.kind for x in case.lesions}
    found: list[str] = []
    if "DWI" in seen and not any(x.restricted for x in case.lesions):
        found.append(
            style.say(
                "No restricted diffusion.",
                "No diffusion restriction to suggest acute infarction.",
                "DWI shows no evidence of acute ischaemia.",
            )
        )
    if not kinds & {"haemorrhage", "cavernoma"}:
        if "T2*" in seen:
            found.append(
                style.say(
                    "No evidence of haemorrhage or microbleeds.",
                    "No blood products on T2*.",
                    "No haemosiderin deposits on the gradient echo images.",
                )
            )
        elif style.maybe(0.6):
            found.append(style.say("No evidence of intracranial haemorrhage.", "No haemorrhage."))
    if "contrast" in seen and not any(x.enhancing for x in case.lesions) and not kinds & {"ms plaque"}:
        found.append(style.say("No pathological enhancement.", "No abnormal enhancement after contrast."))
    if not any(x.kind in MASS_EFFECT and x.size_mm >= 18 for x in case.lesions):  # those say it themselves
        found.append(
            style.say("No midline shift or hydrocephalus.", "No midline shift.", "The midline structures are central.")
        )
    if not kinds & {
        "high-grade glioma",
        "low-grade glioma",
        "meningioma",
        "metastasis",
        "abscess",
        "arachnoid cyst",
        "haemorrhage",
    }:
        found.append(style.say("No space-occupying lesion.", "No mass lesion.", "No intracranial mass."))
    if not kinds & {"acute infarct"} and "DWI" in seen and style.maybe(0.3):
        found.append("No acute infarct.")
    if style.maybe(0.4):
        found.append(
            style.say(
                "No extra-axial collection.", "No subdural collection.", "No extra-axial fluid collection is seen."
            )
        )
    if style.maybe(0.3):
        found.append(
            style.say("Major intracranial flow voids are preserved.", "Normal flow voids of the large basal arteries.")
        )
    order = style.rng.permutation(len(found))
    return [found[i] for i in order]


def _technique(style: Style) -> str:
    case, names = style.case, []
    for plan in case.series:
        if plan.sequence == "localizer" or (plan.part and plan.sequence == "DWI"):
            continue
        kind = "T1 3D" if plan.dimensions == "3D" else plan.sequence
        name = NAMES_OF_SERIES[kind] + (" after intravenous contrast" if plan.contrast else "")
        name = name if plan.sequence == "ADC" else f"{plan.plane} {name}"
        if name not in names:
            names.append(name)
    end = (
        style.say("", " No contrast agent was given.")
        if not case.has_contrast
        else style.say("", " Gadolinium-based contrast agent, uneventful.")
    )
    listed = _listed(names)
    opening = style.say(
        f"MRI of the brain at {case.field_t:g} T. ",
        f"{case.field_t:g} T MRI brain: ",
        "Multiplanar MRI of the brain. ",
    )
    return f"{opening}{listed[0].upper()}{listed[1:]}.{end}"


def _impression(style: Style) -> list[str]:
    case = style.case
    if not case.lesions:
        if case.wmh_load >= 0.32:
            lines = [
                style.say(
                    "No acute intracranial abnormality. Moderate chronic small vessel change.",
                    "Moderate white matter change of microvascular origin, otherwise unremarkable.",
                )
            ]
        elif case.atrophy > 0.62:
            lines = [style.say("Age-related volume loss without focal lesion.", "Global atrophy. No acute finding.")]
        else:
            lines = [
                style.say(
                    "Normal MRI of the brain.",
                    "No intracranial abnormality.",
                    "Unremarkable MRI of the brain. No cause for the symptoms found.",
                )
            ]
        return lines
    first = case.lesions[0]
    key = first.kind
    text = _fill(style, style.say(*IMPRESSION[key]), first)
    if key == "metastasis":
        sites = _listed(list(dict.fromkeys(_where(style, x) for x in case.lesions)))
        text = style.say(
            f"Multiple brain metastases ({sites}).",
            f"Multiple lesions in the {sites}, in keeping with metastases.",
            f"Findings suspicious for metastatic disease: {sites}.",
        )
    lines = [text]
    change = _change(style)
    if change:
        lines.append(change)
    if key not in ("small vessel disease", "ms plaque") and case.wmh_load >= 0.2 and "FLAIR" in style.seen:
        lines.append(style.say("Background small vessel disease.", "Chronic microvascular white matter change."))
    return lines


def write_report(case: Case) -> str:
    """The report of one study; a function of the case alone."""
    rng = np.random.default_rng((case.seed, case.index, 30))
    style = Style(rng, case, bool(rng.random() < 0.35), seen_in(case))
    british = rng.random() < 0.5
    sentences = _lesion_findings(style)
    if case.change:
        sentences.append(_change(style))
    others = [s for s in (_white_matter(style), _ventricles(style)) if s]
    incidental = rng.random()
    if incidental < 0.2:
        others.append(
            style.say(
                "Mild mucosal thickening of the maxillary sinuses.",
                "Minor mucosal thickening in the ethmoid air cells.",
            )
        )
    elif incidental < 0.35:
        others.append(style.say("The paranasal sinuses and mastoid air cells are clear.", "Orbits unremarkable."))
    findings = sentences + _negatives(style) + others if rng.random() < 0.7 else sentences + others + _negatives(style)
    impression = _impression(style)
    if len(impression) > 1:
        impression = [f"{n}. {line}" for n, line in enumerate(impression, 1)]
    compared = "None." if rng.random() < 0.5 else "None available."
    if case.prior_accession:
        compared = f"MRI brain, accession {case.prior_accession}."
    when = date.fromisoformat(case.date).strftime("%d.%m.%Y" if british else "%m/%d/%Y")
    head = "" if rng.random() < 0.5 else f"MRI BRAIN, {when}\n\n"
    text = head + "\n\n".join([
        f"INDICATION: {case.indication}",
        f"TECHNIQUE: {_technique(style)}",
        f"COMPARISON: {compared}",
        "FINDINGS:\n" + " ".join(findings),
        "IMPRESSION:\n" + "\n".join(impression),
    ]) + "\n"  # fmt: skip
    return text if british else american(text)
