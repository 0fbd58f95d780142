"""Values that are known to name somebody, as a pattern that finds them again in any text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise

NAME, DAY, NUMBER, PLACE, PHONE = "name", "day", "number", "place", "phone"
_PARTS = re.compile(r"[\^=\\,;/()\s]+")
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_LINES = re.compile(r"[\^\\,;\r\n]+")
_TITLES = frozenset(
    """
    dr med prof mr mrs ms miss herr herrn frau monsieur madame mme sr sra von van der den de del la le di da du of phd
    md msc dipl ing jr iii junior senior und and et unknown anonymous anonymized anon removed none test patient name
    """.split()  # noqa: SIM905  (forty words in a list read worse)
)
"""Parts of a name that are in any text."""
_SMALL = frozenset(
    """
    no not none nor without with may on in to an as at by if is it or do be all any one left right mid low high mild new
    old given seen negative positive normal known kein keine keinen keiner nicht ohne mit im am ist links rechts neu pas
    sans avec est un une les sin con es una
    """.split()  # noqa: SIM905
)
"""Parts of a name that a report cannot be read without: who is called so is named by a capital within a sentence."""
_WORDS = frozenset(
    """
    white black brown green gray grey young long short small little large hill field stone wood baker cook head hand
    foot bone back neck brain heart hart bell page still best english french close sharp bright dark major minor
    """.split()  # noqa: SIM905
)
"""Parts of a name that are other words too where they are written small, or before what is called after somebody."""
_OF_ANY_REPORT = _SMALL | _WORDS
_CALLED = (
    r"(?!(?:['’]?s)?[\s-](?:cysts?|sachs|matter|substance|lesions?|disease|syndrome|pals(?:y|ies)|fractures?|deformit(?:y|ies)"
    r"|tumou?rs?|canal|nod(?:es?|ules?)|signs?|bands?|ligaments?|segments?|axis|heads?|bones?|tendons?|of the)(?!\w))"
)
_LEAST = {NAME: 2, NUMBER: 3, PLACE: 4, PHONE: 5}
_DIGITS_OF_A_NUMBER = re.compile(r"(?<![\d.])\d{6,}(?![\d.])")
"""QX778899 is 778899 to who types it; the parts of a UID are nobody's."""
_DIGITS = 4
"""A number of fewer digits and nothing else is a size, a level or a count of any report."""


