"""The text tower of the shared space: a small trained transformer over a frozen sentence encoder's token states.

A sentence encoder's own vector hardly knows left from right or a finding from its denial; its tokens' states do. The
trained part reads the states of all sentences of a text at once and gives one vector in the space of the image tower.
It follows Decipher-MR (arXiv 2509.21249) in aligning a BERT-family encoder with the image tower; that the encoder
itself stays frozen is our choice, as there are few reports to train on here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from spinecho.encoders.language.passages import passages
from spinecho.encoders.space import Space, Vectors

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


class TextTower(nn.Module):
    """Token states to a vector."""

    def __init__(self, config: TextTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Sequential(nn.LayerNorm(config.states), nn.Linear(config.states, config.width))
        self.sentence = nn.Embedding(config.most_sentences, config.width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.width, config.heads, 4 * config.width, dropout=0.1, activation="gelu", batch_first=True,
                norm_first=True,
            )
            for _ in range(config.depth)
        )  # fmt: skip
        self.norm = nn.LayerNorm(config.width)
        self.weigh = nn.Linear(config.width, config.heads)
        self.value = nn.Linear(config.width, config.heads * (config.width // config.heads))
        self.project = nn.Linear(config.width, config.dim)
        nn.init.normal_(self.sentence.weight, std=0.02)

    def forward(self, states: Tensor, sentence: Tensor, filled: Tensor) -> Tensor:
        """states (n, t, states), sentence (n, t) its number, filled (n, t) bool; to (n, dim), not of unit length."""
        x = self.enter(states) + self.sentence(sentence.clamp_max(self.config.most_sentences - 1))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~filled)
        x = self.norm(x)
        weights = self.weigh(x).masked_fill(~filled[..., None], -torch.inf).softmax(dim=1)
        values = self.value(x).unflatten(2, (self.config.heads, -1)) * weights[..., None]
        projected: Tensor = self.project(values.sum(dim=1).flatten(1))
        return projected


class Chunk(NamedTuple):
    """As much of a text as is read at once: states (t, width) and the number of each token's sentence (t,)."""

    states: Tensor
    sentence: Tensor


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


def pad(items: Sequence[Chunk]) -> tuple[Tensor, Tensor, Tensor]:
    """What `TextTower.forward` takes, padded to the longest chunk."""
    longest = max(len(item.sentence) for item in items)
    states = torch.stack([functional.pad(item.states, (0, 0, 0, longest - len(item.sentence))) for item in items])
    sentence = torch.stack([functional.pad(item.sentence, (0, longest - len(item.sentence))) for item in items])
    counts = torch.tensor([len(item.sentence) for item in items])
    return states, sentence, torch.arange(longest) < counts[:, None]


def _chunk(part: Sequence[NDArray[np.float32]]) -> Chunk:
    numbers = np.repeat(np.arange(len(part)), [len(state) for state in part])
    return Chunk(torch.from_numpy(np.concatenate(part)).float(), torch.from_numpy(numbers))


class TextTowerEncoder:
    """An `Encoder[str]` in the image tower's space. A text's vector does not depend on its neighbours.

    Dimensions that the image tower has beyond those that were aligned say nothing of text: they are 0.
    """

    def __init__(self, tower: TextTower, frozen: TokenStates, *, space: Space, device: str = "cpu") -> None:
        if tower.config.states != frozen.width:
            raise ValueError(f"the tower reads states of {tower.config.states}, the encoder gives {frozen.width}")
        self.space = space
        self.device = torch.device(device)
        self._tower, self._frozen = tower.float().eval().to(self.device), frozen

    @classmethod
    def load(cls, folder: Path, frozen: TokenStates, *, space: Space, device: str = "cpu") -> TextTowerEncoder:
        """The encoder whose checkpoint lies in `folder`, beside the image tower whose `space` it shares.

        Raises CheckpointError for a damaged checkpoint, and for one trained on another frozen encoder's states.
        """
        checkpoint = load_checkpoint(folder, kind=KIND)
        card = checkpoint.card
        try:
            config = TextTowerConfig(**card.config)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{folder}: {error}; it was written by another version") from error
        trained_on = card.preparation.get("revision")
        if trained_on != frozen.space.revision:
            raise CheckpointError(
                f"{folder} was trained on the token states of {card.preparation.get('model')} ({str(trained_on)[:8]}), "
                f"not on {frozen.space.model} ({frozen.space.revision[:8]}); install the encoder it names"
            )
        if card.dim != config.dim or config.dim > space.dim:
            raise CheckpointError(f"{folder}: {card.dim} dimensions, the image tower gives {space.dim}; save both anew")
        tower = TextTower(config)
        checkpoint.put_into(tower)
        return cls(tower, frozen, space=space, device=device)

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        vectors = np.zeros((len(items), self.space.dim), np.float32)
        for number, text in enumerate(items):
            vectors[number, : self._tower.config.dim] = self._one(text)
        return vectors

    def _one(self, text: str) -> NDArray[np.float32]:
        parts = chunks(self._frozen.token_states(sentences_of(text)), self._tower.config)
        with torch.inference_mode():
            found = [self._tower(*(part.to(self.device) for part in pad([chunk]))) for chunk in parts]
            unit = functional.normalize(torch.cat(found).float(), dim=1)
            counts = torch.tensor([float(len(chunk.sentence)) for chunk in parts], device=self.device)
            vector: NDArray[np.float32] = functional.normalize(counts @ unit, dim=0).cpu().numpy()
        return vector


def save_text_tower(folder: Path, tower: TextTower, frozen: Space) -> str:
    """Write what `TextTowerEncoder.load` reads; `frozen` is the space of the encoder whose states it was trained on."""
    card = save_checkpoint(
        folder,
        kind=KIND,
        config=asdict(tower.config),
        preparation={"model": frozen.model, "revision": frozen.revision},
        dim=tower.config.dim,
        weights=tower.state_dict(),
    )
    return card.sha256
