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
from spinecho.encoders.language.clauses.further_cues import OF_ITS_NATURE, PURPOSE, REASON, SPOILS, SUPPOSED_OF
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
_OF_WHOM = re.compile(r"(?:(?!(?:and|or|but)(?!\w))[\w/' -])* (?:in|of|by|for|among) (?:an? |the )?$")
"""Between a denial or doubt and a relative: "possible stroke" "in an uncle"."""
_DENIES = re.compile(r"(?:no|without|nil|nothing)(?!\w)")
_ENLARGED = re.compile(
    r" (?:\w+ly )?(?:enlarged|thickened|dilated|distended|abnormal|pathological|inflamed|prominent|suspicious)(?!\w)"
)
"""Said not to be so, anatomy is normal, nodes and vessels too."""


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
            plain = cue.kind == "normal" or (reach == "verb" and _ENLARGED.match(heard, cue.end) is not None)
            apart = reach in ("after", "verb") and names_finding(left, of_normal=plain)
        elif now.by == "question" and cue.kind == "negation" and _only_answers(heard, now, decided, cue):
            parts[-1], decided = decide(now, cue, "before"), cue
            continue
        else:
            verdict = _together(
                decided,
                now,
                cue,
                reach,
                has_words(heard[decided.end : cue.start]),
                _OF_WHOM.match(heard, decided.end, cue.start) is not None,
            )
            if verdict == "keep":
                continue
            apart = verdict == "apart"
        if apart:
            beside = cue.kind in ("hedge", "question") or (
                reach == "verb" and _IS.search(heard, cue.start, cue.end) is None
            )
            # "The tendons are in continuity" | "and a tear can be excluded": two subjects, each before its own cue.
            own = decided is not None and not now.reaches_on and reach == "before"
            at = decided.end if decided is not None and own else cue.start
            parts[-1] = replace(now, end=at, aside=now.aside or (decided is None and beside))
            parts.append(Judged(at, end))
        parts[-1] = decide(parts[-1], cue, reach)
        decided = cue
    parts = [part for part in parts if part.end > part.start]
    if decided is None and (
        GIVEN.match(heard[start:end]) or (PERSON.search(heard, start, end) and not names_finding(heard[start:end]))
    ):
        parts = [replace(part, aside=True) for part in parts]
    return _presupposed(heard, [one for part in parts for one in _normal_or_not(heard, part)])


def _only_answers(heard: str, asked: Judged, before: Cue, cue: Cue) -> bool:
    """Whether a denial is all that follows a question: "Tumour?" - "Not seen"."""
    return not (asked.reaches_on or has_words(heard[before.end : cue.start]) or has_words(heard[cue.end : asked.end]))


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


def _together(
    first: Cue, part: Judged, cue: Cue, reach: Reach, between: bool, of_whom: bool
) -> Literal["keep", "apart", "over"]:
    """What a second cue does to a part that a first has decided: nothing, a part of its own, or another answer."""
    if part.by == "family":
        return "apart" if cue.kind == "question" else "keep"
    if cue.kind == "family":  # "denies" - "family history of stroke": before every other answer
        return "apart" if between and not of_whom else "over"
    if not part.reaches_on:
        return "apart" if between or reach != "before" else ("over" if cue.kind in ("hedge", "yes") else "keep")
    if reach == "before":
        if part.by == "history" and cue.kind == "yes":
            return "keep"  # "h/o jaundice present"
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
    if _DENIES.match(heard, part.cue[0]) and PURPOSE.search(heard, part.cue[1], part.end):
        return [replace(part, by="negation")]  # "no abnormality in the brain to suggest infarction"
    cut = heard.find(" and ", part.cue[1], part.end)
    if cut < 0 or names_finding(heard[part.cue[1] : cut], of_normal=True):
        return [Judged(part.start, part.end)]
    return [replace(part, end=cut, reaches_on=False), Judged(cut, part.end)]


def _presupposed(heard: str, parts: list[Judged]) -> list[Judged]:
    """Cut from a denial or doubt what it takes to be there: "no enhancement" | "within the cyst"."""
    cut: list[Judged] = []
    supposed = [one for part in parts for one in _supposed_of(heard, part)]
    for part in supposed:
        found = None
        if not part.reaches_on and part.by in ("negation", "hedge") and part.cue[1]:
            found = _reason(heard, part)
        elif part.by == "hedge" and OF_ITS_NATURE.match(heard, part.cue[1]):
            cut += [replace(part, end=part.cue[1], reaches_on=False), Judged(part.cue[1], part.end, aside=True)]
            continue
        elif part.reaches_on and part.by in ("negation", "hedge", "question"):
            found = next(
                (
                    m
                    for m in DEFINITE.finditer(heard, part.cue[1], part.end)
                    if names_finding(heard[m.end() : _until(heard, m.end(), part.end)])
                ),
                None,
            )
        if found is None:
            cut.append(part)
            continue
        cut.append(replace(part, end=found.start(), reaches_on=False))
        until = _until(heard, found.end(), part.end) if part.reaches_on else part.end
        cut.append(Judged(found.start(), until, aside=True))
        if has_words(heard[until : part.end]):
            cut.append(replace(part, start=until))
        else:
            cut[-1] = replace(cut[-1], end=part.end)
    return cut


def _until(heard: str, start: int, end: int) -> int:
    """Where what is taken to be there ends and the denial goes on: "in the arteries" | "to suggest embolism"."""
    match = PURPOSE.search(heard, start, end)
    return match.start() if match else end


def _reason(heard: str, part: Judged) -> re.Match[str] | None:
    """Where a doubt tells what it is owed to, which is there: "not excluded" | "because of motion artefact"."""
    match = REASON.search(heard, part.cue[1], part.end)
    if match is None:
        return None
    why = heard[match.end() : part.end]
    return match if names_finding(why) or SPOILS.search(why) else None


def _supposed_of(heard: str, part: Judged) -> list[Judged]:
    """ "If" | "the collection" | "is infected": what a condition is asked of is there."""
    if part.by not in ("hedge", "question"):
        return [part]
    match = SUPPOSED_OF.search(heard, part.start, part.end)
    if match is None or part.cue[1] > match.end() or not names_finding(match["what"]):
        return [part]
    start, end = match.span("what")
    before, after = replace(part, end=start), replace(part, start=end)
    inside = part.cue[0] < start
    return [before if inside else replace(before, reaches_on=False), Judged(start, end, aside=True), after]


def has_words(text: str) -> bool:
    """Whether more is said than small words."""
    return any(char.isalnum() for char in SMALL_WORDS.sub(" ", text))
