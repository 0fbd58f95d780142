"""Who is scanned, why, and what is wrong: decided from (seed, index) alone, without a voxel."""

# ruff: noqa: E501 - tables of words read best one a line

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from spinecho.indexer.phantom.lesions import SITES
from spinecho.indexer.phantom.model import Case, Change, Kind, Lesion, Side
from spinecho.indexer.phantom.protocols import SCANNERS, acquire, scans_for, uid
from spinecho.indexer.phantom.report_text import write_report

Rng = np.random.Generator

KINDS: tuple[Kind, ...] = (
    "acute infarct", "chronic infarct", "high-grade glioma", "low-grade glioma", "meningioma", "metastasis",
    "ms plaque", "haemorrhage", "cavernoma", "abscess", "arachnoid cyst", "small vessel disease",
)  # fmt: skip

_BLOCK = 24
_FOLLOWED: tuple[Kind, ...] = ("high-grade glioma", "metastasis", "acute infarct", "ms plaque", "abscess")
_AGES: dict[str, tuple[int, int]] = {
    "acute infarct": (48, 88), "chronic infarct": (52, 88), "high-grade glioma": (42, 78), "low-grade glioma": (22, 50),
    "meningioma": (38, 80), "metastasis": (40, 80), "ms plaque": (20, 52), "haemorrhage": (45, 85), "cavernoma": (20, 60),
    "abscess": (22, 70), "arachnoid cyst": (18, 60), "small vessel disease": (62, 88), "normal": (18, 74),
}  # fmt: skip
_QUESTION: dict[str, str] = {
    "acute infarct": "stroke", "chronic infarct": "stroke", "high-grade glioma": "mass", "low-grade glioma": "mass",
    "meningioma": "mass", "metastasis": "mass", "ms plaque": "demyelination", "haemorrhage": "bleed", "cavernoma": "bleed",
    "abscess": "infection", "arachnoid cyst": "general", "small vessel disease": "general",
}  # fmt: skip
_INDICATION: dict[str, tuple[str, ...]] = {
    "stroke": ("Sudden onset {other} sided weakness.", "Acute dysarthria, ?stroke.", "Transient loss of consciousness, rule out infarct.",
               "Sudden dizziness and gait ataxia. ?infarction."),
    "mass": ("New onset seizure.", "Progressive headache for six weeks.", "Personality change and headache, ?space-occupying lesion.",
             "Known primary malignancy, staging.", "Headache, worse in the morning, with nausea."),
    "infection": ("Fever and headache with new focal deficit.", "Recent dental infection, now confused and febrile.",
                  "Sepsis, new seizure. ?intracranial collection."),
    "demyelination": ("Optic neuritis, ?demyelination.", "Known relapsing-remitting multiple sclerosis, surveillance.",
                      "Paraesthesia of both legs for three weeks.", "Transient visual loss and fatigue."),
    "bleed": ("Sudden severe headache.", "Seizure, ?vascular malformation.", "Sudden reduced consciousness, hypertension.",
              "Incidental density on CT, for characterisation."),
    "general": ("Chronic headache.", "Memory problems.", "Dizziness.", "Syncope, for exclusion of structural lesion.",
                "Tinnitus and vertigo.", "Headache with normal examination."),
}  # fmt: skip


def _rng(seed: int, index: int, purpose: int) -> Rng:
    return np.random.default_rng((seed, index, purpose))


@lru_cache(maxsize=64)
def _block(seed: int, block: int) -> tuple[str, ...]:
    """The diagnoses of one block of cases; the three follow-ups in it hold ''."""
    rng = _rng(seed, block, 20)
    bases = list(rng.permutation(len(_FOLLOWED))[:3])
    first = [_FOLLOWED[i] for i in bases]
    rest: list[str] = [k for k in KINDS if k not in first] + ["normal"] * 6
    spare = [KINDS[i] for i in rng.permutation(len(KINDS))]
    rest = (rest + list(spare))[: _BLOCK - 6]
    mixed = [rest[i] for i in rng.permutation(len(rest))]
    return tuple("" if i % 8 == 5 else first.pop() if i % 8 == 4 else mixed.pop() for i in range(_BLOCK))


