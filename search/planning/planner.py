"""From what was typed to its `QueryPlan`: identifiers, facts in words, spelling and whole reports, in this order."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import ALL, Filter, Is, Not, both
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.queries.identifiers import accession_shapes
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.encoders.language.query_words import FIELDS, EmptyQuery, QueryText, parse_query
from spinecho.encoders.language.terms import mentions
from spinecho.errors import QueryError
from spinecho.search.planning.facts_in_words import Fact, facts_in, fields_named, offers_of
from spinecho.search.planning.identifiers import dates_in, identifiers_in
from spinecho.search.planning.long_text import clauses_of, is_report, require_length
from spinecho.search.planning.negations import denied_from
from spinecho.search.planning.other_times import other_times
from spinecho.search.planning.query_plan import Correction, Identifier, Ignored, Offer, PlanChip, QueryPlan, Way
from spinecho.search.planning.spans import Taken
from spinecho.search.planning.spelling import Spelling
from spinecho.search.planning.typed_facts import filter_of
from spinecho.search.planning.unknown_facts import RECORDED, or_unknown
from spinecho.search.query import TextQuery

_INVISIBLE = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
_QUOTES = re.compile('["“”„]')
_NAMED = re.compile(r"(?<!\S)[-−]?(?P<name>[A-Za-z_]{3,20}):(?=[^\s/:])")
_SMALL_WORDS = (
    "a an the of in on at to with without and or for by is are was were be been has have had this that these those it"
    " its as from any no not all some me my i you we they he she which what who when where how there here do does did"
    " only just can could will would should may might please show find give der die das ein eine und oder mit im in von"
)
_SAY_NOTHING = frozenset(_SMALL_WORDS.split())
_OF_STUDIES = frozenset({"sex", "age", "date"})
_YES_OR_NO = frozenset({"contrast"})
"""Fields of two values, of which headers often record one alone."""
_REMEMBERED = 256
_LEFT_OUT_BY = {"accession number": "accession_number", "patient ID": "patient_id", "study UID": "study_uid"}
"""The field that leaves out what an identifier names, by its kind."""
_NUMBER = re.compile(
    r"(?<!\w)(?:study|exam|order|case|id|report|request|scan|acc(?:ession)?|patient|pat)\.?\sno\.?[\s:]*$",
    re.IGNORECASE,
)


class Planner:
    """Understands queries over one database, by the values that it holds at one moment."""

    def __init__(
        self,
        database: Database,
        selection: Selection,
        spelling: Spelling,
        *,
        today: Callable[[], date] = date.today,
    ) -> None:
        """today: what "last year" is counted from."""
        self._database, self._selection, self._spelling, self._today = database, selection, spelling, today
        self._known: dict[object, object] = {}

    def plan(self, asked: TextQuery, where: Filter = ALL, *, patients: bool = False) -> QueryPlan:
        """The query as it is understood. patients: whether patient IDs are looked up for this person.

        Raises `TooLong`, `EmptyQuery` where nothing is asked at all, and `FilterError` for a field or a value that is
        none.
        """
        require_length(asked.text)
        text, ignored = _cleaned(asked.text)
        long = is_report(text)
        facts = (
            ()
            if long
            else _of_whole_dates(
                facts_in(text, self._today(), knows=None if asked.as_typed else self._spelling.knows), text
            )
        )
        dates = [one for one in facts if one.field == "date"]
        days = [(one.start, one.stop) for one in dates if one.certain or not text[one.start : one.stop].isdigit()]
        identifiers, alone = identifiers_in(
            text, self._database, patients=patients, shapes=self._shapes(), without=days
        )
        listed = 2 * sum(one.stop - one.start for one in identifiers) >= len("".join(text.split()))
        if identifiers and (alone or listed or not long):
            _require_wanted(identifiers, text)
            return self._by_identifiers(text, where, identifiers, ignored, patients=patients)
        self.require(where)
        if long:
            return _by_report(text, where, ignored)
        offers = tuple(self._decided(one, asked) for one in offers_of(text, facts))
        return self._by_words(asked, text, where, offers, ignored, [slip for one in facts for slip in one.mended])

    def require(self, where: Filter) -> None:
        """Raise `FilterError` for a value of a coded field that no study has."""
        require_occurring(where, self.occurring)

    def occurring(self, field: str) -> tuple[str, ...]:
        """The values of a coded field that occur."""
        found: tuple[str, ...] = self._once(("values", field), lambda: occurring_values(self._database, field))  # type: ignore[assignment]
        return found

    def _by_identifiers(
        self, text: str, where: Filter, named: Sequence[Identifier], ignored: list[Ignored], *, patients: bool
    ) -> QueryPlan:
        seen = Taken(len(text), [(one.start, one.stop) for one in named])
        rest = [one.group() for one in re.finditer(r"[^\s,;|]+", text) if not seen.meets(one.span())]
        rest = [word for word in rest if any(char.isalnum() for char in word)]
        if rest:
            ignored.append(Ignored(" ".join(rest)[:80], "an identifier answers alone"))
        if where != ALL:
            ignored.append(Ignored("filters", "what an identifier names is shown whether or not it passes them"))
        messages = tuple(dict.fromkeys(_missing(one, patients=patients) for one in named if not one.studies))
        chips = tuple(PlanChip("identifier", one.text, one.start, one.stop, field=one.kind) for one in named)
        nothing = QueryText("", (), frozenset())
        return QueryPlan(
            text, Way.IDENTIFIERS, nothing, where, tuple(named), ignored=tuple(ignored), chips=chips, messages=messages
        )

    def _by_words(
        self,
        asked: TextQuery,
        text: str,
        where: Filter,
        offers: Sequence[Offer],
        ignored: list[Ignored],
        mended: Sequence[Correction],
    ) -> QueryPlan:
        messages = _fields_unknown(text)
        left = without_offers(text, [one for one in offers if one.on])
        for (start, stop), why in other_times(left):
            ignored.append(Ignored(left[start:stop], why))
            left = left[:start] + " " * (stop - start) + left[stop:]
        corrections: tuple[Correction, ...] = ()
        if not asked.as_typed:
            corrections = self._spelling.corrections(left, without=[(one.start, one.stop) for one in offers])
        chips = parse_query(left, needs_words=False).chips
        counted = Taken(len(text), [(one.start, one.stop) for one in offers if one.on])
        slips = [one for one in mended if not counted.meets((one.start, one.stop))]  # what counts is no word any more
        query = parse_query(_corrected(left, sorted([*corrections, *slips], key=_start)), needs_words=False)
        corrections = tuple(sorted([*corrections, *mended], key=_start))
        conditions = [
            or_unknown(one.where, self.occurring) if one.key in asked.unknown else one.where for one in offers if one.on
        ]
        asked_for = both(where, filter_of(query.fields), *conditions)
        self.require(asked_for)
        if query.wanted and not query.phrases and not query.prefixes and _says_nothing(query.wanted):
            ignored.append(Ignored(query.wanted, "every report holds such words"))
            query = replace(query, wanted="", sides=frozenset())
        if sum(1 for _ in _QUOTES.finditer(text)) % 2:
            ignored.append(Ignored('"', "no second quotation mark follows"))
        messages += [
            f"{term!r} is asked for and left out at once, so that nothing can fit"
            for term in query.unwanted
            if query.wanted and mentions(term, query.wanted)
        ]
        messages += [f"{one.key!r}{'' if one.on else ' was taken as words'}: {one.why}" for one in offers if one.why]
        messages += [
            f"{one.text!r} is recorded of no study that fits; studies of which it is not known are shown too"
            for one in offers
            if one.on and one.key in asked.unknown
        ]
        way = Way.WORDS if query.wanted else Way.EXCLUSIONS if query.unwanted else Way.FILTERS
        if way is Way.FILTERS and asked_for == ALL and asked.like is None:
            raise _empty(text, ignored)
        shown = [PlanChip(one.kind, one.text, one.start, one.stop) for one in chips]
        shown = [_field_chip(one) if one.kind == "field" else one for one in shown]
        shown += [
            PlanChip(
                "offer",
                one.text,
                one.start,
                one.stop,
                ", ".join(sorted(fields_named(one.where))),
                one.key,
                one.on,
                one.why,
            )
            for one in offers
        ]
        return QueryPlan(
            typed=text, way=way, query=query, where=asked_for, offers=tuple(offers), corrections=corrections,
            ignored=tuple(ignored), chips=tuple(sorted(shown, key=lambda one: (one.start, one.stop))),
            messages=tuple(messages),
        )  # fmt: skip

    def _decided(self, offer: Offer, asked: TextQuery) -> Offer:
        """On or off: as the person has it, else where the words can mean nothing else and the archive records it."""
        if offer.key in asked.off:
            return replace(offer, on=False)
        if offer.key in asked.on:
            return replace(offer, on=True)
        if offer.on and not self._recorded(offer.where):
            return self._not_otherwise(offer) or replace(offer, on=False, why="no study here is recorded so")
        return offer

    def _not_otherwise(self, offer: Offer) -> Offer | None:
        """ "No contrast" where headers record contrast or nothing: what is not known passes."""
        where = offer.where
        if not (isinstance(where, Is) and where.field in _YES_OR_NO):
            return None
        otherwise = tuple(one for one in self.occurring(where.field) if one != "unknown")
        if not otherwise:
            return None
        other = Is(where.field, otherwise)
        why = (
            f"no study here is recorded as {offer.text}; those recorded otherwise are left out, and of those that are "
            "shown it is not known"
        )
        return replace(offer, text=f"{offer.text}, or not known", where=Not(other), on=True, why=why)

    def _recorded(self, where: Filter) -> bool:
        fields = fields_named(where)
        if fields <= _OF_STUDIES:
            return all(self._known_of(field) for field in fields)
        meant = where.part if isinstance(where, Not) else where
        return self._any(meant) or isinstance(where, Not)

    def _known_of(self, field: str) -> bool:
        return bool(self.occurring("sex")) if field == "sex" else self._any(RECORDED[field])

    def _any(self, where: Filter) -> bool:
        return bool(self._once(("any", where), lambda: len(self._selection.studies(where)) > 0))

    def _shapes(self) -> frozenset[str]:
        found: frozenset[str] = self._once(("shapes",), lambda: accession_shapes(self._database))  # type: ignore[assignment]
        return found

    def _once(self, key: object, find: Callable[[], object]) -> object:
        """What was found before at this moment of the archive."""
        found = self._known.get(key)
        if found is None:
            found = find()
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


def _of_whole_dates(facts: Sequence[Fact], text: str) -> tuple[Fact, ...]:
    """Without what is only the year of a whole date, as in "July 12, 2021"."""
    days = [span for span, _ in dates_in(text)]
    return tuple(
        one
        for one in facts
        if not any(
            one.start < stop and start < one.stop and not one.start <= start < stop <= one.stop for start, stop in days
        )
    )


def _by_report(text: str, where: Filter, ignored: list[Ignored]) -> QueryPlan:
    clauses = clauses_of(text)
    if not clauses:
        raise _empty(text, ignored)
    query = QueryText(text, (), frozenset())
    chip = PlanChip("report", "similar to this report", 0, len(text))
    return QueryPlan(
        text,
        Way.REPORT,
        query,
        where,
        ignored=tuple(ignored),
        chips=(chip,),
        clauses=tuple(one.text for one in clauses),
    )


def _cleaned(text: str) -> tuple[str, list[Ignored]]:
    """The text with blanks for what nobody can see, at the same length."""
    if text.isprintable() and text.isascii():
        return text, []
    strange = {
        char
        for char in set(text)
        if char in _INVISIBLE or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\r\t")
    }
    if not strange:
        return text, []
    plain = text.translate(dict.fromkeys(map(ord, strange), " "))
    return plain, [Ignored("invisible characters", "they were taken as blanks")]


def without_offers(text: str, offers: Sequence[Offer]) -> str:
    """The text with a comma and blanks in place of what has become a condition."""
    chars = list(text)
    for one in offers:
        chars[one.start : one.stop] = "," + " " * (one.stop - one.start - 1)
    return "".join(chars)


def _start(one: Correction) -> int:
    return one.start


def _corrected(text: str, corrections: Sequence[Correction]) -> str:
    for one in reversed(corrections):
        text = text[: one.start] + one.taken + text[one.stop :]
    return text


def _fields_unknown(text: str) -> list[str]:
    """Sentences about `name:value` where the name is no field; raises `FilterError` where one was nearly written."""
    lines = []
    for match in _NAMED.finditer(_QUOTES.sub(" ", text)):
        name = match["name"].lower()
        if name in FIELDS or name == "label":
            continue
        near = difflib.get_close_matches(name, FIELDS, n=2, cutoff=0.76)  # size and site are no misspelt side
        if near:
            raise FilterError(f"no field {name!r} to search by; did you mean {' or '.join(map(repr, near))}?")
        lines.append(
            f"{name!r} is no field, so that it was taken as a word; fields are {', '.join(sorted(set(FIELDS)))}"
        )
    return lines


def _field_chip(chip: PlanChip) -> PlanChip:
    """A chip such as "-sequence:flair" by its field and its value."""
    field, _, value = chip.text.partition(":")
    denied = field.startswith(("-", "−"))
    return replace(chip, field=field.lstrip("-−"), text=f"not {value}" if denied else value)


def _says_nothing(words: str) -> bool:
    found = re.findall(r"\w+", words.casefold())
    return bool(found) and all(word in _SAY_NOTHING for word in found)


def _require_wanted(identifiers: Sequence[Identifier], text: str) -> None:
    """Raise `QueryError` for an identifier that is denied: words leave out what reports affirm, not what is named."""
    for one in identifiers:
        numbered = _NUMBER.search(text, max(0, one.start - 20), one.start) is not None  # "exam no 1234567"
        if one.kind in _LEFT_OUT_BY and not numbered and denied_from(text, one.start) is not None:
            condition = f'not {_LEFT_OUT_BY[one.kind]}="{one.text}"'
            raise QueryError(f"{one.text!r} names studies, which words do not leave out; give the filter {condition}")


def _missing(one: Identifier, *, patients: bool) -> str:
    if one.kind == "patient ID" and not patients:
        return "patient IDs are looked up for researchers and managers alone; this one was not looked up"
    if one.kind == "date":
        return f"no study is of {one.text}"
    also = " or patient ID" if patients and one.kind == "accession number" else ""
    return f"no study has the {one.kind}{also} {one.text!r}"


def _empty(text: str, ignored: Sequence[Ignored]) -> EmptyQuery:
    why = "; ".join(f"{one.text!r} does not count, as {one.why}" for one in ignored[:2])
    return EmptyQuery(
        f"the query {text[:40]!r} holds no word to search for{f' ({why})' if why else ''}; try 'T2 hyperintense "
        "lesion, left temporal lobe, no enhancement', or choose a filter"
    )
