"""Sizes told in a clause of their own: "A mass in the liver. It measures 4.2 x 3 cm." gives the mass its size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from spinecho.encoders.language.clauses.assertions import Clause
from spinecho.encoders.language.sizes import sizes
from spinecho.encoders.language.vocabulary import concepts, wider

_REACH = 4
"""Clauses that a measuring clause looks back over."""
_OPENS = re.compile(
    r"(?:[\s,;:(–-]|and(?!\w)|but(?!\w)|with(?!\w)|in(?!\w)|a(?!\w)|of(?!\w)){0,6}"
    r"(?:it|its|this|these|they|their|which|that|both|each|one|(?:the )?(?:larg|bigg|small|great|long)(?:er|est)"
    r"|dominant|all|measur\w{1,6}|gemessen|es misst|sized?|diameters?|dimensions?|maxim(?:um|al)|overall"
    r"|approximately|about|ca\.?|up to|>|<|≥|≤|~|\d)(?!\w)|[\s,;:(–-]{0,4}\d",
    re.IGNORECASE,
)
"""How a clause begins that measures what was told before it."""
_MEASURES = re.compile(
    r"(?<!\w)(?:measur\w{1,6}|sized?|diameters?|dimensions?|misst|gemessen|extends? over"
    r"|(?:is|are|was|were) (?:about |approximately |up to )?\d)"
    r"|^[\W\d]{0,40}(?:[cm]m\b[\W\dx]{0,40}){1,3}$",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(?<!\w)(?:previous(?:ly)?|formerly|earlier|prior(?:ly)?|initially|früher)(?!\w)", re.IGNORECASE)
_UNMEASURED = frozenset(
    ("edema", "enhancement", "hyperintense", "hypointense", "isointense", "heterogeneous signal", "homogeneous signal",
     "mass effect", "displacement", "compression", "restricted diffusion", "susceptibility", "normal", "invasion",
     "midline shift", "lobulated", "well defined", "ill defined", "exophytic", "myxoid", "spiculated", "necrosis")
)  # fmt: skip
"""Findings that describe another: the size that follows is the other's."""


def measured(parts: Sequence[tuple[Clause, ...]]) -> list[tuple[Clause, ...]]:
    """The clauses of sentences that follow each other, those with `measure` whose size a later clause tells.

    A size goes to the nearest finding before it that is not denied, has no size, and that the measuring clause does not
    contradict with a finding or a place of its own.
    """
    rows = [list(clauses) for clauses in parts]
    order = [(row, column) for row, clauses in enumerate(rows) for column in range(len(clauses))]
    for at, (row, column) in enumerate(order):
        clause = rows[row][column]
        if clause.assertion not in {"present", "uncertain"} or not _measures(clause.text):
            continue
        for row_before, before in reversed(order[max(0, at - _REACH) : at]):
            if row_before < row - 1 and not _OPENS.match(rows[row_before + 1][0].text):
                break  # a sentence between them is of something else
            other = rows[row_before][before]
            if _fits(clause.text, other):
                rows[row_before][before] = replace(other, measure=clause.text)
                break
            if other.assertion == "present" and _findings(other.text) and sizes(other.text):
                break  # it has a size: this one is of nothing further back
    return [tuple(clauses) for clauses in rows]


def _measures(text: str) -> bool:
    if _MEASURES.search(text) is None or not (given := sizes(text)):
        return False
    return _BEFORE.search(text, 0, given[0].start) is None


def _fits(text: str, other: Clause) -> bool:
    """Whether the size that `text` tells can be the other clause's."""
    named = _findings(other.text)
    if other.assertion in {"absent", "historical"} or not named or other.measure or sizes(other.text):
        return False
    its_findings = _findings(text)
    if its_findings:
        return all(any(one == its or one in wider(its) for its in named) for one in its_findings)
    return _OPENS.match(text) is not None


def _findings(text: str) -> frozenset[str]:
    """What can be measured of what a text names."""
    return frozenset(one for one in _named(text) if one not in _UNMEASURED and not _UNMEASURED & wider(one))


def _named(text: str) -> Iterator[str]:
    return (mention.concept for mention in concepts(text) if mention.kind == "finding")
