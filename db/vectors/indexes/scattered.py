"""Comparing some rows of many, wherever they lie, exactly; many of them by one byte a number first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.db.vectors.indexes.faiss_index import RoughCodes, best_of_scattered
from spinecho.db.vectors.indexes.protocol import Codes, comparable
from spinecho.threads import thread_budget

Found: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Places and their similarities, in no order."""

_SHARED = 4096
"""Rows from which a comparison is worth splitting among threads."""
_WORTH = 2048
"""Rows from which it is worth looking at their rough form first."""
_PAST, _PORTION = 32, 128
"""Taken past k by their rough form at the first look: so many, or one of so many."""
_ROUNDING = 1e-5
"""Of float32 sums."""
_LONGEST = 1.01
"""A row of a space is a unit row, up to its rounding to fp16."""
_WORST = 0.04
"""Error of a rough form from which it leaves too many in question to be of use."""
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Rough:
    """Rows once more, in one byte a number: half of what has to be fetched from memory to compare them.

    FAISS compares them with a query that is rounded to bytes too, in whole numbers. Nothing is missed by it: `error`
    bounds how far a similarity can be from the true one, and whatever may be among the nearest by that bound is
    compared exactly.
    """

    codes: RoughCodes
    """(n, dim): a number of the spread row times `scale`, rounded, plus 128."""
    scale: float
    error: float
    """No spread row is further than this from what its bytes stand for."""

    def stands_for(self, codes: Codes) -> bool:
        """Whether these bytes are of these rows, by some of them."""
        if not len(codes):
            return True
        some = np.unique(np.linspace(0, len(codes) - 1, min(64, len(codes))).astype(np.int64))
        rows = spread(np.asarray(codes[some]))
        off = np.linalg.norm(rows - (self.codes[some].astype(np.float32) - 128) / np.float32(self.scale), axis=1)
        return bool((off <= self.error * (1 + _ROUNDING) + _ROUNDING).all())

    def plausible(self, places: NDArray[np.int64], query: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Those of the places (ascending) that may be among the k most alike, ascending."""
        query = spread(query[None])[0].astype(np.float64)  # as a float32 the scale of a tiny query is infinite
        times = 127 / (float(np.abs(query).max()) or 1.0)
        asked = np.rint(query * times)
        off = float(np.linalg.norm(query - asked / times)) * (_LONGEST + self.error)
        doubt = 2 * times * self.scale * ((self.error + _ROUNDING) * float(np.linalg.norm(query)) + off)
        wanted = k + max(_PAST, len(places) // _PORTION)
        while 2 * wanted < len(places):
            at, similarities, left = _shared(self.codes, places, asked.astype(np.float32), wanted)
            floor = float(np.partition(similarities, -k)[-k]) - doubt
            if left < floor:
                return np.sort(at[similarities >= floor])
            wanted *= 4
        return places


def spread(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Rows (n, dim) turned so that no number of a row is much larger than the others; products stay as they are.

    Signs at random, then the real Fourier transform (Ailon and Chazelle 2009, doi 10.1137/060673096). A byte does
    for such numbers, where it would not for a row of few large ones.
    """
    dim = rows.shape[1]
    waves = np.fft.rfft(rows.astype(np.float32) * _signs(dim), axis=1, norm="ortho")
    last = dim // 2 + 1 if dim % 2 else dim // 2
    turned = [waves.real[:, :1], np.sqrt(2) * waves.real[:, 1:last], np.sqrt(2) * waves.imag[:, 1:last]]
    if dim % 2 == 0:
        turned.append(waves.real[:, -1:])
    return np.concatenate(turned, axis=1).astype(np.float32)


def roughen(codes: Codes, path: Path) -> Rough | None:
    """Write the rough form of rows (n, dim) to a file and map it; None, and no file, where it would be of no use."""
    starts = range(0, len(codes), _BLOCK)
    largest = [np.abs(spread(codes[start : start + _BLOCK])).max() for start in starts]
    most = float(np.max(largest, initial=0.0))  # no number where one of them is none
    if not most or not np.isfinite(most):
        return None
    scale, error = 127 / most, 0.0
    with path.open("wb") as file:
        for start in starts:
            rows = spread(codes[start : start + _BLOCK])
            near = np.rint(rows * scale)
            error = max(error, float(np.linalg.norm(rows - near / scale, axis=1).max()))
            if float(np.linalg.norm(rows, axis=1).max()) > _LONGEST:
                error = np.inf
            file.write((near + 128).astype(np.uint8).tobytes())
            if error > _WORST:
                break
    if error > _WORST:
        path.unlink()
        return None
    return read_rough(path, dim=codes.shape[1], scale=scale, error=error)


def read_rough(path: Path, *, dim: int, scale: float, error: float) -> Rough:
    """What `roughen` wrote, mapped."""
    return Rough(np.memmap(path, np.uint8, "r").reshape(-1, dim), scale, error)


def compare(
    codes: Codes, places: NDArray[np.int64], query: NDArray[np.float32], k: int, *, rough: Rough | None = None
) -> Found:
    """The k best (and some past k, for ties) of these places (ascending) by their exact similarity to one query.

    None for a query that cannot be compared.
    """
    if not comparable(query[None])[0]:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if rough is not None and len(places) >= _WORTH:
        places = rough.plausible(places, query, k)
    at, similarities, _ = _shared(codes, places, query, k)
    return at, similarities


@cache
def _signs(dim: int) -> NDArray[np.float32]:
    stream = np.random.RandomState(0)  # one that no version of NumPy changes
    return stream.choice(np.array([-1.0, 1.0], np.float32), dim)


def _shared(
    codes: Codes | RoughCodes, places: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
    if len(places) < _SHARED or _threads() == 1:
        return best_of_scattered(codes, places, query, k)
    parts = np.array_split(places, _threads())
    found = list(_pool().map(lambda part: best_of_scattered(codes, part, query, k), parts))
    at, similarities = (np.concatenate([part[which] for part in found]) for which in (0, 1))
    return at, similarities, max(part[2] for part in found)


def _threads() -> int:
    return min(4, thread_budget())


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="compare")
