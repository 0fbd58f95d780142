"""What a department acquires for which question, and what each vendor's console calls it."""

# ruff: noqa: E501 - tables of words read best one a line

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from spinecho.indexer.phantom.model import Plane, SeriesPlan
from spinecho.indexer.phantom.signal import nulling_ti
from spinecho.indexer.phantom.tissue import TISSUES


def uid(*parts: object) -> str:
    """A valid UID that is a function of its parts (DICOM PS3.5 B.2: 2.25. and a UUID as an integer)."""
    return f"2.25.{uuid5(NAMESPACE_OID, 'spinecho-phantom/' + '/'.join(map(str, parts))).int}"


SCANNERS: tuple[tuple[str, str, float], ...] = (
    ("SIEMENS", "MAGNETOM Aurora", 3.0),
    ("SIEMENS", "MAGNETOM Terrace", 1.5),
    ("GE MEDICAL SYSTEMS", "SIGNA Meridian", 3.0),
    ("GE MEDICAL SYSTEMS", "SIGNA Harbor", 1.5),
    ("Philips Medical Systems", "Ingenia Lumen", 3.0),
    ("Philips", "Achieva Fjord", 1.5),
    ("CANON_MEC", "Vantage Kite", 1.5),
)

_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    # kind: names by console dialect, "{p}" is the plane as that vendor abbreviates it
    "localizer": {"S": ("localizer", "AAHead_Scout"), "G": ("3Plane Loc", "LOC"), "P": ("Survey", "SURVEY_MST"), "C": ("Locator",)},
    "t1": {"S": ("t1_se_{p}", "t1_tse_{p}"), "G": ("{P} T1", "{P} T1 SE"), "P": ("T1W_SE", "{P} T1W SE"), "C": ("{P} T1 SE",)},
    "t2": {"S": ("t2_tse_{p}", "t2_tse_{p}_p2"), "G": ("{P} T2 FSE", "{P} T2"), "P": ("T2W_TSE", "{P} T2W TSE"), "C": ("{P} T2 FSE",)},
    "pd": {"S": ("pd_tse_{p}",), "G": ("{P} PD",), "P": ("PDW_TSE",), "C": ("{P} PD FSE",)},
    "flair": {"S": ("t2_tirm_{p}_dark-fluid", "t2_flair_{p}"), "G": ("{P} T2 FLAIR", "{P} FLAIR"), "P": ("FLAIR_longTR", "{P} FLAIR"), "C": ("{P} FLAIR",)},
    "t2s": {"S": ("t2_fl2d_{p}_hemo", "gre_{p}_t2star"), "G": ("{P} GRE", "{P} T2* GRE"), "P": ("T2W_FFE", "{P} T2* FFE"), "C": ("{P} T2*",)},
    "dwi": {"S": ("ep2d_diff_3scan_trace_p2", "resolve_diff_{p}"), "G": ("{P} DWI", "DWI b1000"), "P": ("DWI_SSh", "dwi_3b1000"), "C": ("{P} DWI",)},
    "adc": {"S": ("ep2d_diff_3scan_trace_p2_ADC", "resolve_diff_{p}_ADC"), "G": ("Apparent Diffusion Coefficient (mm2/s)", "ADC"), "P": ("dADC", "ADC map"), "C": ("ADC",)},
    "mprage": {"S": ("t1_mprage_{p}_p2_iso",), "G": ("{P} 3D T1 BRAVO", "{P} T1 BRAVO"), "P": ("sT1W_3D_TFE",), "C": ("{P} 3D T1 FFE",)},
    "t1c": {"S": ("t1_se_{p}_km", "t1_tse_{p}_post"), "G": ("{P} T1 +C", "{P} T1 POST GAD"), "P": ("T1W_SE_GD", "{P} T1W +C"), "C": ("{P} T1 SE CE",)},
    "mpragec": {"S": ("t1_mprage_{p}_p2_iso_km",), "G": ("{P} 3D BRAVO +C",), "P": ("sT1W_3D_TFE_GD",), "C": ("{P} 3D T1 CE",)},
}  # fmt: skip
_PLANE = {"axial": ("tra", "AX"), "coronal": ("cor", "COR"), "sagittal": ("sag", "SAG")}


@dataclass(frozen=True, slots=True)
class Scan:
    """A wish: what to acquire and in which plane."""

    kind: str
    plane: Plane = "axial"


Choice = np.random.Generator


def _pick(rng: Choice, options: tuple[Scan, ...], count: int) -> tuple[Scan, ...]:
    order = rng.permutation(len(options))[:count]
    return tuple(options[i] for i in sorted(order))


