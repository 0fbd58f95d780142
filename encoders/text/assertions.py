"""What does each clause of a text say of its finding: there, not there, perhaps, or of the past?

Rules of the NegEx family (Chapman et al. 2001, J Biomed Inform 34:301-310), with ConText's ended scopes, history and other
people (Harkema et al. 2009, J Biomed Inform 42:839-851) and a third answer for hedges as in NegBio (Peng et al. 2018, AMIA
CRI) and CheXpert (Irvin et al. 2019). No list of findings is asked for: a text is cut at marks, conjunctions and where a
cue's reach ends, and each part is judged whole.

What the answers mean, decided once:

historical it is told of the patient's past and not of this scan ("Status post resection.", "history of melanoma");
           what is left of it there ("old infarct", "postoperative changes") is present.
absent     a finding is denied (`by` "negation"), or normality is stated ("The ventricles are normal": `by` "normal").
uncertain  a finding is hedged or a differential (`by` "hedge"), or asked about, looked for or a mere risk (`by` "question");
           or it is of the family (`by` "family"): nobody's finding, which neither affirms nor denies it of this patient.
present    everything else, also what is no finding ("T1 and T2 were acquired"), stability ("no change in the
           meningioma": it is there), and "consistent with".

What a finding is denied to do is absent, the finding itself is not: "the lesion" | "does not enhance". Anatomy that is
denied to be abnormal is absent whole: "the ventricles are not enlarged". A thing named with "the" inside a denial is there:
"no enhancement" | "within the cyst".

A sentence is present if any clause is, else uncertain, else historical, else absent; a clause that only names the
examination ("Axial T2 image, ...") or what a denial or doubt is about ("swelling" | "that may reflect seizures") decides
nothing beside another. So "No haemorrhage, but a 2 cm mass" is present; `clauses` tells the two apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from encoders.text.clause_cues import Cue, Kind, Reach, bare_answer, cues
from encoders.text.clause_rules import (
    AFTER_EXCEPTION,
    ASIDE,
    DEFINITE,
    EXAMINATION,
    EXCEPTION,
    GIVEN,
    HARD,
    INTRO,
    NOW,
    OWN_CLAUSE,
    OWN_FINDING,
    PATIENT,
    PERSON,
    SHOWS,
    SOFT,
    SUBORDINATE,
)
from encoders.text.finding_words import names_finding
from encoders.text.laterality import Side, sides
from encoders.text.sentences import sentence_spans

Assertion = Literal["present", "absent", "uncertain", "historical"]
By = Literal["negation", "normal", "hedge", "question", "history", "family", "nothing"]
"""What decided: "normal" states normality where "negation" denies a finding; both are absent."""

_STRONGEST: tuple[Assertion, ...] = ("present", "uncertain", "historical", "absent")
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
_BLANKS = re.compile(r"\s{2,}|[^\S ]")
_SMALL_WORDS = re.compile(
    r"(?<!\w)(?:the|an?|and|or|but|is|are|was|were|be|been|has|have|had|it|this|that|there|they|these|those|which|also|now|however|yet"
    r"|still|to|of|in|on|at|by|for|from|as|we|i|he|she|any|both|all|either|again|here|today|so|if|und|oder|aber|ist|sind|die|der|das)(?!\w)"
)
_ADJUNCT = re.compile(
    r"[ ,.:)-]*(?:$|(?:in|on|at|for|by|from|to|of|within|throughout|given|as|with|without|during|after|before|between|along|over|since|today|now"
    r"|currently|here|again|also|clinically|so far|elsewhere|otherwise|this time|and|but|or|because|due|\w+ly|both|im|in der|bei|links|rechts)(?!\w))"
)


_IS = re.compile(r"(?<!\w)(?:is|are|was|were)")
_ALL_ABNORMAL = re.compile(r"abnormal|anomal|patholog|findings|nothing|nil|study|scan|mri?")
_COMPARES = re.compile(
    r"(?<!\w)(?:unchanged|stable|since (?:the|last|prior|previous|(?:19|20)\d\d)|compar\w+|changed|(?:mri?|ct|scan|study|imaging|examination) (?:[\w-]+ ){0,3}(?:in|of|from|dated) )"
)


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
    assertion: Assertion = "present"
    by: By = "nothing"
    cue: tuple[int, int] = (0, 0)
    aside: bool = False
    """What a denial or doubt is about: there, and not what the sentence is for."""
    reaches_on: bool = False
    """The cue reaches what follows, so a list may go on after a comma."""


def clauses(sentence: str) -> tuple[Clause, ...]:
    """The text's clauses in order, covering all its words but list marks; () for a text without any."""
    return tuple(
        Clause(
            a,
            b,
            sentence[a:b],
            one.assertion,
            sides(" ".join(sentence[a:b].split())),
            sentence[slice(*one.cue)],
            one.by,
        )
        for one in _judged(sentence)
        for a, b in [_trimmed(sentence, one.start, one.end)]
        if a < b
    )


