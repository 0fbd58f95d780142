"""One value from the search box to the hits: what a query was understood as, corrected to, offered, and left out.

It is made once by `search.planning.planner` and travels in the results, so that pages, tables and JSON tell the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from spinecho.db.filters.algebra import ALL, Filter, write_filter
from spinecho.encoders.language.query_words import ChipKind, QueryText


class Way(StrEnum):
    """How the answer is made.

    words: by sentences, scans and full text. identifiers: exactly the studies that are named, in the order typed.
    exclusions: every study that passes but those that affirm something. filters: every study that passes, by date.
    report: by the clauses of a whole report.
    """

    WORDS = "words"
    IDENTIFIERS = "identifiers"
    EXCLUSIONS = "exclusions"
    FILTERS = "filters"
    REPORT = "report"


IdentifierKind: TypeAlias = Literal["accession number", "patient ID", "study UID", "series UID", "date"]
PlanChipKind: TypeAlias = Literal[ChipKind, "identifier", "offer", "report"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something typed that names studies: typed[start:stop]. studies: their ids, () where no study has it."""

    kind: IdentifierKind
    text: str
    start: int
    stop: int
    studies: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A condition that some words may stand for, to be turned on or off.

    key: the words in lower case, by which a person's choice is kept. text: the condition in words. on: it counts now;
    certain: it counts unless it is turned off. why: what speaks against it where it was left off, or ''.
    """

    key: str
    text: str
    where: Filter
    start: int
    stop: int
    on: bool = False
    certain: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """A word that neither the archive nor the table of terms knows, and the known one that was taken for it."""

    typed: str
    taken: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something typed that takes no part in the answer, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class PlanChip:
    """One part of the query as it is shown. typed[start:stop] is what it was made of: without it the part is gone.

    field: of a condition on a fact, its name. on: whether it counts; a chip with a key is turned on and off by it.
    """

    kind: PlanChipKind
    text: str
    start: int
    stop: int
    field: str = ""
    key: str = ""
    on: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query, understood.

    typed: the line as it came. query: what encoders, full text and the conditions on sentences go by, spelling
    corrected, conditions on facts taken out. where: every condition that counts, those of the filters beside it
    included. clauses: of a whole report, what is compared. messages: sentences that belong beside the answer.
    """

    typed: str
    way: Way
    query: QueryText
    where: Filter = ALL
    identifiers: tuple[Identifier, ...] = ()
    offers: tuple[Offer, ...] = ()
    corrections: tuple[Correction, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    chips: tuple[PlanChip, ...] = ()
    clauses: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def corrected(self) -> str:
        """The line with its corrections, '' where there are none."""
        if not self.corrections:
            return ""
        parts, at = [], 0
        for one in self.corrections:
            parts += [self.typed[at : one.start], one.taken]
            at = one.stop
        return "".join([*parts, self.typed[at:]])

    def as_json(self) -> dict[str, Any]:
        """For results: plain JSON values. A report that was pasted is told by its length and its clauses alone."""
        return {
            "text": self.typed if self.way is not Way.REPORT else "",
            "way": str(self.way),
            "wanted": self.query.wanted if self.way is not Way.REPORT else "",
            "unwanted": list(self.query.unwanted),
            "sides": sorted(self.query.sides),
            "where": write_filter(self.where) if self.where != ALL else "",
            "identifiers": [
                {"kind": one.kind, "text": one.text, "studies": len(one.studies)} for one in self.identifiers
            ],
            "offers": [
                {"key": one.key, "text": one.text, "where": write_filter(one.where), "on": one.on, "why": one.why}
                for one in self.offers
            ],
            "corrected": [{"typed": one.typed, "taken": one.taken} for one in self.corrections],
            "ignored": [asdict(one) for one in self.ignored],
            "chips": [asdict(one) for one in self.chips],
            **({"clauses": list(self.clauses), "characters": len(self.typed)} if self.way is Way.REPORT else {}),
        }  # fmt: skip
