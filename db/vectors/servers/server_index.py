"""A copy on a server as an index: the server proposes, the stored vectors say how similar they are.

What is published of such servers is taken as given: under a filter fewer come back than there are, rows that were
deleted come back, and similarities are of rounded vectors. So every id is checked, every similarity is computed from
the stored vector, and where too few are left the rest is found by comparing the stored vectors themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from spinecho.db.errors import VectorServerUnfit
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows, answers, ascending, contains, ranked
from spinecho.db.vectors.servers.protocol import Copy

StoredRows: TypeAlias = Callable[[Ids], tuple[Ids, Rows]]
"""Given ids, those that are stored, ascending, and their vectors."""
Everything: TypeAlias = Callable[[], Iterator[tuple[Ids, Rows]]]
"""All that is stored, in blocks."""

EXACT_UP_TO = 100
"""Where a filter leaves no more, their stored vectors are compared and no server is asked."""
_SLACK = 16
"""Proposed past what is wanted, so that equal similarities at the border are ordered by id."""
_WIDER = 4
"""How many times as many are proposed where too few were left."""
_BLOCK = 2_000


class ServerIndex:
    """A `VectorIndex` over a copy on a server. What it adds and removes is written there at once, and read back."""

    def __init__(
        self,
        copy: Copy,
        *,
        effort: int = 64,
        stored: StoredRows | None = None,
        everything: Everything | None = None,
        exact_up_to: int | None = None,
    ) -> None:
        """stored, everything: where the vectors are; without them the copy's own are taken for the truth.
        exact_up_to: where a filter leaves no more, no server is asked; without it `EXACT_UP_TO`.
        """
        self.copy, self._effort = copy, effort
        self._exact_up_to = EXACT_UP_TO if exact_up_to is None else exact_up_to
        self._stored, self._everything = stored or copy.rows_of, everything

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self.copy.dim

    def __len__(self) -> int:
        return self.copy.count()

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the copy yet."""
        if len(np.unique(ids)) != len(ids) or len(self.copy.rows_of(ascending(ids))[0]):
            raise ValueError("an id is in the index already")
        if len(ids):
            before = self.copy.count()
            self.copy.upsert(ids, vectors)
            require_written(self.copy, ids, vectors, count=before + len(ids))

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        there, _ = self.copy.rows_of(ascending(ids))
        if len(there):
            before = self.copy.count()
            self.copy.delete(there)
            require_gone(self.copy, there, count=before - len(there))
        return len(there)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """What the server proposes, checked and compared by the stored vectors."""
        return self.among_held(vectors, k, among=among, held=len(self))

    def among_held(
        self, vectors: Rows, k: int, *, held: int, among: Ids | None = None, highest: int | None = None,
        gone: Ids | None = None,
    ) -> Neighbours:  # fmt: skip
        """The same of a copy of which is known how many it holds; ids above `highest` and those in `gone` are left out.

        gone: ascending; `held` does not count them.
        """
        lost = np.empty(0, np.int64) if gone is None else gone
        if among is not None:
            among = ascending(among)
            among = among if highest is None else among[: np.searchsorted(among, highest, side="right")]
            among = among[~contains(lost, among)] if len(lost) else among
        allowed = held if among is None else min(held, len(among))
        if not allowed or not k or not len(vectors):
            empty = np.empty((len(vectors), 0), np.int64)
            return ranked(empty, empty.astype(np.float32), k)
        ask = _Asked(k, among, highest, lost, allowed)
        return answers(vectors, k, lambda queries: self._nearest(queries, ask))

    def _nearest(self, queries: Rows, ask: _Asked) -> Neighbours:
        if ask.among is not None and len(ask.among) <= self._exact_up_to:
            return self._compared(queries, ask)
        wanted = min(ask.k, ask.allowed)
        for times in (1, _WIDER):
            m = min(times * (wanted + _SLACK), ask.allowed) + min(len(ask.gone), 1_000)
            found = self.copy.proposed(queries, m, among=ask.among, effort=times * self._effort)
            checked = ask.checked(found)
            known, rows = self._stored(np.unique(checked[checked >= 0]))
            similarities = _similarities(queries, checked, known, rows)
            if bool((np.isfinite(similarities).sum(axis=1) >= wanted).all()):
                return ranked(checked, similarities, ask.k)
        return self._compared(queries, ask)

    def _compared(self, queries: Rows, ask: _Asked) -> Neighbours:
        """By the stored vectors alone: nothing can be missing."""
        best: Neighbours | None = None
        for ids, rows in self._blocks(ask.among):
            block = ExactIndex(self.dim)
            block.add(ids, rows)
            kept = ids if ask.highest is None else ids[ids <= ask.highest]
            found = block.nearest(queries, ask.k, among=kept[~contains(ask.gone, kept)])
            best = found if best is None else ranked(
                np.concatenate([best.ids, found.ids], axis=1),
                np.concatenate([best.similarities, found.similarities], axis=1),
                ask.k,
            )  # fmt: skip
        return best or ExactIndex(self.dim).nearest(queries, ask.k)

    def _blocks(self, among: Ids | None) -> Iterator[tuple[Ids, Rows]]:
        if among is None:
            if self._everything is None:
                raise VectorServerUnfit("the server gives fewer vectors than it says that it holds")
            yield from self._everything()
            return
        for start in range(0, len(among), _BLOCK):
            yield self._stored(among[start : start + _BLOCK])


