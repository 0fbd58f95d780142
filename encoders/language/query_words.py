"""A typed query as plain values: what is wanted, what must not be there, and on which side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from spinecho.encoders.language.clauses.bounds import NOT_A_NEGATION, UNDECIDED
from spinecho.encoders.language.clauses.other_rules import rules_for
from spinecho.encoders.language.laterality import Side, sides
from spinecho.encoders.language.parts.languages import READ
from spinecho.encoders.language.query_denials import (
    CARRIES,
    ELSEWHERE,
    FILLER,
    FILLER_ELSEWHERE,
    NO,
    NOT_ALONE,
    denied_behind,
    is_condition,
    told_to_exclude,
    with_the_side_that_is_meant,
)
from spinecho.errors import QueryError


class EmptyQuery(QueryError):
    """The query holds no word to search for."""


FIELDS: dict[str, str] = {
    "age": "age", "sex": "sex", "sequence": "sequence", "seq": "sequence", "plane": "plane", "region": "body_region",
    "body_region": "body_region", "contrast": "contrast", "side": "side", "technique": "technique", "b": "b_value",
    "b_value": "b_value", "dixon": "dixon", "component": "component", "computed": "computed",
    "field": "field_strength", "field_strength": "field_strength", "tesla": "field_strength", "vendor": "vendor",
    "model": "model", "date": "date", "archive": "archive",
    "accession": "accession_number", "accession_number": "accession_number", "description": "description",
}  # fmt: skip
"""What may stand before a colon, and the field that it means. Any other colon is part of a sentence."""


ChipKind: TypeAlias = Literal["wanted", "unwanted", "phrase", "prefix", "field"]


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`field:value` as typed: the field's own name, the value, and whether a minus stood before it."""

    field: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of a query as it was understood. text[start:stop] is what was typed: without it the part is gone."""

    kind: ChipKind
    text: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class QueryText:
    """`wanted` goes to the encoders, `unwanted` terms are conditions; `sides` are those that `wanted` names.

    phrases: quoted words, to be found as they stand. prefixes: beginnings of words, from `gliom*`. fields: conditions
    on facts. chips: all of it in the order typed.
    """

    wanted: str
    unwanted: tuple[str, ...]
    sides: frozenset[Side]
    phrases: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    chips: tuple[Chip, ...] = ()

    @property
    def absent(self) -> bool:
        """True where the query says only what must not be there ("no haemorrhage")."""
        return not self.wanted


_QUOTED = re.compile(r'["“”„]([^"“”„]*)["“”„]')
_PRIVATE = "\ue000-\uf8ff"
_HIDDEN = re.compile(rf"([{_PRIVATE}])\1*")
"""A quotation, hidden in a run of one private character of the same length."""
_MINUS = re.compile(rf"(?<!\S)[-−](?=[^\W\d_]|[{_PRIVATE}])([{_PRIVATE}]+|[^\s,;]+)")
_FIELD = re.compile(rf"(?<!\S)(?P<minus>[-−]?)(?P<name>[A-Za-z_]+(?:\.[\w-]+)?):(?P<value>[{_PRIVATE}]+|[^\s;]+)")
_STAR = re.compile(r"(?<![\w*])([^\W\d_]{2,})\*(?!\w)")
"""A beginning of words: letters alone, as T2* is a sequence."""
_OR = re.compile(r"\s+(?:or|nor|and|oder|und)\s+|/(?=[^\W\d_]{3})", re.IGNORECASE)
_OR_ELSEWHERE = re.compile(r"\s+(?:or|and|oder|und|noch|ou|ni|et|o|u|y|e)\s+|/(?=[^\W\d_]{3})", re.IGNORECASE)
_LOOSE = re.compile(
    r"^(?:(?:but|and|or|however|although)(?!\w)[\s,]*)+|[\s,]+(?:but|and|or|with|[-−–—])$", re.IGNORECASE
)
_FRAGMENT = re.compile(r"[^,;]+")
_MOST_QUOTES = 1000
_EDGES = " \t\r\n,;.:!?&"


def parse_query(text: str, fields: Mapping[str, str] = FIELDS, *, needs_words: bool = True) -> QueryText:
    """Split a query into its wish and its conditions; raises `EmptyQuery` where there is no word at all.

    "no X", "without X" and "-X" are conditions, "X or Y" after them two; a dash between spaces is only a dash. A
    "quoted phrase" is kept whole and never read as a condition, unless -"so". "no change" and
    "without contrast" deny no finding and stay in the wish. `word*` stands for every word that begins so. `age:40-60`
    and `-sequence:flair,t2` are conditions on facts, for the names in `fields` and for `label.group`; a query of these
    alone wishes for their values. Without `needs_words` it wishes for nothing, and one without a word is no error.
    """
    quotes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        if len(quotes) >= _MOST_QUOTES:
            return " " + match[1] + " "
        quotes.append(match[1].strip())
        return chr(0xE000 + len(quotes) - 1) * len(match.group())

    def show(words: str) -> str:
        whole = _HIDDEN.sub(lambda match: quotes[ord(match[1]) - 0xE000], words)
        return _paired(re.sub(r"\s*([,;])(?:\s*[,;])*", r"\1", " ".join(whole.split())).strip(_EDGES))

    chips: list[Chip] = []

    def chip(kind: ChipKind, words: str, start: int, stop: int) -> str:
        chips.append(Chip(kind, words, start, stop))
        return " " * (stop - start)

    field_terms: list[FieldTerm] = []

    def take_field(match: re.Match[str]) -> str:
        whole = _HIDDEN.sub(lambda quoted: quotes[ord(quoted[1]) - 0xE000], match["value"])
        value = re.sub(r"(?<!\.)\.$", "", whole.rstrip(",")).strip()
        name, value = _field(match["name"].lower(), value, fields)
        if not name or not value:
            return match.group()
        field_terms.append(FieldTerm(name, value, bool(match["minus"])))
        return chip("field", f"{match['minus']}{name}:{value}", *match.span())

    unwanted: list[tuple[int, str]] = []

    def take(match: re.Match[str]) -> str:
        unwanted.append((match.start(), match[1]))
        return chip("unwanted", show(match[1]), *match.span())

    safe = re.sub(rf"[{_PRIVATE}\x00]", " ", text)
    hidden = _MINUS.sub(take, _FIELD.sub(take_field, _QUOTED.sub(hide, safe)))
    prefixes: list[str] = []
    for match in _STAR.finditer(hidden):
        prefixes.append(match[1])
        chip("prefix", match.group(), *match.span())
    hidden = with_the_side_that_is_meant(told_to_exclude(hidden))
    for joint, start, stop, end in denied_behind(_mask(hidden)):
        unwanted.append((start, hidden[start:stop]))
        hidden = hidden[:joint] + chip("unwanted", show(hidden[start:stop]), joint, end) + hidden[end:]
    phrases: list[str] = []
    wanted, at = [], 0
    for match in NO.finditer(_mask(hidden)):
        terms = _denied(match.group(), hidden[match.start("denied") : match.end("denied")])
        if not is_condition(match["opening"], match["denied"]) or not any(_has_word(show(term)) for term in terms):
            continue
        unwanted.extend((match.start(), term) for term in terms)
        chip("unwanted", show(match["denied"]) or show(match.group()), *match.span())
        wanted.append((at, hidden[at : match.start()]))
        at = match.end()
    wanted.append((at, hidden[at:]))
    for start, piece in wanted:
        for match in _HIDDEN.finditer(piece):
            if _has_word(show(match.group())):
                phrases.append(show(match.group()))
                chip("phrase", phrases[-1], start + match.start(), start + match.end())
    for start, stop in _fragments(hidden, chips):
        chip("wanted", _LOOSE.sub("", show(hidden[start:stop])), start, stop)
    starless = _STAR.sub(r"\1", " ".join(piece for _, piece in wanted))
    denied = [show(term) for _, term in sorted(unwanted, key=lambda one: one[0])]
    conditions = tuple(dict.fromkeys(term for term in denied if _has_word(term)))
    wish = _wish(_LOOSE.sub("", show(starless)), conditions, field_terms, needs_words=needs_words)
    if needs_words and not _has_word(wish) and not conditions:
        raise EmptyQuery(
            f"the query {text[:40]!r} holds no word to search for; try 'T2 hyperintense lesion, left temporal lobe, "
            "no enhancement'"
        )
    ordered = tuple(sorted(chips, key=lambda one: one.start))
    return QueryText(wish, conditions, sides(wish), tuple(phrases), tuple(prefixes), tuple(field_terms), ordered)


def _wish(
    words: str, conditions: Sequence[str], field_terms: Sequence[FieldTerm], *, needs_words: bool
) -> str:  # fmt: skip
    """What is wanted: the words, unless they only carry conditions; without any the values of conditions on facts."""
    if conditions and CARRIES.fullmatch(words):
        return ""
    if _has_word(words) or not needs_words:
        return words if _has_word(words) else ""
    return "" if conditions else ", ".join(one.value for one in field_terms if not one.negated)


def _field(name: str, value: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """(field, value) of what stands before and after a colon, '' for no field.

    What a table of subjects says has a name of its own: `label.group:patient`, or `label:group=patient`.
    """
    if name == "label":
        column, _, value = value.partition("=")
        return (f"label.{column.lower()}" if column else ""), value
    return name if name.startswith("label.") else fields.get(name, ""), value


def _denied(condition: str, denied: str) -> list[str]:
    """What a condition denies, one or several, by the small words of its language."""
    if ELSEWHERE.match(condition):
        return [FILLER_ELSEWHERE.sub("", one) for one in _OR_ELSEWHERE.split(FILLER_ELSEWHERE.sub("", denied))]
    return _OR.split(FILLER.sub("", denied))


def _fragments(hidden: str, chips: Sequence[Chip]) -> list[tuple[int, int]]:
    """Where words stand between the chips, comma by comma."""
    rest = list(hidden)
    for one in chips:
        rest[one.start : one.stop] = "," * (one.stop - one.start)
    found = []
    for match in _FRAGMENT.finditer("".join(rest)):
        words = match.group()
        if _has_word(_LOOSE.sub("", " ".join(words.split()).strip(_EDGES))):
            found.append((match.start() + len(words) - len(words.lstrip()), match.start() + len(words.rstrip())))
    return found


@lru_cache(maxsize=1)
def _elsewhere_masked() -> tuple[re.Pattern[str], ...]:
    """What only sounds like a denial in other languages: "sin cambios", "ohne Kontrastmittel"."""
    tables = (table for language in READ if language != "en" for table in rules_for(language).cues)
    return tuple(pattern for kind, _, pattern in tables if kind == "masked")


def _mask(text: str) -> str:
    """Negations that deny no finding, blanked at the same length; text whose lower case differs in length as it is."""
    heard = text.lower()
    if len(heard) != len(text):
        return text
    for pattern in (UNDECIDED, NOT_A_NEGATION, NOT_ALONE, *_elsewhere_masked()):
        heard = pattern.sub(lambda match: "~" * len(match.group()), heard)
    return heard


def _paired(text: str) -> str:
    """Without a bracket at its edge whose other half is not in it."""
    for opening, closing in ("()", "[]"):
        if text.count(opening) > text.count(closing):
            text = text.removeprefix(opening).removesuffix(opening)
        elif text.count(closing) > text.count(opening):
            text = text.removesuffix(closing).removeprefix(closing)
    return text.strip(_EDGES)


def _has_word(text: str) -> bool:
    return any(char.isalnum() for char in text)
