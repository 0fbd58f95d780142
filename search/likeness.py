"""What is like words or a scan: every study that reaches a cosine, none left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from spinecho.db.people.cohorts import CohortError
from spinecho.db.queries import lookup
from spinecho.db.queries.sentences import passage_cards
from spinecho.db.store import part_vectors
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.served import SpaceView
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.expand import spelled_out
from spinecho.encoders.language.query_words import parse_query
from spinecho.encoders.language.scripts import without_other_letters
from spinecho.search.channels.clause_agreement import judge
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.query import OTHER_LETTERS, ImageQuery

ReadScan: TypeAlias = Callable[[Path], ImageQuery]


class Likeness:
    """What is like words or a scan, compared with everything, so that a threshold leaves nothing out."""

    def __init__(self, retriever: Retriever, dual: DualEncoder, read_scan: ReadScan) -> None:
        self._retriever, self._dual, self._read_scan = retriever, dual, read_scan

    def to_scan(self, like: str, *, at_least: float) -> dict[int, float]:
        """Studies by their scan nearest to the example's scans, with at least this cosine; the example itself too.

        like: UID of a study, or a path. Raises `CohortError` where it is neither.
        """
        path = Path(like)
        database, space = self._retriever.database, self._retriever.image.space
        study = lookup.study_ids_by_uid(database, [like]).get(like)
        if study is not None:
            _, vectors = part_vectors.volumes_of_study(database, space, study)
        elif path.exists():
            vectors = self._dual.image.encode_prepared(self._read_scan(path).prepared)
        else:
            raise CohortError(f"like = {like!r} is no study of the index and no file; give a UID or a path")
        return self._studies_of(self._above(self._retriever.image, vectors, at_least))

    def to_words(self, text: str, *, at_least: float, by: str, says: str) -> dict[int, float]:
        """Studies by the sentence of their reports, or the scan, nearest to the words, with at least this cosine.

        by: sentences or scans. says: the assertion of the sentence, or any. Raises `CohortError` for words that name
        nothing wanted, and for an encoder that cannot compare words with scans.
        """
        query = parse_query(text)
        if not query.wanted:
            raise CohortError(f"text = {text!r} says only what is not wanted; put that under [[exclude]]")
        asked = spelled_out(query.wanted)
        if by == "scans":
            aligned = self._dual.aligned_text
            if aligned is None:
                raise CohortError(f"the encoder {self._dual.name!r} does not compare words with scans; leave out by")
            if not (seen := without_other_letters(query.wanted)):
                raise CohortError(f"text = {text!r}: {OTHER_LETTERS}")
            return self._studies_of(self._above(self._retriever.image, aligned.encode([spelled_out(seen)]), at_least))
        near = self._above(self._retriever.text, self._dual.text.encode([asked]), at_least)
        found: dict[int, float] = {}
        for vector_id, card in passage_cards(self._retriever.database, list(near)).items():
            if card.report_id is None or card.study_id is None:
                continue
            hit = judge(query, card, near[vector_id])
            if says not in ("any", hit.assertion or card.assertion):
                continue
            if hit.contradicts in ("", "absent"):
                found[card.study_id] = max(near[vector_id], found.get(card.study_id, -1.0))
        return found

    @staticmethod
    def _above(space: SpaceView, vectors: Rows, at_least: float) -> dict[int, float]:
        """Vector ids with a cosine of at least this; all are compared, nothing is guessed."""
        best: dict[int, float] = {}
        for vector in vectors:
            near = space.nearest(vector[None], len(space))
            enough = near.similarities[0] >= np.float32(at_least)
            for vector_id, value in zip(
                near.ids[0][enough].tolist(), near.similarities[0][enough].tolist(), strict=True
            ):
                best[vector_id] = max(value, best.get(vector_id, -1.0))
        return best

    def _studies_of(self, near: dict[int, float]) -> dict[int, float]:
        found: dict[int, float] = {}
        for vector_id, card in lookup.volume_cards(self._retriever.database, list(near)).items():
            found[card.study_id] = max(near[vector_id], found.get(card.study_id, -1.0))
        return found