def sentence_assertion(sentence: str) -> Assertion:
    """One answer for the sentence: present before uncertain before historical before absent."""
    found = [one for one in _judged(sentence) if not one.aside] or _judged(sentence)
    said = {one.assertion for one in found if not _only_names_examination(sentence[one.start : one.end])}
    return strongest(said or {one.assertion for one in found})


def strongest(answers: Iterable[Assertion]) -> Assertion:
    """One answer for many: present before uncertain before historical before absent; present for none."""
    said = set(answers)
    return next((answer for answer in _STRONGEST if answer in said), "present")


def is_normality(text: str) -> bool:
    """Whether a question asks for normality: "normal knee", "intact ACL", "no abnormality".

    A question that asks for a finding too does not ("normal knee with effusion"), nor does one where "normal" is part
    of a name ("normal pressure hydrocephalus", "normal variant").
    """
    found = [one for one in _judged(text) if not _only_names_examination(text[one.start : one.end])]
    return bool(found) and all(one.by == "normal" for one in found)


def _only_names_examination(text: str) -> bool:
    heard = " ".join(text.lower().split())
    if EXAMINATION.search(heard) is None:
        return False
    for verb in SHOWS.finditer(heard):
        shown = heard[verb.end() :].strip(" ,.")
        if shown and EXAMINATION.search(shown) is None:
            return False
    return not names_finding(heard) and next(cues(heard), None) is None


@lru_cache(maxsize=512)
def _judged(text: str) -> tuple[_Judged, ...]:
    """Every clause with places in `text`; runs of blanks count as one."""
    found: list[_Judged] = []
    for start, end in sentence_spans(text):
        heard, places = _heard(text[start:end])
        for one in _judge_all(heard):
            a, b = places[one.start], places[one.end - 1] + 1
            cue = (places[one.cue[0]], places[one.cue[1] - 1] + 1) if one.cue[1] > one.cue[0] else (0, 0)
            moved = (start + cue[0], start + cue[1]) if cue[1] else (0, 0)
            found.append(_Judged(start + a, start + b, one.assertion, one.by, moved, one.aside))
    return tuple(found)


_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "´": "'", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "：": ":", "？": "?"}
)


def _heard(text: str) -> tuple[str, range | list[int]]:
    """Lower case, plain dashes and quotes, one blank for many; and where in `text` each character stands."""
    heard = "".join(low if len(low := char.lower()) == 1 else char for char in text).translate(_PLAIN)
    if not _BLANKS.search(heard):
        return heard, range(len(heard))
    kept: list[int] = []
    said: list[str] = []
    for at, char in enumerate(heard):
        if char.isspace():
            if said and said[-1] == " ":
                continue
            char = " "
        kept.append(at)
        said.append(char)
    return "".join(said), kept


def _judge_all(heard: str) -> list[_Judged]:
    found = list(cues(heard))
    judged: list[_Judged] = []
    for start, end, hard in _segments(heard, found):
        inside = [cue for cue in found if start <= cue.start < end]
        bare = bare_answer(heard, start, end)
        wider = (
            any(
                cue.start < bare.end and bare.start < cue.end and cue.end - cue.start > bare.end - bare.start
                for cue in inside
            )
            if bare
            else True
        )
        if bare and not wider:
            inside = [*(cue for cue in inside if cue.start < bare.start and cue.kind != "question"), bare]
        previous = judged[-1] if judged else None
        if previous and not _has_words(_without(heard, start, end, inside)) and _answers(inside, hard):
            judged[-1] = _answered(previous, end, inside)
            continue
        parts = _judge_segment(heard, start, end, inside)
        first = parts[0]
        if previous and not hard and _goes_on(heard, judged, first):
            judged[-1] = replace(previous, end=first.end)
            parts = parts[1:]
        elif not hard:
            if previous and _of_normal(heard, previous, first):
                judged.pop()
                parts[0] = replace(first, start=previous.start)
            _look_back(heard, judged, parts[0])
        judged += [_either(heard, part) for part in parts]
    return judged


def _either(heard: str, part: _Judged) -> _Judged:
    """ "Schwannoma or meningioma" affirms neither."""
    if part.by != "nothing" or part.aside or (at := heard.find(" or ", part.start, part.end)) < 0:
        return part
    if not names_finding(heard[part.start : at]) or not names_finding(heard[at + 4 : part.end]):
        return part
    return replace(part, assertion="uncertain", by="hedge", cue=(at + 1, at + 3))


