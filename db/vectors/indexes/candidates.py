"""Indexes that only propose candidates: inverted lists, RaBitQ and HNSW on the processor, and a graphics card's.

Papers: inverted lists (Jegou et al. 2011, doi 10.1109/TPAMI.2010.57), RaBitQ (Gao and Long 2024, arXiv 2405.12497),
HNSW (Malkov and Yashunin 2018, arXiv 1603.09320), CAGRA (Ootomo et al. 2023, arXiv 2308.15136).
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.db.errors import BackendMissing, BuildCorrupt, StoreError
from spinecho.db.vectors.indexes.faiss_index import library, on_one_thread, read_index, write_index
from spinecho.db.vectors.indexes.index_plan import RECIPES
from spinecho.db.vectors.indexes.protocol import Codes, Ids, Rows

_TRAINING_ROUNDS, _TRAINING_PER_LIST = 8, 50
"""k-means: more of either gained under 0.001 of recall at a fixed effort and cost minutes."""
_GPU_BLOCK = 50_000
_GPU_MOST = 2048
"""Neighbours that FAISS gives at most from a graphics card."""


def gpus() -> int:
    """Graphics cards that this FAISS can use; 0 for a CPU build."""
    return int(library.get_num_gpus()) if hasattr(library, "get_num_gpus") else 0


class Candidates:
    """Proposes places whose vectors may be among the nearest; what it says of their similarity is a guess.

    `breadth` is the number of lists looked into, or HNSW's efSearch. A place is a row's number in the build. Searches
    may run at once; adding is for building.
    """

    selects = True
    """Whether it can be told which places are allowed."""

    def __init__(self, index: Any, *, kind: str) -> None:
        self.kind = kind
        self._index = index
        self._lists = _lists_of(index)
        self._breadths = _breadths(1024 if self._lists is None else self._lists.nlist)
        self._unfiltered: dict[int, Any] = {}

    @classmethod
    def train(cls, kind: str, sample: Rows, *, lists: int, lends: Candidates | None = None) -> Candidates:
        """Learn from some rows, (n, dim). `lends` has its lists taken over where it fits."""
        dim = sample.shape[1]
        if kind not in RECIPES:
            raise StoreError(f"no index of kind {kind!r}; there are: flat fp16, {', '.join(RECIPES)}")
        recipe = RECIPES[kind].format(dim=dim, lists=lists)
        index: Any = library.index_factory(dim, recipe, library.METRIC_INNER_PRODUCT)
        inverted = _lists_of(index)
        if inverted is not None:
            if lends is not None and lends.turned == (inverted is not index) and lends._lists.nlist == lists:
                inverted.quantizer.add(lends._lists.quantizer.reconstruct_n(0, lists))
            inverted.cp.niter, inverted.cp.max_points_per_centroid = _TRAINING_ROUNDS, _TRAINING_PER_LIST
            inverted.cp.min_points_per_centroid = 1  # FAISS would warn on the terminal
        else:
            index.hnsw.efConstruction = 80
            index = library.IndexIDMap(index)
        index.train(np.ascontiguousarray(sample))
        return cls(index, kind=kind)

    @property
    def turned(self) -> bool | None:
        """Whether its lists are of rotated vectors; None where it has no lists."""
        return None if self._lists is None else self._lists is not self._index

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._index.d)

    @property
    def breadths(self) -> tuple[int, ...]:
        """What may be asked for, least first; with the last an inverted index looks at everything."""
        return self._breadths

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, places: Ids, rows: Rows) -> None:
        """Add rows (n, dim) under their places."""
        self._index.add_with_ids(np.ascontiguousarray(rows, dtype=np.float32), places)

    def search(
        self, queries: Rows, count: int, *, breadth: int, allowed: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]:
        """(q, count) places, the likeliest first, -1 where there are fewer. `allowed`: a bit a place, lowest first."""
        effort = breadth if self._lists is not None else max(breadth, count)
        parameters = self._unfiltered.get(effort) if allowed is None else None
        if parameters is None:
            parameters = self._parameters(effort, allowed)
        if allowed is None:  # making them takes as long as looking into a list
            self._unfiltered[effort] = parameters
        with on_one_thread() if len(queries) == 1 else nullcontext():
            _, places = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), count, params=parameters)
        return np.asarray(places)

    def _parameters(self, effort: int, allowed: NDArray[np.uint8] | None) -> Any:
        selector = None if allowed is None else library.IDSelectorBitmap(len(allowed), library.swig_ptr(allowed))
        if self._lists is None:
            return library.SearchParametersHNSW(efSearch=effort, sel=selector)
        made = library.SearchParametersIVF(nprobe=effort, sel=selector)
        return library.SearchParametersPreTransform(index_params=made) if self.turned else made

    @property
    def size(self) -> int:
        """Bytes of the index, in memory and on disk."""
        library.write_index(self._index, counter := library.VectorIOWriter())
        return int(counter.data.size())

    def save(self, path: Path) -> None:
        """Write the index as one file."""
        write_index(self._index, path)

    @classmethod
    def load(cls, path: Path, *, kind: str) -> Candidates:
        """Read an index that `save` wrote; `BuildCorrupt` where FAISS cannot. Its bytes must have been verified."""
        found = cls(read_index(path), kind=kind)
        listed = kind.startswith("ivf")
        same = kind in RECIPES and (found._lists is not None) == listed and found.turned == _turned(kind)
        if not same or found._index.metric_type != library.METRIC_INNER_PRODUCT:
            raise BuildCorrupt(f"{path.name} is an index of another kind than its manifest says")
        return found


class OnGpu:
    """Proposes places as `Candidates` does, from an NVIDIA card: all vectors, inverted lists of fp16, or CAGRA's graph.

    FAISS on a card takes a selector and ignores it, so `selects` is false and `allowed` is refused: what filters leave
    is compared on the processor, all of it. Made from a build's rows when the build is opened; nothing is stored.
    """

    selects = False

    def __init__(self, codes: Codes, *, how: str, lists: int = 1024) -> None:
        if not gpus():
            raise BackendMissing(
                "this FAISS sees no graphics card: pip install '.[gpu]' on a machine with an NVIDIA one"
            )
        self.kind, self._resources, dim = f"gpu {how}", library.StandardGpuResources(), codes.shape[1]
        metric = library.METRIC_INNER_PRODUCT
        if how == "flat":
            settings = library.GpuIndexFlatConfig()
            settings.useFloat16 = True
            self._index = library.GpuIndexFlat(self._resources, dim, metric, settings)
        elif how == "ivf":
            fp16 = library.ScalarQuantizer.QT_fp16
            self._index = library.GpuIndexIVFScalarQuantizer(self._resources, dim, lists, fp16, metric)
            self._index.train(codes[:: max(1, len(codes) // (lists * _TRAINING_PER_LIST))].astype(np.float32))
        elif how == "cagra":
            self._index = library.GpuIndexCagra(self._resources, dim, metric)
            self._index.train(codes.astype(np.float32))  # makes the graph; there is no adding to it
        else:
            raise StoreError(f"no index {how!r} on a graphics card; there are: flat, ivf, cagra")
        for start in range(0, 0 if how == "cagra" else len(codes), _GPU_BLOCK):
            self._index.add(codes[start : start + _GPU_BLOCK].astype(np.float32))
        self._widest = lists if how == "ivf" else 1

    @property
    def breadths(self) -> tuple[int, ...]:
        """What may be asked for; it means something for inverted lists alone."""
        return _breadths(self._widest)

    def search(
        self, queries: Rows, count: int, *, breadth: int, allowed: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]:
        """As `Candidates.search`; ValueError with `allowed`."""
        if allowed is not None:
            raise ValueError("an index on a graphics card would ignore what is allowed")
        parameters = library.SearchParametersIVF(nprobe=breadth) if self._widest > 1 else None
        most = min(count, _GPU_MOST)
        _, places = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), most, params=parameters)
        return np.asarray(places)


def _lists_of(index: Any) -> Any:
    """The inverted lists of an index, None where it has none."""
    if isinstance(index, library.IndexPreTransform):
        return library.downcast_index(index.index)
    return index if isinstance(index, library.IndexIVF) else None


def _turned(kind: str) -> bool | None:
    return RECIPES[kind].startswith("RR") if kind.startswith("ivf") else None


def _breadths(widest: int) -> tuple[int, ...]:
    return (*(2**power for power in range(1, 20) if 2**power < widest), widest)
