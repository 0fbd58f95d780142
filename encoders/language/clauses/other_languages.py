"""Clauses of German, French and Spanish: cut at marks and conjunctions, each judged by the cues of its language.

The same answers as for English (`assertions`), by a plainer way: a list goes on only where "or" or "and" closes it, and
normality is not weighed against every finding beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from spinecho.encoders.language.clauses.anatomy_alone import names_only_anatomy
from spinecho.encoders.language.clauses.cues import Cue
from spinecho.encoders.language.clauses.other_rules import Rules
from spinecho.encoders.language.clauses.segment import Judged, decide
from spinecho.encoders.language.vocabulary.spanish_adjectives import PARTICIPLES

_HARD = re.compile(r";|\|| / |(?<=\w) [-*+] (?=\w)|(?<=[)]) ?, ")
_QUESTION = re.compile(r"¿|\?+")
_ITEM = 3
"""Words of an item of a list that nothing closes: "no fracture, effusion, bursitis"."""
_WITHOUT = re.compile(rf"[ ,]*(?:y |und |et )?(?:(?:sin|ohne|sans)(?!\w)|no (?:est[áa]n? )?{PARTICIPLES})")
_LISTED = ("negation", "hedge", "question", "normal", "family")


def judge_by(heard: str, rules: Rules) -> list[Judged]:
    """The clauses of one sentence, in lower case."""
    found = _cues(heard, rules)
    judged: list[Judged] = []
    for start, end in _segments(heard, found, rules):
        parts = _judge_segment(heard, start, end, [one for one in found if start <= one.start < end], rules)
        first = parts[0]
        if judged and _goes_on(heard, judged[-1], first, found, rules):
            parts[0] = replace(
                first, assertion=judged[-1].assertion, by=judged[-1].by, cue=judged[-1].cue, reaches_on=True
            )
        elif judged and _of_anatomy(heard, judged[-1], first, rules):
            parts[0] = replace(first, start=judged.pop().start)
        elif judged:
            _look_back(heard, judged, first, rules)
        judged += parts
    return judged


def _cues(heard: str, rules: Rules) -> list[Cue]:
    found: list[Cue] = []
    taken = bytearray(len(heard))
    for kind, reach, pattern in rules.cues:
        for match in pattern.finditer(heard):
            start, end = match.span()
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\x01" * (end - start)
                found.append(Cue(start, end, kind, reach))
    for match in _QUESTION.finditer(heard):
        opens = match[0] == "¿" or (
            match.start() == 0
            or heard[match.start() - 1] in "(:,"
            or (heard[match.start() - 1] in " ;" and heard[match.end() : match.end() + 1].isalnum())
        )
        if not (match[0] != "¿" and any(one.kind == "question" and heard[one.start] == "¿" for one in found)):
            found.append(Cue(match.start(), match.end(), "question", "after" if opens else "before"))
    return sorted(found, key=lambda one: one.start)


def _segments(heard: str, found: Sequence[Cue], rules: Rules) -> list[tuple[int, int]]:
    cuts = {0}
    for pattern in (_HARD, rules.cuts):
        for match in pattern.finditer(heard):
            at = match.start()
            word = at + len(match[0]) - len(match[0].lstrip(" ,"))
            inside = any(one.start < at < one.end for one in found)
            closes = any(one.start == word and (one.reach == "before" or one.kind == "normal") for one in found)
            if at and not inside and not (closes and "," not in match[0]):
                cuts.add(at)
    ends = [*sorted(cuts), len(heard)]
    return [(a, b) for a, b in pairwise(ends) if any(c.isalnum() for c in heard[a:b])] or [(0, len(heard))]


def _judge_segment(heard: str, start: int, end: int, found: Sequence[Cue], rules: Rules) -> list[Judged]:
    asked = next((one for one in found if heard[one.start] == "?" and not has_words(heard[one.end : end], rules)), None)
    if asked is not None:
        return [decide(Judged(start, end), asked, "before")]
    parts = [Judged(start, end)]
    decided: Cue | None = None
    for one in found:
        if one.kind == "masked":
            continue
        now = parts[-1]
        begin = now.start if decided is None or now.reaches_on else decided.end
        before, after = has_words(heard[begin : one.start], rules), has_words(heard[one.end : end], rules)
        back = one.reach == "before" or (one.reach != "whole" and before and not after)
        back = back or (one.reach == "either" and one.kind == "hedge" and before)  # "métastase probable du foie"
        if one.reach == "whole":
            parts = [replace(decide(Judged(start, end), one, "whole"), reaches_on=True)]
            if one.kind in ("family", "history"):
                return parts
        elif decided is None and back:
            parts[-1] = decide(now, one, "before")
        elif decided is None:
            if before:
                if one.kind == "normal" and not rules.finding.search(heard, begin, one.start):
                    parts[-1] = decide(now, one, "either")
                    decided = one
                    continue
                parts[-1] = replace(now, end=one.start)
                parts.append(Judged(one.start, end))
            parts[-1] = decide(parts[-1], one, "after")
        elif now.reaches_on:
            between = has_words(heard[decided.end : one.start], rules)
            if back and now.by == "nothing" and one.kind in ("negation", "normal"):  # "bis auf eine Zyste unauffällig"
                parts[-1] = replace(now, end=one.start)
                parts.append(decide(Judged(one.start, end), one, "before"))
            elif back:
                if now.by not in ("negation", "history", "family") and one.kind not in ("normal", "yes"):
                    parts[-1] = decide(now, one, "before")
            elif between and not (now.by == "negation" and one.kind in ("hedge", "yes", "normal")):
                parts[-1] = replace(now, end=one.start)
                parts.append(decide(Judged(one.start, end), one, "after"))
            elif one.kind == "history" and now.by in ("nothing", "hedge"):
                parts[-1] = decide(now, one, "after")
            else:
                continue
        else:
            parts[-1] = replace(now, end=one.start if not back else decided.end)
            parts.append(decide(Judged(parts[-1].end, end), one, "before" if back else "after"))
        decided = one
    return [one for part in parts for one in _normal_or_not(heard, part, rules)]


def _normal_or_not(heard: str, part: Judged, rules: Rules) -> list[Judged]:
    """ "Normal" beside a finding says nothing of it."""
    if part.by == "normal" and part.cue[1] - part.cue[0] < 16:
        rest = heard[part.start : part.cue[0]] + " " + heard[part.cue[1] : part.end]
        if rules.finding.search(rest):
            return [Judged(part.start, part.end)]
    return [part]


def _goes_on(heard: str, last: Judged, one: Judged, found: Sequence[Cue], rules: Rules) -> bool:
    """Whether `one` goes on a list that the last part opened: "no mass, shift or clot", "DD: abscess, metastasis"."""
    if one.by != "nothing" or one.cue[1] or not last.reaches_on or last.by not in _LISTED:
        return False
    if last.by == "family":
        return True  # "mère avec un cancer"
    if heard[one.start] != ",":
        return False
    if heard[last.cue[1] : last.cue[1] + 2].strip().startswith(":") or last.by in ("hedge", "question"):
        return True
    stop = next((cue.start for cue in found if cue.start >= one.start), len(heard))
    if rules.joins.search(heard, one.start, stop) is not None or rules.joins.match(heard, stop) is not None:
        return True
    items = heard[one.start + 1 : stop].rstrip(" .!").split(",")
    listed = len(items) > 1 or last.cue[1] <= last.start
    return stop == len(heard) and listed and all(len(item.split()) <= _ITEM for item in items)


def _of_anatomy(heard: str, last: Judged, one: Judged, rules: Rules) -> bool:
    """ "Hígado" - "sin lesiones focales" is one statement."""
    if one.by not in ("negation", "normal") or last.by != "nothing" or last.cue[1]:
        return False
    if _WITHOUT.match(heard, one.start) is None or one.cue[0] - one.start > len(" con y sin"):
        return False
    text = heard[last.start : last.end]
    return rules.finding.search(text) is None and names_only_anatomy(text, lambda words: has_words(words, rules))


def _look_back(heard: str, judged: list[Judged], one: Judged, rules: Rules) -> None:
    """Give the answer of "X, Y and Z are not seen" to X and Y."""
    if not one.cue[1] or one.by in ("history", "family", "nothing"):
        return
    if rules.joins.search(heard, one.start, one.cue[0]) is None:
        return
    for number in range(len(judged) - 1, -1, -1):
        item = judged[number]
        text = heard[item.start : item.end]
        follows = heard[judged[number + 1].start] if number + 1 < len(judged) else heard[one.start]
        if item.by != "nothing" or item.cue[1] or ":" in text or follows != ",":
            return
        if one.by == "normal" and rules.finding.search(text):
            return
        judged[number] = replace(item, assertion=one.assertion, by=one.by, cue=one.cue)


def has_words(text: str, rules: Rules) -> bool:
    """Whether more is said than small words."""
    return any(char.isalnum() for char in rules.small.sub(" ", text))
