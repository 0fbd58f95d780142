"""What a search asks for: parameters of QIDO-RS (PS3.18, 8.3.4) as a `Match`. What cannot be matched is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from spinecho.search.access.objects import Match

_STUDY: Mapping[str, str] = {
    "StudyInstanceUID": "0020000D", "PatientID": "00100020", "AccessionNumber": "00080050", "StudyDate": "00080020",
    "ModalitiesInStudy": "00080061", "StudyDescription": "00081030",
}  # fmt: skip
_SERIES: Mapping[str, str] = {"SeriesInstanceUID": "0020000E", "SeriesNumber": "00200011", "Modality": "00080060"}
_INSTANCE: Mapping[str, str] = {"SOPInstanceUID": "00080018"}
_OTHERS = frozenset(("limit", "offset", "fuzzymatching", "includefield", "accept"))
_UID = re.compile(r"[0-9.]{1,64}")
_MOST_UIDS = 200
_MOST_TEXT = 64
_DAY = r"([0-9]{8})"
_DATES = re.compile(rf"{_DAY}|{_DAY}-{_DAY}?|-{_DAY}")


@dataclass(frozen=True, slots=True)
class Asked:
    """series, instances: UIDs, () for all; number: of the series."""

    match: Match
    series: tuple[str, ...] = ()
    number: int | None = None
    instances: tuple[str, ...] = ()


def read_matching(given: QueryParams, level: str, *, study: str = "", series: str = "") -> Asked:
    """level: study, series or instance. study, series: those of the address. Raises 400."""
    known = dict(_STUDY)
    known |= _SERIES if level != "study" else {}
    known |= _INSTANCE if level == "instance" else {}
    by_tag = {tag: name for name, tag in known.items()}
    values: dict[str, list[str]] = {}
    for key, value in given.multi_items():
        if key in _OTHERS:
            continue
        name = key if key in known else by_tag.get(key.upper())
        if name is None:
            raise HTTPException(400, f"one of these attributes cannot be matched here; {', '.join(known)} can")
        values.setdefault(name, []).append(value)
    if given.get("fuzzymatching", "false").lower() != "false":
        raise HTTPException(400, "names of patients are not stored, so nothing is matched fuzzily; leave it out")
    studies = _uids(values.get("StudyInstanceUID", []))
    wanted = _uids(values.get("SeriesInstanceUID", []))
    instances = _uids(values.get("SOPInstanceUID", []))
    away = (study and studies and study not in studies) or (series and wanted and series not in wanted)
    match = Match(
        study_uids=(study,) if study else studies,
        patient_id=_text(values, "PatientID"),
        accession_number=_text(values, "AccessionNumber"),
        description=_text(values, "StudyDescription"),
        dates=_dates(_one(values, "StudyDate")),
        nothing=bool(away) or not all(_is_mr(values.get(name, [])) for name in ("ModalitiesInStudy", "Modality")),
    )
    return Asked(match, (series,) if series else wanted, _number(_one(values, "SeriesNumber")), instances)


def _uids(values: list[str]) -> tuple[str, ...]:
    found = tuple(one for value in values for one in re.split(r"[,\\]", value) if one)
    if len(found) > _MOST_UIDS or not all(_UID.fullmatch(one) for one in found):
        raise HTTPException(400, f"UIDs are digits and dots, at most {_MOST_UIDS}, with commas between; no * and ?")
    return found


def _one(values: Mapping[str, list[str]], name: str) -> str:
    """The value of what takes one; of a condition that is given twice neither may be left out."""
    found = [*dict.fromkeys(one for one in values.get(name, []) if one)]
    if len(found) > 1:
        raise HTTPException(400, f"{name} is given more than once; give one value, and * and ? or a range for several")
    return found[0] if found else ""


def _text(values: Mapping[str, list[str]], name: str) -> str:
    text = _one(values, name)
    if len(text) > _MOST_TEXT or "\0" in text:
        raise HTTPException(400, f"{name} has at most {_MOST_TEXT} characters")
    return "" if set(text) == {"*"} else text


def _dates(text: str) -> tuple[date | None, date | None]:
    if not text:
        return None, None
    found = _DATES.fullmatch(text)
    if found is None:
        raise HTTPException(400, "StudyDate is 20230131, 20230101-20230131, 20230101- or -20230131")
    day, first, last, until = found.groups()
    try:
        return _day(day or first), _day(day or last or until)
    except ValueError:
        raise HTTPException(400, "StudyDate names a day that is none") from None


def _day(text: str | None) -> date | None:
    return datetime.strptime(text, "%Y%m%d").date() if text else None


def _is_mr(values: list[str]) -> bool:
    asked = [one for value in values for one in re.split(r"[,\\]", value) if one]
    return not asked or any(fits(one.upper(), "MR") for one in asked)


def fits(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern with `*` and `?` (PS3.4, C.2.2.2.4) stands for."""
    marks = {"*": ".*", "?": "."}
    written = "".join(marks.get(one) or re.escape(one) for one in re.sub(r"\*+", "*", pattern))
    return re.fullmatch(written, text) is not None


def _number(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise HTTPException(400, "SeriesNumber is a whole number")
    return int(text)
