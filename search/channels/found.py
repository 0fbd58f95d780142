"""What a channel found, before anything is ranked or shown."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field

from spinecho.db.values import ClauseCard, PassageCard

_NEVER_PRESENT = {"indication": "uncertain", "technique": "uncertain", "comparison": "historical"}
"""What is affirmed there was not found by this report."""
NEUTRAL = frozenset({"header", "technique", "comparison"})
"""Sections that affirm and deny nothing; a sentence of theirs is shown without a mark."""


@dataclass(frozen=True, slots=True)
class Told:
    """A part of a sentence that says one thing. text: as it stands; assertion: "" in a section that says nothing.

    normal: whether what it denies is any change, in words such as "unremarkable".
    """

    text: str
    assertion: str
    normal: bool = False


def told_parts(passage: PassageCard) -> tuple[Told, ...]:
    """A sentence by what its clauses say, in order and whole: clauses beside each other that say the same are one."""
    if passage.section in NEUTRAL or not passage.clauses:
        section_says = "" if passage.section in NEUTRAL else _unasked(passage.section, passage.assertion)
        return (Told(passage.text, section_says),)
    if not any(map(_tells, passage.clauses)):
        return (Told(passage.text, _unasked(passage.section, passage.assertion)),)
    parts: list[Told] = []
    at = 0
    until = [*(one.start for one in passage.clauses[1:]), len(passage.text)]
    for one, end in zip(passage.clauses, until, strict=True):
        assertion = _unasked(passage.section, one.assertion) if _tells(one) else ""  # what it is about is not known
        says, at = Told(passage.text[at:end], assertion, one.decided_by == "normal"), end
        if parts and (parts[-1].assertion, parts[-1].normal) == (says.assertion, says.normal):
            says = dataclasses.replace(says, text=parts.pop().text + says.text)
        parts.append(says)
    return tuple(parts)


def _tells(clause: ClauseCard) -> bool:
    return bool(clause.concepts) or clause.decided_by != "nothing"


def _of_section(section: str, assertion: str) -> str:
    return _NEVER_PRESENT.get(section, assertion) if assertion == "present" else assertion


def _unasked(section: str, assertion: str) -> str:
    """What a report says by itself: a complaint in an indication ("headache") is neither found nor in doubt."""
    return "" if assertion == "present" and section in _NEVER_PRESENT else assertion


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A sentence that matched; `similarity` is the cosine in the text space, before any condition."""

    passage: PassageCard
    similarity: float | None
    """None where the sentence was not compared, only belongs to a report that was found."""
    contradicts: str = ""
    """Why this sentence does not count for the query, see `search.channels.clause_agreement`; '' where it counts."""
    words: float | None = None
    """0..1: BM25 beside that of the best sentence; None where full text did not find it."""
    highlights: tuple[tuple[int, int], ...] = ()
    """(start, stop) of the query's words in the sentence, in characters."""
    clause: ClauseCard | None = None
    """The clause of it that was compared: the one that holds most of what was asked."""
    about: bool = True
    """Whether that clause holds a finding that was asked for; where none was, any clause is about it."""
    holds: bool = True
    """Whether that clause holds every finding that was asked for: "lesion" alone is no ring-enhancing lesion."""
    covers: float = 0.0
    """0..1: how much of what is asked the sentence names, under whatever name."""
    nears: float = 0.0
    """0..1: how near it comes to that, by which answers are put in order; see `encoders.language.findings.Wish`."""
    unmeasured: bool = False
    """Whether a size is asked for that the sentence does not give."""

    @property
    def assertion(self) -> str:
        """What is said of what was asked, "" where no clause is about it; present only where a report finds it all."""
        if not self.about:
            return ""
        assertion_of_clause = self.clause.assertion if self.clause is not None else self.passage.assertion
        if assertion_of_clause == "present" and not self.holds:
            return ""
        return _of_section(self.passage.section, assertion_of_clause)


@dataclass(frozen=True, slots=True)
class RegionHit:
    """The cell of a stored volume that fits the query best: a region, not a slice, as coarse as the grid of cells.

    box: low R, A, S, then high R, A, S, as fractions of the volume.
    slices: by plane the first and last slice, both inside, from 0 in the order of R, A or S; empty where not known.
    similarity: the cosine of the cell with the query's words, or with the spot that was asked for.
    """

    volume_id: int
    box: tuple[float, float, float, float, float, float]
    slices: dict[str, tuple[int, int]]
    similarity: float


@dataclass
class Evidence:
    """What was found for one study or report, by whichever channel."""

    passages: list[PassageHit] = field(default_factory=list)
    series: dict[int, float | None] = field(default_factory=dict)
    """By series id: its best likeness to the query's scans, None where words led to it."""
    regions: dict[int, RegionHit] = field(default_factory=dict)
    """By series id: the cell of it that fits best, where that was asked for."""
    channels: dict[str, float] = field(default_factory=dict)
    fits: bool = True
    """Whether any of it says what was asked for; see `search.answers.fold`."""

    def note(self, channel: str, similarity: float) -> None:
        """Keep the channel's best similarity."""
        self.channels[channel] = max(similarity, self.channels.get(channel, -1.0))

    def locate(self, series: int, region: RegionHit) -> None:
        """Keep the series' best cell."""
        if series not in self.regions or region.similarity > self.regions[series].similarity:
            self.regions[series] = region


@dataclass
class Found:
    """Scores and evidence by study id, or by report id where reports are wanted; `searched` vectors were allowed."""

    scores: dict[int, float] = field(default_factory=dict)
    evidence: dict[int, Evidence] = field(default_factory=lambda: defaultdict(Evidence))
    searched: int = 0
    decimals: int = 3
    """Of a score: fp16 vectors cannot tell more apart."""
    nothing: bool = False
    """Whether none of it is relevant."""
    folded: bool = False
    """Whether each was asked whether it fits."""
    complete: bool = False
    """Whether all that is allowed was looked at, so that who looks deeper finds no more."""
    unknown: int = 0
    """Volumes that could not be compared by their parts, which are not stored."""
    foretold: str = ""
    """The taught concept that the words name, where studies stand in the answer for what is predicted of them."""

    def fits(self, key: int) -> bool:
        """Whether this one was found, and says what was asked for."""
        return key in self.scores and self.evidence[key].fits

    @property
    def names_all(self) -> bool:
        """Whether some sentence names all that is asked, whatever it says of it."""
        return any(one.covers >= 1.0 for evidence in self.evidence.values() for one in evidence.passages)
