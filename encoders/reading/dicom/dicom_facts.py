"""What the header of a DICOM file says of its volume, its study and its series."""

from __future__ import annotations

from typing import Any, Literal

from spinecho.encoders.acquisition.evidence import Evidence, age_in_years, b_value, component_of, iso_date
from spinecho.encoders.reading.geometry import Matrix, named_plane, nearest_plane
from spinecho.encoders.reading.headers import Header, SeriesFacts, StudyFacts

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def dicom_evidence(
    facts: dict[str, Any],
    *,
    affine: Matrix,
    spacing_mm: tuple[float, float, float],
    sop_class: str,
    is_three_plane: bool = False,
    n_echoes: int = 1,
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
    normal = affine[:3, 2].tolist()
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
        plane=named_plane(normal) if facts.get("orientation") else "unknown",
        nearest_plane=nearest_plane(normal) if facts.get("orientation") else "unknown",
        spacing_mm=spacing_mm,
        is_three_plane=is_three_plane,
        is_capture=sop_class.startswith(_SECONDARY_CAPTURE),
        laterality=facts.get("laterality", ""),
        component=component_of(facts),
        n_echoes=n_echoes,
    )


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


def _codes(text: str) -> list[str]:
    return [part for part in text.split("\\") if part]


def _positive(value: float | None) -> float | None:
    return float(value) if value is not None and value > 0 else None
