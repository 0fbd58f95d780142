"""What the patterns of facts are made of: where a word begins, and what a match is read as."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from spinecho.db.filters.algebra import Filter

Reading = tuple[Filter, str, bool]
"""(the condition, the condition in words, whether the words can mean nothing else)"""
Read = Callable[[re.Match[str], date], Reading | None]
Pattern = tuple[str, re.Pattern[str], Read]
"""(field, words, what a match of them on some day is)"""

CLINICAL = re.compile(
    r"\b(?:surg\w+|operat\w+|resect\w+|treat\w+|diagnos\w+|known|trauma|injur\w+|accident|radiother\w+|chemo\w*|seizures?"
    r"|symptoms?|stable|unchanged|new|changed?|compar\w+|prior|previous\w*|histor\w+|status post|s/p|follow\w*|fell"
    r"|fall|onset|headaches?|pain|dx|op|post-?op|rtx?|rta|mva|crt|born|birth|biops\w+|transplant\w*|implant\w*"
    r"|stent\w*|clipp\w+|coil\w+|shunt\w*|recur\w+|relaps\w+|remission|vaccin\w+|covid|hx|h/o|symptomatic|cough\w*"
    r"|fever|vomiting|weak\w*|dizz\w+|vertigo|letharg\w+|limp\w*|swelling|numb\w*|aching|ache|worsening"
    r"|progressive\w*|increasing\w*|smok\w+)[^\w,;]+(?:\w+[^\w,;]+){0,3}$",
    re.IGNORECASE,
)
"""What happened to somebody then: "surgery in 2019" asks for no study of 2019."""
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
