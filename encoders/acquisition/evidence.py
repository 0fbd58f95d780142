"""What a reader knows about a volume, gathered in one value for the acquisition rules; and the facts of its study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from spinecho.encoders.acquisition.facts import Plane, Sequence
from spinecho.encoders.reading.geometry import Matrix, plane_of
from spinecho.encoders.reading.headers import Header, SeriesFacts, StudyFacts

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NO_DATE = re.compile(r"(\d{4})[-.]?(\d{2})[-.]?(\d{2})")
_AGE = re.compile(r"(\d{1,3})\s*([DWMY]?)")
_B_OF_SEQUENCE = re.compile(r"\*?(?:ep|re|ez)_b(\d{1,5})(?:t|#\d+)?")
"""Siemens, where the private header is gone: *ep_b1000#3. Maps inherit the name from one of their sources."""
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
    spacing_mm: tuple[float, float, float] | None = None
    is_three_plane: bool = False
    """The series holds a few slices in each of the three planes."""
    is_capture: bool = False
    """A secondary capture: a screenshot or another picture made outside the scanner."""


def dicom_evidence(
    facts: dict[str, Any],
    *,
    affine: Matrix,
    spacing_mm: tuple[float, float, float],
    sop_class: str,
    is_three_plane: bool = False,
) -> Evidence:
    """The evidence of one DICOM volume from the facts of its middle frame; affine has slices on axis 2."""
    codes = {name: frozenset(_codes(facts.get(name, ""))) for name in ("scanning_sequence", "variant", "options")}
    scanning = set(codes["scanning_sequence"])
    echo = facts.get("echo_kind", "")  # enhanced objects: SPIN, GRADIENT or BOTH, and flags beside it
    scanning |= {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}.get(echo, set())
    if facts.get("epi", "YES" if "EP" in scanning else "NO") == "YES":
        scanning.add("EP")
    if facts.get("inversion") == "YES":
        scanning.add("IR")
    return Evidence(
        series_text=facts.get("series_description", ""),
        protocol=facts.get("protocol", ""),
        study_text=" | ".join(
            text for text in (facts.get(name, "") for name in ("study_description", "requested", "performed")) if text
        ),
        body_part=facts.get("body_part", ""),
        anatomy=facts.get("anatomy", ""),
        coil=facts.get("coil", ""),
        agent=facts.get("agent", ""),
        image_type=tuple(_codes(facts.get("image_type", ""))),
        scanning_sequence=frozenset(scanning),
        variant=codes["variant"],
        options=codes["options"],
        sequence_name=facts.get("sequence_name", ""),
        contrast_kind=facts.get("contrast_kind", ""),
        suppression=facts.get("suppression", ""),
        acquisition_type=facts.get("acquisition_type", ""),
        tr_ms=_positive(facts.get("tr")),
        te_ms=_positive(facts.get("te")),
        ti_ms=_positive(facts.get("ti")),
        flip_deg=_positive(facts.get("flip")),
        echo_train=_positive(facts.get("train")),
        b_value=b_value(facts),
        field=_positive(facts.get("field")),
        manufacturer=facts.get("manufacturer", ""),
        model=facts.get("model", ""),
        plane=plane_of(affine[:3, 2].tolist()) if facts.get("orientation") else "unknown",
        spacing_mm=spacing_mm,
        is_three_plane=is_three_plane,
        is_capture=sop_class.startswith(_SECONDARY_CAPTURE),
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


def study_facts(header: Header) -> StudyFacts:
    """Study-level facts of a DICOM header."""
    facts = header.detail["facts"]
    sex = facts.get("sex", "")
    known: Literal["M", "F", "O"] | None = sex[:1] if sex in ("M", "F", "O", "MALE", "FEMALE", "OTHER") else None
    return StudyFacts(
        uid=header.study_uid,
        accession_number=facts.get("accession", ""),
        patient_id=facts.get("patient_id", ""),
        date=iso_date(facts.get("study_date", "")) or iso_date(facts.get("series_date", "")),
        description=facts.get("study_description") or facts.get("requested") or facts.get("performed") or "",
        sex=known,
        age_years=age_in_years(facts.get("age", "")),
    )


def series_facts(header: Header) -> SeriesFacts:
    """Series-level facts of a DICOM header."""
    facts = header.detail["facts"]
    return SeriesFacts(
        uid=header.series_uid,
        number=facts.get("series_number"),
        description=facts.get("series_description", ""),
        protocol=facts.get("protocol", ""),
    )


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
    """DICOM AS ('067Y', '018M') or plain years; None where it is no age or 000Y, which means 'removed'."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    number, unit = match.groups()
    years = int(number) * _YEARS[unit]
    return round(years, 3) if 0 < years < 130 else None


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


def _codes(text: str) -> list[str]:
    return [part for part in text.split("\\") if part]


def _positive(value: float | None) -> float | None:
    return float(value) if value is not None and value > 0 else None
