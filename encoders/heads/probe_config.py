"""The sizes of a light decoder. No torch, so that a head's card is read without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ProbeKind: TypeAlias = Literal["mlp", "attention", "patch"]
"""Over the pooled features; over tokens, one answer a volume; over tokens, one answer a token."""


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """The sizes of a probe. `inputs` is the width of what it reads; `ordered`: outputs are ordered classes."""

    kind: ProbeKind
    inputs: int
    outputs: int
    ordered: bool = False
    hidden: int = 128
    queries: int = 4
    heads: int = 4
    dropout: float = 0.2

    def __post_init__(self) -> None:
        sizes = (self.inputs, self.outputs, self.hidden, self.queries, self.heads)
        if self.kind not in ("mlp", "attention", "patch") or not all(type(n) is int and 1 <= n <= 65536 for n in sizes):
            raise ValueError(f"no probe can have these sizes: {self}")
        if self.hidden % self.heads or not 0.0 <= self.dropout < 1.0 or (self.ordered and self.outputs < 2):
            raise ValueError(f"hidden must be a multiple of heads, dropout in 0..1, ordered classes at least 2: {self}")
