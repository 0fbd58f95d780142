"""One segment of a text in parts, each under one cue or none; how a second cue changes what a first decided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from spinecho.encoders.language.clauses.bounds import (
    ADJUNCT,
    AFTER_EXCEPTION,
    COMPARES,
    DEFINITE,
    EXCEPTION,
    GIVEN,
    PERSON,
    SMALL_WORDS,
)
from spinecho.encoders.language.clauses.cues import Cue, Kind, Reach
from spinecho.encoders.language.finding_words import names_finding

Assertion = Literal["present", "absent", "uncertain", "historical"]
By = Literal["negation", "normal", "hedge", "question", "history", "family", "nothing"]
"""What decided: "normal" states normality where "negation" denies a finding; both are absent."""

_MEANS: dict[Kind, tuple[Assertion, By]] = {
    "negation": ("absent", "negation"),
    "normal": ("absent", "normal"),
    "hedge": ("uncertain", "hedge"),
    "question": ("uncertain", "question"),
    "family": ("uncertain", "family"),
    "history": ("historical", "history"),
    "yes": ("present", "nothing"),
    "masked": ("present", "nothing"),
}
_IS = re.compile(r"(?<!\w)(?:is|are|was|were)")


@dataclass(frozen=True, slots=True)
class Judged:
    """A part of a text, with what was made of it."""

    start: int
    end: int
    assertion: Assertion = "present"
    by: By = "nothing"
    cue: tuple[int, int] = (0, 0)
    aside: bool = False
    """What a denial or doubt is about: there, and not what the sentence is for."""
    reaches_on: bool = False
    """The cue reaches what follows, so a list may go on after a comma."""


def judge_segment(heard: str, start: int, end: int, found: Sequence[Cue]) -> list[Judged]:
    """The segment in parts, each under one cue or none."""
    if EXCEPTION.match(heard, start, end):
        cut = AFTER_EXCEPTION.search(heard, start, end)
        if cut is None:
            return [Judged(start, end)]
        rest = judge_segment(heard, cut.start(), end, [cue for cue in found if cue.start > cut.start()])
        return [Judged(start, cut.start()), *rest]
    parts = [Judged(start, end)]
    decided: Cue | None = None
    for cue in found:
        if cue.kind == "masked" or (cue.kind == "history" and cue.reach == "whole" and _of_a_scan(heard[start:end])):
            continue
        now = parts[-1]
        begin = now.start if decided is None or now.reaches_on else decided.end
        reach = _reach(heard, cue, begin, end)
        left = heard[begin : cue.start]
        if decided is None:
            apart = reach in ("after", "verb") and names_finding(left, of_normal=cue.kind == "normal")
        else:
            verdict = _together(decided, now, cue, reach, has_words(heard[decided.end : cue.start]))
            if verdict == "keep":
                continue
            apart = verdict == "apart"
        if apart:
            beside = cue.kind in ("hedge", "question") or (
                reach == "verb" and _IS.search(heard, cue.start, cue.end) is None
            )
            parts[-1] = replace(now, end=cue.start, aside=now.aside or (decided is None and beside))
            parts.append(Judged(cue.start, end))
        parts[-1] = decide(parts[-1], cue, reach)
        decided = cue
    parts = [part for part in parts if part.end > part.start]
    if decided is None and (
        GIVEN.match(heard[start:end]) or (PERSON.search(heard, start, end) and not names_finding(heard[start:end]))
    ):
        parts = [replace(part, aside=True) for part in parts]
    return _presupposed(heard, [one for part in parts for one in _normal_or_not(heard, part)])


def _of_a_scan(text: str) -> bool:
    """Whether a date in `text` is that of an earlier scan, or of what has not changed since."""
    return COMPARES.search(text) is not None


def decide(part: Judged, cue: Cue, reach: Reach) -> Judged:
    """The part as the cue has it."""
    assertion, by = _MEANS[cue.kind]
    return replace(part, assertion=assertion, by=by, cue=(cue.start, cue.end), reaches_on=reach != "before")


def _reach(heard: str, cue: Cue, begin: int, until: int) -> Reach:
    """Which side the cue decides, where its own side may hold no words."""
    if cue.reach in {"whole", "verb"}:
        return cue.reach
    before, after = has_words(heard[begin : cue.start]), heard[cue.end : until]
    nothing_after = ADJUNCT.match(after) is not None or not has_words(after)
    if cue.reach == "after":
        return "before" if before and not has_words(after) else "after"
    if cue.reach == "before":
        return "before" if before or nothing_after else "after"
    return "before" if before and nothing_after else "after"


def _together(first: Cue, part: Judged, cue: Cue, reach: Reach, between: bool) -> Literal["keep", "apart", "over"]:
    """What a second cue does to a part that a first has decided: nothing, a part of its own, or another answer."""
    if part.by == "family":
        return "apart" if cue.kind == "question" else "keep"
    if not part.reaches_on:
        return "apart" if between or reach != "before" else ("over" if cue.kind in ("hedge", "yes") else "keep")
    if reach == "before":
        if part.by == "negation":
            return "over" if cue.kind == "hedge" and cue.end - cue.start > 10 else "keep"
        return "over" if cue.kind != "normal" else "keep"
    if cue.kind == "yes":
        return "apart" if between else "keep"
    if part.by == "negation":
        return "keep"
    if part.by in ("hedge", "question"):
        return "apart" if between and cue.kind in ("negation", "normal", "question") and part.by != cue.kind else "keep"
    if part.by == "history":
        return "apart" if between else "over"
    return "keep" if cue.kind in ("normal", "history") else "apart"


def _normal_or_not(heard: str, part: Judged) -> list[Judged]:
    """ "Normal" beside a finding says nothing of it: "normal carotid arteries" | "and hypoplasia of the left MCA"."""
    if part.by != "normal":
        return [part]
    if names_finding(heard[part.start : part.cue[0]], of_normal=True):
        return [Judged(part.start, part.end)]
    if not names_finding(heard[part.cue[1] : part.end], of_normal=True):
        return [part]
    cut = heard.find(" and ", part.cue[1], part.end)
    if cut < 0 or names_finding(heard[part.cue[1] : cut], of_normal=True):
        return [Judged(part.start, part.end)]
    return [replace(part, end=cut, reaches_on=False), Judged(cut, part.end)]


def _presupposed(heard: str, parts: list[Judged]) -> list[Judged]:
    """Cut from a denial or doubt what it takes to be there: "no enhancement" | "within the cyst"."""
    cut: list[Judged] = []
    for part in parts:
        found = None
        if part.reaches_on and part.by in ("negation", "hedge", "question"):
            found = next(
                (
                    m
                    for m in DEFINITE.finditer(heard, part.cue[1], part.end)
                    if names_finding(heard[m.end() : part.end])
                ),
                None,
            )
        if found is None:
            cut.append(part)
            continue
        cut.append(replace(part, end=found.start(), reaches_on=False))
        cut.append(Judged(found.start(), part.end, aside=True))
    return cut


def has_words(text: str) -> bool:
    """Whether more is said than small words."""
    return any(char.isalnum() for char in SMALL_WORDS.sub(" ", text))
