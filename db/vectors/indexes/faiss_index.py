"""FAISS, the only module that imports it: a flat index, and fp16 products; `candidates` has the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.db.errors import BackendMissing, BuildCorrupt
from spinecho.db.vectors.indexes.protocol import Codes, Ids, Neighbours, Rows, answers, ascending, contains, ranked

try:
    import faiss
except ImportError as error:  # pragma: no cover - needs an environment without it
    raise BackendMissing("FAISS is not installed: pip install '.[cpu]', or '.[gpu]' with an NVIDIA card") from error

library: Any = faiss
"""The same without FAISS's own type hints, which lack some of what is used here and in `candidates`."""

RoughCodes = NDArray[np.uint8]
"""Shape (n, dim), the same rows times a scale, rounded, plus 128."""
Bits = NDArray[np.bool_]
"""By place: whether the vector there may be returned."""

_SLACK = 16
"""Neighbours fetched past k, so that equal similarities at the border are ordered by id."""
_PART_BYTES = 2 * 2**20
"""Scattered rows gathered and compared at a time: as much as stays in the processor's cache."""
_COMPACT = 1000
"""Removed vectors that a flat index carries along before it is written anew without them."""

_ALONE = 50_000
"""Vectors below which a flat index is not worth more than one thread."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """For single queries: FAISS would start its threads for them too, and wait for a core that another process has."""
    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread alone
    try:
        yield
    finally:
        faiss.omp_set_num_threads(usual)


class _Rooms(threading.local):
    """Each thread's room for gathered rows, kept: taking 2 MB from the system costs more than comparing them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[Any, NDArray[np.void]]] = {}

    def of(self, codes: Codes | RoughCodes, most: int) -> tuple[Any, NDArray[np.void]]:
        """(an index over no rows, its memory by rows), room for at least `most`."""
        dim, key = codes.shape[1], (codes.shape[1], codes.dtype.str)
        if key not in self._kept or len(self._kept[key][1]) < most:
            scalar, wide = faiss.ScalarQuantizer, codes.itemsize * dim
            form = scalar.QT_fp16 if codes.dtype == np.float16 else scalar.QT_8bit_direct_signed
            block = faiss.IndexScalarQuantizer(dim, form, faiss.METRIC_INNER_PRODUCT)
            block.codes.resize(most * wide)
            room = library.rev_swig_ptr(block.codes.data(), most * wide).view(np.dtype((np.void, wide)))
            self._kept[key] = block, room
        return self._kept[key]


_ROOMS = _Rooms()


