"""Whole reports that are pasted: what tells them from a query, and the clauses by which they are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spinecho.encoders.language.passages import Passage, passages
from spinecho.errors import QueryError

MOST = 20_000
"""Characters of a query; twice what a long report takes."""
MOST_POINTED = 2_000
"""Characters of words that a scan is compared with part by part: one finding takes far fewer."""
_LONG, _PARAGRAPH = 400, 200
"""Characters from which on a text is a report, and from which on one of several sentences is: nobody types so much."""
_SENTENCE = re.compile(r"[a-z0-9)][.;]\s+[A-ZÄÖÜ0-9]")
_CLAUSES = 40
"""Sentences of a report that are compared: 12 kB hold four times as many, and each costs the encoder its time."""
_HEADING = re.compile(
    r"\b(?:findings|impression|technique|indication|comparison|conclusion|opinion|clinical history|befund"
    r"|beurteilung)\s?:",
    re.IGNORECASE,
)
_LETTERS = 12
"""A shorter sentence says nothing that others do not."""
_TELLING = {"impression": 0, "findings": 1, "other": 2}
"""Sections that tell what was seen, and in which order they are taken where there is too much."""
_SAYS_LESS = {"present": 0, "uncertain": 0, "historical": 1, "absent": 2}


class TooLong(QueryError):
    """The query is longer than anything that is compared in time."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence of a pasted report, blanks set right, with what it affirms or denies and the sides it names."""

    text: str
    assertion: str
    sides: frozenset[str]


def require_length(text: str) -> None:
    """Raise `TooLong` for more than `MOST` characters."""
    if len(text) > MOST:
        raise TooLong(
            f"this is a text of {len(text):,} characters; at most {MOST:,} can be compared: paste the findings and the "
            "impression of one report, or fewer numbers at a time"
        )


def require_pointable(words: str) -> None:
    """Raise `TooLong` for more than `MOST_POINTED` characters."""
    if len(words) > MOST_POINTED:
        raise TooLong(
            f"these are {len(words):,} characters; parts of a scan are compared with {MOST_POINTED:,} at most: "
            "ask for one finding"
        )


def is_report(text: str) -> bool:
    """Whether a text is a report or a part of one, by its length, its sentences or its headings."""
    if len(text) >= _LONG or len(set(map(str.casefold, _HEADING.findall(text)))) >= 2:
        return True
    return len(text) >= _PARAGRAPH and len(_SENTENCE.findall(text)) >= 2


def clauses_of(report: str) -> tuple[Clause, ...]:
    """What of a report is compared, at most 40 sentences: the impression and what is affirmed first, each once."""
    every = [one for one in passages(_opened(report)) if sum(map(str.isalpha, one.text)) >= _LETTERS]
    telling = [one for one in every if one.section in _TELLING] or every
    unique = list({" ".join(one.text.casefold().split()): one for one in reversed(telling)}.values())
    best = sorted(unique, key=_how_telling)[:_CLAUSES]
    return tuple(
        Clause(" ".join(one.text.split()), one.assertion, frozenset(one.sides))
        for one in sorted(best, key=lambda one: one.start)
    )


def _opened(report: str) -> str:
    """With headings at the beginnings of lines again, which a box of one line has made blanks of."""
    return report if "\n" in report else _HEADING.sub(lambda match: "\n" + match.group(), report)


def _how_telling(one: Passage) -> tuple[int, int, int]:
    return _SAYS_LESS.get(one.assertion, 0), _TELLING.get(one.section, 3), one.start
