"""Answers that are lists and no ranking: what identifiers name, what a filter leaves, what does not affirm a finding.

No similarity orders them: identifiers stand as they were typed, the rest by date, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from spinecho.db.filters.algebra import ALL, Filter
from spinecho.db.queries import lookup
from spinecho.db.queries.listing import newest_first, newest_reports_first, reported_studies
from spinecho.db.queries.selection import Selection
from spinecho.db.queries.sentences import passages_saying, report_passages
from spinecho.db.reports.full_text import expression
from spinecho.db.schema.database import Database
from spinecho.db.values import PassageCard
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.query_words import QueryText
from spinecho.encoders.language.vocabulary import concepts, names, narrower
from spinecho.search.answers.explain import Ranked
from spinecho.search.channels.clause_agreement import denies, violates
from spinecho.search.channels.found import Evidence, PassageHit
from spinecho.search.channels.lexical import composed
from spinecho.search.planning.query_plan import QueryPlan, Way
from spinecho.search.query import Evidence as By
from spinecho.search.query import Kind, TextQuery

_FEW = 0.5
"""Share of studies with a report below which an answer by what reports do not say is worth a warning of its own."""


@dataclass(frozen=True)
class Listed:
    """Study ids, or report ids where reports are wanted, in their order. said: sentences that belong beside them."""

    ids: tuple[int, ...]
    evidence: dict[int, Evidence]
    messages: tuple[str, ...] = ()


def listed_of(
    database: Database, selection: Selection, asked: TextQuery, plan: QueryPlan, want: Kind, where: Filter
) -> Listed | None:
    """The answer where it is a list and no ranking; None where something has to be compared."""
    if plan.way is Way.IDENTIFIERS:
        return named(database, plan, want)
    if asked.like is not None:
        return None
    if plan.way is Way.FILTERS:
        return by_date(database, selection, where, want)
    if plan.way is Way.EXCLUSIONS and asked.by is not By.SCANS:
        listed = excluding(database, selection, plan.query, where, want)
        unfit = set(lookup.study_ids_by_uid(database, asked.bad).values()) if want is Kind.STUDY else set()
        return replace(listed, ids=tuple(key for key in listed.ids if key not in unfit))
    return None


def first_of(database: Database, listed: Listed, *, want: Kind, k: int, exact: bool) -> list[Ranked]:
    """The first k of a list, each with what put it there; where nothing did, with what its report concludes."""
    first = listed.ids[:k]
    silent = [key for key in first if key not in listed.evidence]
    concluded = report_passages(database, silent, by_report=want is Kind.REPORT)
    ranked = []
    for key in first:
        evidence = listed.evidence.get(key)
        if evidence is None:
            impression = [card for card in concluded.get(key, ()) if card.section == "impression"]
            evidence = Evidence(passages=[PassageHit(card, None) for card in impression])
        ranked.append((key, float(exact), evidence))
    return ranked


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
    cards_of = _cards_of(database, query.unwanted, want)
    kept = [key for key in every if not violates(query, cards_of.get(key, ()))]
    denying = {key: [card for card in cards_of.get(key, ()) if denies(query, card)] for key in kept}
    evidence = {}
    for key, cards in denying.items():
        if cards:
            evidence[key] = Evidence(passages=[PassageHit(card, None) for card in cards], channels={"words": 1.0})
    order = [key for key in kept if key in evidence] + [key for key in kept if key not in evidence]
    return Listed(tuple(order), evidence, _how_sure(database, every, order, evidence, want))


def affirming(database: Database, selection: Selection, query: QueryText, where: Filter, want: Kind) -> frozenset[int]:
    """What passes the filter and affirms something that is not wanted."""
    cards_of = _cards_of(database, query.unwanted, want)
    passing = frozenset(_everything(database, selection, where, want))
    return frozenset(key for key, cards in cards_of.items() if key in passing and violates(query, cards))


def _everything(database: Database, selection: Selection, where: Filter, want: Kind) -> tuple[int, ...]:
    if want is Kind.STUDY:
        return newest_first(database, selection.studies(where))
    return newest_reports_first(database, None if where == ALL else selection.studies(where))


def _cards_of(database: Database, terms: Iterable[str], want: Kind) -> dict[int, list[PassageCard]]:
    """Sentences of reports that may name one of the terms, by study or report: `violates` looks closer at them."""
    names = [name for term in terms for name in _names_in(term)]
    return passages_saying(database, expression([tuple(dict.fromkeys(names))], "any"), by_report=want is Kind.REPORT)


@lru_cache(maxsize=128)
def _names_in(term: str) -> tuple[str, ...]:
    """Every name that a sentence which mentions the term may hold: its own, those of narrower findings, the parts of
    these together ("spleen" and "enlarged"), and its longest word, which stands in any order of its words.
    """
    named = [mention.concept for mention in concepts(term)]
    kinds = [names(one)[0] for ident in named for one in sorted(narrower(ident))]
    longest = sorted(term.split(), key=len)[-1:]
    called = (name for one in (term, *kinds, *longest) for name in names_of(one))
    parts = (one for name in (*(names(ident)[0] for ident in named), *kinds) for one in composed(name))
    return tuple(dict.fromkeys((*called, *parts)))


def _how_sure(
    database: Database, every: Sequence[int], kept: Sequence[int], denying: dict[int, Evidence], want: Kind
) -> tuple[str, ...]:
    """What such an answer rests on."""
    if want is Kind.REPORT or not every:
        return ()
    reported = reported_studies(database)
    silent = sum(1 for key in kept if key not in reported)
    notes = [
        f"{len(every) - len(kept)} of {len(every)} studies affirm it and are left out; {len(denying)} deny it in words "
        "and stand first"
    ]
    if silent:
        few = " most of what passes, so that this answer says little:" if silent > _FEW * len(every) else ""
        notes.append(f"{silent} of {len(every)} studies have no report:{few} nothing tells whether they show it")
    return tuple(notes)


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
