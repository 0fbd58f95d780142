"""Searching by an example: a scan, a study that is in the index, or a spot in either."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinecho.db.filters.algebra import Filter
from spinecho.db.queries import lookup
from spinecho.db.schema.database import Database
from spinecho.db.store import part_vectors
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.networks.parts_of_volumes import Described, box_vector, region_vectors
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.errors import QueryError
from spinecho.search.channels.found import Found
from spinecho.search.channels.regions import Look, stored_box_vector
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.query import BoxError, ImageQuery, SpotQuery, StudyQuery


@dataclass(frozen=True, slots=True)
class Example:
    """What others are compared with.

    vectors: (n, dim), in the image space. echo: the query as it was understood. without: studies that are never among
    the results.
    """

    vectors: Rows
    echo: Mapping[str, Any]
    look: Look | None = None
    without: frozenset[int] = frozenset()


def require_study(database: Database, uid: str) -> int:
    """The id of a study. Raises `QueryError` where there is none of this UID."""
    study = lookup.study_ids_by_uid(database, [uid]).get(uid)
    if study is None:
        raise QueryError(f"no study {uid!r} in the index; 'spinecho search text' finds study UIDs")
    return study


@dataclass(frozen=True, slots=True)
class Examples:
    """What the engine knows of scans, and how it compares them."""

    database: Database
    dual: DualEncoder
    retriever: Retriever
    parts: float
    """0..1: share of max-sim over parts in how alike two scans are; the rest is the cosine."""

    def of(self, like: ImageQuery | StudyQuery) -> Example:
        """A scan, or a study, as it is compared. Raises `QueryError` for an unknown study."""
        return self.of_study(like) if isinstance(like, StudyQuery) else self.of_scan(like)

    def of_scan(self, query: ImageQuery) -> Example:
        """A scan as it is compared: by its parts too where they can be told apart and are to count."""
        echo = {"image": query.source, "volumes": len(query.prepared)}
        described = self.described(query.prepared) if self.parts > 0 and self.has_regions() else None
        if described is None:
            return Example(self.dual.image.encode_prepared(query.prepared), echo)
        return Example(_vectors(described), echo, Look([region_vectors(one) for one in described], self.parts))

    def of_study(self, query: StudyQuery) -> Example:
        """A study that is in the index as it is compared. Raises `QueryError`."""
        study = self.study(query.study_uid)
        volumes, vectors = part_vectors.volumes_of_study(self.database, self.retriever.image.space, study)
        look = None
        if self.parts > 0 and self.has_regions():
            stored = part_vectors.stored_regions(self.database, self.retriever.image.space, volumes)
            nothing = np.empty((0, vectors.shape[1]), np.float32)
            rows = [stored[volume].rows if volume in stored else nothing for volume in volumes]
            look = Look(rows, weight=self.parts)
        echo = {**dataclasses.asdict(query), "volumes": len(vectors)}
        return Example(vectors, echo, look, frozenset(self.without(query, study)))

    def without(self, query: StudyQuery, study: int) -> set[int]:
        """The studies that are never among the results: the example, with `other_patients` its patient's too."""
        return {study} | (lookup.studies_of_patient_of(self.database, study) if query.other_patients else set())

    def of_spot(self, query: SpotQuery) -> Example:
        """A spot: by the cell that is most like the box, among the scans that are like the whole. Raises `BoxError`."""
        without = frozenset[int]()
        if query.prepared:
            described = self.described(query.prepared)
            if described is None:
                raise BoxError(
                    f"the encoder {self.dual.name!r} does not tell the parts of a scan apart; search without a box, "
                    "or index with an encoder that does (see docs/encoders.md)"
                )
            spots, vectors = [box_vector(one, query.box) for one in described], _vectors(described)
        else:
            study, spots, vectors = self._stored_spots(query)
            without = frozenset([study])
        kept = [number for number, spot in enumerate(spots) if spot.any()]
        if not kept:
            raise BoxError("nothing of the scan lies in this box; move it, or make it larger")
        look = Look([spots[number][None] for number in kept], weight=1.0, channel="spot", locate=-1.0)
        source = {"study": query.study_uid, "series": query.series_uid} if query.study_uid else {"image": query.source}
        return Example(vectors[kept], {**source, "box": list(query.box), "volumes": len(kept)}, look, without)

    def alike(self, example: Example, k: int, where: Filter) -> Found:
        """Studies like an example, of which k are wanted."""
        found = self.retriever.scans(example.vectors, k=k + len(example.without), where=where, look=example.look)
        found.scores = {key: score for key, score in found.scores.items() if key not in example.without}
        return found

    def _stored_spots(self, query: SpotQuery) -> tuple[int, list[Any], Rows]:
        """(study, the box's vector in each volume whose parts are stored, the volumes' vectors)."""
        space = self.retriever.image.space
        study = self.study(query.study_uid)
        volumes, vectors = part_vectors.volumes_of_study(self.database, space, study, series_uid=query.series_uid)
        if not volumes:
            raise QueryError(f"no series {query.series_uid!r} in study {query.study_uid!r}")
        stored = part_vectors.stored_regions(self.database, space, volumes)
        kept = [number for number, volume in enumerate(volumes) if volume in stored]
        if not kept:
            raise BoxError("the parts of this series are not stored; 'spinecho predict' adds them")
        return study, [stored_box_vector(stored[volumes[number]], query.box) for number in kept], vectors[kept]

    def study(self, uid: str) -> int:
        """The id of a study. Raises `QueryError` where there is none of this UID."""
        return require_study(self.database, uid)

    def described(self, prepared: Sequence[Prepared]) -> list[Described] | None:
        """What the parts of scans say; None where the encoder does not tell them apart."""
        describer = self.dual.describer
        return None if describer is None else describer.describe(prepared)

    def has_regions(self) -> bool:
        """Whether the parts of any volume are stored."""
        return part_vectors.any_regions(self.database, self.retriever.image.space)


def _vectors(described: Sequence[Described]) -> Rows:
    return np.stack([one.vector for one in described])
