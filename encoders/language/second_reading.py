"""Clauses for which rules have no word, read a second time by a network, finding by finding.

Rules take for present what they have no word for. The network has no list of words; where it is sure enough that such
a finding is not simply there, its answer stands. Where the findings of one clause differ, it is cut between them. The
word that decided is the one without which the network would say so least. What rules have a word for is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.language.clauses.assertions import Assertion, By, Clause, trimmed
from spinecho.encoders.language.findings import Statement, statement_of
from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.vocabulary.reading import Mention, concepts

LABELS = ("present", "absent", "uncertain", "historical", "family")
_TRUST_OF_SILENCE = 3.0
"""Added to the logarithm of the probability of present. What rules are silent about is there nineteen times of twenty
in real text, and one time of four in the sentences that the network was taught with: log(19) - log(1/3) is 4, of which
it learns a part from captions. From 0 to 3 less and less of the open text is changed wrongly (`benchmarks.clauses`)."""
_WORD = re.compile(r"[^\s,;:]+")
_CUTS = re.compile(
    r"[,;:]\s|\s(?=(?:and|but|or|with|without|in|on|of|for|from|after|before|which|that|who|no|not|is|are|was|were)\s)",
    re.IGNORECASE,
)
_MOST_WORDS = 40
"""Words of a clause among which the one that decided is looked for."""


class Reader(Protocol):
    """See `encoders.networks.assertion_reader`."""

    def judge(self, asked: Sequence[tuple[str, int, int]]) -> NDArray[np.float32]:
        """(n, 5) probabilities in the order of `LABELS` for sentences and the place of a term in each."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause, or what is left of one that is cut, and what is said of all that it names."""

    start: int
    stop: int
    label: str
    mention: Mention
    low_mm: float | None = None
    high_mm: float | None = None
    """The size that a later clause told, where the clause is whole."""


def read_twice(
    sentences: Sequence[tuple[str, Sequence[Statement]]], reader: Reader
) -> list[tuple[Statement, ...]]:  # fmt: skip
    """Each sentence's clauses as both readings have it. A clause that names nothing stays as the rules have it."""
    flat = [" ".join(re.split(r"[\r\n\t]", text)) for text, _ in sentences]
    named = [
        [named_in(text, one) if is_silent(one) else [] for one in clauses]
        for text, (_, clauses) in zip(flat, sentences, strict=True)
    ]
    asked = [
        (text, one.start, one.stop)
        for text, by_clause in zip(flat, named, strict=True) for mentions in by_clause for one in mentions
    ]  # fmt: skip
    answers = iter(reader.judge(asked)) if asked else iter(())
    found: list[list[Statement | _Part]] = []
    for text, by_clause, (_, clauses) in zip(flat, named, sentences, strict=True):
        found.append([])
        for clause, mentions in zip(clauses, by_clause, strict=True):
            labels = [_label(next(answers)) for _ in mentions]
            if all(label == "present" for label in labels):
                found[-1].append(clause)
            else:
                found[-1] += _parts(text, clause, mentions, labels)
    cues = iter(_cues([(text, one) for text, those in zip(flat, found, strict=True)
                       for one in those if isinstance(one, _Part)], reader))  # fmt: skip
    return [
        tuple(_told(text, one, next(cues)) if isinstance(one, _Part) else one for one in those)
        for (text, _), those in zip(sentences, found, strict=True)
    ]


def named_in(text: str, clause: Statement) -> list[Mention]:
    """The findings that a clause names, else its anatomy, in order."""
    within = [one for one in concepts(text) if clause.start <= one.start and one.stop <= clause.end]
    kept: list[Mention] = []
    for kind in ("finding", "anatomy"):
        for one in sorted((one for one in within if one.kind == kind), key=lambda one: (one.start, -one.stop)):
            if not kept or one.start >= kept[-1].stop:
                kept.append(one)
        if kept:
            break
    return kept


def is_silent(clause: Statement) -> bool:
    """Whether rules had no word for a clause."""
    return clause.decided_by == "nothing" and not clause.cue


def _label(probabilities: NDArray[np.float32]) -> str:
    scores = np.log(np.maximum(probabilities, 1e-6))
    scores[0] += _TRUST_OF_SILENCE
    return LABELS[int(scores.argmax())]


def _parts(text: str, clause: Statement, mentions: Sequence[Mention], labels: Sequence[str]) -> Iterator[_Part]:
    """The clause cut where what is said changes."""
    if len(set(labels)) == 1:
        yield _Part(clause.start, clause.end, labels[-1], mentions[-1], clause.low_mm, clause.high_mm)
        return
    start = clause.start
    for at, (mention, label) in enumerate(zip(mentions, labels, strict=True)):
        if at + 1 < len(labels) and labels[at + 1] == label:
            continue
        stop = clause.end if at + 1 == len(labels) else _cut(text, mention.stop, mentions[at + 1].start)
        yield _Part(start, stop, label, mention)
        start = stop


def _cut(text: str, after: int, before: int) -> int:
    """Where a clause is cut between two findings: before the last small word or behind the last comma there."""
    places = [match.end() for match in _CUTS.finditer(text, after, before)]
    return places[-1] if places else next((at for at in range(after, before) if text[at].isspace()), before)


def _cues(parts: Sequence[tuple[str, _Part]], reader: Reader) -> list[str]:
    """The word of each part that decided: without it the label is least likely."""
    asked, words = [], []
    for number, (text, part) in enumerate(parts):
        if part.label == "present":
            continue
        mention = part.mention
        for match in list(_WORD.finditer(text, part.start, part.stop))[:_MOST_WORDS]:
            if match.end() <= mention.start:
                shift = match.end() - match.start()
                without = text[: match.start()] + text[match.end() :]
                asked.append((without, mention.start - shift, mention.stop - shift))
            elif match.start() >= mention.stop:
                asked.append((text[: match.start()] + text[match.end() :], mention.start, mention.stop))
            else:
                continue
            words.append((number, match.group(), LABELS.index(part.label)))
    least = [(2.0, "")] * len(parts)
    for (number, word, label), found in zip(words, reader.judge(asked) if asked else (), strict=True):
        least[number] = min(least[number], (float(found[label]), word))
    return [word.strip(".()[]\"'") for _, word in least]


_BY: dict[str, tuple[Assertion, By]] = {
    "present": ("present", "nothing"),
    "absent": ("absent", "negation"),
    "uncertain": ("uncertain", "hedge"),
    "historical": ("historical", "history"),
    "family": ("uncertain", "family"),
}


def _told(text: str, part: _Part, cue: str) -> Statement:
    start, stop = trimmed(text, part.start, part.stop)
    said = text[start:stop]
    assertion, by = _BY[part.label]
    if part.label == "absent" and part.mention.kind == "anatomy":
        by = "normal"
    found = statement_of(Clause(start, stop, said, assertion, sides(" ".join(said.split())), cue, by))
    return found if found.high_mm is not None else replace(found, low_mm=part.low_mm, high_mm=part.high_mm)
