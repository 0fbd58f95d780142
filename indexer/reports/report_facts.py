"""What a report says of itself beside its keys and its status: date, version, and which exam it is of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from spinecho.encoders.language.laterality import Side

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%B-%Y", "%d/%b/%Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H%M%S")
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%d%H%M")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(.*)")
_OFFSET = r"[+\-−]\d{2}(?::?\d{2})?"
_ZONE = re.compile(
    r"(.*(?:\d:\d\d(?:[.,]\d+)?|[ T]\d{6}|[ap]\.?m|\d{12}(?:\d\d)?(?:\.\d+)?))"
    rf"\s*(Z|(?:UTC|GMT)?{_OFFSET}|UTC|GMT)",
    re.I,
)
"""A time with its zone; what stands behind a date alone is none ("02-01-2024")."""
_ZONE_OF_DAY = re.compile(r"(\d{4}-?\d{2}-?\d{2})\s*(?:Z|[+-]\d{2}:\d{2}|[+-]\d{4})")
_NUMBER = re.compile(r"([0-9]{5,13})(?:[.,][0-9]{1,15})?")
_FIRST_DAY, _LAST_DAY = 25_569, 73_050
"""1970 and 2099, in days as spreadsheets count them."""
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 1_899_999_999
"""1990 and 2030. Days and hours in digits ("2024010214") are larger numbers."""
_FRACTION = re.compile(r"(\d{12}(?:\d\d)?)\.\d+")


def read_date(value: str) -> str:
    """A date, or a date and time, as ISO 8601; '' for what is none. A time with its zone is brought to UTC: `in_utc`.

    One without a zone stays as it is, and so does a date alone. 03/04/2024 may be March or April: it is read only where
    one of the two is no month, or both are the same.
    """
    value = value.strip()
    if (zoned := _ZONE.fullmatch(value)) is not None:
        return _in_utc(_read_local(zoned[1]), zoned[2])
    if (day := _ZONE_OF_DAY.fullmatch(value)) is not None:
        value = day[1]
    return _read_local(value)


def read_date_of_table(value: str) -> str:
    """As `read_date`, of a column that holds dates: these are numbers too where a program wrote them as it keeps them.

    Days since 1899-12-30, as spreadsheets count, and seconds or milliseconds since 1970. Of what zone is not said: they
    are taken as times without one.
    """
    if date := read_date(value):
        return date
    if (number := _NUMBER.fullmatch(value.strip())) is None:
        return ""
    whole, count = int(number[1]), float(number[0].replace(",", "."))
    if _FIRST_DAY <= whole <= _LAST_DAY and len(number[1]) == 5:
        moment = datetime(1899, 12, 30) + timedelta(seconds=round(count * 86_400))
        return moment.isoformat() if count != whole else moment.date().isoformat()
    for unit in (1, 1_000):
        if _FIRST_SECOND <= whole // unit <= _LAST_SECOND:
            return datetime.fromtimestamp(whole // unit, UTC).replace(tzinfo=None).isoformat()
    return ""


def _in_utc(local: str, zone: str) -> str:
    """A local time, '' or ISO 8601, in UTC; '' where there is no such zone."""
    plain = zone.upper().replace("−", "-").removeprefix("UTC").removeprefix("GMT").removeprefix("Z").replace(":", "")
    if not local or not plain:
        return f"{local}Z" if local else ""
    hours, minutes = int(plain[1:3]), int(plain[3:5] or 0)
    if hours > 14 or minutes > 59:
        return ""
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if plain[0] == "-" else 1)
    moment = datetime.fromisoformat(local).replace(tzinfo=timezone(offset))
    return in_utc(moment)


def in_utc(moment: datetime) -> str:
    """A moment whose zone is known, as it is kept: ISO 8601 in UTC, with a Z, which times of an unknown zone have not.

    Raises OverflowError at the ends of the calendar.
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _read_local(value: str) -> str:
    value = fraction[1] if (fraction := _FRACTION.fullmatch(value)) else value
    plain = " ".join(value.replace("T", " ", 1 if value[:4].isdigit() else 0).split())
    if len(plain) > 40 or not any(char.isdigit() for char in plain):
        return ""
    if (slashed := _SLASHES.fullmatch(plain)) is not None:
        one, two, year, rest = int(slashed[1]), int(slashed[2]), slashed[3], slashed[4]
        if one > 12 or one == two:
            one, two = two, one
        elif two <= 12:
            return ""
        plain = f"{year}-{one:02d}-{two:02d}{rest}"
    for form in _COMPACT:
        if len(plain) == len(datetime(2000, 1, 1).strftime(form)) and (found := _parsed(plain, form)):
            return found.isoformat(timespec="seconds")
    for day in _DATES:
        if day == "%Y%m%d" and re.match(r"\d{8}(?!\d)", plain) is None:  # 202411 is no day
            continue
        for time in _TIMES:
            if found := _parsed(plain, day + time):
                return found.isoformat(timespec="seconds") if time else found.date().isoformat()
    return ""