def scans_for(question: str, rng: Choice, *, localizer: bool) -> tuple[Scan, ...]:
    """The protocol for a clinical question: 'stroke', 'mass', 'demyelination', 'bleed' or 'general'."""
    t2, flair, t1, dwi, adc = Scan("t2"), Scan("flair"), Scan("t1"), Scan("dwi"), Scan("adc")
    gre, post = Scan("t2s"), Scan("t1c")
    chosen: tuple[Scan, ...]
    match question:
        case "stroke":
            chosen = (dwi, adc, flair, *_pick(rng, (t2, gre, Scan("t1", "sagittal")), 1))
        case "mass":
            after = (post, Scan("t1c", "coronal")) if rng.random() < 0.35 else (post,)
            chosen = (*_pick(rng, (t2, flair), 1 + int(rng.random() < 0.4)), t1, *after)
            if rng.random() < 0.15:
                chosen = (flair, Scan("mprage", "sagittal"), Scan("mpragec", "sagittal"))
        case "infection":
            chosen = (dwi, adc, flair, t1, post)
        case "demyelination":
            chosen = (t2, Scan("flair"), Scan("flair", "sagittal"))
            chosen = (*chosen, t1, post) if rng.random() < 0.6 else (*chosen, t1)
        case "bleed":
            chosen = (t1, t2, gre, *_pick(rng, (flair, Scan("t2", "coronal")), 1))
        case _:
            extra = (Scan("t1", "sagittal"), dwi, gre, Scan("t2", "coronal"), Scan("mprage", "sagittal"), Scan("pd"))
            chosen = (t2, flair, *_pick(rng, extra, 1 + int(rng.random() < 0.5)))
            if dwi in chosen and rng.random() < 0.6:
                chosen = (*chosen, adc)
    return (Scan("localizer"), *chosen) if localizer else chosen


def _timing(kind: str, rng: Choice, field_t: float) -> dict[str, float]:
    """Timing in ms and degrees, within what departments use at this field."""
    high = field_t > 2

    def near(value: float, spread: float = 0.06) -> float:
        return round(float(value * rng.uniform(1 - spread, 1 + spread)), 1)

    match kind:
        case "localizer":
            return {"tr_ms": near(9), "te_ms": near(4.5), "ti_ms": 0, "flip_deg": 20}
        case "t1" | "t1c":
            return {"tr_ms": near(620 if high else 520), "te_ms": near(10), "ti_ms": 0, "flip_deg": 90}
        case "t2":
            return {"tr_ms": near(4600), "te_ms": near(98), "ti_ms": 0, "flip_deg": 90}
        case "pd":
            return {"tr_ms": near(3200), "te_ms": near(14), "ti_ms": 0, "flip_deg": 90}
        case "flair":
            tr = near(9000)
            null = nulling_ti(tr, TISSUES["csf"].t1[1 if high else 0])
            return {
                "tr_ms": tr,
                "te_ms": near(112),
                "ti_ms": round(null * rng.uniform(0.985, 1.015), 1),
                "flip_deg": 90,
            }
        case "t2s":
            return {"tr_ms": near(720), "te_ms": near(18 if high else 25), "ti_ms": 0, "flip_deg": 20}
        case "dwi" | "adc":
            return {"tr_ms": near(5200), "te_ms": near(80 if high else 92), "ti_ms": 0, "flip_deg": 90}
        case _:
            return {"tr_ms": near(2300), "te_ms": near(3.0), "ti_ms": near(920), "flip_deg": 9}


_SEQUENCE = {
    "localizer": "localizer", "t1": "T1", "t2": "T2", "pd": "PD", "flair": "FLAIR", "t2s": "T2*", "dwi": "DWI",
    "adc": "ADC", "mprage": "T1", "t1c": "T1", "mpragec": "T1",
}  # fmt: skip
_SNR = {
    "localizer": 18,
    "t1": 26,
    "t2": 24,
    "pd": 32,
    "flair": 20,
    "t2s": 26,
    "dwi": 42,
    "adc": 26,
    "mprage": 20,
    "t1c": 26,
    "mpragec": 20,
}


def _geometry(kind: str, plane: Plane, rng: Choice) -> dict[str, float | int]:
    """Matrix, pixel and slices. Rectangular fields of view keep the air (and the archive) small."""
    if kind in ("mprage", "mpragec"):
        iso = float(rng.choice([1.4, 1.5]))
        return {
            "columns": int(232 / iso) // 4 * 4, "rows": int(236 / iso) // 4 * 4, "slices": int(176 / iso) // 2 * 2,
            "pixel_mm": iso, "thickness_mm": iso, "spacing_mm": iso,
        }  # fmt: skip
    if kind == "localizer":
        return {"columns": 128, "rows": 128, "slices": 3, "pixel_mm": 1.95, "thickness_mm": 8.0, "spacing_mm": 12.0}
    thickness = float(rng.choice([4.5, 5.0, 5.0, 5.0, 6.0] if kind not in ("dwi", "adc") else [5.0, 5.0, 6.0]))
    spacing = round(thickness * float(rng.choice([1.1, 1.2, 1.25])), 2)
    if kind in ("dwi", "adc"):
        pixel, columns, rows = 1.8, 112, 128
    else:
        pixel = float(rng.choice([0.9375, 1.0, 1.0938, 1.1719, 1.1719]))
        wide = 224 if plane == "sagittal" else 182
        tall = 226
        columns, rows = int(wide / pixel / 8 + 0.5) * 8, int(tall / pixel / 8 + 0.5) * 8
    coverage = {"axial": 138.0, "coronal": 168.0, "sagittal": 136.0}[plane]
    return {
        "columns": columns, "rows": rows, "slices": round(coverage / spacing), "pixel_mm": pixel,
        "thickness_mm": thickness, "spacing_mm": spacing,
    }  # fmt: skip


