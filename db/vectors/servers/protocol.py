"""What a server of vectors does, whichever it is, and what it is told of every copy that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.db.errors import VectorServerUnfit
from spinecho.db.vectors.indexes.protocol import Ids, Rows

FORMAT = 1
FLAT, GRAPH = "flat", "hnsw"
"""Kinds of copy: every vector is compared, or a graph proposes."""


@dataclass(frozen=True, slots=True)
class CopyState:
    """What a copy speaks for. It lies on the server, beside the vectors, and is written after they were."""

    name: str
    """000001 and so on."""
    space: Mapping[str, str | int]
    """By what the space is known again: model, revision, preprocessing, dim."""
    kind: str
    origin: str
    """The database that it is a copy of."""
    highest: int = 0
    """It holds every vector up to this id ..."""
    tombstone: int = 0
    """... but those that are gone by this tombstone."""
    count: int = 0
    whole: bool = False
    """False while it is filled for the first time: it does not serve."""
    effort: int = 64
    """How far a graph is searched."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """Recall at ten and milliseconds, against a comparison with all, by the share that a filter leaves."""
    made_at: str = ""
    synced_at: str = ""
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> CopyState:
        """What `to_json` gave. Raises `VectorServerUnfit` for anything else."""
        known = {one.name for one in fields(cls)}
        if not isinstance(values, dict) or set(values) != known or values["format"] != FORMAT:
            raise VectorServerUnfit(
                "the server's copy is of another version of Spinecho; 'spinecho builds sync --anew' makes a new one"
            )
        whole = all(isinstance(values[name], int) for name in ("highest", "tombstone", "count", "effort"))
        if not whole or not isinstance(values["space"], dict) or not isinstance(values["measured"], dict):
            raise VectorServerUnfit(
                "what the server says of its copy is damaged; 'spinecho builds sync --anew' makes a new one"
            )
        return cls(**values)


class Copy(Protocol):
    """One copy of a space's vectors on a server. Everything raises `VectorServerDown` where the server is gone."""

    @property
    def dim(self) -> int:
        """Length of every vector."""
        ...

    def count(self) -> int:
        """How many vectors it holds, by its own count, with everything that was written."""
        ...

    def upsert(self, ids: Ids, vectors: Rows) -> None:
        """Put vectors in, in place of those that have the same ids."""
        ...

    def delete(self, ids: Ids) -> None:
        """Take vectors out; unknown ids are no error."""
        ...

    def rows_of(self, ids: Ids) -> tuple[Ids, Rows]:
        """(ids, vectors) of those ids that it holds, in the order of the ids, with everything that was written."""
        ...

    def proposed(self, queries: Rows, m: int, *, among: Ids | None, effort: int) -> NDArray[np.int64]:
        """(q, m) ids that the server finds most similar, of `among` where it is given; rows end in -1.

        They are not to be trusted: some may be missing, gone, or not of `among`.
        """
        ...


class VectorServer(Protocol):
    """A server, asked for the copies that belong to a key (an archive's space). Nothing is asked when it is made.

    Everything raises `VectorServerDown` where it does not answer and `VectorServerUnfit` where it is not what it
    should be: too old, without rights, or with something of others under our names.
    """

    @property
    def what(self) -> str:
        """How it is named in messages, without a password."""
        ...

    def check(self) -> str:
        """The server's version."""
        ...

    def copies(self, key: str) -> Sequence[CopyState]:
        """What there is, the newest first."""
        ...

    def serving(self, key: str) -> CopyState | None:
        """The copy that searches are to ask."""
        ...

    def create(self, key: str, state: CopyState) -> Copy:
        """An empty copy."""
        ...

    def open(self, key: str, state: CopyState) -> Copy:
        """A copy that is there."""
        ...

    def keep(self, key: str, state: CopyState) -> None:
        """Replace what a copy speaks for."""
        ...

    def finish(self, key: str, state: CopyState) -> None:
        """Make what searches need of a copy that was filled."""
        ...

    def serve(self, key: str, state: CopyState) -> None:
        """Have searches ask this copy from now on, in one step."""
        ...

    def drop(self, key: str, name: str) -> None:
        """Delete a copy."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


def padded(found: Sequence[Sequence[int]], m: int) -> NDArray[np.int64]:
    """(q, m): lists of ids as rows that end in -1."""
    out = np.full((len(found), m), -1, dtype=np.int64)
    for row, ids in enumerate(found):
        out[row, : len(ids[:m])] = ids[:m]
    return out
