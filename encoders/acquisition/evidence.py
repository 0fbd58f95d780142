"""What a reader knows about a volume, gathered in one value for the acquisition rules; and values that DICOM codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from spinecho.encoders.acquisition.facts import Component, Plane, Sequence

_NO_DATE = re.compile(r"(\d{4})[-./ ]?(\d{2})[-./ ]?(\d{2})")
_AGE = re.compile(r"(\d{1,3})\s*([DWMY]?)")
_B_OF_SEQUENCE = re.compile(r"\*?(?:ep|re|ez)_b(\d{1,5})(?:t|#\d+)?")
"""Siemens, where the private header is gone: *ep_b1000#3. Maps inherit the name from one of their sources."""
_COMPONENTS: dict[str, Component] = {
    **dict.fromkeys(("M", "MAGNITUDE", "M_FFE", "M_SE", "M_IR", "M_TSE"), "magnitude"),
    **dict.fromkeys(("P", "PHASE", "PHASE MAP", "P_FFE", "P_SE"), "phase"),
    **dict.fromkeys(("R", "REAL", "R_FFE", "R_IR", "R_SE", "REAL_PART"), "real"),
    **dict.fromkeys(("I", "IMAGINARY", "I_FFE", "I_SE"), "imaginary"),
}
_GE_PARTS: dict[int, Component] = {1: "phase", 2: "real", 3: "imaginary"}
"""GE writes 0 into every image, also of other kinds."""
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the rules may look at. Texts are as written; codes are upper case."""

    series_text: str = ""
    """Series description."""
    protocol: str = ""
    study_text: str = ""
    file_text: str = ""
    """Words of folder and file names, the nearest last, between bars: weak evidence, used for NIfTI only."""
    suffix_sequence: Sequence = "unknown"
    """What the BIDS suffix of a file declares (`_T1w`, `_Chimap`)."""
    is_computed: bool = False
    """Names, header or sidecar of a NIfTI file say that it was computed from scans."""
    body_part: str = ""
    anatomy: str = ""
    coil: str = ""
    agent: str = ""
    image_type: tuple[str, ...] = ()
    scanning_sequence: frozenset[str] = frozenset()
    variant: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    sequence_name: str = ""
    contrast_kind: str = ""
    """Acquisition Contrast of an enhanced object."""
    suppression: str = ""
    acquisition_type: str = ""
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    flip_deg: float | None = None
    echo_train: float | None = None
    b_value: float | None = None
    field: float | None = None
    manufacturer: str = ""
    model: str = ""
    plane: Plane = "unknown"
    nearest_plane: Plane = "unknown"
    """The plane that an oblique one is tilted from; unknown where it is tilted alike from two."""
    spacing_mm: tuple[float, float, float] | None = None
    is_three_plane: bool = False
    """The series holds a few slices in each of the three planes."""
    is_capture: bool = False
    """A secondary capture: a screenshot or another picture made outside the scanner."""
    laterality: str = ""
    """L, R or B."""
    component: Component | None = None
    n_echoes: int = 1
    """How many echo times the series has, at least."""


def component_of(facts: dict[str, Any]) -> Component | None:
    """Magnitude, phase, real or imaginary, as the object declares it; None where it does not."""
    declared = _COMPONENTS.get(facts.get("complex", "")) or _GE_PARTS.get(facts.get("ge_part", -1))
    if declared is not None:
        return declared
    return next(
        (_COMPONENTS[code] for code in facts.get("image_type", "").split("\\")[2:] if code in _COMPONENTS), None
    )


def b_value(facts: dict[str, Any]) -> float | None:
    """s/mm2, public element first; GE adds 10^9 to mark its own kind of b-value."""
    value = facts.get("b")
    if value is None and facts.get("ge_b"):
        value = facts["ge_b"][0]
        if value == 0:  # GE writes 0 into everything
            return None
    if value is None and facts.get("comment_b"):
        value = facts["comment_b"][0]
    if value is None and facts.get("image_type", "").startswith("ORIGINAL"):
        named = _B_OF_SEQUENCE.fullmatch(facts.get("sequence_name", ""))
        value = float(named[1]) if named else None
    if value is None:
        return None
    value = value % 1e6 if value >= 1e6 else value
    return float(value) if 0 <= value <= 50_000 else None


def iso_date(text: str) -> str | None:
    """DICOM DA to yyyy-mm-dd; None where it is no date."""
    match = _NO_DATE.match(text)
    if match is None:
        return None
    try:
        found = date(*map(int, match.groups()))
    except ValueError:  # 20240230
        return None
    return found.isoformat() if found.year > 1900 else None


def age_in_years(text: str) -> float | None:
    """DICOM AS ('067Y', '018M') or plain years; None where it is no age or 000Y, which means 'removed'.

    A newborn of '000D' is 0 years old, as one of '000W' and '000M' is: only a year is what tools write for nothing.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    number, unit = match.groups()
    years = int(number) * _YEARS[unit]
    return round(years, 3) if 0 < years < 130 or (years == 0 and unit not in ("", "Y")) else None


def keep_age(facts: dict[str, Any]) -> None:
    """Take the birth date out of the facts, and where no age is given leave the age at the examination instead."""
    written = facts.pop("birth_date", "")
    if not written or age_in_years(facts.get("age", "")) is not None:
        return
    born = iso_date(written)
    seen = iso_date(facts.get("study_date", "")) or iso_date(facts.get("series_date", ""))
    if born is None or seen is None:
        return
    first, last = date.fromisoformat(born), date.fromisoformat(seen)
    days = (last - first).days
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    if days >= 0 and months < 12 * 130:
        facts["age"] = f"{days:03d}D" if months < 2 else f"{months:03d}M" if months < 24 else f"{months // 12:03d}Y"