def _plain(kind: str, plane: Plane, rng: Choice, *, field_t: float, dialect: str) -> SeriesPlan:
    names = _NAMES[kind][dialect]
    small, large = _PLANE[plane]
    title = names[int(rng.integers(len(names)))].format(p=small, P=large if rng.random() < 0.7 else large.capitalize())
    gradient = kind in ("localizer", "t2s", "mprage", "mpragec")
    volume = kind in ("mprage", "mpragec")
    tilt = rng.normal(0, [3.0, 1.2, 1.2]).clip(-6, 6)
    if plane == "axial":
        tilt[0] += rng.choice([0.0, 6.0, -8.0])  # along the bicommissural line, or the orbits and meatus
    still = volume or kind == "localizer" or rng.random() < 0.2
    return SeriesPlan(
        series_uid="", number=0, part=0, description=title,
        sequence=_SEQUENCE[kind], plane=plane, dimensions="3D" if volume else "2D",  # type: ignore[arg-type]
        **_geometry(kind, plane, rng),  # type: ignore[arg-type]
        tilt_deg=(0.0, 0.0, 0.0) if still else (float(tilt[0]), float(tilt[1]), float(tilt[2])),
        **_timing(kind, rng, field_t),  # type: ignore[arg-type]
        b_value=None, contrast=kind in ("t1c", "mpragec"), fat_suppressed=kind == "dwi" or (kind == "t1c" and rng.random() < 0.25),
        echo="GR" if gradient else "SE", echo_train={"t2": 15, "flair": 18, "pd": 7}.get(kind, 1),
        snr=float(_SNR[kind] * (1.0 if field_t > 2 else 0.72) * rng.uniform(0.8, 1.3)),
        shading=float(rng.uniform(0.04, 0.10) * (1.5 if field_t > 2 else 1.0)), storage="single", syntax="explicit",
    )  # fmt: skip


def acquire(
    scans: tuple[Scan, ...], rng: Choice, *, study_uid: str, vendor: str, field_t: float, storage: str, syntax: str
) -> tuple[SeriesPlan, ...]:
    """The plans of a whole study, numbered in the order of acquisition."""
    dialect = {"S": "S", "G": "G", "P": "P"}.get(vendor[0], "C")
    found: list[SeriesPlan] = []
    diffusion: SeriesPlan | None = None
    like: dict[tuple[str, str], SeriesPlan] = {}
    for order, scan in enumerate(scans, 1):
        plan = _plain(scan.kind, scan.plane, rng, field_t=field_t, dialect=dialect)
        number = order if dialect != "P" else 100 * order + 1
        plan = replace(plan, number=number, series_uid=uid(study_uid, number))
        if storage == "enhanced":
            plan = replace(plan, storage="enhanced")
        plan = replace(plan, syntax="jpeg2000" if plan.dimensions == "3D" else syntax)  # type: ignore[arg-type]
        match scan.kind:
            case "localizer":
                plan = replace(plan, storage="single", syntax="explicit")
                planes: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
                found += [replace(plan, plane=p, part=k) for k, p in enumerate(planes)]
            case "dwi":
                diffusion = plan
                found += [replace(plan, b_value=b, part=k) for k, b in enumerate((0.0, 1000.0))]
            case "adc":
                source = diffusion or plan
                found.append(
                    replace(source, number=number, series_uid=plan.series_uid, description=plan.description,
                            sequence="ADC", b_value=None, fat_suppressed=False, snr=plan.snr)
                )  # fmt: skip
            case "t1c" if ("t1", scan.plane) in like:
                before = like["t1", scan.plane]  # after contrast exactly as before it
                found.append(
                    replace(before, number=number, series_uid=plan.series_uid, description=plan.description,
                            contrast=True, fat_suppressed=plan.fat_suppressed, syntax=plan.syntax)
                )  # fmt: skip
            case _:
                found.append(plan)
        like[scan.kind, scan.plane] = found[-1]
    return tuple(found)