def best_of_scattered(
    codes: Codes | RoughCodes, places: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
    """(places, similarities, bar): the k rows at some places that are most like one query (dim,), and some past k.

    No row that is left out is more alike than the bar; -inf where none is. FAISS reads fp16 ten times faster than NumPy
    does. Rows are gathered straight into its own memory, a part at a time, so that they stay in the processor's cache.
    """
    part = max(1, _PART_BYTES // (codes.itemsize * codes.shape[1]))
    block, room = _ROOMS.of(codes, min(len(places), part))
    rows = np.asarray(codes).view(room.dtype)[:, 0]
    asked = np.ascontiguousarray(query[None], dtype=np.float32)
    kept: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = [(np.empty(0, np.int64), np.empty(0, np.float32))]
    bar = -np.inf
    for start in range(0, len(places), part):
        some = places[start : start + part]
        np.take(rows, some, out=room[: len(some)], mode="clip")
        block.ntotal = len(some)
        with on_one_thread():
            similarities, found = block.search(asked, min(len(some), k + _SLACK))
        given = found[0] >= 0  # FAISS finds nothing like a query that is no number
        kept.append((some[found[0][given]], similarities[0][given]))
        if len(some) > k + _SLACK:
            bar = max(bar, float(similarities[0, -1]))
    return np.concatenate([part[0] for part in kept]), np.concatenate([part[1] for part in kept]), bar


def nearest_rows(queries: Rows, rows: Rows, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(row numbers, similarities), both (q, k), of each query's nearest among rows in memory; all of them compared."""
    similarities, places = faiss.knn(
        np.ascontiguousarray(queries), np.ascontiguousarray(rows), min(k, len(rows)), metric=faiss.METRIC_INNER_PRODUCT
    )
    return places, similarities


class FlatIndex:
    """A `VectorIndex` over a FAISS flat index with fp16 storage: exact up to the rounding that the rows have anyway.

    One thread may remove while others search. Adding is for building: nothing else may use the index meanwhile.
    """

    def __init__(self, dim: int, *, index: Any = None) -> None:
        flat = faiss.ScalarQuantizer.QT_fp16
        index = index or faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, flat, faiss.METRIC_INNER_PRODUCT))
        self._state: tuple[Any, Ids] = (index, np.empty(0, np.int64))
        self._ids: Ids = faiss.vector_to_array(index.id_map).astype(np.int64)

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._state[0].d)

    @property
    def ids(self) -> Ids:
        """Every id in the index."""
        return self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def rows_of(self, ids: Ids) -> Rows:
        """(n, dim): the vectors of these ids, each of which is in the index."""
        held = faiss.vector_to_array(self._state[0].id_map)
        order = np.argsort(held, kind="stable")
        places = order[np.searchsorted(held, ids, sorter=order)]
        inner, rows = self._state[0].index, np.empty((len(ids), self.dim), np.float32)
        for row, place in enumerate(places.tolist()):
            inner.reconstruct(place, rows[row])
        return rows

    def unproposed(self, ids: Ids) -> int:
        """None: all are compared."""
        return 0

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index yet."""
        if len(np.unique(ids)) != len(ids) or np.isin(ids, self._ids).any():
            raise ValueError("an id is in the index already")
        if len(ids):
            self._compact()
            self._state[0].add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids.astype(np.int64))
            self._ids = np.concatenate([self._ids, ids.astype(np.int64)])

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        going = np.isin(self._ids, ids)
        if going.any():
            index, gone = self._state
            self._state = (index, np.union1d(gone, self._ids[going]))
            self._ids = self._ids[~going]
            if len(self._state[1]) > _COMPACT:
                self._compact()
        return int(going.sum())

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """Search all, or only `among`; every id that comes back is checked against it.

        Where most ids are allowed, more are fetched and the others dropped: FAISS takes several times longer with a
        selector than without. Where few are, or too few came through, a bitmap selects them.
        """
        return answers(vectors, k, lambda queries: self._nearest(queries, k, among))

    def _nearest(self, vectors: Rows, k: int, among: Ids | None) -> Neighbours:
        index, gone = self._state
        held = index.ntotal - len(gone)
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        if among is not None:
            among = ascending(among)
            among = among[~contains(gone, among)] if len(gone) else among
        n_allowed = held if among is None else min(held, len(among))
        wanted = min(k + _SLACK, n_allowed)
        if wanted == 0 or k == 0:
            return ranked(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), k)
        if among is None:
            ids, similarities = _search(index, queries, wanted + len(gone))
            return ranked(ids, np.where(contains(gone, ids), -np.inf, similarities).astype(np.float32), k)
        if 2 * n_allowed > held:
            fetched = min(index.ntotal, int(1.3 * wanted * held / n_allowed) + _SLACK)
            ids, similarities = _checked(*_search(index, queries, fetched), among)
            if fetched == index.ntotal or (np.isfinite(similarities).sum(axis=1) >= wanted).all():
                return ranked(ids, similarities, k)
        bits = np.zeros(int(among[-1]) + 1, dtype=bool)
        bits[among] = True
        bitmap = np.packbits(bits, bitorder="little")
        parameters = faiss.SearchParameters()
        parameters.sel = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))  # the size is in bytes
        return ranked(*_checked(*_search(index, queries, wanted, parameters), among), k)

    def save(self, path: Path) -> None:
        """Write the index as one file."""
        self._compact()
        write_index(self._state[0], path)

    @classmethod
    def load(cls, path: Path) -> FlatIndex:
        """Read an index that `save` wrote; `BuildCorrupt` where FAISS cannot. Its bytes must have been verified."""
        index = read_index(path)
        if not isinstance(index, faiss.IndexIDMap):
            raise BuildCorrupt(f"{path.name} is a {type(index).__name__}, not an index of ours")
        inner = faiss.downcast_index(index.index)
        fp16 = isinstance(inner, faiss.IndexScalarQuantizer) and inner.sq.qtype == faiss.ScalarQuantizer.QT_fp16
        if not fp16 or inner.metric_type != faiss.METRIC_INNER_PRODUCT or inner.ntotal != index.id_map.size():
            raise BuildCorrupt(f"{path.name} is an index of another kind than its manifest says")
        return cls(index.d, index=index)

    def _compact(self) -> None:
        """Let go of what was removed, in a copy: searches under way still read the old one."""
        index, gone = self._state
        if len(gone):
            index = faiss.clone_index(index)
            index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(gone)))
            self._state = (index, np.empty(0, np.int64))


def _search(index: Any, queries: Rows, k: int, parameters: Any = None) -> tuple[Ids, Rows]:
    with on_one_thread() if len(queries) == 1 and index.ntotal < _ALONE else nullcontext():
        similarities, ids = index.search(queries, k, params=parameters)
    return ids, np.where(ids < 0, -np.inf, similarities).astype(np.float32)


def _checked(ids: Ids, similarities: Rows, among: Ids) -> tuple[Ids, Rows]:
    return ids, np.where(contains(among, ids), similarities, -np.inf).astype(np.float32)


def write_index(index: Any, path: Path) -> None:
    """Write an index as one file. Raises OSError: FAISS itself does not say that the last bytes found no room."""
    failed: list[OSError] = []
    with path.open("wb") as file:

        def write(data: bytes) -> int:
            try:
                return file.write(data)
            except OSError as error:
                failed.append(error)
                raise

        try:
            faiss.write_index(index, library.PyCallbackIOWriter(write, 1 << 20))
        except Exception:
            if failed:
                raise failed[0] from None
            raise


def read_index(path: Path) -> Any:
    """FAISS's index in a file; `BuildCorrupt` where it cannot read it."""
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise BuildCorrupt(f"FAISS cannot read {path.name}; run 'spinecho index' to build it anew") from error