@dataclass(frozen=True)
class Known:
    """(kind, value) of what names a person: the patient, those around, the house. Equal values are one."""

    values: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    def joined(self, others: Iterable[tuple[str, str]]) -> Known:
        """With more values."""
        return Known(self.values | frozenset(others))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        words = {word for kind, value in self.values for word in _spellings(kind, value)}
        if not words:
            return None
        listed = sorted(words, key=lambda word: (-len(word), word))
        return re.compile("|".join(_bounded(word) for word in listed), re.IGNORECASE)

    def found_in(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        pattern = self._pattern
        return pattern is not None and (pattern.search(text) is not None or pattern.search(_plain(text)) is not None)

    def is_one(self, text: str) -> bool:
        """Whether a text is one of them, and nothing else."""
        pattern = self._pattern
        return pattern is not None and pattern.fullmatch(text) is not None

    def without(self, text: str, put: str) -> str:
        """The text with `put` for each of them."""
        pattern = self._pattern
        if pattern is None:
            return text
        cleaned = pattern.sub(put, text)
        return cleaned if pattern.search(_plain(cleaned)) is None else pattern.sub(put, _plain(cleaned))


def _plain(text: str) -> str:
    """As it is compared where an accent is written in another way, or not at all."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if not unicodedata.combining(char))


def _bounded(word: str) -> str:
    """A word that stands alone; of a long number also a part of what stands together."""
    if word.casefold() in _OF_ANY_REPORT:
        return _as_a_name(word)
    pattern = r"[\s^_.,-]*".join(re.escape(part) for part in word.split()) if " " in word else re.escape(word)
    long_number = len(word) >= 6 and any(char.isdigit() for char in word)
    if long_number:
        return pattern
    start = r"(?<![^\W_])" if word[0].isalnum() else ""
    end = r"(?![^\W_])" if word[-1].isalnum() else ""
    return f"{start}{pattern}{end}"


def _as_a_name(word: str) -> str:
    """Where a word that stands in any report is written as a name."""
    capital = re.escape(word.capitalize())
    if word.casefold() in _SMALL:
        return rf"(?:(?<=\w\s)|(?<=\w,\s)|(?<=[dh]r\.\s))(?-i:{capital})(?![^\W_])"
    return rf"(?<![^\W_])(?-i:{capital}|{re.escape(word.upper())})(?![^\W_]){_CALLED}"


def _spellings(kind: str, value: str) -> set[str]:
    value = value.replace("\0", " ").strip()
    if kind == DAY:
        return set(days_written(value))
    if kind == NUMBER and value.isdigit() and len(value) < _DIGITS:
        return set()
    if kind == PHONE and "@" not in value and sum(map(str.isdigit, value)) < _LEAST[PHONE]:
        return set()
    found: set[str] = set()
    if kind == NAME:
        parts = [part.strip(".'\"") for part in _PARTS.split(value)]
        parts = [part for part in parts if part and part.casefold() not in _TITLES and not part.isdigit()]
        found |= {*parts, *_pairs(parts), *_without_a_blank(parts)}
    elif kind == NUMBER:
        found |= {value, *_DIGITS_OF_A_NUMBER.findall(value)}
    else:
        found |= {value, *(part.strip() for part in _LINES.split(value))}
        if kind == PHONE and len(digits := re.sub(r"\D", "", value)) >= _LEAST[PHONE]:
            found.add(digits)
    wide = any(ord(char) > 0x2E7F for char in value)  # a name of one sign
    least = 1 if wide and kind == NAME else _LEAST[kind]
    found |= {_plain(word) for word in found}
    found |= {_spelled_out(word) for word in found} | {_drawn_together(word) for word in found}
    return {word for word in found if len(word) >= least}


def _without_a_blank(parts: Sequence[str]) -> Iterator[str]:
    """Family and given name as one word, in either order, where both are long enough that no other word is made."""
    for one, other in pairwise(parts):
        if min(len(one), len(other)) >= 3 and len(one) + len(other) >= 8:
            yield from (f"{one}{other}", f"{other}{one}")


def _pairs(parts: Sequence[str]) -> Iterator[str]:
    """Neighbours of which one is a word of any report, in either order: together they are always a name."""
    for one, other in pairwise(parts):
        words = {one.casefold(), other.casefold()}
        if words & _OF_ANY_REPORT and not words <= _SMALL:
            yield from (f"{one} {other}", f"{other} {one}")


_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "æ": "ae"}


def _spelled_out(word: str) -> str:
    """Müller as Mueller: headers often have no umlauts."""
    return "".join(_OUT.get(char, char) for char in unicodedata.normalize("NFC", word))


def _drawn_together(word: str) -> str:
    """Mueller as Müller: reports have them."""
    for umlaut in "äöü":
        word = re.sub(_OUT[umlaut], umlaut, word, flags=re.IGNORECASE)
    return word


def days_written(value: str) -> Iterable[str]:
    """A day as DICOM or a person writes it in the ways in which people write it."""
    if found := _DAY_FIRST.match(value.strip()):  # 04.03.1956, or 03/04/1956, which could be two days
        pairs = {(found[1], found[2]), (found[2], found[1])}
        for number, month in sorted(pairs):
            yield from days_written(f"{found[3]}{int(month):02d}{int(number):02d}")
        return
    digits = re.sub(r"\D", "", value)[:8]
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return
    year, month, number = f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}"
    yield from (f"{year}{month}{number}", f"{number}{month}{year}", f"{month}{number}{year}")
    for mark in "-/.":
        yield f"{year}{mark}{month}{mark}{number}"
        for pair in ((number, month), (f"{day.day}", f"{day.month}")):
            for one, two in (pair, pair[::-1]):
                yield f"{one}{mark}{two}{mark}{year}"
                yield f"{one}{mark}{two}{mark}{year[2:]}"
