"""What a report says of itself beside its keys: status, date, version, and which exam it is of.

The words are those of RIS exports, of HL7's result status (table 0085) and of FHIR's DiagnosticReport.status.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

Status = Literal["preliminary", "final", "corrected", "addendum", "cancelled", ""]

_STATUSES: tuple[tuple[Status, str], ...] = (
    (
        "cancelled",
        r"cancell?ed|retracted|withdrawn|voided|void|deleted|entered[ _-]?in[ _-]?error|invalid(?:ated)?|storniert"
        r"|annul[ée]e?|anulad[oa]",
    ),
    (
        "corrected",
        r"correct(?:ed|ion)|amend(?:ed|ment)|revis(?:ed|ion)|modified|updated|rectified|re-?issued|replacement"
        r"|korrigiert\w*|korrektur"
        r"|corrig[ée]e?|rectifi[ée]e?|corregid[oa]|rectificad[oa]",
    ),
    ("addendum", r"add?end(?:um|a|ums|ed)|appended|supplement(?:al|ary)?|nachtrag|ergänzung"),
    (
        "preliminary",
        r"prelim(?:inary)?|provisional|interim|draft|partial|unsigned|unverified|unapproved|pending|registered"
        r"|dictated|transcribed|in[ _-]?progress|wet[ _-]?read|not[ _-]?(?:verified|signed|final)|vorläufig\w*|entwurf"
        r"|provisoire|préliminaire|preliminar",
    ),
    (
        "final",
        r"final(?:i[sz]ed)?|signed(?:[ _-]?off)?|verified|approved|completed?|authenticated|validated|released"
        r"|finished|endgültig\w*|vidiert|freigegeben|définiti\w+|validée?|definitiv[oa]|validad[oa]|firmad[oa]",
    ),
)
_WORDS = tuple((status, re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)) for status, words in _STATUSES)
_LETTERS: dict[str, Status] = {
    "p": "preliminary", "i": "preliminary", "s": "preliminary", "r": "preliminary", "f": "final", "c": "corrected",
    "a": "addendum", "x": "cancelled", "d": "cancelled",
}  # fmt: skip


def read_status(value: str) -> Status:
    """The status that a field names, '' for none: "Final (amended)" is corrected, "F" is final."""
    plain = value.strip().casefold()
    if plain in _LETTERS:
        return _LETTERS[plain]
    return next((status for status, words in _WORDS if words.search(plain.replace("_", " "))), "")


_KIND = (
    r"(?:(?:radiology|radiological|radiologic|imaging|diagnostic|mri?|mr|the|signed|attending|resident)[ \t]+){0,3}"
    r"(?:report|version|result|interpretation|impression|read(?:ing)?|copy|befund(?:bericht)?|study)"
)
_DECORATION = r"[\s*#=_<>\[\](){}|~.!:–—-]*"
_MARKS = tuple(
    (
        status,
        re.compile(
            rf"^{_DECORATION}(?:(?:this[ \t]+is[ \t]+)?an?[ \t]+)?(?:{words})"
            rf"(?:(?:[ \t]+{_KIND})?{_DECORATION}$|[ \t]+{_KIND}\b|[ \t]*(?:\(?[#\d][^:]{{0,40}})?[ \t]*:"
            r"|[ \t]+(?:to|dated|on|from|by|no\.?)\b"
            r"|[ \t]*[-–—][ \t]|[ \t]+#?\d)",
            re.IGNORECASE,
        ),
        re.compile(rf"(?:(?<![\w-])(?:{words})[ \t]+{_KIND}\b|[(\[][ \t]*(?:{words})[ \t]*[)\]])", re.IGNORECASE),
        re.compile(rf"^{_DECORATION}{_KIND}[ \t]*[-–—:(\[]?[ \t]*(?:{words}){_DECORATION}$", re.IGNORECASE),
    )
    for status, words in (
        *_STATUSES[:3],
        ("preliminary", r"prelim(?:inary)?|provisional|interim|draft|unsigned|unverified|wet[ _-]?read|vorläufig\w*"),
        ("final", r"final(?:i[sz]ed)?|signed|verified|endgültig\w*"),
    )
)
_REPLACES = re.compile(
    r"this (?:report|version|document) (?:replaces|supersedes|corrects|amends)(?! (?:the |a |any )?prelim)",
    re.IGNORECASE,
)
_SUPERSEDES_DRAFT = re.compile(r"this (?:report|version|document) (?:replaces|supersedes)", re.IGNORECASE)
_OF_THE_TEXT = re.compile(
    r"\W*(?:compar|prior|previous|vergleich|indication|history|reason|clinical|technique|protocol|sequences?\b)", re.I
)
_LONGEST_MARK = 120


def mark_of(line: str) -> Status:
    """The status that a line in a report's head announces: "*** CORRECTED REPORT ***", "ADDENDUM: On review ..."."""
    line = line.strip()
    if _REPLACES.search(line):
        return "corrected"
    if _SUPERSEDES_DRAFT.search(line):
        return "final"
    if _OF_THE_TEXT.match(line):  # "Comparison: preliminary report of 2023" says nothing of this one
        return ""
    title = len(line) <= _LONGEST_MARK and (not line.endswith(".") or len(line.split()) <= 4)
    title = title or line[:10].casefold().startswith("this is a")
    for status, begins, inside, ends in _MARKS:
        if begins.match(line) and (title or status == "addendum" or line[:1].isupper()):
            plain_heading = status in ("corrected", "final", "preliminary") and not title and ":" not in line[:40]
            if not plain_heading:
                return status
        if title and (inside.search(line) or ends.match(line)):
            return status
    return ""


_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%B-%Y", "%d/%b/%Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%d%H%M")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(.*)")
_ZONE = re.compile(r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$")


def read_date(value: str) -> str:
    """A date, or a date and time, as ISO 8601; '' for what is none.

    03/04/2024 may be March or April: it is read only where one of the two is no month, or both are the same.
    """
    plain = " ".join(_ZONE.sub("", value.strip()).replace("T", " ", 1 if value[:4].isdigit() else 0).split())
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
