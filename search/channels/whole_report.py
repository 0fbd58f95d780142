"""Studies whose reports say what a whole report says, compared clause by clause."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from spinecho.db.filters.algebra import ALL, Filter
from spinecho.db.queries.sentences import passage_cards
from spinecho.db.reports.full_text import find_words
from spinecho.db.values import PassageCard
from spinecho.db.vectors.indexes.protocol import Ids, Rows
from spinecho.encoders.language.body_regions import far_apart
from spinecho.encoders.language.clauses.assertions import sentence_assertion
from spinecho.encoders.language.expand import expand
from spinecho.encoders.language.findings import findings, nearness
from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.parts.languages import READ, language_of
from spinecho.encoders.language.places import places
from spinecho.encoders.language.query_words import QueryText
from spinecho.search.channels.clause_agreement import clauses_of, judge
from spinecho.search.channels.found import Found, PassageHit
from spinecho.search.channels.lexical import Words, rarest_first
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.planning.query_plan import QueryPlan
from spinecho.search.query import Kind

_NEAREST = 200
"""Sentences that are fetched for each clause, before those of one study are taken together."""
_DISAGREES = 0.25
"""What a sentence counts that denies what the clause affirms, or the other way round, or names the other side."""
_TELLS = {"absent": 0.15, "historical": 0.5}
"""What a clause counts: nearly every report denies haemorrhage, which makes none of them alike."""
_NAMES_NO_FINDING = 0.3
"""What it counts where it names no finding."""
_FAR = 0.3
"""What a study counts whose sentences speak of another part of the body."""
_RARE, _SENTENCES = 30, 600
"""Words of it that are looked for, the rarest; and sentences that hold some of them."""
_SHOWN = 0.45
"""Cosine from which on a sentence is shown as evidence."""


def like_report(retriever: Retriever, vectors: Rows, plan: QueryPlan, *, want: Kind, k: int, where: Filter) -> Found:
    """Studies, or reports, by how far their best sentence for each clause lies above the least that was fetched for it.

    The mean over the clauses, each by what it tells: what is affirmed counts most. As much count the rare words of what
    is affirmed, and the findings that it names: a sentence may mean much the same and be of another thing.
    vectors: (clauses, dim), in the text space.
    """
    among: Ids | None = retriever.allowed(retriever.text, where) if want is Kind.STUDY or where != ALL else None
    searched = len(retriever.text) if among is None else len(among)
    depth = max(_NEAREST, 4 * k)
    found = Found(searched=searched, complete=depth >= searched or not plan.clauses)
    if not searched or not plan.clauses:
        return found
    nearest = retriever.text.nearest(vectors, min(depth, searched), among=among)
    cards = passage_cards(retriever.database, [int(one) for one in np.unique(nearest.ids) if one > 0])
    best: dict[int, dict[int, float]] = defaultdict(dict)
    shown: dict[int, dict[int, PassageHit]] = defaultdict(dict)
    floors = np.where(np.isfinite(nearest.similarities), nearest.similarities, 1.0).min(axis=1)
    language = language_of(" ".join(plan.clauses))
    assertions = [sentence_assertion(clause, language if language in READ else "en") for clause in plan.clauses]
    weights = [_tells(*one) for one in zip(plan.clauses, assertions, strict=True)]
    for number, (clause, assertion) in enumerate(zip(plan.clauses, assertions, strict=True)):
        query = QueryText(clause, (), sides(clause))
        for vector_id, similarity in zip(
            nearest.ids[number].tolist(), nearest.similarities[number].tolist(), strict=True
        ):
            card = cards.get(vector_id)
            key = None if card is None else _owner(card, want)
            if card is None or key is None:
                continue
            hit = judge(query, card, similarity)
            disagrees = (hit.assertion == "absent") != (assertion == "absent")
            contradicts = "absent" if disagrees else hit.contradicts.replace("absent", "")
            counts = similarity * (_DISAGREES if contradicts else 1.0)
            if counts > best[key].get(number, -1.0):
                best[key][number] = counts
            kept = shown[key].get(vector_id)
            if similarity >= _SHOWN and not contradicts and (kept is None or similarity > (kept.similarity or 0.0)):
                shown[key][vector_id] = replace(hit, contradicts="") if hit.contradicts else hit
    for key, matched in best.items():
        gains = [weights[number] * max(value - float(floors[number]), 0.0) for number, value in matched.items()]
        found.scores[key] = sum(gains) / sum(weights)
    affirmed = {
        one: tells for one, tells, assertion in zip(plan.clauses, weights, assertions, strict=True)
        if assertion != "absent"
    }  # fmt: skip
    worded = _by_words(retriever, " ".join(affirmed), cards, want=want, among=among)
    said = _Said(cards.values(), want)
    named = said.named(affirmed)
    there = frozenset(place for clause in affirmed for place in places(clause))
    most = max(found.scores.values(), default=0.0) or 1.0
    for key in found.scores.keys() | worded.keys():
        ways = (found.scores.get(key, 0.0) / most, worded.get(key, 0.0), named.get(key, 0.0))
        found.scores[key] = sum(ways) / len(ways) * (_FAR if far_apart(there, said.places[key]) else 1.0)
    for key in found.scores:
        evidence = found.evidence[key]
        evidence.passages = list(shown.get(key, {}).values())
        if evidence.passages:
            evidence.note("report", max(one.similarity or 0.0 for one in evidence.passages))
    return found


def _owner(card: PassageCard, want: Kind) -> int | None:
    """The study, or the report, that a sentence counts for; None for a header, and where there is none."""
    return None if card.report_id is None else card.study_id if want is Kind.STUDY else card.report_id


def _tells(clause: str, assertion: str) -> float:
    """What a clause counts: how it was scanned and why makes reports less alike than what was found."""
    share = 1.0 if findings(clause) else _NAMES_NO_FINDING
    return share * _TELLS.get(assertion, 1.0)


class _Said:
    """What the sentences that were read affirm of each study, or report, and where in the body."""

    def __init__(self, cards: Iterable[PassageCard], want: Kind) -> None:
        self._concepts: dict[int, set[str]] = defaultdict(set)
        self.places: dict[int, frozenset[str]] = defaultdict(frozenset)
        for card in cards:
            if (key := _owner(card, want)) is None:
                continue
            for clause in clauses_of(card):
                self.places[key] |= clause.places
                self._concepts[key] |= clause.concepts if clause.assertion != "absent" else frozenset()

    def named(self, clauses: Mapping[str, float]) -> dict[int, float]:
        """How many of the findings of these clauses each affirms, 0 to 1 for the most: by what a clause counts, and
        the more the fewer studies affirm it.
        """
        asked: dict[str, float] = {}
        for clause, tells in clauses.items():
            for one in findings(clause):
                asked[one] = max(tells, asked.get(one, 0.0))
        for one in asked:
            holders = sum(one in concepts for concepts in self._concepts.values())
            asked[one] *= math.log((1 + len(self._concepts)) / (1 + holders))
        sums = {
            key: sum(counts * nearness(one, concepts) for one, counts in asked.items())
            for key, concepts in self._concepts.items()
        }
        most = max(sums.values(), default=0.0) or 1.0
        return {key: value / most for key, value in sums.items()}


def _by_words(
    retriever: Retriever, text: str, cards: dict[int, PassageCard], *, want: Kind, among: Ids | None
) -> dict[int, float]:
    """Studies, or reports, by the rare words of a text that their sentences hold, 0 to 1 for the most of them.

    cards: what was read before, by vector; what is found is added.
    """
    if not text:
        return {}
    words = Words(expand(text))
    match = words.match("any", rarest_first(retriever.database, words)[:_RARE])
    rows = find_words(retriever.database, retriever.text.space, match, limit=_SENTENCES) if match else []
    allowed = None if among is None else set(among.tolist())
    scores = {vector_id: score for vector_id, score in rows if allowed is None or vector_id in allowed}
    sums: dict[int, float] = defaultdict(float)
    holding = passage_cards(retriever.database, list(scores))
    cards.update(holding)
    for vector_id, card in holding.items():
        key = _owner(card, want)
        if key is not None and card.assertion != "absent":
            sums[key] += scores[vector_id]
    most = max(sums.values(), default=0.0) or 1.0
    return {key: value / most for key, value in sums.items()}