def _answers(found: Sequence[Cue], hard: bool) -> bool:
    """Whether cues with no words of their own are about what stands before them."""
    if any(cue.kind in ("family", "history") for cue in found):
        return False
    return any(cue.kind in ("negation", "yes", "normal", "hedge") for cue in found) if hard else True


def _segments(heard: str, found: Sequence[Cue]) -> list[tuple[int, int, bool]]:
    """(start, end, whether a list before it cannot go on into it), cut nowhere inside a cue."""
    inside = bytearray(len(heard) + 1)
    for cue in found:
        if cue.end - cue.start > 1:
            inside[cue.start + 1 : cue.end] = b"\x01" * (cue.end - cue.start - 1)
    hard = {match.start() for match in HARD.finditer(heard) if not inside[match.start()]}
    soft = {match.start() for match in SOFT.finditer(heard) if not inside[match.start()]}
    soft |= {cue.start for cue in found if cue.kind == "question" and cue.reach == "after" and heard[cue.start] == "?"}
    cuts = sorted({0, len(heard)} | hard | soft)
    merged: list[tuple[int, int, bool]] = []
    for start, end in pairwise(cuts):
        if not any(char.isalnum() or char in "?+-[" for char in heard[start:end]):
            continue
        # "On today's study, no mass": the opening words are the setting, not a statement.
        before = heard[merged[-1][0] : start] if merged else ""
        opens = INTRO.fullmatch(before.strip(" ,")) is not None or not _has_words(before)
        if merged and start not in hard and opens and not any(merged[-1][0] <= cue.start < start for cue in found):
            merged[-1] = (merged[-1][0], end, merged[-1][2])
        else:
            merged.append((start, end, start in hard))
    return merged


def _judge_segment(heard: str, start: int, end: int, found: Sequence[Cue]) -> list[_Judged]:
    """The segment in parts, each under one cue or none."""
    if EXCEPTION.match(heard, start, end):
        cut = AFTER_EXCEPTION.search(heard, start, end)
        if cut is None:
            return [_Judged(start, end)]
        rest = _judge_segment(heard, cut.start(), end, [cue for cue in found if cue.start > cut.start()])
        return [_Judged(start, cut.start()), *rest]
    parts = [_Judged(start, end)]
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
            verdict = _together(decided, now, cue, reach, _has_words(heard[decided.end : cue.start]))
            if verdict == "keep":
                continue
            apart = verdict == "apart"
        if apart:
            beside = cue.kind in ("hedge", "question") or (
                reach == "verb" and _IS.search(heard, cue.start, cue.end) is None
            )
            parts[-1] = replace(now, end=cue.start, aside=now.aside or (decided is None and beside))
            parts.append(_Judged(cue.start, end))
        parts[-1] = _decided(parts[-1], cue, reach)
        decided = cue
    parts = [part for part in parts if part.end > part.start]
    if decided is None and (
        GIVEN.match(heard[start:end]) or (PERSON.search(heard, start, end) and not names_finding(heard[start:end]))
    ):
        parts = [replace(part, aside=True) for part in parts]
    return _presupposed(heard, [one for part in parts for one in _normal_or_not(heard, part)])


def _of_a_scan(text: str) -> bool:
    """Whether a date in `text` is that of an earlier scan, or of what has not changed since."""
    return _COMPARES.search(text) is not None


def _decided(part: _Judged, cue: Cue, reach: Reach) -> _Judged:
    assertion, by = _MEANS[cue.kind]
    return replace(part, assertion=assertion, by=by, cue=(cue.start, cue.end), reaches_on=reach != "before")


def _reach(heard: str, cue: Cue, begin: int, until: int) -> Reach:
    """Which side the cue decides, where its own side may hold no words."""
    if cue.reach == "whole" or cue.reach == "verb":
        return cue.reach
    before, after = _has_words(heard[begin : cue.start]), heard[cue.end : until]
    nothing_after = _ADJUNCT.match(after) is not None or not _has_words(after)
    if cue.reach == "after":
        return "before" if before and not _has_words(after) else "after"
    if cue.reach == "before":
        return "before" if before or nothing_after else "after"
    return "before" if before and nothing_after else "after"


def _together(first: Cue, part: _Judged, cue: Cue, reach: Reach, between: bool) -> Literal["keep", "apart", "over"]:
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


