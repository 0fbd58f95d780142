"""Candidates from a small approximate index, compared exactly with fp16 vectors that lie in a mapped file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.db.vectors.indexes.faiss_index import Bits
from spinecho.db.vectors.indexes.index_plan import Effort, Plan
from spinecho.db.vectors.indexes.protocol import Codes, Ids, Neighbours, Rows, answers, ascending, contains, ranked
from spinecho.db.vectors.indexes.scattered import Found, Rough, compare

_MOST_CHECKED = 4000
"""Up to so many candidates are fetched and checked against the filter, rather than a bitmap made of it: making one of a
million ids takes longer than the search itself."""
_SPARE = 32
_NEAR = 0.02
"""A proposed vector that is less alike by this is as good as the one that was looked for."""
_SPARSE = 4
"""Ids that are spread over more than so many numbers each are looked up by halving, not in a table."""


class Proposer(Protocol):
    """What proposes places: `Candidates`, or `OnGpu`."""

    selects: bool

    @property
    def breadths(self) -> tuple[int, ...]:
        """What may be asked for, least first."""
        ...

    def search(
        self, queries: Rows, count: int, *, breadth: int, allowed: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]:
        """(q, count) places, the likeliest first, -1 where there are fewer."""
        ...


class Growing(Proposer, Protocol):
    """A proposer that takes more."""

    def add(self, places: Ids, rows: Rows) -> None:
        """Add rows under their places."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """What a search sees. A place is a row of `codes`."""

    ids: Ids
    codes: Codes
    table: NDArray[np.int32] | None
    """By id, from `first`, the smallest, on: its place, or -1; None where ids are far apart."""
    first: int = 0
    rough: Rough | None = None
    alive: Bits | None = None
    """By place; None while nothing was removed."""
    order: NDArray[np.int64] | None = None
    """Living places by ascending id; None while `ids` ascends and everything lives."""

    def __len__(self) -> int:
        return len(self.ids) if self.order is None else len(self.order)

    def living(self) -> NDArray[np.int64]:
        """Every place, in the order of its id."""
        return np.arange(len(self.ids)) if self.order is None else self.order

    def places(self, among: Ids) -> NDArray[np.int64]:
        """Where the ids of `among` (ascending) are held; those that are not are left out."""
        if self.table is not None:
            start, end = np.searchsorted(among, (self.first, self.first + len(self.table)))
            at = self.table[among[start:end] - self.first].astype(np.int64)
            at = at[at >= 0]
            return at if self.alive is None else at[self.alive[at]]
        known = self.ids if self.order is None else self.ids[self.order]
        at = np.minimum(np.searchsorted(known, among), len(known) - 1)
        at = np.asarray(at[known[at] == among], dtype=np.int64)
        return at if self.order is None else self.order[at]

    def bits(self, among: Ids) -> Bits:
        """By place: whether its id is in `among` (ascending) and it was not removed."""
        listed = np.zeros(int(max(self.ids.max(), among[-1])) + 1, dtype=bool)
        listed[among] = True
        first, last = int(self.ids[0]), int(self.ids[-1])
        dense = self.order is None and last - first + 1 == len(self.ids)
        found: Bits = listed[first : last + 1] if dense else listed[self.ids]
        return found if self.alive is None else found & self.alive


class TwoStageIndex:
    """A `VectorIndex` whose memory is the proposer's: about 105 bytes a vector of 512 numbers with RaBitQ.

    Similarities are exact; what may be missing is a neighbour that was not proposed. One thread may remove while others
    search. Adding brings the mapped rows into memory: it is for building and for tests, a served space keeps what is
    new beside its build.
    """

    def __init__(
        self, ids: Ids, codes: Codes, proposer: Growing | Proposer, plan: Plan, *, rough: Rough | None = None
    ) -> None:
        self.plan = plan
        self._proposer = proposer
        self._held = _Held(ids, codes, *_table(ids), rough)
        if not bool((ids[1:] > ids[:-1]).all()):
            self._held = replace(self._held, order=np.argsort(ids))

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._held.codes.shape[1])

    def __len__(self) -> int:
        return len(self._held)

    @property
    def ids(self) -> Ids:
        """Every id, by its place; those that were removed included."""
        return self._held.ids

    def rows_of(self, ids: Ids) -> Rows:
        """(n, dim): the vectors of these ids, ascending, each of which is in the index."""
        return np.asarray(self._held.codes[self._held.places(ids)]).astype(np.float32)

    def unproposed(self, ids: Ids) -> int:
        """How many of these ids would not be found by their own vectors, nor one as near."""
        held, lost = self._held, 0
        effort = self.plan.effort(share=1.0, k=1, widest=self._proposer.breadths[-1])
        count = max(1, min(effort.candidates, len(held.ids)))
        for row in self.rows_of(ids):
            places = self._proposer.search(row[None], count, breadth=effort.breadth)[0]
            places = places[(places >= 0) & (places < len(held.ids))]
            best = float((np.asarray(held.codes[places]).astype(np.float32) @ row).max(initial=-np.inf))
            lost += best < float(row @ row) - _NEAR
        return lost

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index yet. Nothing else may use the index meanwhile."""
        held = self._held
        if len(np.unique(ids)) != len(ids) or (len(held) and len(held.places(np.sort(ids)))):
            raise ValueError("an id is in the index already")
        places = np.arange(len(held.ids), len(held.ids) + len(ids))
        self._proposer.add(places, vectors)  # type: ignore[union-attr]
        alive = np.ones(len(held.ids) + len(ids), dtype=bool)
        if held.alive is not None:
            alive[: len(held.ids)] = held.alive
        known = np.concatenate([held.ids, ids.astype(np.int64)])
        living = np.flatnonzero(alive)
        self._held = _Held(
            known,
            np.concatenate([held.codes, vectors.astype(np.float16)]),
            *_table(known),
            alive=None if alive.all() else alive,
            order=living[np.argsort(known[living])],
        )

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        held = self._held
        going = held.places(np.unique(ids)) if len(held) and len(ids) else np.empty(0, np.int64)
        if len(going):
            alive = np.ones(len(held.ids), dtype=bool) if held.alive is None else held.alive.copy()
            alive[going] = False
            order = held.living()
            self._held = replace(held, alive=alive, order=order[alive[order]])
        return len(going)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """Search all, or only `among`.

        Few allowed: every one is compared. More: the proposer is told by a bitmap. Most: it proposes more, and those
        that are not allowed are dropped. Where a filter leaves little near the query, it looks further until it has
        proposed as much as it was asked for.
        """
        return answers(vectors, k, lambda queries: self._nearest(queries, k, among))

    def _nearest(self, vectors: Rows, k: int, among: Ids | None) -> Neighbours:
        held, queries = self._held, np.ascontiguousarray(vectors, dtype=np.float32)
        among = None if among is None else ascending(among)
        n_allowed = len(held) if among is None else min(len(held), len(among))
        if n_allowed == 0 or k == 0:
            return ranked(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), k)
        share = n_allowed / len(held)
        effort = self.plan.effort(share=share, k=k, widest=self._proposer.breadths[-1])
        checked = effort.candidates <= _MOST_CHECKED * share
        if n_allowed <= 2 * effort.candidates or (
            among is not None and self.plan.exact(n_allowed=n_allowed, share=share)
        ):
            found = _compare_all(held, queries, k, among)
        elif self._proposer.selects or checked:
            look = _Look(self._proposer, held, among, effort)
            found = [self._one(look, query, k, checked=checked) for query in queries]
        else:
            found = _compare_all(held, queries, k, among)
        return _assembled(held.ids, found, k)

    @staticmethod
    def _one(look: _Look, query: NDArray[np.float32], k: int, *, checked: bool) -> Found:
        places = look.checked(query, k) if checked else None
        if places is None and look.proposer.selects:
            places = look.proposed_among(query, k)
        if places is None:
            return _compare_all(look.held, query[None], k, look.among)[0]
        return compare(look.held.codes, np.sort(places), query, k)


