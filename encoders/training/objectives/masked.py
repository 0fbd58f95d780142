"""The cheaper stage 1: a network that sees a quarter of the patches, and a small one that paints the others.

Masked autoencoders (He et al., arXiv 2111.06377) give: random hiding of three quarters, an encoder over what is left, a
light decoder, and the squared error of hidden patches whose voxels were normalised patch by patch. Our choices: three
dimensions and positions in millimetres, as the network has them; padding counts nowhere; the decoder is told of a
hidden patch where it is, by the same positions. One view a volume, so a step costs a small part of `SelfSupervision`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.networks.vit.network import VisionTransformer, initialise
from spinecho.encoders.networks.vit.packing import Packed, pack
from spinecho.encoders.networks.vit.sizes import VitConfig
from spinecho.encoders.training.data.augment import Recipe
from spinecho.encoders.training.data.crops import Crops, Views
from spinecho.encoders.training.data.examples import Example
from spinecho.encoders.training.objectives.selfsup import freeze_shared_space
from spinecho.encoders.training.objectives.selfsup_losses import spread


@dataclass(frozen=True, slots=True)
class MaskedConfig:
    """What is hidden, and the decoder's sizes. `tokens` is the budget of a view before hiding."""

    patch: tuple[int, int, int] = (4, 16, 16)
    tokens: int = 512
    share: tuple[float, float] = (0.4, 1.0)
    """How much of the volume a view shows."""
    hidden: float = 0.75
    width: int = 192
    depth: int = 4
    heads: int = 6
    recipe: Recipe = field(default_factory=lambda: Recipe(noise=0.0, ghosts=0.0, coarser=0.0, thicker=0.0))

    def __post_init__(self) -> None:
        if not 0 < self.hidden < 1:
            raise ValueError(f"the hidden share must lie between 0 and 1, not {self.hidden}")

    @property
    def decoder(self) -> VitConfig:
        """The decoder, as a network of its own."""
        return VitConfig(self.width, self.depth, self.heads, self.patch, registers=0, projection=1)


@dataclass(frozen=True, slots=True)
class MaskedViews:
    """One view of a volume, and which of its patches are hidden: at random, one by one."""

    crops: Crops
    hidden: float

    def __call__(self, example: Example, generator: np.random.Generator) -> Views:
        """A view that is the same for the same example and generator."""
        seen = self.crops(example, generator)
        t = len(seen.masks[0])
        mask = np.zeros(t, np.bool_)
        mask[generator.permutation(t)[: min(t - 1, round(t * self.hidden))]] = True
        return seen._replace(masks=(mask,))


class Batch(NamedTuple):
    """whole: all patches of b volumes. seen: those left. hidden, kept (b, t) bool: neither is true of padding."""

    whole: Packed
    seen: Packed
    hidden: Tensor
    kept: Tensor


class MaskedAutoencoding(nn.Module):
    """The objective, with the interface of `SelfSupervision`; `network` itself learns."""

    def __init__(self, network: VisionTransformer, config: MaskedConfig | None = None) -> None:
        super().__init__()
        self.config = config or replace(MaskedConfig(), patch=network.config.patch)
        if self.config.patch != network.config.patch:
            raise ValueError(f"patches of {self.config.patch} do not go with a network for {network.config.patch}")
        freeze_shared_space(network)
        self.network = network
        self.decoder = VisionTransformer(self.config.decoder)
        freeze_shared_space(self.decoder)
        self.decoder.content = nn.Linear(network.config.width, self.config.width)
        self.paint = nn.Linear(self.config.width, network.config.voxels)
        initialise(self.decoder.content)
        initialise(self.paint)
        self.instead = nn.Parameter(torch.randn(self.config.width) * 0.02)

    @property
    def views(self) -> MaskedViews:
        """(example, numpy generator) to `Views`, on the CPU, without the networks."""
        config = self.config
        crops = Crops(
            config.patch, whole=1, whole_share=config.share, whole_tokens=config.tokens, local=0, recipe=config.recipe
        )
        return MaskedViews(crops, config.hidden)

    @property
    def encoder(self) -> VisionTransformer:
        """The network to keep."""
        return self.network

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """Without what makes vectors of the shared space."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def collate(self, views: Sequence[Views]) -> Batch:
        """What a loader hands to `loss`; `loss` takes the views themselves too."""
        items, masks = [view.whole[0] for view in views], [view.masks[0] for view in views]
        whole = pack(items, self.config.patch)
        hidden = np.zeros(whole.filled.shape, np.bool_)
        for row, mask in zip(hidden, masks, strict=True):
            row[: len(mask)] = mask
        seen = pack(items, self.config.patch, keep=[~mask for mask in masks])
        left = torch.from_numpy(hidden)
        return Batch(whole, seen, left, whole.filled & ~left)

    def forward(self, batch: Batch | Sequence[Views]) -> dict[str, Tensor]:
        """As `loss`, for wrappers that know no other door."""
        return self.loss(batch)

    def loss(self, batch: Batch | Sequence[Views]) -> dict[str, Tensor]:
        """Scalars: loss, the mean squared error of hidden voxels (1 is a guess of the patch's mean); spread of CLS."""
        given, device = batch if isinstance(batch, Batch) else self.collate(batch), self.instead.device
        whole, hidden, kept = given.whole.to(device), given.hidden.to(device), given.kept.to(device)
        seen = self.network.features(given.seen.to(device))
        shown = self.decoder.content(seen.patches)
        content = self.instead.to(shown.dtype).expand(*hidden.shape, -1).clone()
        content[kept] = shown[seen.filled]  # both in the order of the patches, volume by volume
        drawn = self.decoder.through(self.decoder.placed(content, whole), whole).patches
        error = _error(self.paint(drawn[hidden]), whole.patches[hidden])
        return {"loss": error, "spread": spread(seen.cls.detach())}

    def after_step(self, progress: float) -> None:
        """Nothing follows here."""


def _error(drawn: Tensor, patches: Tensor) -> Tensor:
    """Of (n, voxels) against uint8 patches, normalised by mean and deviation, over voxels that are no padding."""
    inside = (patches > 0).float()
    values, count = patches.float() / 255.0, inside.sum(dim=1, keepdim=True).clamp_min(1)
    mean = (values * inside).sum(dim=1, keepdim=True) / count
    variance = ((values - mean).square() * inside).sum(dim=1, keepdim=True) / count
    wanted = (values - mean) / (variance + 1e-4).sqrt()  # air stays near 0 rather than becoming loud noise
    wrong = ((drawn.float() - wanted).square() * inside).sum(dim=1) / count[:, 0]
    return wrong.sum() / max(1, len(wrong))