def _parsed(value: str, form: str) -> datetime | None:
    try:
        found = datetime.strptime(value, form)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2200 else None


def read_version(value: str) -> int | None:
    """The number in "2", "v2", "Version 2", "Rev. 3"; None for what holds none or several."""
    found = re.fullmatch(r"\s*(?:v|ver|version|rev|revision)?[\s.:#_-]*(\d{1,6})(?:\.0+)?\s*", value, re.IGNORECASE)
    return int(found[1]) if found else None


_PARTS: tuple[tuple[str, str], ...] = (
    ("head", "brain|head|skull|cranial|cranium|neuro|cerebr\\w*|intracranial|schädel|kopf|hirn|gehirn|cerebral"),
    ("neck", "neck|soft tissue neck|larynx|hals"),
    ("cervical", "cervical|c[ -]?spine|hws"),
    ("thoracic", "thoracic|t[ -]?spine|dorsal spine|bws"),
    ("lumbar", "lumbar|lumbosacral|l[ -]?spine|ls[ -]?spine|lws"),
    ("spine", "spine|spinal|whole spine|wirbelsäule"),
    ("pituitary", "pituitary|sella|hypophyse"),
    ("orbit", "orbits?|orbita"),
    ("ear", "iacs?|internal auditory|temporal bones?|felsenbein"),
    ("chest", "chest|thorax|lungs?"),
    ("heart", "heart|cardiac|herz"),
    ("breast", "breasts?|mamma|brust"),
    ("abdomen", "abdomen|abdominal|liver|mrcp|pancreas|kidneys?|renal|leber|oberbauch"),
    ("pelvis", "pelvis|pelvic|prostate|uterus|rectum|becken|prostata"),
    ("shoulder", "shoulder|schulter"),
    ("elbow", "elbow|ellenbogen"),
    ("wrist", "wrist|handgelenk"),
    ("hand", "hand|finger"),
    ("hip", "hips?|hüfte"),
    ("knee", "knees?|knie"),
    ("ankle", "ankle|sprunggelenk"),
    ("foot", "foot|feet|fuß"),
    ("thigh", "thigh|femur|oberschenkel"),
    ("leg", "lower leg|tibia|calf|unterschenkel"),
)
_PART_OF = tuple((name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _PARTS)
_SIDES = (
    ("left", re.compile(r"\b(?:left|lt|links?)\b", re.I)),
    ("right", re.compile(r"\b(?:right|rt|rechts?)\b", re.I)),
)
_PAIRED = frozenset(("breast", "shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "foot", "thigh", "leg"))


def exam_key(title: str) -> str:
    """The body parts that the title of an exam names, in one order; '' where it names none.

    "MRI BRAIN W/WO CONTRAST" and "MR Head" are one exam, "MRI left knee" and "MRI right knee" are two.
    """
    parts = [name for name, words in _PART_OF if words.search(title.replace("_", " "))]
    if "spine" in parts and {"cervical", "thoracic", "lumbar"} & set(parts):
        parts.remove("spine")
    if _PAIRED & set(parts):
        sides = [name for name, words in _SIDES if words.search(title)]
        parts += sides if len(sides) == 1 else []
    return " ".join(parts)


def side_of(exam: str) -> frozenset[Side]:
    """The side that a key of `exam_key` ends with; empty where it names none."""
    return _SIDE_OF.get(exam.rpartition(" ")[2], frozenset())


_SIDE_OF: dict[str, frozenset[Side]] = {"left": frozenset(("left",)), "right": frozenset(("right",))}


_OF_A_TITLE = re.compile(
    r"\b(?:mri?|magnetic|resonance|imaging|radiology|radiological|department|hospital|clinic|institute|of|the|and|und|with"
    r"|without|mit|ohne|wo?|contrast|kontrastmittel|km|reports?|exam(?:ination)?|study|scan|protocol|befund)\b",
    re.IGNORECASE,
)


def is_exam_title(line: str) -> bool:
    """Whether a line holds nothing but the title of a report or an exam: "MRI BRAIN W/WO CONTRAST"."""
    if not (_OF_A_TITLE.search(line) and len(line) < 100):
        return False
    for words in (*(words for _, words in _PART_OF), *(words for _, words in _SIDES), _OF_A_TITLE):
        line = words.sub(" ", line)
    return not any(map(str.isalnum, line))