class _Look:
    """Candidates for one call of `nearest`: every place that it gives is held, alive and allowed."""

    def __init__(self, proposer: Proposer, held: _Held, among: Ids | None, effort: Effort) -> None:
        self.proposer, self.held, self.among, self._effort = proposer, held, among, effort
        self._wanted = effort.candidates
        self._permitted: tuple[Bits, NDArray[np.uint8], int] | None = None

    def checked(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64] | None:
        """Propose more than are wanted and drop what is not allowed; None where too little is left."""
        whole = self.among is None and self.held.alive is None
        count = self._wanted if whole else int(1.3 * self._wanted / self._effort.share) + _SPARE
        count = min(count, len(self.held.ids))
        places = self.proposer.search(query[None], count, breadth=self._effort.breadth)[0]
        places = places[places >= 0]
        if self.held.alive is not None:
            places = places[self.held.alive[places]]
        if self.among is not None:
            places = places[contains(self.among, self.held.ids[places])]
        n_allowed = int(self._effort.share * len(self.held))
        return places[: self._wanted] if len(places) >= self._least(n_allowed, k) else None

    def _least(self, n_allowed: int, k: int) -> int:
        """Candidates that the effort must bring; where a filter leaves little near the query, it brings fewer.

        Half of what lies, on average, in as many lists as are looked into, if that is less than what is wanted.
        """
        usual = n_allowed * self._effort.breadth / self.proposer.breadths[-1]
        return min(n_allowed, max(k, int(min(self._wanted, usual) / 2)))

    def proposed_among(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64] | None:
        """Tell the proposer what is allowed, and look further until it gives what it usually does.

        None where it has nowhere further to look and has not even k of those that exist.
        """
        if self._permitted is None:
            held = self.held
            bits = held.alive if self.among is None else held.bits(self.among)
            bits = np.ones(len(held.ids), dtype=bool) if bits is None else bits
            self._permitted = bits, np.packbits(bits, bitorder="little"), int(bits.sum())
        bits, packed, n_allowed = self._permitted
        wanted, breadth, widest = min(self._wanted, n_allowed), self._effort.breadth, self.proposer.breadths[-1]
        while wanted:
            places = self.proposer.search(query[None], wanted, breadth=breadth, allowed=packed)[0]
            places = places[places >= 0]
            places = places[bits[places]]
            if len(places) >= self._least(n_allowed, k) or breadth >= widest:
                return places if len(places) >= min(k, n_allowed) else None
            breadth = min(widest, 2 * breadth)
        return np.empty(0, np.int64)


