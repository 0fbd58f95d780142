"""Who is who: numbers for names, rows joined into candidates, texts joined into groups, similarities in blocks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.measuring.metrics import Bools, Floats, Ints

Names: TypeAlias = Sequence[Any] | NDArray[Any]
"""One hashable value a row."""
Block: TypeAlias = Callable[[int, int], Floats]
"""(start, stop) of the queries -> (stop - start, n) scores."""
_CELLS = 4_000_000


def numbers(*names: Names) -> list[Ints]:
    """Each name as a number from 0, the same for equal names of all the lists."""
    seen: dict[Hashable, int] = {}
    return [np.array([seen.setdefault(name, len(seen)) for name in some], dtype=np.int64) for some in names]


def joined(queries: Names, gallery: Names) -> tuple[Ints, Ints]:
    """Both sides as numbers that are equal where the names are; an empty name equals none."""
    left, right = numbers(queries, gallery)
    left[[_empty(name) for name in queries]] = -1
    right[[_empty(name) for name in gallery]] = -2
    return left, right


def identities(names: Names, instead: Names | None = None) -> Ints:
    """As `numbers`, where an empty name is nobody's: the name in `instead` stands in for it, else the row itself.

    Scans without a patient ID are not all of one patient.
    """
    others: Names = instead if instead is not None else [""] * len(names)
    kinds: list[Hashable] = []
    for row, (name, other) in enumerate(zip(names, others, strict=True)):
        known, stands_in = not _empty(name), not _empty(other)
        kinds.append((0, name) if known else (1, other) if stands_in else (2, row))
    return numbers(kinds)[0]


def text_groups(texts: Sequence[str], uids: Names | None = None) -> Ints:
    """(n,) the group of each text: equal texts form one, apart from case and white space.

    With `uids` (the study of each text) the texts of one study are of one group too, and so is whatever equals any of
    them.
    """
    words = [" ".join(text.split()).casefold() for text in texts]
    of_text = numbers(words)[0]
    if uids is None or not words:
        return of_text
    from scipy.sparse import coo_array  # noqa: PLC0415  (slow to import)
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    of_study = numbers(uids)[0] + len(words)  # both are nodes of one graph, and a text joins two of them
    edges = coo_array((np.ones(len(words), np.int8), (of_text, of_study)), shape=(2 * len(words), 2 * len(words)))
    return numbers(connected_components(edges, directed=False)[1][of_text].tolist())[0]


class Candidates:
    """Rows of one key are one candidate, scored by its best row; in the order in which keys first appear."""

    def __init__(self, keys: Names) -> None:
        codes = numbers(keys)[0]
        self.of: Ints = codes
        """(n,) the number of the candidate that each row belongs to."""
        self._order = np.argsort(codes, kind="stable")
        self._starts = np.flatnonzero(np.diff(codes[self._order], prepend=-1))
        self.first: Ints = self._order[self._starts]
        """(m,) a row of each candidate."""

    def __len__(self) -> int:
        return len(self.first)

    def best(self, scores: Floats) -> Floats:
        """(q, n) scores of rows to (q, m) of candidates."""
        if len(self) == scores.shape[1]:
            return scores  # in the order of first appearance already
        out: Floats = np.maximum.reduceat(scores[:, self._order], self._starts, axis=1)
        return out


def unit_rows(vectors: NDArray[Any], name: str) -> Floats:
    """(n, d) as float64, so that equal vectors score equally. Raises ValueError for what is no set of unit rows."""
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"{name} has shape {rows.shape}; give (n, d)")
    length = np.linalg.norm(rows, axis=1)
    wrong = np.flatnonzero(~(np.abs(length - 1.0) < 0.02))  # also where it is no number
    if len(wrong):
        raise ValueError(f"{name}: row {wrong[0]} has length {length[wrong[0]]:.3g} and {len(wrong)} are not unit rows")
    return rows


def same_length(**rows: Names | None) -> int:
    """The number of rows that they share. Raises ValueError naming those that differ."""
    lengths = {name: len(value) for name, value in rows.items() if value is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"one value a row is needed, but there are {lengths}")
    return next(iter(lengths.values()))


def mask(rows: NDArray[Any] | Sequence[int] | None, n: int) -> Bools:
    """(n,) booleans from booleans, from row numbers, or from None for all."""
    if rows is None:
        return np.ones(n, dtype=np.bool_)
    given = np.asarray(rows)
    if given.dtype == np.bool_:
        same_length(rows=given, vectors=range(n))
        return given
    out = np.zeros(n, dtype=np.bool_)
    out[given.astype(np.int64)] = True
    return out


def blocks(n_queries: int, width: int) -> Iterator[tuple[int, int]]:
    """(start, stop) so that a block of scores stays near 32 MB."""
    size = max(1, _CELLS // max(1, width))
    for start in range(0, n_queries, size):
        yield start, min(start + size, n_queries)


def _empty(name: object) -> bool:
    return name is None or (isinstance(name, str) and not name.strip())