def _normal_or_not(heard: str, part: _Judged) -> list[_Judged]:
    """ "Normal" beside a finding says nothing of the finding: "normal carotid arteries" | "and hypoplasia of the left MCA"."""
    if part.by != "normal":
        return [part]
    if names_finding(heard[part.start : part.cue[0]], of_normal=True):
        return [_Judged(part.start, part.end)]
    if not names_finding(heard[part.cue[1] : part.end], of_normal=True):
        return [part]
    cut = heard.find(" and ", part.cue[1], part.end)
    if cut < 0 or names_finding(heard[part.cue[1] : cut], of_normal=True):
        return [_Judged(part.start, part.end)]
    return [replace(part, end=cut, reaches_on=False), _Judged(cut, part.end)]


def _presupposed(heard: str, parts: list[_Judged]) -> list[_Judged]:
    """Cut from a denial or doubt what it takes to be there: "no enhancement" | "within the cyst"."""
    cut: list[_Judged] = []
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
        cut.append(_Judged(found.start(), part.end, aside=True))
    return cut


def _answered(previous: _Judged, end: int, found: Sequence[Cue]) -> _Judged:
    """The part before, as words without a subject of their own answer it: "hydrocephalus" - "no"."""
    kept = replace(previous, end=end)
    for cue in found:
        if cue.kind == "masked" or (cue.kind == "negation" and kept.by == "family"):
            continue
        if kept.by == "hedge" and cue.kind == "question":
            continue
        kept = _decided(kept, cue, "before")
    return replace(kept, aside=False)


def _goes_on(heard: str, judged: Sequence[_Judged], one: _Judged) -> bool:
    """True where `one` is the rest of a list that the last part denied, doubted or called normal: "no mass, shift or clot"."""
    last = judged[-1]
    if one.cue[1] or not last.reaches_on or last.by == "nothing":
        return False
    text = heard[one.start : one.end]
    if last.by == "family":
        return PATIENT.match(text) is None
    if last.by == "history" and NOW.match(text):
        return False
    if last.by == "history" and text.lstrip(" ,").startswith("with ") and not names_finding(text):
        return True
    if ASIDE.match(text) or SUBORDINATE.match(heard[last.start : last.end].lstrip(" ,")):
        return False
    if last.by == "normal" and names_finding(text, of_normal=True):
        return False
    repeated = len(judged) > 1 and judged[-2].by == "negation" == last.by and judged[-2].cue != last.cue
    if (repeated or OWN_FINDING.match(text)) and not _closes_with_or(heard, one):
        return False
    return OWN_CLAUSE.match(text) is None


def _of_normal(heard: str, last: _Judged, one: _Judged) -> bool:
    """ "Ovarian parenchyma" - "with normal signal" is one statement."""
    if one.by != "normal" or last.by != "nothing" or last.aside:
        return False
    opens = heard[one.start : one.cue[0]].strip(" ,")
    return opens in ("with", "of", "and of") and not names_finding(heard[last.start : last.end], of_normal=True)


def _closes_with_or(heard: str, one: _Judged) -> bool:
    rest = heard[one.start : one.start + 200]
    stop = re.search(r"[.;]|(?<!\w)(?:but|with|however)(?!\w)", rest)
    return re.search(r"(?<!\w)(?:or|nor|oder|noch)(?!\w)", rest[: stop.start()] if stop else rest) is not None


def _look_back(heard: str, judged: list[_Judged], one: _Judged) -> None:
    """Give the answer of "X, Y and Z are not seen" to X and Y."""
    if (one.reaches_on and one.by != "normal") or not one.cue[1] or one.by in ("history", "family", "nothing"):
        return
    if re.search(r"(?<!\w)(?:and|or|nor|und|oder)(?!\w)|&", heard[one.start : one.cue[0]]) is None:
        return
    for number in range(len(judged) - 1, -1, -1):
        item = judged[number]
        text = heard[item.start : item.end]
        if item.by != "nothing" or item.aside or ":" in text or OWN_CLAUSE.match(text) or OWN_FINDING.match(text):
            return
        if one.by == "normal" and names_finding(text, of_normal=True):
            return
        if number + 1 < len(judged) and heard[judged[number + 1].start : judged[number + 1].start + 1] not in ",":
            return
        judged[number] = replace(item, assertion=one.assertion, by=one.by, cue=one.cue)
        if heard[item.start : item.start + 1] != ",":
            return


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in _SMALL_WORDS.sub(" ", text))


def _without(heard: str, start: int, end: int, found: Sequence[Cue]) -> str:
    text = list(heard[start:end])
    for cue in found:
        if cue.kind != "masked" and not (cue.kind == "normal" and _ALL_ABNORMAL.search(heard, cue.start, cue.end)):
            text[cue.start - start : cue.end - start] = " " * (cue.end - cue.start)
    return "".join(text)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in ",;~|"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ",;~|"):
        end -= 1
    return start, end
