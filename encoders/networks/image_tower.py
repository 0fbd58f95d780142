"""The 2.5D image tower: slices through a frozen 2D network, a trained transformer over their cells, one shared space.

Decipher-MR (arXiv 2509.21249) trains a 3D transformer on 200,000 series. There are a few thousand here, so a network
that photographs have taught to see is kept frozen, and only a small transformer over its features is trained;
`docs/model-card.md` says what that is worth. The transformer is our own: latents read all cells (Perceiver, Jaegle et
al., arXiv 2103.03206) and write back what they saw, so that a cell knows the rest; then each cell casts a weighted vote
in the shared space. As the volume's vector is the sum of the votes, every part of a cosine can be traced to a place
(`describe`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.checkpoint import load_checkpoint, save_checkpoint
from spinecho.encoders.networks.backbone_weights import DEEP
from spinecho.encoders.networks.cells import GREY, PLACE, CellFeatures, FrozenCells
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.networks.tower_config import KIND, TowerConfig, tower_batch, tower_parts, tower_space
from spinecho.encoders.preparing.preparation import Prepared, StackPreparation
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Vectors


class Cells(NamedTuple):
    """A batch. features (n, t, reduced + 17), place (n, t, 16), filled (n, t): whether there is a cell."""

    features: Tensor
    place: Tensor
    filled: Tensor


class Read(NamedTuple):
    """What the tower makes of a batch.

    vector (n, dim) not of unit length: the sum of `votes` (n, t, dim) over cells; weights (n, t) of sum 1;
    tokens (n, t, width); latents (n, latents, width).
    """

    vector: Tensor
    votes: Tensor
    weights: Tensor
    tokens: Tensor
    latents: Tensor


class Tower(nn.Module):
    """Cells to a vector. Padding has no influence: it is neither read nor counted."""

    components: Tensor
    mean: Tensor
    centre: Tensor
    whiten: Tensor

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("mean", torch.zeros(DEEP))
        self.register_buffer("components", torch.zeros(DEEP, config.reduced))
        self.register_buffer("centre", torch.zeros(config.reduced))
        self.register_buffer("whiten", torch.eye(config.reduced))
        self.embed = nn.Linear(config.reduced + GREY, width)
        self.locate = nn.Linear(PLACE + 2 * 6 * len(_WAVES), width)
        self.enter = _Mlp(width)
        self.latents = nn.Parameter(torch.randn(config.latents, width) * 0.02)
        self.rounds = nn.ModuleList(_Round(width, config.heads) for _ in range(config.rounds))
        self.norm = nn.LayerNorm(width)
        self.weigh = nn.Linear(width, config.votes)
        self.ask = nn.Linear(width, config.votes * width)
        self.value = nn.Linear(width, config.dim)
        self.project = nn.Linear(config.dim, config.dim, bias=False)

    def reduce(self, deep: Tensor) -> Tensor:
        """(..., 568) to (..., reduced): whitened principal components, fitted once and kept with the weights."""
        return (deep - self.mean) @ self.components

    def forward(self, cells: Cells) -> Tensor:
        """(n, dim), the trained part, not yet of unit length."""
        return self.read(cells).vector

    def alike(self, features: Tensor) -> Tensor:
        """(t, reduced) from the cells' features: what each adds to the mean by which volumes are compared as they look.

        Centred, and whitened by how much the same volume differs from itself under another scanner's shading,
        contrast and resolution (within-class covariance normalisation, Hatch et al., Interspeech 2006).
        """
        return (features[:, : self.config.reduced] - self.centre) @ self.whiten

    def read(self, cells: Cells) -> Read:
        """Everything the tower has to say of a batch."""
        x = self.enter(self.embed(cells.features) + self.locate(_waves(cells.place)))
        z = self.latents.expand(len(x), -1, -1)
        for each in self.rounds:
            x, z = each(x, z, cells.filled)
        x = self.norm(x)
        asked = self.ask(z.mean(dim=1)).unflatten(1, (self.config.votes, -1))
        logits = self.weigh(x) + torch.einsum("ntw,nvw->ntv", x, asked) / self.config.width**0.5
        weights = logits.masked_fill(~cells.filled[..., None], -torch.inf).softmax(dim=1)
        shares = self.value(x).unflatten(2, (self.config.votes, -1)) * weights[..., None]
        votes = self.project(shares.flatten(2))
        return Read(votes.sum(dim=1), votes, weights.mean(dim=2), x, z)


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        after: Tensor = x + self.layers(self.norm(x))
        return after


class _Attend(nn.Module):
    """Pre-norm attention of one set to another."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_own, self.norm_other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value, self.out = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width),
            nn.Linear(width, width),
        )

    def forward(self, own: Tensor, other: Tensor, seen: Tensor | None = None) -> Tensor:
        q = self.query(self.norm_own(own)).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = self.key_value(self.norm_other(other)).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None if seen is None else seen[:, None, None]
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        after: Tensor = own + self.out(mixed.transpose(1, 2).flatten(2))
        return after


