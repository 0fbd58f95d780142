"""Answers that are lists and no ranking: what identifiers name, what a filter leaves, what does not affirm a finding.

No similarity orders them: identifiers stand as they were typed, the rest by date, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from spinecho.db.filters.algebra import ALL, Filter
from spinecho.db.filters.selection import Selection
from spinecho.db.queries import lookup
from spinecho.db.queries.listing import newest_first, newest_reports_first, reported_studies
from spinecho.db.queries.sentences import passages_saying
from spinecho.db.queries.words import expression
from spinecho.db.schema.database import Database
from spinecho.db.values import PassageCard
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.query import QueryText
from spinecho.encoders.language.vocabulary import concepts, names, narrower
from spinecho.search.answers.agreement import denies, violates
from spinecho.search.answers.hits import PassageHit
from spinecho.search.channels.found import Evidence
from spinecho.search.planning.plan import QueryPlan
from spinecho.search.query import Kind

_FEW = 0.5
"""Share of studies with a report below which an answer by what reports do not say is worth a warning of its own."""


@dataclass(frozen=True)
class Listed:
    """Study ids, or report ids where reports are wanted, in their order. said: sentences that belong beside them."""

    ids: tuple[int, ...]
    evidence: dict[int, Evidence]
    said: tuple[str, ...] = ()


def named(database: Database, plan: QueryPlan, want: Kind) -> Listed:
    """What the identifiers name, in the order typed, each once."""
    studies = tuple(dict.fromkeys(study for one in plan.identifiers for study in one.studies))
    if want is Kind.STUDY:
        return Listed(studies, {})
    reports = lookup.reports_of(database, studies)
    return Listed(tuple(card.id for study in studies for card in reports.get(study, ())), {})


def by_date(database: Database, selection: Selection, where: Filter, want: Kind) -> Listed:
    """What passes the filter, the newest first."""
    return Listed(_everything(database, selection, where, want), {})


def excluding(database: Database, selection: Selection, query: QueryText, where: Filter, want: Kind) -> Listed:
    """What passes the filter, less what affirms something unwanted; first what denies it in words, the newest first."""
    every = _everything(database, selection, where, want)
    said = _said_of(database, query.unwanted, want)
    kept = [key for key in every if not violates(query, said.get(key, ()))]
    denying = {key: [card for card in said.get(key, ()) if denies(query, card)] for key in kept}
    evidence = {}
    for key, cards in denying.items():
        if cards:
            evidence[key] = Evidence(passages=[PassageHit(card, None) for card in cards], channels={"words": 1.0})
    order = [key for key in kept if key in evidence] + [key for key in kept if key not in evidence]
    return Listed(tuple(order), evidence, _how_sure(database, every, order, evidence, want))


def _everything(database: Database, selection: Selection, where: Filter, want: Kind) -> tuple[int, ...]:
    if want is Kind.STUDY:
        return newest_first(database, selection.studies(where))
    return newest_reports_first(database, None if where == ALL else selection.studies(where))


def _said_of(database: Database, terms: Iterable[str], want: Kind) -> dict[int, list[PassageCard]]:
    """Sentences of reports that may name one of the terms, by study or report: `violates` looks closer at them."""
    names = [name for term in terms for name in _names_in(term)]
    return passages_saying(database, expression([tuple(dict.fromkeys(names))], "any"), by_report=want is Kind.REPORT)


@lru_cache(maxsize=128)
def _names_in(term: str) -> tuple[str, ...]:
    """Every name that a sentence which mentions the term may hold: its own, those of narrower findings, and its longest
    word, which stands in any order of its words.
    """
    kinds = [names(one)[0] for mention in concepts(term) for one in sorted(narrower(mention.concept))]
    longest = sorted(term.split(), key=len)[-1:]
    return tuple(dict.fromkeys(name for one in (term, *kinds, *longest) for name in names_of(one)))


def _how_sure(
    database: Database, every: Sequence[int], kept: Sequence[int], denying: dict[int, Evidence], want: Kind
) -> tuple[str, ...]:
    """What such an answer rests on."""
    if want is Kind.REPORT or not every:
        return ()
    reported = reported_studies(database)
    silent = sum(1 for key in kept if key not in reported)
    told = [
        f"{len(every) - len(kept)} of {len(every)} studies affirm it and are left out; {len(denying)} deny it in words "
        "and stand first"
    ]
    if silent:
        few = " most of what passes, so that this answer says little:" if silent > _FEW * len(every) else ""
        told.append(f"{silent} of {len(every)} studies have no report:{few} nothing tells whether they show it")
    return tuple(told)


def why_no_report(database: Database, selection: Selection, where: Filter) -> str:
    """Why no report came back: studies that pass a filter need not have one."""
    if where == ALL:
        return "no report fits; 'spinecho status' tells how many reports there are"
    passing = selection.studies(where).tolist()
    if not passing:
        return "no report fits, as no study passes the filters"
    reported = reported_studies(database)
    count = sum(1 for study in passing if study in reported)
    studies = f"{len(passing)} {'studies pass' if len(passing) > 1 else 'study passes'} the filters"
    if not count:
        return f"{studies}, and none has a report: search for studies instead"
    return f"{studies}, {count} of them with a report, and no report fits the words"
