"""What is stored of studies, series and objects, as DICOM JSON (PS3.18, F.2). Empty: asked for by the standard, not
kept here, or not for this person.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from spinecho.search.access.objects import ObjectFile, SeriesObjects, StudyObjects

Attributes: TypeAlias = dict[str, dict[str, Any]]


def study_attributes(study: StudyObjects, base: str, *, patients: bool) -> Attributes:
    """Of a study. base: the address under which studies stand; patients: whether IDs are told."""
    found = _of_study(study.card, patients=patients)
    found["00201206"] = _held("IS", study.series)
    found["00201208"] = _held("IS", study.instances)
    found["00081190"] = _held("UR", f"{base}/studies/{study.card.uid}")
    return dict(sorted(found.items()))


def series_attributes(series: SeriesObjects, base: str, *, patients: bool, whole: bool) -> Attributes:
    """Of a series; whole: with what its study is."""
    found = _of_study(series.study, patients=patients) if whole else {}
    found |= {
        "00080056": _held("CS", "ONLINE"),
        "00080060": _held("CS", "MR"),
        "0008103E": _held("LO", series.card.description),
        "0020000D": _held("UI", series.study.uid),
        "0020000E": _held("UI", series.card.uid),
        "00200011": _held("IS", series.card.number),
        "00201209": _held("IS", series.instances),
        "00081190": _held("UR", f"{base}/studies/{series.study.uid}/series/{series.card.uid}"),
    }
    return dict(sorted(found.items()))


def instance_attributes(file: ObjectFile, base: str) -> Attributes:
    """Of an object."""
    place = f"{base}/studies/{file.study_uid}/series/{file.series_uid}/instances/{file.sop_uid}"
    found = {
        "00080018": _held("UI", file.sop_uid),
        "00080056": _held("CS", "ONLINE"),
        "00080060": _held("CS", "MR"),
        "00081190": _held("UR", place),
        "0020000D": _held("UI", file.study_uid),
        "0020000E": _held("UI", file.series_uid),
        "00200013": _held("IS", file.number),
        "00280008": _held("IS", file.frames),
        "00280010": _held("US", file.rows),
        "00280011": _held("US", file.columns),
    }
    return dict(sorted(found.items()))


def _of_study(card: Any, *, patients: bool) -> Attributes:
    return {
        "00080020": _held("DA", card.date and card.date.strftime("%Y%m%d")),
        "00080030": _held("TM", None),
        "00080050": _held("SH", card.accession_number),
        "00080056": _held("CS", "ONLINE"),
        "00080061": _held("CS", "MR"),
        "00080090": _held("PN", None),
        "00081030": _held("LO", card.description),
        "00100010": _held("PN", None),
        "00100020": _held("LO", card.patient_id if patients else None),
        "00100030": _held("DA", None),
        "00100040": _held("CS", card.sex),
        "00101010": _held("AS", _age(card.age_years)),
        "0020000D": _held("UI", card.uid),
        "00200010": _held("SH", None),
    }


def _held(vr: str, value: Any) -> dict[str, Any]:
    return {"vr": vr} if value is None or value == "" else {"vr": vr, "Value": [value]}


def _age(years: float | None) -> str | None:
    """As DICOM writes it, 042Y; of infants in months or days."""
    if years is None or not 0 <= years < 1000:
        return None
    if years >= 2:
        return f"{int(years):03d}Y"
    return f"{round(years * 12):03d}M" if years >= 0.25 else f"{round(years * 365.25):03d}D"
