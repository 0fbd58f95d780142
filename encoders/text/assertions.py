"""Does a sentence say that something is there, that it is not, or that it may be?

Rules of the NegEx family (Chapman et al. 2001, J Biomed Inform 34:301-310), with ConText's ended scopes (Harkema et al.
2009, J Biomed Inform 42:839-851) and a third answer for hedges as in NegBio (Peng et al. 2018, AMIA CRI) and CheXpert
(Irvin et al. 2019). Unlike those, no list of findings is needed: a clause is judged whole.

What the answers mean, decided once:

historical it is told of the patient's past and not of this scan ("Status post resection.", "history of melanoma");
           what is left of it there ("old infarct", "postoperative changes") is present.
absent     a finding is denied, or normality is stated ("The ventricles are normal.": no abnormality is there).
uncertain  a finding is hedged or asked about ("may represent", "cannot be excluded", "suspicious for", "likely", "?").
present    everything else, also what is no finding ("T1 and T2 were acquired"), stability ("no change in the
           meningioma": it is there), and "consistent with".

A sentence is present if any clause is, else uncertain, else historical, else absent; a clause that only names the
examination ("Axial T2 image, ...") decides nothing beside another. So "No haemorrhage, but a 2 cm mass" is
present; `clauses` tells the two apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from encoders.text.clause_rules import (
    ABNORMAL,
    ASIDE,
    EXAMINATION,
    EXCEPTION,
    HEDGE,
    HISTORY,
    HISTORY_OPENING,
    INTRO,
    NEGATION,
    NORMAL,
    NOT_A_NEGATION,
    NOW,
    OWN_CLAUSE,
    SHOWS,
    SPLIT,
    SUBORDINATE,
    UNDECIDED,
)
from encoders.text.laterality import Side, sides

Assertion = Literal["present", "absent", "uncertain", "historical"]


_STRONGEST: tuple[Assertion, ...] = ("present", "uncertain", "historical", "absent")


By = Literal["negation", "normal", "hedge", "question", "history", "family", "nothing"]
"""What decided: "normal" states normality where "negation" denies a finding; both are absent."""


@dataclass(frozen=True, slots=True)
class Clause:
    """`sentence[start:end] == text`. The conjunction that opens a clause belongs to it.

    `cue` is the word or words that decided, as they stand in the sentence, "" where nothing did.
    """

    start: int
    end: int
    text: str
    assertion: Assertion
    sides: frozenset[Side]
    cue: str = ""
    by: By = "nothing"


@dataclass(frozen=True, slots=True)
class _Judged:
    start: int
    end: int
    assertion: Assertion
    by: By
    cue: tuple[int, int] = (0, 0)


def clauses(sentence: str) -> tuple[Clause, ...]:
    """The sentence's clauses in order, covering all its words; () for a sentence without any."""
    return tuple(
        Clause(
            start,
            end,
            sentence[start:end],
            one.assertion,
            sides(sentence[start:end]),
            sentence[slice(*one.cue)],
            one.by,
        )
        for one in _judge_all(sentence)
        for start, end in [_trimmed(sentence, one.start, one.end)]
        if start < end
    )


def sentence_assertion(sentence: str) -> Assertion:
    """One answer for the sentence: present before uncertain before absent."""
    found = clauses(sentence)
    said = {clause.assertion for clause in found if not _only_names_examination(clause.text)}
    said = said or {clause.assertion for clause in found}
    return next((answer for answer in _STRONGEST if answer in said), "present")


def _only_names_examination(text: str) -> bool:
    heard = text.lower()
    if EXAMINATION.search(heard) is None:
        return False
    for verb in SHOWS.finditer(heard):
        shown = heard[verb.end() :].strip(" ,.")
        if shown and EXAMINATION.search(shown) is None:
            return False
    return not any(rule.search(heard) for rule in (NEGATION, HEDGE, NORMAL, HISTORY, ABNORMAL))


def _judge_all(sentence: str) -> list[_Judged]:
    heard = _mask(sentence)
    judged: list[_Judged] = []
    for start, end in _segments(heard):
        one = _judge(heard, start, end)
        if judged and _goes_on(heard, judged[-1], one):
            last = judged.pop()
            one = _Judged(last.start, one.end, last.assertion, last.by, last.cue)
        judged.append(one)
    return judged


def _mask(sentence: str) -> str:
    """Lower case; negations that deny no finding are blanked; doubts made of a negation become '?'. Same length."""
    heard = "".join(low if len(low := char.lower()) == 1 else char for char in sentence)
    heard = UNDECIDED.sub(lambda match: "?" * len(match.group()), heard)
    return NOT_A_NEGATION.sub(lambda match: "~" * len(match.group()), heard)


def _segments(heard: str) -> list[tuple[int, int]]:
    cuts = [0, *(match.start() for match in SPLIT.finditer(heard) if match.start() > 0), len(heard)]
    pieces = [(a, b) for a, b in pairwise(cuts) if any(char.isalnum() or char in "?~" for char in heard[a:b])]
    merged: list[tuple[int, int]] = []
    for start, end in pieces:
        # "On today's study, no mass": the opening words are the setting, not a statement.
        if merged and INTRO.fullmatch(heard[merged[-1][0] : start].strip(" ,")):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _judge(heard: str, start: int, end: int) -> _Judged:
    text = heard[start:end]

    def by(assertion: Assertion, kind: By, found: re.Match[str]) -> _Judged:
        return _Judged(start, end, assertion, kind, (start + found.start(), start + found.end()))

    if EXCEPTION.match(text):
        return _Judged(start, end, "present", "nothing")
    negation, hedge = NEGATION.search(text), HEDGE.search(text)
    if hedge and not (negation and negation.start() <= hedge.start()):
        return by("uncertain", "question" if "?" in hedge.group() else "hedge", hedge)
    if negation:
        return by("absent", "negation", negation)
    if history := HISTORY.search(text) or HISTORY_OPENING.match(text):
        return by("historical", "history", history)
    if (normal := NORMAL.search(text)) and not ABNORMAL.search(text):
        return by("absent", "normal", normal)
    return _Judged(start, end, "present", "nothing")


def _goes_on(heard: str, last: _Judged, one: _Judged) -> bool:
    """True where `one` is the rest of a list that `last` denied, doubted or called normal: "no mass, shift or clot"."""
    if one.by != "nothing" or last.by == "nothing":
        return False
    text = heard[one.start : one.end]
    if last.by == "history" and NOW.match(text):
        return False
    if ASIDE.match(text) or SUBORDINATE.match(heard[last.start : last.end].lstrip(" ,")):
        return False
    if last.by == "normal" and ABNORMAL.search(text):
        return False
    return OWN_CLAUSE.match(text) is None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in ",;"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ",;"):
        end -= 1
    return start, end
