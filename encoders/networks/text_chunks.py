"""What a text tower reads: the sizes of one, and a text's token states in as few chunks as hold them. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.language.passages import passages
from spinecho.encoders.space import Space

KIND = "text-tower"


class TokenStates(Protocol):
    """A frozen encoder that gives the states of a text's tokens."""

    @property
    def space(self) -> Space:
        """Of its own vectors; its revision names the weights."""
        ...

    @property
    def width(self) -> int:
        """Length of a state."""
        ...

    def token_states(self, items: Sequence[str], /) -> list[NDArray[np.float32]]:
        """(t, width) for each text."""
        ...


@dataclass(frozen=True, slots=True)
class TextTowerConfig:
    """The sizes of the trained part. `states` is the frozen encoder's width."""

    states: int = 384
    width: int = 192
    depth: int = 2
    heads: int = 6
    dim: int = 256
    most_tokens: int = 256
    """Of one pass; a longer text is read in several, whose vectors are averaged by their number of tokens."""
    most_sentences: int = 32

    def __post_init__(self) -> None:
        if not all(type(n) is int and 1 <= n <= 8192 for n in asdict(self).values()) or self.width % self.heads:
            raise ValueError(f"sizes must be whole numbers in reason, width a multiple of heads: {self}")


class Chunk(NamedTuple):
    """As much of a text as is read at once: states (t, width) and the number of each token's sentence (t,)."""

    states: NDArray[np.float32]
    sentence: NDArray[np.int64]


def sentences_of(text: str) -> list[str]:
    """The sentences of a report or a query, without headings; the text itself where it has none."""
    found = [" ".join(passage.text.split()) for passage in passages(text)]
    return [sentence for sentence in found if sentence] or [" ".join(text.split()) or "."]


def chunks(states: Sequence[NDArray[np.float32]], config: TextTowerConfig) -> list[Chunk]:
    """Sentences' states, in order, in few chunks; a sentence is cut only where it is longer than a chunk."""
    made: list[Chunk] = []
    part: list[NDArray[np.float32]] = []
    for whole in states:
        state = whole[: config.most_tokens]
        if part and (sum(map(len, part)) + len(state) > config.most_tokens or len(part) >= config.most_sentences):
            made.append(_chunk(part))
            part = []
        part.append(state)
    return [*made, _chunk(part)]


def _chunk(part: Sequence[NDArray[np.float32]]) -> Chunk:
    numbers = np.repeat(np.arange(len(part)), [len(state) for state in part])
    return Chunk(np.concatenate(part).astype(np.float32), numbers)
