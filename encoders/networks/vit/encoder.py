"""The 3D image tower as an encoder: volumes to unit vectors, and to their parts. The network is in `vit_network`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from spinecho.encoders.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.networks.vit.network import VisionTransformer
from spinecho.encoders.networks.vit.packing import Packed, by_length, pack, tokens_of
from spinecho.encoders.networks.vit.sizes import BASE, SIZES, SMALL, TINY, VitConfig
from spinecho.encoders.preparing.patch_grid import patch_places
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared, digest, preparation_from
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors

__all__ = ["BASE", "KIND", "SIZES", "SMALL", "TINY", "VisionTransformer", "VitConfig", "VitEncoder", "save_vit"]

KIND = "vit3d-2"
_GPU_BATCH, _GPU_TOKENS = 64, 32768
"""Volumes a call; patches a forward pass, padding included."""


class VitEncoder:
    """An `ImageEncoder` that is `Describing`, over a `VisionTransformer`.

    On a CPU each volume is its own batch, so its vector does not depend on its neighbours by a single bit. On a card
    volumes of like lengths go together in bfloat16, and vectors agree within its rounding.
    """

    def __init__(
        self, network: VisionTransformer, preparation: BlockPreparation, *, revision: str, device: str = "cpu"
    ) -> None:
        config = network.config
        if preparation.patch != config.patch or preparation.tokens > config.most_tokens:
            raise ValueError(
                f"blocks of {preparation.tokens} patches of {preparation.patch} do not go with a network for "
                f"{config.most_tokens} of {config.patch}; use another preparation"
            )
        self.preparation = preparation
        self.device = torch.device(device)
        # The number of heads leaves no trace in the weights, so their digest alone would not tell two networks apart.
        model = f"{KIND}-{config.width}x{config.depth}x{config.heads}"
        self.space = Space(model, revision, digest(preparation), config.projection)
        self._network = network.float().eval().to(self.device)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> VitEncoder:
        """The encoder whose checkpoint lies in `folder`; CheckpointError says what is wrong with it."""
        checkpoint = load_checkpoint(folder, kind=KIND)
        card = checkpoint.card
        try:
            config, preparation = VitConfig(**card.config), preparation_from(card.preparation)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{folder}: {error}; it was written by another version") from error
        with torch.device("meta"):
            network = VisionTransformer(config)
        checkpoint.put_into(network)
        if not isinstance(preparation, BlockPreparation) or card.dim != config.projection:
            raise CheckpointError(f"{folder}: the parts of its config contradict each other; save it again")
        try:
            return cls(network, preparation, revision=card.sha256, device=device)
        except ValueError as error:
            raise CheckpointError(f"{folder}: {error}, and save it again") from error

    @property
    def network(self) -> VisionTransformer:
        """What the vectors come from, in evaluation."""
        return self._network

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return 1 if self.device.type == "cpu" else _GPU_BATCH

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, projection) float32 unit rows."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that the preparation has been applied to already, e.g. in a reading process."""
        vectors = np.empty((len(items), self.space.dim), dtype=np.float32)
        with torch.inference_mode(), self._mixed():
            for group in self._groups(items):
                unit = functional.normalize(self._network(self._packed(items, group)).float(), dim=1)
                vectors[group] = unit.cpu().numpy()
        return vectors

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        """Patch by patch. `pooled` is CLS, then the weighted mean of the patches: 2 * width."""
        found: dict[int, Described] = {}
        with torch.inference_mode(), self._mixed():
            for group in self._groups(items):
                features = self._network.features(self._packed(items, group))
                mean, weights = self._network.pool(features)
                unit = functional.normalize(self._network.project(mean).float(), dim=1)
                pooled = torch.cat([features.cls, mean], dim=1)
                aligned = self._network.project(features.patches)
                parts = [part.float().cpu().numpy() for part in (unit, features.patches, pooled, aligned, weights)]
                for row, index in enumerate(group):
                    boxes = patch_places(items[index].geometry, self.preparation.patch)[1]
                    vector, tokens, whole, shared, counts = (part[row] for part in parts)
                    t = len(boxes)
                    found[index] = Described(vector, tokens[:t], whole, shared[:t], counts[:t], boxes)
        return [found[index] for index in range(len(items))]

    def _mixed(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def _packed(self, items: Sequence[Prepared], group: Sequence[int]) -> Packed:
        return pack([items[index] for index in group], self.preparation.patch).to(self.device)

    def _groups(self, items: Sequence[Prepared]) -> list[list[int]]:
        lengths = [tokens_of(item, self.preparation.patch) for item in items]
        return list(by_length(lengths, most=_GPU_TOKENS, rows=self.batch))


def save_vit(folder: Path, network: VisionTransformer, preparation: BlockPreparation) -> str:
    """Write what `VitEncoder.load` reads; gives the sha256 of the weights."""
    card = save_checkpoint(
        folder,
        kind=KIND,
        config=asdict(network.config),
        preparation=preparation.spec,
        dim=network.config.projection,
        weights=network.state_dict(),
    )
    return card.sha256
