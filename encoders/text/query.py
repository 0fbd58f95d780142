"""A typed query as plain values: what is wanted, what must not be there, and on which side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from encoders.errors import EncoderError
from encoders.text.clause_rules import NOT_A_NEGATION, UNDECIDED
from encoders.text.laterality import Side, sides


class EmptyQuery(EncoderError):
    """The query holds no word to search for."""


@dataclass(frozen=True, slots=True)
class QueryText:
    """`wanted` goes to the encoders, `unwanted` terms are conditions; `sides` are those that `wanted` names."""

    wanted: str
    unwanted: tuple[str, ...]
    sides: frozenset[Side]

    @property
    def absent(self) -> bool:
        """True where the query says only what must not be there ("no haemorrhage")."""
        return not self.wanted


_QUOTED = re.compile(r'["“”„]([^"“”„]*)["“”„]')
_MINUS = re.compile(r"(?<!\S)[-−](?=[^\W\d_]|\x00)(\x00\d+\x00|[^\s,;]+)")
_NO = re.compile(
    r"(?<![\w~-])(?:and |but |with |or )?(?:no|not|without|w/o|absence of|absent|lack of|negative for|free of|excluding"
    r"|kein(?:e[nrsm]?)?|ohne)(?![\w-])(?P<denied>[^,;.~]*?)"
    r"(?=[,;.]|\s(?:but|however|although|and (?:no|not|without)|with(?:out)?|in|on|at|which)\s"
    r"|\s(?:no|not|without)\s|$)",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^(?:\s*(?:any|the|a|an|of|definite|convincing|evidence|sign|signs|features?|further|other|to suggest)(?!\w))*\s*",
    re.IGNORECASE,
)
_OR = re.compile(r"\s+(?:or|nor|and|oder|und)\s+|/(?=[^\W\d_]{3})", re.IGNORECASE)
_LOOSE = re.compile(
    r"^(?:(?:but|and|or|however|although)(?!\w)[\s,]*)+|[\s,]+(?:but|and|or|with|[-−–—])$", re.IGNORECASE
)
_EDGES = " \t\r\n,;.:!?&"


def parse_query(text: str) -> QueryText:
    """Split a query into its wish and its conditions; raises `EmptyQuery` where there is no word at all.

    "no X", "without X" and "-X" are conditions, "X or Y" after them two; a dash between spaces is only a dash. A
    "quoted phrase" is kept whole and never read as a condition, unless -"so". "no change" and
    "without contrast" deny no finding and stay in the wish.
    """
    quotes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quotes.append(match[1].strip())
        return f"\x00{len(quotes) - 1}\x00"

    def show(words: str) -> str:
        whole = re.sub(r"\x00(\d+)\x00", lambda match: quotes[int(match[1])], words)
        return re.sub(r"\s*([,;])(?:\s*[,;])+", r"\1", " ".join(whole.split())).strip(_EDGES)

    hidden = _QUOTED.sub(hide, text.replace("\x00", " "))
    unwanted: list[tuple[int, str]] = []

    def take(match: re.Match[str]) -> str:
        unwanted.append((match.start(), match[1]))
        return " " * len(match.group())

    hidden = _MINUS.sub(take, hidden)
    wanted, at = [], 0
    for match in _NO.finditer(_mask(hidden)):
        terms = _OR.split(_FILLER.sub("", hidden[match.start("denied") : match.end("denied")]))
        if not any(_has_word(show(term)) for term in terms):
            continue
        unwanted.extend((match.start(), term) for term in terms)
        wanted.append(hidden[at : match.start()])
        at = match.end()
    wanted.append(hidden[at:])
    wish = _LOOSE.sub("", show(" ".join(wanted)))
    denied = [show(term) for _, term in sorted(unwanted, key=lambda one: one[0])]
    conditions = tuple(dict.fromkeys(term for term in denied if _has_word(term)))
    if not _has_word(wish):
        wish = ""
    if not wish and not conditions:
        raise EmptyQuery(
            f"the query {text[:40]!r} holds no word to search for; try 'T2 hyperintense lesion, left temporal lobe, "
            "no enhancement'"
        )
    return QueryText(wish, conditions, sides(wish))


def _mask(text: str) -> str:
    """Negations that deny no finding, blanked at the same length; text whose lower case differs in length as it is."""
    heard = text.lower()
    if len(heard) != len(text):
        return text
    for pattern in (UNDECIDED, NOT_A_NEGATION):
        heard = pattern.sub(lambda match: "~" * len(match.group()), heard)
    return heard


def _has_word(text: str) -> bool:
    return any(char.isalnum() for char in text)
