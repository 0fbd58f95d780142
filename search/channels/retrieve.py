"""The channels: sentences by meaning, scans by likeness. Each gives scored studies or reports with their evidence."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from spinecho.db.filters.algebra import ALL, Filter, fields_of, predicted_tasks
from spinecho.db.queries import lookup
from spinecho.db.queries.selection import Selection
from spinecho.db.queries.sentences import passage_cards, report_passages
from spinecho.db.reports.full_text import Match, find_words
from spinecho.db.schema.database import Database
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows
from spinecho.db.vectors.served import SpaceView
from spinecho.encoders.language.query_words import QueryText
from spinecho.search.channels.clause_agreement import judge, violates, weight
from spinecho.search.channels.found import Found, PassageHit
from spinecho.search.channels.lexical import Words, rarest_first
from spinecho.search.channels.regions import RERANKED, Compared, Look, by_parts
from spinecho.search.query import Kind
from spinecho.search.stopping import require_wanted

_DEPTH = 10
"""Neighbours fetched for each hit wanted: several lie in one study."""
_LEAST = 200
_DEEPER = 16
"""Times more are looked at where the nearest contradict the query: what lies between has seldom been enough."""
_DEEPEST = 3200
"""So many are looked at before they are taken as they are."""
_UNNAMED = 600
"""The same, where full text found no sentence that names all that is asked."""
_FEW = 20_000
"""Passages that full text looks for by their ids; of more, most of what it finds passes anyway."""
_REMEMBERED = 16
_SECOND = 0.1
"""What a study's second sentence adds to its best one."""


