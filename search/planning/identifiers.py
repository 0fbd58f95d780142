"""Identifiers in what was typed: accession numbers, patient IDs, UIDs, dates, recognised by the archive's own values.

A word is an identifier because a study has it, or because it can be nothing else. Among other words it takes three
digits at least, as "T2", "L4" and "A1" are words of the trade; where everything typed is an identifier, less will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from spinecho.db.keys import accession_key, is_uid, patient_key, uid_key
from spinecho.db.queries import identifiers as stored
from spinecho.db.schema.database import Database
from spinecho.search.planning.pattern_parts import MONTH, MONTHS
from spinecho.search.planning.query_plan import Identifier, IdentifierKind
from spinecho.search.planning.spans import Span, Taken

_TOKEN = re.compile(r"[^\s,;|]+")
_EDGES = "()[]{}<>\"'“”„‘’.:!?#="
_LONGEST = 4
"""Words that one identifier may be written in: "RX 00 12 7"."""
_MOST_TOKENS = 4000
_WORD_DIGITS, _NUMBER_DIGITS, _RUN = 3, 5, re.compile(r"\d{6,}")
_KEYWORD = re.compile(
    r"(?<![\w-])(?P<word>"
    r"(?P<accession>acc(?:ession)?(?:[ _]?(?:number|no\.?|nr\.?|id))?)"
    r"|(?P<patient>patient[ _-]?(?:id|number|no\.?)|pat[- ]?id|mrn)"
    r"|(?P<uid>(?:study|series)?[ _]?(?:instance)?[ _]?uid))(?![\w-])\s{0,3}[:=#]{0,2}\s{0,3}(?=[\w-]{0,40}\d)",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r"b\d+|(?:te|tr|ti)\d+|\d+(?:\.\d+)?(?:mm|cm|ms|s|ml|t|hz|mhz|kg|mg|d|w|m|y|yo)|(?:19|20)\d\d|\d+[.,]\d+|c?o?vid\d+",
    re.IGNORECASE,
)
"""What has digits and is no number of an exam: a b-value, a time, a size, a year, a decimal."""
_UNIT_WORDS = "mm cm ms s ml t tesla hz khz mhz kg g mg hu cc days weeks months years % percent slices"
_UNITS = frozenset(_UNIT_WORDS.split())
_DATES = tuple(
    re.compile(rf"(?<![\w./-]){pattern}(?![\w/-]|\.\d)", re.IGNORECASE)
    for pattern in (
        r"(?P<y>(?:19|20|21)\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)",
        r"(?P<y>(?:19|20|21)\d\d)[./](?P<m>\d\d?)[./](?P<d>\d\d?)",
        r"(?P<a>\d\d?)(?P<sign>[./-])(?P<b>\d\d?)(?P=sign)(?P<y>(?:19|20|21)\d\d)",
        r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)",
        rf"(?P<d>\d\d?)(?:st|nd|rd|th)?\.?\s(?:of\s)?{MONTH},?\s(?P<y>(?:19|20|21)\d\d)",
        rf"{MONTH}\s(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s(?P<y>(?:19|20|21)\d\d)",
    )
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word as typed; start: where the keyword before it begins, if there is one."""

    text: str
    start: int
    stop: int
    announced: IdentifierKind | None
    joined: bool
    """Nothing but blanks lies between it and the word before it."""