class _Asked:
    """What a search wants, and which ids it may give."""

    def __init__(self, k: int, among: Ids | None, highest: int | None, gone: Ids, allowed: int) -> None:
        self.k, self.among, self.highest, self.gone, self.allowed = k, among, highest, gone, allowed

    def checked(self, ids: Ids) -> Ids:
        """(q, m): -1 in place of every id that may not be given, and of one that a row holds before."""
        out = np.array(ids)
        bad = (out <= 0) | contains(self.gone, out)
        if self.highest is not None:
            bad |= out > self.highest
        if self.among is not None:
            bad |= ~contains(self.among, out)
        out[bad] = -1
        for row in out:
            _, first = np.unique(row, return_index=True)
            again = np.ones(len(row), dtype=bool)
            again[first] = False
            row[again] = -1
        return out


def _similarities(queries: Rows, ids: Ids, known: Ids, rows: Rows) -> Rows:
    """(q, m): of each id with its query, by the stored vector; -inf for one that is not stored."""
    out = np.full(ids.shape, -np.inf, dtype=np.float32)
    if len(known):
        there = contains(known, ids)
        places = np.searchsorted(known, ids[there])
        asking = np.nonzero(there)[0]
        out[there] = np.einsum("ij,ij->i", rows[places], queries[asking])
    return out


def require_written(copy: Copy, ids: Ids, vectors: Rows, *, count: int) -> None:
    """Raise `VectorServerUnfit` unless the copy holds so many vectors, and a sample as they were written."""
    _require_count(copy, count)
    some = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), 8)).astype(np.int64))
    order = some[np.argsort(ids[some])]
    there, rows = copy.rows_of(ids[order])
    if len(there) != len(order) or not (there == ids[order]).all():
        raise VectorServerUnfit(f"the server took {len(ids)} vectors and does not give back what it took")
    if not (rows == vectors[order].astype(np.float16).astype(np.float32)).all():
        raise VectorServerUnfit("the server gives back other vectors than it took; 'spinecho builds sync --anew'")


def require_gone(copy: Copy, ids: Ids, *, count: int) -> None:
    """Raise `VectorServerUnfit` where vectors that were deleted are still given, or the count is another."""
    _require_count(copy, count)
    left, _ = copy.rows_of(ids[:1_000])
    if len(left):
        raise VectorServerUnfit(f"the server still gives {len(left)} vectors that were deleted from it")


def _require_count(copy: Copy, count: int) -> None:
    held = copy.count()
    if held != count:
        raise VectorServerUnfit(
            f"the server's copy holds {held} vectors in place of {count}; 'spinecho builds sync --anew' makes a new one"
        )