def _compare_all(held: _Held, queries: Rows, k: int, among: Ids | None) -> list[Found]:
    places = np.sort(held.living() if among is None else held.places(among))
    return [compare(held.codes, places, query, k, rough=held.rough) for query in queries]


def _assembled(ids: Ids, found: list[Found], k: int) -> Neighbours:
    longest = max((len(places) for places, _ in found), default=0)
    out = np.full((len(found), longest), -1, dtype=np.int64)
    values = np.full((len(found), longest), -np.inf, dtype=np.float32)
    for row, (places, similarities) in enumerate(found):
        out[row, : len(places)], values[row, : len(places)] = ids[places], similarities
    return ranked(out, values, k)


def bytes_for(ids: Ids) -> int:
    """What ids take in memory: themselves, and the table of their places."""
    return int(ids.nbytes) + (4 * _span(ids) if _span(ids) <= _SPARSE * len(ids) else 0)


def _table(ids: Ids) -> tuple[NDArray[np.int32] | None, int]:
    if not len(ids) or _span(ids) > _SPARSE * len(ids):
        return None, 0
    first = int(ids.min())
    table = np.full(_span(ids), -1, dtype=np.int32)
    table[ids - first] = np.arange(len(ids), dtype=np.int32)
    return table, first


def _span(ids: Ids) -> int:
    return int(ids.max() - ids.min()) + 1 if len(ids) else 0
