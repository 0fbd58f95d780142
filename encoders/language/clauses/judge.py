"""A text cut into parts, each judged by the cues in it: what `assertions` is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from spinecho.encoders.language.clauses.anatomy_alone import names_only_anatomy
from spinecho.encoders.language.clauses.anatomy_told import ONE_STATEMENT, not_in_view
from spinecho.encoders.language.clauses.bounds import (
    ALL_ABNORMAL,
    ASIDE,
    DEFINITE,
    HARD,
    INTRO,
    NOT_A_NEGATION,
    NOW,
    OWN_CLAUSE,
    OWN_FINDING,
    PATIENT,
    PRESENT_AS_EXPECTED,
    SOFT,
    SUBORDINATE,
)
from spinecho.encoders.language.clauses.cues import Cue, bare_answer, cues
from spinecho.encoders.language.clauses.dictated import new_statements
from spinecho.encoders.language.clauses.further_cues import DOUBT_IN_LIST, DOUBTED_ONCE, OR_OTHER
from spinecho.encoders.language.clauses.last_look import no_more, operated, organ_missing
from spinecho.encoders.language.clauses.normal_anatomy import (
    NO_LONGER,
    WITH_NO,
    as_normal,
    something_wrong,
    told_of_it,
)
from spinecho.encoders.language.clauses.other_languages import judge_by
from spinecho.encoders.language.clauses.other_rules import rules_for
from spinecho.encoders.language.clauses.segment import Judged, decide, has_words, judge_segment
from spinecho.encoders.language.clauses.taken_back import taken_back
from spinecho.encoders.language.finding_words import names_finding
from spinecho.encoders.language.parts.sentences import sentence_spans
from spinecho.encoders.language.vocabulary import concepts

_BLANKS = re.compile(r"\s{2,}|[^\S ]")
_AS_WELL = re.compile(r"[ ,]*as well as(?!\w)")
_WITH = re.compile(r"[ ,]*with(?!\w)")
_OR = re.compile(r"[ ,]*n?or(?!\w)")
_LAST_OF_LIST = re.compile(r"; ?n?or(?!\w)")
_NOW_NOT = re.compile(
    r"(?:none|not|no|nil)[\w ]{0,12} (?:now|currently|today|at present|on this study|this time)(?!\w)"
)
_OF_ALL = re.compile(r"(?:^|\?) *(?:neither|none|both|all|no to (?:both|all))(?!\w)")
_ALL_SEEN = re.compile(
    r"(?:^|\?) *(?:both|all)(?: of (?:these|them))? (?:is |are |was |were )?"
    r"(?:present|seen|confirmed|identified|visible|found|there)(?!\w)"
)
_ON_THIS_SCAN = re.compile(
    r"(?<!\w)(?:on|in|at|by|after|from|per) (?:this|these|today's|(?:the )?(?:current|present)) (?:\w+ )?"
    r"(?:mri?|mr|ct|scans?|stud(?:y|ies)|exam(?:ination)?s?|images?|imaging|sequences?|investigation)(?!\w)"
    r"|(?<!\w)(?:a|ans|answer|reply|response) ?:"
)
"""Says nothing more in an answer: "Suspected MS" - "unlikely on this study", "Q: MS?" - "A: no"."""
_TREATED_FOR = re.compile(r"(?:\w+ly )?(?:treated|managed|irradiated|operated)(?!\w)[\w /'-]*(?<!\w)for(?!\w)")
_WITH_NOW = re.compile(
    r"[ ,]*with (?:an? |the )?(?:now|new|persist\w+|residual|recurren\w+|ongoing|continu\w+|worsening|progressive"
    r"|current|increasing)(?!\w)"
)
"""What a treatment was for goes on past "with", unless it is of now: "treated for Crohn's disease" - "with fistula"."""
_OF_ITS_NOUN = re.compile(
    r"(?:\w+ )*?(?:resected|excised|repaired|clipped|coiled|removed|drained|ablated|evacuated|reconstructed|reduced)"
)
"""What was done to one thing of a list was done to that alone: "a repaired aneurysm" - ", endoleak"."""
_SUPPOSED = re.compile(r"if|unless|when|where|wherever|whenever|once|in case of|in the event of")
"""Opens what is only supposed: "if a leak is present" affirms none."""


@lru_cache(maxsize=512)
def judge(text: str, language: str = "en") -> tuple[Judged, ...]:
    """Every clause with places in `text`; runs of blanks count as one. language: "en", or one that has rules."""
    found: list[Judged] = []
    for start, end in sentence_spans(text):
        heard, places = _heard(text[start:end])
        for one in _judge_all(heard) if language == "en" else judge_by(heard, rules_for(language)):
            a, b = places[one.start], places[one.end - 1] + 1
            cue = (places[one.cue[0]], places[one.cue[1] - 1] + 1) if one.cue[1] > one.cue[0] else (0, 0)
            moved = (start + cue[0], start + cue[1]) if cue[1] else (0, 0)
            found.append(Judged(start + a, start + b, one.assertion, one.by, moved, one.aside))
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
    letters: list[str] = []
    for at, char in enumerate(heard):
        if char.isspace() and letters and letters[-1] == " ":
            continue
        kept.append(at)
        letters.append(" " if char.isspace() else char)
    return "".join(letters), kept


def _judge_all(heard: str) -> list[Judged]:
    found = list(cues(heard))
    judged: list[Judged] = []
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
        supposed = any(cue.kind == "question" and _SUPPOSED.fullmatch(heard, cue.start, cue.end) for cue in inside)
        if bare and not wider and not (bare.kind == "yes" and supposed):
            inside = [*(cue for cue in inside if cue.start < bare.start and cue.kind != "question"), bare]
        previous = judged[-1] if judged else None
        if previous and _says_no_more(heard, start, end, inside) and _answers(inside, hard):
            judged[-1] = _answered(heard, previous, end, inside)
            continue
        parts = [as_normal(heard, part) for part in judge_segment(heard, start, end, inside)]
        first = parts[0]
        if previous and not hard and _goes_on(heard, judged, first):
            judged[-1] = replace(previous, end=first.end)
            parts = parts[1:]
        elif previous and not hard and something_wrong(heard, previous, first):
            judged[-1] = Judged(previous.start, first.end)
            parts = parts[1:]
        elif not hard:
            if previous and _goes_on_after_aside(heard, judged, first):
                denial = judged[-2]
                parts[0] = replace(first, assertion=denial.assertion, by=denial.by, cue=denial.cue, reaches_on=True)
            if previous and (told := told_of_it(heard, previous, first)):
                judged.pop()
                parts[0] = told
            elif previous and any(of_one(heard, previous, first) for of_one in ONE_STATEMENT):
                judged.pop()
                parts[0] = replace(first, start=previous.start)
            _look_back(heard, judged, parts[0])
        judged += [not_in_view(heard, _as_expected(heard, _either(heard, part))) for part in parts]
    judged = taken_back(heard, _answered_together(heard, _denied_too(heard, judged)))
    looked_at = [one for part in judged for grown in no_more(heard, part) for one in operated(heard, grown)]
    return [organ_missing(heard, one, found) for one in looked_at]


def _answered_together(heard: str, judged: list[Judged]) -> list[Judged]:
    """ "Syrinx? Ependymoma? Neither is seen.": the one answer is to every question before it."""
    last = next((number for number, part in enumerate(judged) if _OF_ALL.search(heard[part.start : part.end])), 0)
    answer = judged[last] if judged else None
    if answer is None or "?" not in heard[judged[0].start : answer.end]:
        return judged
    if _ALL_SEEN.search(heard[answer.start : answer.end]):
        answer = replace(answer, assertion="present", by="nothing", cue=(0, 0))
    elif answer.by != "negation":
        return judged
    first = last
    while first and judged[first - 1].by == "question" and heard[: judged[first - 1].end].rstrip().endswith("?"):
        first -= 1
    given = [replace(one, assertion=answer.assertion, by=answer.by, cue=answer.cue) for one in judged[first:last]]
    return [*judged[:first], *given, answer, *judged[last + 1 :]]


def _denied_too(heard: str, judged: list[Judged]) -> list[Judged]:
    """ "No stone, mass or other" - "cause of obstruction": what a denied list ends with is denied too."""
    kept: list[Judged] = []
    for part in judged:
        last = kept[-1] if kept else None
        if (
            last
            and last.by == "negation"
            and last.reaches_on
            and part.by in ("hedge", "question")
            and part.reaches_on
            and DOUBT_IN_LIST.fullmatch(heard, *part.cue)
            and (
                OR_OTHER.search(heard, max(part.cue[0] - 40, last.start), part.cue[0])
                if heard[part.cue[0] : part.cue[1]] != "either"
                else not has_words(heard[last.end : part.cue[0]])
            )
        ):
            kept[-1] = replace(last, end=part.end)
        else:
            kept.append(part)
    return kept


def _either(heard: str, part: Judged) -> Judged:
    """ "Schwannoma or meningioma" affirms neither."""
    if part.by != "nothing" or part.aside or (at := heard.find(" or ", part.start, part.end)) < 0:
        return part
    if (
        NOT_A_NEGATION.match(heard, part.start)
        or not _names_one(heard[part.start : at])
        or not _names_one(heard[at + 4 : part.end])
    ):
        return part
    return replace(part, assertion="uncertain", by="hedge", cue=(at + 1, at + 3))


def _as_expected(heard: str, part: Judged) -> Judged:
    """ "Corpus callosum present" says that nothing is wrong with it."""
    normal = PRESENT_AS_EXPECTED.fullmatch(heard, part.start, part.end)
    if part.by != "nothing" or part.aside or normal is None:
        return part
    return replace(part, assertion="absent", by="normal", cue=normal.span("cue"))


def _names_one(text: str) -> bool:
    return names_finding(text) or any(one.kind == "finding" for one in concepts(text))


def _answers(found: Sequence[Cue], hard: bool) -> bool:
    """Whether cues with no words of their own are about what stands before them."""
    done = any(cue.kind == "history" and cue.reach == "before" for cue in found)
    if any(cue.kind == "family" or (cue.kind == "history" and cue.reach != "before" and not done) for cue in found):
        return False
    if done:
        return True
    return any(cue.kind in ("negation", "yes", "normal", "hedge") for cue in found) if hard else True


def _segments(heard: str, found: Sequence[Cue]) -> list[tuple[int, int, bool]]:
    """(start, end, whether a list before it cannot go on into it), cut nowhere inside a cue."""
    inside = bytearray(len(heard) + 1)
    for cue in found:
        if cue.end - cue.start > 1:
            inside[cue.start + 1 : cue.end] = b"\x01" * (cue.end - cue.start - 1)
    hard = {match.start() for match in HARD.finditer(heard) if not inside[match.start()]}
    closed = max((match.start() for match in _LAST_OF_LIST.finditer(heard)), default=-1)
    listed = {at for at in hard if heard[at] == ";" and at <= closed}  # "no infarct; tear; or abscess"
    hard -= listed
    soft = listed | {match.start() for match in SOFT.finditer(heard) if not inside[match.start()]}
    hard |= {at for at in new_statements(heard) if not inside[at]}
    soft |= {cue.start for cue in found if cue.kind == "question" and cue.reach == "after" and heard[cue.start] == "?"}
    cuts = sorted({0, len(heard)} | hard | soft)
    merged: list[tuple[int, int, bool]] = []
    for start, end in pairwise(cuts):
        if not any(char.isalnum() or char in "?+-[" for char in heard[start:end]):
            continue
        # "On today's study, no mass": the opening words are the setting, not a statement.
        before = heard[merged[-1][0] : start] if merged else ""
        opens = INTRO.fullmatch(before.strip(" ,")) is not None or not has_words(before)
        if merged and start not in hard and opens and not any(merged[-1][0] <= cue.start < start for cue in found):
            merged[-1] = (merged[-1][0], end, merged[-1][2])
        else:
            merged.append((start, end, start in hard))
    return merged


def _answered(heard: str, previous: Judged, end: int, found: Sequence[Cue]) -> Judged:
    """The part before, as words without a subject of their own answer it: "hydrocephalus" - "no"."""
    kept = replace(previous, end=end)
    if any(
        a.kind == "negation" and b.kind == "normal" and NO_LONGER.fullmatch(heard, a.start, b.start)
        for a, b in pairwise(found)
    ):
        return replace(kept, assertion="present", by="nothing", cue=(0, 0), aside=False)
    for cue in found:
        if cue.kind == "masked" or (cue.kind == "negation" and kept.by == "family"):
            continue
        if (
            kept.by == "history"
            and cue.kind == "negation"
            and (_NOW_NOT.match(heard, cue.start) or NOW.match(heard, previous.end))
            and not DOUBTED_ONCE.search(heard, *kept.cue)
        ):
            continue  # "a DVT in 2016, none now", "a cyst on the previous MRI, today there is none"
        if kept.by == "hedge" and cue.kind == "question":
            continue
        kept = decide(kept, cue, "before")
    return replace(kept, aside=False)


def _goes_on(heard: str, judged: Sequence[Judged], one: Judged) -> bool:
    """True where `one` goes on a list that the last part denied, doubted or called normal: "no mass, shift or clot"."""
    last = judged[-1]
    if last.by == "family" and one.by == "negation" and WITH_NO.match(heard, one.start):
        return True  # "a brother without epilepsy"
    if last.by == "negation" and one.by == "history" and _closes_with_or(heard, one):
        return True  # "no acute myocarditis, prior infarction or effusion"
    if one.cue[1] or not last.reaches_on or last.by == "nothing":
        return False
    text = heard[one.start : one.end].lstrip(";")
    if last.by == "family":
        return PATIENT.match(text) is None
    if last.by == "history" and _OF_ITS_NOUN.fullmatch(heard, *last.cue):
        return False
    if (last.by == "history" and NOW.match(text)) or (last.by == "hedge" and _AS_WELL.match(text)):
        return False
    if last.by == "history" and text.lstrip(" ,").startswith("with "):
        if not names_finding(text):
            return True
        return _TREATED_FOR.match(heard, last.cue[0], last.end) is not None and _WITH_NOW.match(text) is None
    if ASIDE.match(text) or SUBORDINATE.match(heard[last.start : last.end].lstrip(" ,")):
        return False
    if last.by == "normal" and names_finding(text, of_normal=True):
        return False
    repeated = len(judged) > 1 and judged[-2].by == "negation" == last.by and judged[-2].cue != last.cue
    if (repeated or OWN_FINDING.match(text)) and not _closes_with_or(heard, one):
        return False
    return OWN_CLAUSE.match(text) is None


def _goes_on_after_aside(heard: str, judged: Sequence[Judged], one: Judged) -> bool:
    """ "No enhancement" - "within the cyst" - ", septation or nodule": the list goes on past what is there."""
    if len(judged) < 2 or one.cue[1] or judged[-1].by != "nothing":
        return False
    text = heard[one.start : one.end]
    past_place = judged[-1].aside and DEFINITE.match(heard, judged[-1].start) is not None
    past_with = _WITH.match(heard, judged[-1].start) is not None and _OR.match(text) is not None
    return (
        judged[-2].by == "negation"
        and judged[-2].end == judged[-1].start
        and (past_place or past_with)
        and _closes_with_or(heard, one)
        and not (ASIDE.match(text) or OWN_FINDING.match(text) or OWN_CLAUSE.match(text))
    )


def _closes_with_or(heard: str, one: Judged) -> bool:
    rest = heard[one.start : one.start + 200]
    stop = re.search(r"[.;]|(?<!\w)(?:but|with|however)(?!\w)", rest)
    return re.search(r"(?<!\w)(?:or|nor|oder|noch)(?!\w)", rest[: stop.start()] if stop else rest) is not None


def _look_back(heard: str, judged: list[Judged], one: Judged) -> None:
    """Give the answer of "X, Y and Z are not seen" to X and Y."""
    if (one.reaches_on and one.by != "normal") or not one.cue[1] or one.by in ("history", "family", "nothing"):
        return
    listed = re.search(r"(?<!\w)(?:and|or|nor|und|oder)(?!\w)|&|(?P<colon>:) *$", heard[one.start : one.cue[0]])
    if listed is None:
        return
    for number in range(len(judged) - 1, -1, -1):
        item = judged[number]
        text = heard[item.start : item.end]
        if item.by != "nothing" or item.aside or ":" in text or OWN_CLAUSE.match(text) or OWN_FINDING.match(text):
            return
        if one.by == "normal" and names_finding(text, of_normal=True):
            return
        if listed["colon"] and not names_only_anatomy(text, has_words):
            return
        if number + 1 < len(judged) and heard[judged[number + 1].start : judged[number + 1].start + 1] not in ",":
            return
        judged[number] = replace(item, assertion=one.assertion, by=one.by, cue=one.cue)
        if heard[item.start : item.start + 1] != ",":
            return


def _says_no_more(heard: str, start: int, end: int, found: Sequence[Cue]) -> bool:
    return not has_words(_ON_THIS_SCAN.sub(" ", _without(heard, start, end, found)))


def _without(heard: str, start: int, end: int, found: Sequence[Cue]) -> str:
    text = list(heard[start:end])
    for cue in found:
        if cue.kind != "masked" and not (cue.kind == "normal" and ALL_ABNORMAL.search(heard, cue.start, cue.end)):
            text[cue.start - start : cue.end - start] = " " * (cue.end - cue.start)
    return "".join(text)