class Retriever:
    """Both spaces of one database at one moment, with the id sets of recent filters remembered."""

    def __init__(self, database: Database, image: SpaceView, text: SpaceView, selection: Selection) -> None:
        self.database, self.image, self.text, self.selection = database, image, text, selection
        self._remembered: OrderedDict[tuple[int, Filter], Ids] = OrderedDict()
        self._lock = threading.Lock()

    def allowed(self, space: SpaceView, where: Filter) -> Ids | None:
        """Ids that pass the filter; None for no condition."""
        if where == ALL:
            return None
        key = (space.space.id, where)
        with self._lock:
            found = self._remembered.get(key)
        if found is None:
            resolve = self.selection.volumes if space is self.image else self.selection.passages
            found = resolve(space.space, where)
            if predicted_tasks(where) or not self.selection.certain_of(fields_of(where)):
                return found  # what is predicted changes though no vector does
        with self._lock:
            self._remembered[key] = found
            self._remembered.move_to_end(key)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def sentences(
        self, vector: Rows, query: QueryText, worded: Found | None = None, *, want: Kind, k: int, where: Filter
    ) -> Found:
        """Studies or reports by their best sentences; looks deeper until k agree with the query or nothing is left.

        vector: (1, dim), in the text space. worded: what full text found. Where no sentence of that names all that is
        asked, others that do are not to be expected further down either, and little deeper is looked.
        """
        among = self.allowed(self.text, where) if want is Kind.STUDY or where != ALL else None
        searched = len(self.text) if among is None else len(among)
        depth = max(_LEAST, _DEPTH * k)
        deepest = _DEEPEST if worded is None or worded.names_all else _UNNAMED
        found, judged = Found(searched=searched), set[int]()
        while True:
            require_wanted()
            if searched:
                nearest = self.text.nearest(vector, min(depth, searched), among=among)
                fit_by_id = dict(zip(nearest.ids[0].tolist(), nearest.similarities[0].tolist(), strict=True))
                self._judge(fit_by_id, query, want, found, judged)
            found.scores = {key: _score(evidence.passages) for key, evidence in found.evidence.items()}
            found.complete = depth >= searched
            self.permit(query, found, want=want, k=k)
            agreeing = sum(bool(found.evidence[key].channels) for key in found.scores)
            if agreeing >= k or depth >= searched or (depth >= deepest and len(found.scores) >= k):
                return found
            depth = min(depth * _DEEPER, deepest if depth < deepest else searched)

    def words(self, query: QueryText, words: Words, *, want: Kind, k: int, where: Filter) -> Found:
        """Studies or reports by the words of their best sentences: all of them where k studies have those, else any."""
        among = self.allowed(self.text, where)
        found = Found(searched=len(self.text) if among is None else len(among), complete=True)
        judged = set[int]()
        for match in self._matches(words):
            depth = max(_LEAST, _DEPTH * k)
            while True:
                require_wanted()
                few = among if among is not None and len(among) <= _FEW else None
                rows = find_words(self.database, self.text.space, match, limit=depth, among=few)
                scores = np.array([score for _, score in rows], np.float64)
                ids = np.array([vector_id for vector_id, _ in rows], np.int64)
                kept = slice(None) if among is None else _held(ids, among)
                best = max(scores.max(initial=0.0), 1e-9)
                fit_by_id = dict(zip(ids[kept].tolist(), (scores[kept] / best).tolist(), strict=True))
                self._judge(fit_by_id, query, want, found, judged, channel="words")
                found.scores = {key: _score(evidence.passages) for key, evidence in found.evidence.items()}
                found.complete = len(rows) < depth
                self.permit(query, found, want=want, k=k)
                deepest = depth >= _DEEPEST and (among is None or few is not None)
                if len(found.scores) >= k or len(rows) < depth or deepest:
                    break
                depth *= _DEEPER
            if len(found.scores) >= k:
                found.complete = False  # any of the words may find more than all of them
                break
        return found

    def _matches(self, words: Words) -> Iterator[Match]:
        """The full-text queries to try one after the other; none where nothing can be found."""
        tried = (strict := words.match("all")) and not words.learned
        if tried:
            yield strict
        loose = words.match("any", rarest_first(self.database, words))
        same = tried and loose.groups == strict.groups and len(loose.groups) == 1  # all and any of one thing
        if loose and loose != strict and not same:
            yield loose

    def scans(self, vectors: Rows, *, k: int, where: Filter, look: Look | None = None) -> Found:
        """Studies by likeness: over the query's volumes, the mean of each one's best match in the study.

        vectors: (n, dim), in the image space; with `look`, the nearest to each are compared by their parts too. A
        volume that matched nothing of a study near enough to be fetched counts with the worst that was fetched.
        """
        among = self.allowed(self.image, where)
        found = Found(searched=len(self.image) if among is None else len(among), complete=True)
        if not len(vectors) or not found.searched:
            return found
        depth = max(_LEAST, _DEPTH * k)
        found.complete = depth >= found.searched or (look is not None and look.weight >= 1.0 and depth >= RERANKED)
        nearest = self.image.nearest(vectors, min(depth, found.searched), among=among)
        cards = lookup.volume_cards(self.database, _known(nearest))
        compared = Compared(nearest.similarities)
        if look is not None:
            compared = by_parts(self.database, self.image.space, nearest, cards, look)
            found.unknown = compared.unknown
        best: dict[int, dict[int, float]] = defaultdict(dict)
        for number, ids in enumerate(nearest.ids.tolist()):
            for at, vector_id in enumerate(ids):
                rank = float(compared.ranks[number, at])
                if vector_id not in cards or not np.isfinite(rank):
                    continue
                card, likeness = cards[vector_id], float(nearest.similarities[number, at])
                evidence = found.evidence[card.study_id]
                evidence.note("image", likeness)
                if look is not None and (number, vector_id) in compared.parts:
                    value, region = compared.parts[number, vector_id]
                    evidence.note(look.channel, value)
                    if look.locate is not None and value >= look.locate:
                        evidence.locate(card.series_id, region)
                    if look.weight >= 1.0:
                        likeness = value
                evidence.series[card.series_id] = max(likeness, evidence.series.get(card.series_id) or -1.0)
                matched = best[card.study_id]
                matched[number] = max(rank, matched.get(number, -np.inf))
        floors = [float(row[np.isfinite(row)].min(initial=1.0)) for row in compared.ranks]
        found.scores = {
            study: float(np.mean([matched.get(number, floor) for number, floor in enumerate(floors)]))
            for study, matched in best.items()
        }
        return found

    def permit(self, query: QueryText, found: Found, *, want: Kind, k: int) -> None:
        """Leave out what affirms something unwanted, and what lies too far down for that to be looked at."""
        if not query.unwanted:
            return
        scores = found.scores
        best = sorted(scores, key=lambda key: -scores[key])[: max(_LEAST, 3 * k)]
        found.complete = found.complete and len(best) == len(scores)
        sentences = report_passages(self.database, best, by_report=want is Kind.REPORT)
        found.scores = {key: scores[key] for key in best if not violates(query, sentences.get(key, ()))}

    def _judge(
        self,
        fit_by_id: Mapping[int, float],
        query: QueryText,
        want: Kind,
        found: Found,
        judged: set[int],
        *,
        channel: str = "",
    ) -> None:
        """Add the sentences that were not `judged` before to the evidence of what they belong to.

        fit_by_id: by vector id how well the sentence fits. channel: what it is noted under, by default where it stands.
        """
        fresh = [vector_id for vector_id in fit_by_id if vector_id > 0 and vector_id not in judged]
        judged.update(fresh)
        for vector_id, card in passage_cards(self.database, fresh).items():
            key = card.study_id if want is Kind.STUDY else card.report_id
            if key is None:
                continue
            fits, evidence = fit_by_id[vector_id], found.evidence[key]
            passage = judge(query, card, None, fits) if channel else judge(query, card, fits)
            evidence.passages.append(passage)
            if not passage.contradicts:
                evidence.note(channel or ("header" if card.report_id is None else "report"), fits)
            if card.series_id is not None:
                evidence.series.setdefault(card.series_id, None)


def _held(ids: Ids, among: Ids) -> NDArray[np.bool_]:
    """Which of the ids are among others, which are sorted: `np.isin` would sort all of them for a few."""
    places = np.searchsorted(among, ids)
    return among.take(places, mode="clip") == ids if len(among) else np.zeros(len(ids), np.bool_)


def _score(passages: list[PassageHit]) -> float:
    first, *rest = sorted((weight(found) for found in passages), reverse=True)
    return first + _SECOND * rest[0] if rest else first


def _known(nearest: Neighbours) -> list[int]:
    return [int(value) for value in np.unique(nearest.ids) if value > 0]
