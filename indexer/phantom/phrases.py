"""The words of the reports, by kind of lesion. British spelling; `american` turns it."""

# ruff: noqa: E501 - tables of words read best one a line

from __future__ import annotations

Finding = tuple[tuple[str, ...], str, tuple[str, ...]]
"""Sequences it needs ('!' before one that must be missing), the variant it is for ('' for any), ways to say it."""

NAMES_OF_SERIES = {
    "T1": "T1", "T1 3D": "3D T1", "T2": "T2", "PD": "proton density", "FLAIR": "FLAIR", "T2*": "T2* gradient echo",
    "DWI": "DWI (b0, b1000)", "ADC": "ADC map",
}  # fmt: skip

FINDING: dict[str, tuple[Finding, ...]] = {
    "acute infarct": (
        (("DWI",), "wedge", ("Restricted diffusion in the {where}, {territory} territory, measuring {size}.",
                             "There is a {size} wedge-shaped area of diffusion restriction in the {where} within the {territory} territory.")),
        (("DWI",), "lacune", ("A {size} focus of restricted diffusion in the {where}.", "Punctate diffusion restriction, {size}, in the {where}.")),
        (("!DWI",), "", ("Swelling and T2 hyperintensity of the {where}, {size}.",)),
        (("ADC",), "", ("The ADC map shows corresponding low values.", "Corresponding hypointensity on ADC.")),
        (("FLAIR",), "", ("The area is hyperintense on {bright}.", "Corresponding {bright} hyperintensity.")),
        (("T2*",), "", ("No haemorrhagic transformation.",)),
    ),
    "chronic infarct": (
        ((), "wedge", ("Encephalomalacia of the {where} ({territory} territory), {size}, with CSF-like signal and surrounding gliosis.",
                       "Old cortical infarct in the {where}, {size}, with cystic encephalomalacia.")),
        ((), "lacune", ("Old lacunar infarct of {size} in the {where}.", "A {size} CSF-filled cavity in the {where}, in keeping with an old lacune.")),
        (("FLAIR",), "", ("The centre is suppressed on FLAIR and the rim is bright.", "Rim of FLAIR hyperintensity due to gliosis.")),
    ),
    "high-grade glioma": (
        ((), "", ("There is a {size} heterogeneous intra-axial mass in the {where}.", "Irregular mass of the {where} measuring {size}, with necrotic centre.")),
        (("contrast",), "", ("Thick irregular ring enhancement around central necrosis.", "After contrast there is irregular peripheral enhancement; the centre does not enhance.")),
        (("T2",), "", ("Extensive surrounding vasogenic oedema.", "Surrounding T2 hyperintensity consistent with oedema and infiltration.")),
        (("!T2", "FLAIR"), "", ("Surrounding FLAIR hyperintensity, oedema.",)),
    ),
    "low-grade glioma": (
        ((), "", ("Homogeneous {bright} hyperintense lesion of {size} in the {where}, involving cortex and subcortical white matter.",
                  "A {size} ill-defined {bright} hyperintense expansile lesion in the {where}.")),
        (("contrast",), "", ("No enhancement after contrast.", "The lesion does not enhance.")),
        (("T1",), "", ("It is hypointense on T1.",)),
    ),
    "meningioma": (
        ((), "", ("Extra-axial dural-based mass over the {where}, {size}.", "A well-circumscribed {size} extra-axial mass abuts the {where} with a broad dural base.")),
        (("contrast",), "", ("It enhances homogeneously, with a dural tail.", "Avid homogeneous enhancement.")),
        (("T1",), "", ("Isointense to grey matter on T1.",)),
    ),
    "metastasis": (
        (("contrast",), "ring", ("The largest shows ring enhancement.", "Ring-like enhancement of the largest lesion, {size}, in the {where}.")),
        (("contrast",), "nodule", ("They enhance as solid nodules.", "Nodular enhancement after contrast.")),
        ((), "", ("Surrounding oedema.", "There is perilesional oedema.")),
    ),
    "ms plaque": (
        ((), "", ("Multiple ovoid {bright} hyperintense lesions in the periventricular white matter, perpendicular to the ventricles.",
                  "Several periventricular white matter lesions, hyperintense on {bright}, oriented as Dawson fingers.",
                  "Multiple demyelinating plaques adjacent to the lateral ventricles, up to {size}.")),
    ),
    "haemorrhage": (
        ((), "", ("Intraparenchymal haemorrhage in the {where}, {size}.", "A {size} parenchymal haematoma in the {where}.")),
        (("T2*",), "", ("Marked signal loss on T2*.", "It is dark on the gradient echo images, in keeping with blood products.")),
        (("T1",), "subacute", ("Hyperintense on T1, indicating subacute blood (methaemoglobin).", "T1 shortening in keeping with an early subacute stage.")),
        (("T1",), "acute", ("Isointense on T1 and dark on T2, suggesting acute blood (deoxyhaemoglobin).",)),
        ((), "", ("Thin rim of surrounding oedema.", "Mild perifocal oedema.")),
    ),
    "cavernoma": (
        (("T2*",), "", ("A {size} lesion in the {where} with blooming on T2*.", "Focus of marked susceptibility in the {where}, {size}.")),
        ((), "", ("Popcorn-like lesion with a hypointense haemosiderin rim in the {where}, {size}.", "Well-defined lobulated lesion of mixed signal, {size}, in the {where}, with a dark rim.")),
        ((), "", ("No surrounding oedema.", "No perilesional oedema or mass effect.")),
    ),
    "abscess": (
        ((), "", ("Well-defined cystic lesion of {size} in the {where} with a smooth wall.", "There is a {size} rim-like lesion in the {where}.")),
        (("contrast",), "", ("Thin smooth ring enhancement.", "Smooth peripheral enhancement after contrast.")),
        (("DWI",), "", ("The content shows restricted diffusion.", "Markedly restricted diffusion of the centre, typical of pus.")),
        ((), "", ("Surrounding vasogenic oedema.",)),
    ),
    "arachnoid cyst": (
        ((), "", ("A {size} extra-axial cyst in the {side} middle cranial fossa, isointense to CSF on all sequences.",
                  "CSF-isointense cyst anterior to the {side} temporal pole, {size}.")),
        (("FLAIR",), "", ("It suppresses completely on FLAIR.",)),
        (("DWI",), "", ("The cyst does not show restricted diffusion.",)),
    ),
    "small vessel disease": (
        ((), "", ("Confluent {bright} hyperintensities of the periventricular and deep white matter (Fazekas 3).",
                  "Extensive confluent white matter hyperintensity in both hemispheres on {bright}, Fazekas grade 3.")),
    ),
}  # fmt: skip