def identifiers_in(
    text: str, database: Database, *, patients: bool, shapes: frozenset[str], without: Sequence[Span] = ()
) -> tuple[tuple[Identifier, ...], bool]:
    """(what of the text names studies, or would if a study had it, in the order typed; whether nothing else was typed).

    patients: whether patient IDs are looked up at all; where they are not, the answer tells nothing of them. shapes: of
    the archive's accession numbers. without: what was understood as something else.
    """
    if not any(char.isdigit() for char in text):
        return (), False
    other = Taken(len(text), without)
    days = [(span, some) for span, some in dates_in(text) if not other.meets(span)]
    tokens = _tokens(text, other)
    if not days and not _may_name(tokens):
        return (), False  # nearly every query: the database is not asked
    known = _Known(database, tokens, [day for _, some in days for day in some], patients=patients)
    found: list[Identifier] = []
    at = 0
    while at < len(tokens):
        one, used = known.at(at)
        if one is not None:
            found.append(one)
        at += used
    covered = Taken(len(text), [(one.start, one.stop) for one in found])
    for span, some in days:
        if not covered.meets(span):
            studies = tuple(study for day in some for study in known.days.get(day, ()))
            found.append(Identifier("date", text[slice(*span)], *span, studies))
            covered.take(span)
    rest = [one for one in tokens if not covered.meets((one.start, one.stop))]
    only = len(rest) == len(tokens) == 1
    strange = [one for one in rest if _could_be(one, text, shapes, alone=only, listed=bool(found))]
    alone = len(strange) == len(rest) and not _words_left(text, tokens, found, other)
    if not alone:
        found = [one for one in found if _stands_among_words(one, tokens)]
        strange = [one for one in rest if _could_be(one, text, shapes, alone=False, listed=False)]
    found += [Identifier(_kind_of(one), one.text, one.start, one.stop) for one in strange]
    return tuple(sorted(found, key=lambda one: one.start)), alone and bool(found)


def dates_in(text: str) -> list[tuple[Span, tuple[date, ...]]]:
    """Whole dates with the days that they may mean: 03/04/2022 is a day in April and one in March."""
    found: list[tuple[Span, tuple[date, ...]]] = []
    taken = Taken(len(text))
    for pattern in _DATES:
        for match in pattern.finditer(text):
            days = _days(match.groupdict())
            if days and not taken.meets(match.span()):
                found.append((match.span(), days))
                taken.take(match.span())
    return sorted(found)


def _days(groups: dict[str, str | None]) -> tuple[date, ...]:
    year = int(groups["y"] or 0)
    if groups.get("a") is not None:
        first, second = int(groups["a"] or 0), int(groups["b"] or 0)
        pairs = [(second, first), (first, second)]  # the day first, unless there is no such day
    elif groups.get("month"):
        pairs = [(1 + MONTHS.index(str(groups["month"]).lower()), int(groups["d"] or 0))]
    else:
        pairs = [(int(groups["m"] or 0), int(groups["d"] or 0))]
    found = []
    for month, day in pairs:
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))


def _tokens(text: str, without: Taken) -> list[_Token]:
    announced: dict[int, tuple[int, IdentifierKind]] = {}
    keywords = Taken(len(text))
    for match in _KEYWORD.finditer(text):
        kind: IdentifierKind = "study UID"
        if not match["uid"]:
            kind = "accession number" if match["accession"] else "patient ID"
        announced[match.end()] = (match.start(), kind)
        keywords.take(match.span())
    words: list[_Token] = []
    for match in _TOKEN.finditer(text):
        start, stop = match.span()
        begin = next((place for place in range(start, stop) if place in announced), start) if announced else start
        first, introduced = announced.get(begin, (begin, None))
        begin += len(text[begin:stop]) - len(text[begin:stop].lstrip(_EDGES))
        stop = begin + len(text[begin:stop].rstrip(_EDGES))
        if begin >= stop or without.meets((begin, stop)) or text[begin] in "-−":
            continue
        if introduced is None:
            if keywords.meets((begin, stop)):
                continue
            first = begin
        joined = bool(words) and introduced is None and not text[words[-1].stop : begin].strip()
        words.append(_Token(text[begin:stop], first, stop, introduced, joined))
        if len(words) >= _MOST_TOKENS:
            break
    return words


def _may_name(tokens: Sequence[_Token]) -> bool:
    """Whether some word could be an identifier among others, or all of them together."""
    if len(tokens) <= _LONGEST or all(any(char.isdigit() for char in one.text) for one in tokens):
        return any(any(char.isdigit() for char in one.text) for one in tokens)
    return any(
        one.announced is not None
        or one.text.count(".") >= 2
        or (sum(char.isdigit() for char in one.text) >= _WORD_DIGITS and not _NO_NUMBER.fullmatch(one.text))
        for one in tokens
    )