def _diagnosis(seed: int, index: int) -> str:
    return _block(seed, index // _BLOCK)[index % _BLOCK]


def _site(rng: Rng, names: tuple[str, ...], spread: float = 4.0) -> tuple[str, Side, tuple[float, float, float]]:
    """A site of `names`, on a side, near its centre. Right is positive x."""
    name = names[int(rng.integers(len(names)))]
    x, y, z = SITES[name]
    spread = min(spread, 1.5) if name in ("thalamus", "brainstem", "basal ganglia") else spread
    dx, dy, dz = rng.normal(0, spread * 0.6, 3).clip(-spread, spread)
    if name == "brainstem":
        return name, "midline", (round(dx * 0.3, 1), round(y + dy, 1), round(z + dz, 1))
    side: Side = "right" if rng.random() < 0.5 else "left"
    sign = 1 if side == "right" else -1
    return name, side, (round(sign * (x + dx), 1), round(y + dy, 1), round(z + dz, 1))


_LOBES = ("frontal lobe", "temporal lobe", "parietal lobe", "occipital lobe")
_DEEP = ("basal ganglia", "thalamus")

# Points of the convexity, 1 to 5 mm under the dura (right half).
_DURAL = {
    "frontal lobe": (42, 44, 30), "parietal lobe": (54, -40, 46), "temporal lobe": (66, -22, -8), "occipital lobe": (34, -93, 10),
}  # fmt: skip


def _infarct(rng: Rng, kind: Kind) -> tuple[Lesion, ...]:
    acute = kind == "acute infarct"
    if rng.random() < 0.3:
        site, side, centre = _site(rng, (*_DEEP, "brainstem") if acute else _DEEP)
        size = float(rng.uniform(8, 14))
        return (Lesion(kind, site, side, round(size), centre, False, acute, "lacune"),)
    site, side, centre = _site(rng, (*_LOBES, "cerebellum"))
    size = float(rng.uniform(30, 40) if site == "cerebellum" else rng.uniform(32, 60))
    return (Lesion(kind, site, side, round(size), centre, False, acute, "wedge"),)


def _metastases(rng: Rng) -> tuple[Lesion, ...]:
    found: list[Lesion] = []
    wanted = int(rng.integers(2, 5))
    while len(found) < wanted:
        site, side, centre = _site(rng, (*_LOBES, "cerebellum"), 6)
        if any(np.linalg.norm(np.subtract(centre, f.center_mni_mm)) < 30 for f in found):
            continue
        size = float(rng.uniform(8, 26))
        variant = "ring" if size > 14 else "nodule"
        found.append(Lesion("metastasis", site, side, round(size), centre, True, False, variant))
    return tuple(sorted(found, key=lambda lesion: -lesion.size_mm))


def _plaques(rng: Rng) -> tuple[Lesion, ...]:
    """Ovoid plaques beside the lateral ventricles, sometimes one in the cerebellar peduncle or the pons."""
    beside = ((20, 34, 18), (25, 18, 25), (25, 0, 29), (27, -16, 29), (29, -32, 27), (30, -46, 22), (29, -56, 14))
    found: list[Lesion] = []
    active = rng.random() < 0.5
    for k in rng.permutation(2 * len(beside))[: int(rng.integers(5, 11))]:
        x, y, z = beside[int(k) // 2]
        sign = 1 if k % 2 else -1
        dx, dy, dz = rng.normal(0, 1.5, 3).clip(-3, 3)
        centre = (round(sign * (x + dx), 1), round(y + dy, 1), round(z + dz, 1))
        size = float(rng.uniform(7, 14))
        enhancing = active and not found
        side: Side = "right" if sign > 0 else "left"
        found.append(Lesion("ms plaque", "periventricular white matter", side, round(max(size, 10.0 if enhancing else 0)), centre,
                            enhancing, False, "active" if enhancing else ""))  # fmt: skip
    if rng.random() < 0.4:
        site, side, centre = _site(rng, ("cerebellum", "brainstem"), 2)
        found.append(Lesion("ms plaque", site, side, round(float(rng.uniform(7, 10))), centre, False, False))
    return tuple(found)


def _lesions(kind: str, rng: Rng) -> tuple[Lesion, ...]:
    match kind:
        case "acute infarct" | "chronic infarct":
            return _infarct(rng, kind)
        case "high-grade glioma":
            site, side, centre = _site(rng, _LOBES)
            return (Lesion(kind, site, side, round(float(rng.uniform(30, 52))), centre, True, False, "ring"),)
        case "low-grade glioma":
            site, side, centre = _site(rng, ("frontal lobe", "temporal lobe", "parietal lobe"))
            return (Lesion(kind, site, side, round(float(rng.uniform(26, 48))), centre, False, False),)
        case "meningioma":
            names = tuple(_DURAL)
            site = names[int(rng.integers(len(names)))]
            sign = 1 if rng.random() < 0.5 else -1
            size = float(rng.uniform(18, 44))
            x, y, z = _DURAL[site]
            inward = 1 - 0.32 * size / 2 / float(np.linalg.norm((x, y, z - 10)))
            centre = (round(sign * x * inward, 1), round(y * inward, 1), round(10 + (z - 10) * inward, 1))
            return (Lesion(kind, site, "right" if sign > 0 else "left", round(size), centre, True, False),)
        case "metastasis":
            return _metastases(rng)
        case "ms plaque":
            return _plaques(rng)
        case "haemorrhage":
            site, side, centre = _site(rng, ("basal ganglia", "thalamus", *_LOBES, "cerebellum"))
            size = float(rng.uniform(16, 24) if site == "thalamus" else rng.uniform(20, 44))
            return (
                Lesion(
                    kind, site, side, round(size), centre, False, False, "subacute" if rng.random() < 0.6 else "acute"
                ),
            )
        case "cavernoma":
            site, side, centre = _site(rng, (*_LOBES, "cerebellum", "brainstem"))
            return (Lesion(kind, site, side, round(float(rng.uniform(9, 18))), centre, False, False),)
        case "abscess":
            site, side, centre = _site(rng, ("frontal lobe", "temporal lobe", "parietal lobe"))
            return (Lesion(kind, site, side, round(float(rng.uniform(20, 36))), centre, True, True, "ring"),)
        case "arachnoid cyst":
            sign = -1 if rng.random() < 0.65 else 1  # most lie on the left
            centre = (sign * 48.0, 17.0, -26.0)
            return (
                Lesion(
                    kind,
                    "middle cranial fossa",
                    "right" if sign > 0 else "left",
                    round(float(rng.uniform(26, 48))),
                    centre,
                    False,
                    False,
                ),
            )
        case "small vessel disease":
            return (Lesion(kind, "periventricular white matter", "both", 0, (0.0, -18.0, 24.0), False, False),)
        case _:
            return ()


def _after(lesions: tuple[Lesion, ...], rng: Rng) -> tuple[str, tuple[Lesion, ...], Change]:
    """What the follow-up shows: (diagnosis, lesions, change)."""
    first = lesions[0]
    match first.kind:
        case "acute infarct":
            aged = tuple(
                replace(x, kind="chronic infarct", restricted=False, size_mm=round(x.size_mm * 0.92)) for x in lesions
            )
            return "chronic infarct", aged, "matured"
        case "abscess":
            return "abscess", (replace(first, size_mm=round(first.size_mm * 0.55)),), "smaller"
        case "ms plaque":
            fresh = Lesion(
                "ms plaque", "periventricular white matter", "right", 11, (26.0, 8.0, 27.0), True, False, "active"
            )
            if rng.random() < 0.5:
                fresh = replace(fresh, side="left", center_mni_mm=(-26.0, 8.0, 27.0))
            quiet = tuple(replace(x, enhancing=False, variant="") for x in lesions)
            return "ms plaque", (fresh, *quiet), "new"
        case "metastasis" if rng.random() < 0.5:
            shrunk = tuple(replace(x, size_mm=max(round(x.size_mm * 0.6), 6)) for x in lesions)
            return "metastasis", shrunk, "smaller"
        case _:
            grown = tuple(replace(x, size_mm=round(min(x.size_mm * 1.28, 62))) for x in lesions)
            return first.kind, grown, "larger"


def plan_case(index: int, *, seed: int) -> Case:
    """The study with this index. Every sixth of eight is a second study of the patient before it."""
    follow = index % 8 == 5
    person = index - 1 if follow else index
    who = _rng(seed, person, 21)
    diagnosis = _diagnosis(seed, person)
    low, high = _AGES[diagnosis]
    age = int(who.integers(low, high + 1))
    sex: Literal["M", "F"] = "F" if who.random() < 0.52 else "M"
    lesions = _lesions(diagnosis, who)
    day = date(2018, 1, 8) + timedelta(days=int(who.integers(0, 2200)))
    atrophy = float(np.clip((age - 25) / 70 + who.normal(0, 0.09), 0, 1))
    load = float(np.clip((age - 48) / 90 * who.uniform(0.2, 1.5), 0, 0.5))
    if diagnosis == "small vessel disease":
        load = float(who.uniform(0.75, 1.0))
    if diagnosis == "ms plaque":
        load = 0.0

    rng = _rng(seed, index, 22)
    prior, change = "", ""
    accession = _accession(seed, index)
    if follow:
        diagnosis, lesions, change = _after(lesions, rng)
        gap = int(rng.integers(80, 300)) if change != "smaller" else int(rng.integers(30, 90))
        day, age, prior = day + timedelta(days=gap), age + gap // 300, _accession(seed, person)
    vendor, model, field_t = SCANNERS[int(rng.integers(len(SCANNERS)))]
    question = (
        _QUESTION.get(diagnosis) or ("stroke", "general", "general", "demyelination", "mass")[int(rng.integers(5))]
    )
    if follow and change == "matured":
        question = "stroke"
    study_uid = uid("study", seed, index)
    scans = scans_for(question, rng, localizer=index % 6 == 1)
    series = acquire(
        scans, rng, study_uid=study_uid, vendor=vendor, field_t=field_t,
        storage="enhanced" if index % 12 == 3 else "single",
        syntax={0: "jpeg2000", 4: "jpeg2000", 7: "jpeg2000", 8: "jpeg2000", 9: "jpeg2000", 10: "rle"}.get(index % 12, "explicit"),
    )  # fmt: skip
    asked = _INDICATION[question]
    other = {"left": "right", "right": "left"}.get(lesions[0].side if lesions else "left", "right")
    case = Case(
        seed=seed, index=index, person=person, study_uid=study_uid, accession_number=accession,
        patient_id=f"DEMO{_short(seed)}{person:05d}", patient_name=f"DEMO^{person:04d}", sex=sex, age_years=age, date=day.isoformat(),
        time=f"{int(rng.integers(7, 20)):02d}{int(rng.integers(60)):02d}{int(rng.integers(60)):02d}",
        vendor=vendor, model=model, field_t=field_t, indication=asked[int(rng.integers(len(asked)))].format(other=other),
        diagnosis=diagnosis, atrophy=round(atrophy, 3), wmh_load=round(load, 3), lesions=lesions, series=series, report="",
        prior_accession=prior, change=change, body_part=("BRAIN", "HEAD", "BRAIN", "")[int(rng.integers(4))],  # type: ignore[arg-type]
    )  # fmt: skip
    return replace(case, report=write_report(case))


def _short(seed: int) -> str:
    """A seed in at least three characters, few enough for an accession number (SH, 16 characters)."""
    return np.base_repr(seed, 36).zfill(3)


def _accession(seed: int, index: int) -> str:
    return f"SD{_short(seed)}{index:06d}"


def plan_cases(n: int, *, seed: int) -> tuple[Case, ...]:
    """The first `n` studies of a seed. Cheap: no voxel is drawn, and case i does not depend on n."""
    return tuple(plan_case(index, seed=seed) for index in range(n))