IMPRESSION: dict[str, tuple[str, ...]] = {
    "acute infarct": ("Acute infarct in the {where}.", "Acute ischaemic infarction, {where}.", "Findings consistent with acute infarction of the {where}."),
    "chronic infarct": ("Chronic infarct in the {where}.", "Old infarct of the {where} with encephalomalacia."),
    "high-grade glioma": ("Mass in the {where}, most likely a high-grade glioma.", "{size} mass of the {where}, suspicious for glioblastoma. Metastasis cannot be excluded."),
    "low-grade glioma": ("Lesion of the {where}, which may represent a low-grade glioma.", "Probable low-grade glioma of the {where}."),
    "meningioma": ("Extra-axial mass over the {where}, in keeping with meningioma.", "{size} meningioma, {where}."),
    "metastasis": ("",),
    "ms plaque": ("Multiple periventricular lesions, typical of multiple sclerosis.", "White matter lesions in keeping with demyelination (multiple sclerosis)."),
    "haemorrhage": ("Intracerebral haemorrhage in the {where}. An underlying lesion cannot be excluded.", "Parenchymal haematoma of the {where}, {size}."),
    "cavernoma": ("Cavernoma of the {where}.", "{size} lesion in the {where}, typical of a cavernous malformation."),
    "abscess": ("Abscess of the {where}.", "Findings highly suggestive of a cerebral abscess in the {where}."),
    "arachnoid cyst": ("Arachnoid cyst of the {side} middle cranial fossa.", "Incidental {side} middle cranial fossa arachnoid cyst."),
    "small vessel disease": ("Severe chronic small vessel disease.", "Extensive white matter disease of presumed microvascular origin."),
}  # fmt: skip

_AMERICAN = (
    ("haemo", "hemo"), ("Haemo", "Hemo"), ("haema", "hema"), ("haem", "hem"), ("ischaem", "ischem"), ("oedema", "edema"), ("Oedema", "Edema"),
    ("centre", "center"), ("tumour", "tumor"), ("grey", "gray"), ("eneralised", "eneralized"), ("characterisation", "characterization"),
    ("Paraesthesia", "Paresthesia"),
)  # fmt: skip


def american(text: str) -> str:
    """The same report as an American writes it."""
    for british, other in _AMERICAN:
        text = text.replace(british, other)
    return text
