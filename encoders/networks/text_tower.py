"""The text tower's network, as it is trained: token states to a vector of the shared space.

A sentence encoder's own vector hardly knows left from right or a finding from its denial; its tokens' states do. The
trained part reads the states of all sentences of a text at once and gives one vector in the space of the image tower.
It follows Decipher-MR (arXiv 2509.21249) in aligning a BERT-family encoder with the image tower; that the encoder
itself stays frozen is our choice, as there are few reports to train on here. `text_tower_encoder` asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from spinecho.encoders.networks.text_chunks import KIND, Chunk, TextTowerConfig
from spinecho.encoders.space import Space


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


def pad(items: Sequence[Chunk]) -> tuple[Tensor, Tensor, Tensor]:
    """What `TextTower.forward` takes, padded to the longest chunk."""
    longest = max(len(item.sentence) for item in items)
    states, sentence = (
        torch.from_numpy(
            np.stack([np.pad(part, [(0, longest - len(part)), *((0, 0),) * (part.ndim - 1)]) for part in parts])
        )
        for parts in zip(*items, strict=True)
    )
    counts = torch.tensor([len(item.sentence) for item in items])
    return states, sentence, torch.arange(longest) < counts[:, None]


def load_text_tower(folder: Path) -> TextTower:
    """The network whose checkpoint lies in `folder`, in eval mode. Raises CheckpointError."""
    stored = load_checkpoint(folder, kind=KIND)
    try:
        tower = TextTower(TextTowerConfig(**stored.card.config))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: {error}; it was written by another version") from error
    stored.put_into(tower)
    return tower.float().eval()


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
