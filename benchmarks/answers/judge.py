"""Grades: how well a text answers a question, by the question's own rule.

A rule names what has to be affirmed in one sentence and what makes the answer a full one, see `questions.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.answers.reading import Statement, mentions, sentences, side_of, sizes_mm

QUESTIONS = Path(__file__).with_name("questions.toml")
APART = Path(__file__).with_name("questions_apart.toml")
"""Nothing of the engine is fitted to these."""
_OTHER = {"left": "right", "right": "left"}
_UNPLACED = "unplaced"
_UNDERSCORE = re.compile(r"[_^]")
NOTHING = "nothing"
"""The kind of questions that no text answers."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """0, 1 or 2; and of a text with grade 0 whether it answers the contrary: 'denied', 'wrong side', 'wrong place'."""

    grade: int
    flag: str = ""


@dataclass(frozen=True)
class Rule:
    """What answers a question. Names of terms or regular expressions, each at the beginning of a word.

    find: all of them affirmed in one sentence. full: all of them in that sentence too, or the grade is 1.
    also: lists of terms of which one list affirmed in one sentence gives grade 1.
    says: expressions of which a sentence holds one, whatever is denied in it. says_half: the same, for grade 1.
    shot: all of them in one series of a header, or one sentence (2). shot_half: the same, for grade 1.
    deny: one of them denied (2), none affirmed. needs: somewhere in the text, or there is no grade at all.
    side, place, rival (other places), size (as '>=40', in mm): of the sentence with the finding.
    against: of each list the first affirmed and the others somewhere: the text answers the contrary ('affirmed').
    bars: not in that sentence. whole: the text counts as one sentence.
    """

    find: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    also: tuple[tuple[str, ...], ...] = ()
    says: tuple[str, ...] = ()
    says_half: tuple[str, ...] = ()
    shot: tuple[str, ...] = ()
    shot_half: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    against: tuple[tuple[str, ...], ...] = ()
    bars: tuple[str, ...] = ()
    side: str = ""
    place: str = ""
    rival: str = ""
    size: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Question:
    """What is typed, what kind of question it is, and its rule."""

    kind: str
    text: str
    rule: Rule


def load_questions(path: Path = QUESTIONS) -> tuple[Question, ...]:
    """The questions of a file. Raises `ValueError` for an unknown field or expression."""
    loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    terms: Mapping[str, str] = loaded["terms"]
    return tuple(_question(one, terms) for one in loaded["question"])


def _question(table: Mapping[str, object], terms: Mapping[str, str]) -> Question:
    values = dict(table)
    kind, text = str(values.pop("kind")), str(values.pop("text"))
    for name, value in values.items():
        if name in {"also", "against"}:
            values[name] = tuple(tuple(terms.get(term, term) for term in some) for some in value)  # type: ignore[attr-defined]
        elif isinstance(value, list):
            values[name] = tuple(terms.get(term, term) for term in value)
        elif name in {"place", "rival"}:
            values[name] = terms.get(str(value), str(value))
    try:
        return Question(kind, " ".join(text.split()), Rule(**values))  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"question {text!r}: {error}") from error


@cache
def compiled(term: str) -> re.Pattern[str]:
    """The term at the beginning of a word; short capitals are read as they are written."""
    flags = 0 if re.fullmatch(r"[A-Z0-9\\b()|?:*]{2,40}", term) else re.IGNORECASE
    return re.compile(rf"(?<![\w-])(?:{term})", flags)


def judge(rule: Rule, text: str) -> Verdict:
    """How well the text answers."""
    text = _UNDERSCORE.sub(" ", text)
    if any(not compiled(term).search(text) for term in rule.needs):
        return Verdict(0)
    parts = (text,) if rule.whole else sentences(text)
    verdicts = [_said(rule, part) for part in parts]
    if rule.shot or rule.shot_half:
        verdicts += [_shot(rule, series) for part in parts for series in part.split(";")]
    if rule.find:
        verdicts += [_found(rule, part) for part in parts]
        verdicts += [Verdict(1) for part in parts for some in rule.also if _affirmed(some, part) is not None]
    if rule.deny:
        verdicts = [_less(verdict, rule, text) for verdict in verdicts] if rule.find else [_denied(rule, text)]
    best = max(verdicts, key=lambda verdict: verdict.grade, default=Verdict(0))
    if best.flag == _UNPLACED:  # the sentence that names a side or a place decides over one that names none
        return next((verdict for verdict in verdicts if verdict.flag.startswith("wrong")), Verdict(best.grade))
    if best.grade:
        return best
    for first, *others in rule.against:
        if any(_affirmed([first], part) is not None for part in parts) and all(
            compiled(term).search(text) for term in others
        ):
            return Verdict(0, "affirmed")
    return next((verdict for verdict in verdicts if verdict.flag), Verdict(0))


def _said(rule: Rule, part: str) -> Verdict:
    if any(compiled(term).search(part) for term in rule.bars):
        return Verdict(0)
    if any(compiled(term).search(part) for term in rule.says):
        return Verdict(2)
    return Verdict(1 if any(compiled(term).search(part) for term in rule.says_half) else 0)


def _shot(rule: Rule, series: str) -> Verdict:
    if any(compiled(term).search(series) for term in rule.bars):
        return Verdict(0)
    for terms, grade in ((rule.shot, 2), (rule.shot_half, 1)):
        if terms and all(compiled(term).search(series) for term in terms):
            return Verdict(grade)
    return Verdict(0)


def _found(rule: Rule, part: str) -> Verdict:
    if any(compiled(term).search(part) for term in rule.bars):
        return Verdict(0)
    at = _affirmed(rule.find, part)
    if at is None:
        return Verdict(0, "denied" if _is_denied(rule.find, part) else "")
    unplaced = False
    if rule.side:
        sides = side_of(part, at)
        if _OTHER[rule.side] in sides and rule.side not in sides:
            return Verdict(0, "wrong side")
        unplaced = rule.side not in sides
    if rule.place and not compiled(rule.place).search(part):
        if not rule.rival:
            return Verdict(0)
        if compiled(rule.rival).search(part):
            return Verdict(0, "wrong place")
        unplaced = True
    if rule.size and not _fits(rule.size, sizes_mm(part)):
        return Verdict(0)
    if unplaced:
        return Verdict(1, _UNPLACED)
    return Verdict(2 if all(compiled(term).search(part) for term in rule.full) else 1)


def _affirmed(terms: Sequence[str], part: str) -> int | None:
    """Where the first of the terms stands in a sentence that affirms all of them; None in any other."""
    places: list[int] = []
    for term in terms:
        start = next(
            (one.start for one in mentions(compiled(term), part) if one.statement is not Statement.DENIED), None
        )
        if start is None:
            return None
        places.append(start)
    return places[0] if places else None


def _is_denied(terms: Sequence[str], part: str) -> bool:
    """Whether the sentence names all of the terms and denies the first."""
    first = list(mentions(compiled(terms[0]), part))
    return (
        bool(first)
        and all(one.statement is Statement.DENIED for one in first)
        and all(compiled(term).search(part) for term in terms[1:])
    )


def _denied(rule: Rule, text: str) -> Verdict:
    """For a question of nothing but denials: 2 where one is denied in words, 'affirmed' where one is affirmed."""
    statements = [
        one.statement for part in sentences(text) for term in rule.deny for one in mentions(compiled(term), part)
    ]
    if Statement.AFFIRMED in statements:
        return Verdict(0, "affirmed")
    return Verdict(2 if Statement.DENIED in statements else 0)


def _less(verdict: Verdict, rule: Rule, text: str) -> Verdict:
    """For a finding without another: 2 only where the other is denied, 'affirmed' where it is there."""
    if not verdict.grade:
        return verdict
    other = _denied(rule, text)
    return other if other.flag else Verdict(verdict.grade if other.grade else 1)


def _fits(condition: str, sizes: Sequence[float]) -> bool:
    match = re.fullmatch(r"(>=|<=|>|<|~)(\d+(?:\.\d+)?)", condition)
    if match is None:
        raise ValueError(f"a size is compared as '>=40' in mm, not {condition!r}")
    limit = float(match[2])
    tests = {
        ">=": lambda size: size >= limit, "<=": lambda size: size <= limit, ">": lambda size: size > limit,
        "<": lambda size: size < limit, "~": lambda size: abs(size - limit) <= 0.1 * limit,
    }  # fmt: skip
    return any(tests[match[1]](size) for size in sizes)