class _Round(nn.Module):
    """Latents read the cells, think, and write back."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.read, self.mix, self.write = (_Attend(width, heads) for _ in range(3))
        self.think, self.enrich = _Mlp(width), _Mlp(width)

    def forward(self, x: Tensor, z: Tensor, filled: Tensor) -> tuple[Tensor, Tensor]:
        z = self.read(z, x, filled)
        z = self.think(self.mix(z, z))
        return self.enrich(self.write(x, z)), z


_WAVES = (1.0, 2.0, 4.0, 8.0)


def _waves(place: Tensor) -> Tensor:
    """(n, t, 16) to (n, t, 16 + 48): the centre in mm and as a fraction, as sines and cosines too."""
    angles = (place[..., :6, None] * place.new_tensor(_WAVES)).flatten(2) * torch.pi / 2
    return torch.cat([place, angles.sin(), angles.cos()], dim=2)


def batch_of(items: Sequence[tuple[Tensor, Tensor]]) -> Cells:
    """(features, place) of volumes of different size, padded to the longest."""
    longest = max(len(features) for features, _ in items)
    features = torch.stack([functional.pad(part, (0, 0, 0, longest - len(part))) for part, _ in items])
    place = torch.stack([functional.pad(part, (0, 0, 0, longest - len(part))) for _, part in items])
    counts = torch.tensor([len(part) for part, _ in items])
    return Cells(features, place, torch.arange(longest) < counts[:, None])


class TowerEncoder:
    """An `ImageEncoder` that can describe parts. On a CPU each volume is its own batch, so no neighbour matters."""

    def __init__(self, tower: Tower, preparation: StackPreparation, *, revision: str, device: str = "cpu") -> None:
        self.preparation = preparation
        self.device = torch.device(device)
        self._cells = FrozenCells(device=device)
        self.space = tower_space(revision, preparation, tower.config.total)
        self._tower = tower.float().eval().to(self.device)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> TowerEncoder:
        """The encoder whose checkpoint lies in `folder`; CheckpointError says what is wrong with it."""
        checkpoint = load_checkpoint(folder, kind=KIND)
        config, preparation = tower_parts(folder, checkpoint.card)
        tower = Tower(config)
        checkpoint.put_into(tower)
        return cls(tower, preparation, revision=checkpoint.card.sha256, device=device)

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return tower_batch(self.device.type)

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that the preparation has been applied to already, e.g. in a reading process."""
        if not items:
            return np.empty((0, self.space.dim), np.float32)
        return np.stack([each.vector for each in self.describe(items)])

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        """Vector and parts of each volume; `pooled`: mean latents, trained part, frozen mean."""
        found: list[Described] = []
        for start in range(0, len(items), self.batch):
            features = self._cells(items[start : start + self.batch])
            with torch.inference_mode():
                cells = self._batch(features)
                read = self._tower.read(cells)
                found += [
                    described(self._tower, cells, read, number, each.boxes) for number, each in enumerate(features)
                ]
        return found

    def _batch(self, features: Sequence[CellFeatures]) -> Cells:
        items = []
        for each in features:
            deep, grey = torch.from_numpy(each.deep).to(self.device), torch.from_numpy(each.grey).to(self.device)
            items.append((torch.cat([self._tower.reduce(deep), grey], dim=1), torch.from_numpy(each.place)))
        cells = batch_of([(values, place.to(self.device)) for values, place in items])
        return Cells(*(part.to(self.device) for part in cells))


def described(tower: Tower, cells: Cells, read: Read, number: int, boxes: NDArray[np.float32]) -> Described:
    """One volume of a batch, whose cells cover `boxes`.

    Its vector is the trained part and the mean of the frozen features, each of unit length before they are weighed.
    """
    count, share = len(boxes), tower.config.likeness
    alike = tower.alike(cells.features[number, :count]) / count
    parts = [
        part / part.sum(dim=0).norm().clamp_min(1e-12) * weight**0.5
        for part, weight in ((read.votes[number, :count], 1.0 - share), (alike, share))
    ]
    votes = torch.cat(parts, dim=1).float()
    weights = (1.0 - share) * read.weights[number, :count].float() + share / count
    weights = weights / weights.sum()
    found = (
        functional.normalize(votes.sum(dim=0), dim=0),
        read.tokens[number, :count],
        torch.cat([read.latents[number].mean(dim=0), read.vector[number], alike.sum(dim=0)]),
        votes / weights[:, None].clamp_min(1e-12),
        weights,
    )
    vector, tokens, pooled, aligned, counted = (part.float().cpu().numpy() for part in found)
    return Described(vector, tokens, pooled, aligned, counted, boxes)


def save_tower(folder: Path, tower: Tower, preparation: StackPreparation) -> str:
    """Write what `TowerEncoder.load` reads; gives the sha256 of the weights."""
    weights = tower.state_dict()
    config = asdict(tower.config)
    card = save_checkpoint(
        folder, kind=KIND, config=config, preparation=preparation.spec, dim=tower.config.total, weights=weights
    )
    return card.sha256
