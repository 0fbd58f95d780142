"""FAISS, the only module that imports it: a flat fp16 index, exact up to the rounding that the rows have anyway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from db.errors import BackendMissing, BuildCorrupt
from db.vectors.protocol import Ids, Neighbours, Rows, ranked

try:
    import faiss
except ImportError as error:  # pragma: no cover - needs an environment without it
    raise BackendMissing("FAISS is not installed: pip install '.[cpu]', or '.[gpu]' with an NVIDIA card") from error

_SLACK = 16
"""Candidates fetched past k, so that equal similarities at the border are ordered by id."""


class FaissIndex:
    """A `VectorIndex` over a FAISS flat index with fp16 storage and our own ids."""

    def __init__(self, dim: int, *, index: Any = None) -> None:
        flat = faiss.ScalarQuantizer.QT_fp16
        self._index = index or faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, flat, faiss.METRIC_INNER_PRODUCT))
        self._ids = faiss.vector_to_array(self._index.id_map).astype(np.int64)

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._index.d)

    @property
    def ids(self) -> Ids:
        """Every id in the index."""
        return self._ids

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index yet."""
        if len(np.unique(ids)) != len(ids) or np.isin(ids, self._ids).any():
            raise ValueError("an id is in the index already")
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids.astype(np.int64))
            self._ids = np.concatenate([self._ids, ids.astype(np.int64)])

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        gone = np.isin(self._ids, ids)
        if gone.any():
            self._index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(self._ids[gone])))
            self._ids = faiss.vector_to_array(self._index.id_map).astype(np.int64)
        return int(gone.sum())

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """Search all, or only `among`; every id that comes back is checked against it.

        Where most ids are allowed, more are fetched and the others dropped: FAISS takes several times longer with a
        selector than without. Where few are, or too few came through, a bitmap selects them.
        """
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        if among is not None and not (np.diff(among) > 0).all():
            among = np.unique(among)
        n_allowed = len(self) if among is None else min(len(self), len(among))
        wanted = min(k + _SLACK, n_allowed)
        if wanted == 0 or k == 0:
            return ranked(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), k)
        if among is None:
            return ranked(*self._search(queries, wanted), k)
        if 2 * n_allowed > len(self):
            fetched = min(len(self), int(1.3 * wanted * len(self) / n_allowed) + _SLACK)
            ids, similarities = self._checked(*self._search(queries, fetched), among)
            if fetched == len(self) or (np.isfinite(similarities).sum(axis=1) >= wanted).all():
                return ranked(ids, similarities, k)
        bits = np.zeros(int(among[-1]) + 1, dtype=bool)
        bits[among] = True
        bitmap = np.packbits(bits, bitorder="little")
        parameters = faiss.SearchParameters()
        parameters.sel = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))  # the size is in bytes
        return ranked(*self._checked(*self._search(queries, wanted, parameters), among), k)

    def _search(self, queries: Rows, k: int, parameters: Any = None) -> tuple[Ids, Rows]:
        similarities, ids = self._index.search(queries, k, params=parameters)
        return ids, np.where(ids < 0, -np.inf, similarities).astype(np.float32)

    def _checked(self, ids: Ids, similarities: Rows, among: Ids) -> tuple[Ids, Rows]:
        place = np.minimum(np.searchsorted(among, ids), len(among) - 1)
        return ids, np.where(among[place] == ids, similarities, -np.inf).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the index as one file."""
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> FaissIndex:
        """Read an index that `save` wrote; `BuildCorrupt` where FAISS cannot. Its bytes must have been verified."""
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise BuildCorrupt(f"FAISS cannot read {path.name}; run 'spinecho index' to build it anew") from error
        if not isinstance(index, faiss.IndexIDMap):
            raise BuildCorrupt(f"{path.name} is a {type(index).__name__}, not an index of ours")
        return cls(index.d, index=index)