class _Known:
    """What the archive knows of some words and of several in a row, asked once for all."""

    def __init__(self, database: Database, tokens: Sequence[_Token], days: Iterable[date], *, patients: bool) -> None:
        self._tokens = tokens
        runs = [self._run(at, length) for at in range(len(tokens)) for length in range(1, _LONGEST + 1)]
        with_digits = [run for run in runs if run is not None and any(char.isdigit() for char in run)]
        named = [one.text for one in tokens if one.announced is not None]
        self.accessions = stored.studies_by_accession(database, {accession_key(run) for run in (*with_digits, *named)})
        self.uids = stored.studies_by_uid(database, {uid_key(one.text) for one in tokens if one.text.count(".") >= 2})
        self.persons: dict[str, tuple[int, ...]] = {}
        if patients:
            self.persons = stored.studies_by_patient(database, {patient_key(run) for run in (*with_digits, *named)})
        self.days = stored.studies_by_date(database, set(days))

    def _run(self, at: int, length: int) -> str | None:
        some = self._tokens[at : at + length]
        if len(some) < length or not all(one.joined for one in some[1:]):
            return None
        return " ".join(one.text for one in some)

    def at(self, at: int) -> tuple[Identifier | None, int]:
        """(the longest identifier that begins with this word, how many words it takes)."""
        token = self._tokens[at]
        if (uid := self.uids.get(uid_key(token.text))) is not None:
            kind: IdentifierKind = "study UID" if uid[0] == "study" else "series UID"
            return Identifier(kind, token.text, token.start, token.stop, uid[1]), 1
        for length in range(_LONGEST, 0, -1):
            run = self._run(at, length)
            if run is None or not (token.announced or any(char.isdigit() for char in run)):
                continue
            stop = self._tokens[at + length - 1].stop
            if token.announced != "patient ID" and (studies := self.accessions.get(accession_key(run))):
                return Identifier("accession number", run, token.start, stop, studies), length
            if token.announced != "accession number" and (studies := self.persons.get(patient_key(run))):
                return Identifier("patient ID", run, token.start, stop, studies), length
        return None, 1


def _stands_among_words(one: Identifier, tokens: Sequence[_Token]) -> bool:
    """Whether it is an identifier also where other words stand beside it."""
    if one.kind in ("date", "study UID", "series UID"):
        return True
    introduced = any(token.announced and token.start == one.start for token in tokens)
    return introduced or (
        sum(char.isdigit() for char in one.text) >= _WORD_DIGITS and not _NO_NUMBER.fullmatch(one.text)
    )


def _could_be(one: _Token, text: str, shapes: frozenset[str], *, alone: bool, listed: bool) -> bool:
    """Whether a word that no study has can be nothing but an identifier."""
    if one.announced is not None or is_uid(uid_key(one.text)):
        return True
    if _NO_NUMBER.fullmatch(one.text) or not all(char.isalnum() or char in "-_./" for char in one.text):
        return False
    following = _TOKEN.match(text, one.stop + len(text[one.stop :]) - len(text[one.stop :].lstrip()))
    if following is not None and following.group().strip(_EDGES).casefold() in _UNITS:
        return False
    digits = sum(char.isdigit() for char in one.text)
    shaped = stored.shape_of(accession_key(one.text)) in shapes
    enough = _WORD_DIGITS if alone or listed else _NUMBER_DIGITS
    return (shaped and digits >= enough) or bool(_RUN.search(one.text))


def _kind_of(one: _Token) -> IdentifierKind:
    return one.announced or ("study UID" if is_uid(uid_key(one.text)) else "accession number")


def _words_left(text: str, tokens: Sequence[_Token], found: Sequence[Identifier], other: Taken) -> bool:
    """Whether something that is no token, such as -lesion, or was understood otherwise was typed besides."""
    seen = Taken(len(text), [*((one.start, one.stop) for one in tokens), *((one.start, one.stop) for one in found)])
    return any(
        any(char.isalnum() for char in match.group()) and (other.meets(match.span()) or not seen.meets(match.span()))
        for match in _TOKEN.finditer(text)
    )
