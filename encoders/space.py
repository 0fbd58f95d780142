"""Which vectors may be compared with which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import SpaceMismatch

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dim), float32, every row of unit length."""

T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Space:
    """Two vectors may be compared when, and only when, their spaces are equal.

    `revision` is a digest of the weights, `preprocessing` a digest of everything done before the network.
    """

    model: str
    revision: str
    preprocessing: str
    dim: int

    @property
    def label(self) -> str:
        """Short and printable: model, the digests' first eight characters, dimension."""
        return f"{self.model}@{self.revision[:8]}/{self.preprocessing[:8]}:{self.dim}"


def require_same(stored: Space, given: Space, *, role: str, encoder: str) -> None:
    """Raise `SpaceMismatch` unless an index's space is the encoder's; `encoder` names the one that made the index."""
    if stored.model == given.model and stored.revision != given.revision:
        raise SpaceMismatch(
            f"the {role} index holds {stored.label}, the encoder gives {given.label}: its weights have changed since; "
            "index into another home (--home), or go on with the earlier weights (--encoder tower:FOLDER)"
        )
    if stored != given:
        raise SpaceMismatch(
            f"the {role} index holds {stored.label}, the encoder gives {given.label}; use the encoder "
            f"{encoder!r} (--encoder), or index into another home (--home)"
        )


class StoredSpace(Protocol):
    """A space as an index keeps it, with the name of the encoder that made it."""

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def revision(self) -> str: ...  # noqa: D102
    @property
    def preprocessing(self) -> str: ...  # noqa: D102
    @property
    def dim(self) -> int: ...  # noqa: D102
    @property
    def encoder(self) -> str: ...  # noqa: D102


def require_stored(stored: StoredSpace, given: Space, *, role: str) -> None:
    """`require_same` for a space as it is stored."""
    kept = Space(stored.model, stored.revision, stored.preprocessing, stored.dim)
    require_same(kept, given, role=role, encoder=stored.encoder)


class Encoder(Protocol[T_contra]):
    """Turns items into vectors of one space. Equal items give equal vectors, whatever batch they came in."""

    @property
    def space(self) -> Space:
        """The space of every vector that `encode` returns."""
        ...

    def encode(self, items: Sequence[T_contra], /) -> Vectors:
        """(n, dim) float32 unit rows, in the order of `items`; (0, dim) for none."""
        ...
