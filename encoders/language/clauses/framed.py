"""Words on both sides of what they are about: "before a schwannoma is dismissed", "what was taken for a cyst is a bowel loop"."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

_WHAT = r" (?:(?!(?:and|but|which|that|who|there|is|are|was|were|be)(?!\w))[\w/'-]+ ){1,8}?"
_UNDONE = (
    r"(?:ruled (?:in|out)|excluded|dismissed|discounted|discarded|refuted|eliminated|disproved|laid to rest|put to bed|crossed off|struck off|missed|overlooked"
    r"|confirmed|proven|proved|diagnosed|accepted|called|denied|settled)"
)
_TAKEN = r"(?:thought|taken|mistaken|read|called|labell?ed|reported|believed|considered|interpreted|described|diagnosed|suspected|regarded|passed off|billed|referred)"
_STILL = r"(?! (?:now |\w+ly )*(?:still|again|unchanged|stable|larger|smaller|bigger|the same|confirmed|visible|seen|present|indeed|persist\w*|similar|there|in keeping|consistent|likely|probably))"

_NOT_YET = re.compile(
    rf"(?<!\w)(?P<open>before|until|till|unless|lest|in case|so that)(?P<what>{_WHAT})"
    rf"(?P<close>(?:is|are|be|been|(?:can|could|may|might|should|will) (?:\w+ly )?be|(?:has|have) been)(?: \w+ly)? {_UNDONE})(?!\w)"
)
"""A denial or proof that is still to come leaves open what it is about."""
_MISTAKEN = re.compile(
    rf"(?<!\w)(?P<open>what(?:ever)? (?:(?:was|were|has|had|have|been|is|i|we|they|once|at first|first|initially|previously|earlier|originally|\w+ly|on (?:the )?\w+(?: \w+)?) ){{0,4}}{_TAKEN}(?: (?:to be|to represent|as|for|of|being))?(?: an?| the| some)?)(?P<what>{_WHAT})"
    rf"(?P<close>(?:is|was|are|were|proves?|proved|turns? out|turned out|has turned out){_STILL}(?: (?:now|clearly|in fact|actually|really|only|just|merely|simply|nothing but|to be|instead|no more than|in reality))*)(?!\w)"
)
"""What was taken for one thing is another."""

_PROVED = re.compile(
    r"(?<!\w)(?P<open>(?:taken|mistaken|misread|misinterpreted|misdiagnosed) (?:for|as)(?: an?| the)?)(?P<what> (?:(?!(?:and|but|which|that)(?!\w))[\w/'-]+ ?){1,8}?)"
    r"(?P<close>,? ?(?:(?:but|and|which|it|has|have|since|later|then|now) )*(?:proved|proves|proven|turned out|shown|found|confirmed)(?: (?:on|at|by|after) (?:\w+ ){0,2}?\w+)? to be(?: an?)?)(?!\w)"
)

Framed: TypeAlias = tuple[int, int, Literal["question", "negation", "masked", "yes"]]


def framed(heard: str) -> Iterator[Framed]:
    """(start, end, kind) of both halves of each frame in lower-case `heard`; both tell of what follows them."""
    for match in _NOT_YET.finditer(heard):
        yield (*match.span("open"), "question")
        yield (*match.span("close"), "masked")
    for match in (*_MISTAKEN.finditer(heard), *_PROVED.finditer(heard)):
        yield (*match.span("open"), "negation")
        yield (*match.span("close"), "yes")
