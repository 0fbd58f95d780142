"""A denial that the next words take back: "No leak, although a small one is not excluded"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from spinecho.encoders.language.clauses.segment import Judged

_ONE_OF_IT = re.compile(
    r"[ ,;(-]*(?:but|although|though|however|yet|albeit|while|whilst)?,? ?(?:an? |the |any |some )?"
    r"(?:(?:very |rather |more )?(?:small(?:er)?|tiny|subtle|early|minor|minimal|minute|minuscule|low[- ]grade"
    r"|microscopic|occult|intermittent|partial|focal|peripheral|distal|short|thin|faint|slight),? (?:or |and )?)*"
    r"(?:ones?|it|this|these|such(?: an? one)?|that)(?!\w)"
)
"""Says nothing of its own: another, smaller one of what was denied."""
_LEFT_OPEN = re.compile(
    r"exclu|ruled out|rule out|discount|missed|overlooked|hidden|occult|possible|(?:below|beyond) the"
)


def taken_back(heard: str, judged: Sequence[Judged]) -> list[Judged]:
    """What was denied is uncertain where a smaller one of it is left open."""
    kept = list(judged)
    for number, one in enumerate(kept[1:], 1):
        last = kept[number - 1]
        left_open = one.by == "hedge" and _LEFT_OPEN.search(heard, one.start, one.end)
        if last.by == "negation" and left_open and _ONE_OF_IT.match(heard, one.start):
            kept[number - 1] = replace(last, assertion="uncertain", by="hedge", cue=one.cue)
    return kept
