"""What the patterns of facts are made of: where a word begins, and what a match is read as."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from spinecho.db.filters.algebra import Filter
from spinecho.encoders.language.clauses.cues import DONE

Reading = tuple[Filter, str, bool]
"""(the condition, the condition in words, whether the words can mean nothing else)"""
Read = Callable[[re.Match[str], date], Reading | None]
Pattern = tuple[str, re.Pattern[str], Read]
"""(field, words, what a match of them on some day is)"""

_CLINICAL = (
    r"surg\w+|operat\w+|resect\w+|treat\w+|diagnos\w+|known|trauma|injur\w+|accident|radiother\w+|chemo\w*|seizures?"
    r"|symptoms?|stable|unchanged|new|changed?|compar\w+|prior|previous\w*|histor\w+|status post|s/p|follow\w*|fell"
    r"|fall|onset|headaches?|pain|dx|op|post-?op|rtx?|rta|mva|crt|born|birth|biops\w+|transplant\w*|implant\w*"
    r"|stent\w*|clipp\w+|coil\w+|shunt\w*|recur\w+|relaps\w+|remission|vaccin\w+|covid|hx|h/o|symptomatic|cough\w*"
    r"|fever|vomiting|weak\w*|dizz\w+|vertigo|letharg\w+|limp\w*|swelling|numb\w*|aching|ache|worsening"
    r"|progressive\w*|increasing\w*|smok\w+"
)
_DONE = (
    rf"{DONE}|concuss\w+|prosthe[st]\w+|pacemakers?|c(?:aes|es|ae)arean|c-section|deliver(?:y|ed)|miscarriage|tace"
    r"|psa rise|rising|elevated"
)
_OF_SCANS = (
    r"(?:scans?|scanned|imag(?:ed|es|ing)|mris?|mr|stud(?:y|ies)|exams?|series|sequences?|volumes?|patients|acquired"
    r"|dated)(?!\w)"
)
CLINICAL = re.compile(rf"\b(?:{_CLINICAL})[^\w,;]+(?:\w+[^\w,;]+){{0,3}}$", re.IGNORECASE)
"""What happened to somebody then: "surgery in 2019" asks for no study of 2019, and "pain over 60" for no age."""
_DONE_THEN = re.compile(rf"\b(?:{_DONE})(?!\w)[^\w,;]+(?:(?!{_OF_SCANS})\w+[^\w,;]+){{0,3}}$", re.IGNORECASE)
_SCANNED = re.compile(_OF_SCANS, re.IGNORECASE)


def happened_then(text: str, start: int) -> bool:
    """Whether what begins at text[start] tells when something happened to somebody, or another examination was made.

    "Laminectomy in 2019" asks for no study of 2019, "laminectomy patients scanned in 2019" does.
    """
    place = max(0, start - 60), start
    if CLINICAL.search(text, *place) is not None:
        return True
    return _SCANNED.match(text, start) is None and _DONE_THEN.search(text, *place) is not None


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?P<month>{'|'.join(MONTHS)})[a-z]{{0,6}}\.?"
"""A month by its name, however it goes on."""
BEGINS = r"(?<!\w)(?:(?<!\w-)|(?<=\bnon-))"
"""Where a word begins: not behind a hyphen, unless that of "non-Siemens"."""


def words(pattern: str, after: str = "") -> re.Pattern[str]:
    """Whole words, in any case."""
    return re.compile(rf"{BEGINS}(?:{pattern})(?!\w){after}", re.IGNORECASE)


def free(pattern: str) -> re.Pattern[str]:
    """What begins a word or a number and says for itself where it ends, in any case."""
    return re.compile(rf"(?:(?<![\w.])|(?<=[A-Za-z])(?=[<>≥≤]))(?:{pattern})", re.IGNORECASE)
