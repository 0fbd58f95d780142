"""The stand-in image tower: frozen ImageNet features of a few slices, averaged.

EfficientNet-Lite2 (Tan & Le 2019, arXiv 1905.11946; Lite variants: TensorFlow TPU models, Apache-2.0) never saw an MR
image nor a report. It finds scans that look alike; its vectors may not be compared with those of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from spinecho.encoders.networks.backbone_weights import backbone_revision
from spinecho.encoders.networks.cells import backbone, keep_freed_memory
from spinecho.encoders.networks.slice_network import normalised, slice_network
from spinecho.encoders.preparing.preparation import Grey, Prepared, SlicePreparation, digest
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors

_FEATURES = 1280
_DIM = 2 * _FEATURES
_GPU_BATCH, _GPU_VOLUMES = 64, 16
"""Slices a forward pass, volumes a call."""


class SliceEncoder:
    """An `Encoder[Volume]` over EfficientNet-Lite2: pooled features of slices, as a unit vector.

    One half is the mean over all slices, the other the mean over those of the acquired plane; together they found the
    right body region more often than either alone.

    On a CPU each volume is its own batch, so its vector does not depend on its neighbours.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        self.preparation = SlicePreparation()
        self.device = torch.device(device)
        self._revision = backbone_revision()
        self._frozen = slice_network("pooled", backbone, lambda: self._revision)
        keep_freed_memory()

    @cached_property
    def space(self) -> Space:
        """The space that the weights and the preparation make together."""
        return Space("efficientnet-lite2-mean-acquired", self._revision, digest(self.preparation), _DIM)

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return 1 if self.device.type == "cpu" else _GPU_VOLUMES

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, 2560) float32 unit rows."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that the preparation has been applied to already, e.g. in a reading process."""
        if not items:
            return np.empty((0, _DIM), dtype=np.float32)
        if self.device.type == "cpu":
            pooled = [self._features(item.pixels) for item in items]
        else:
            counts = np.cumsum([len(item.pixels) for item in items])[:-1]
            pooled = np.split(self._features(np.concatenate([item.pixels for item in items])), counts)
        first = self.preparation.per_plane
        rows = np.stack([np.concatenate([f.mean(axis=0), f[:first].mean(axis=0)]) for f in pooled])
        rows -= rows.mean(axis=1, keepdims=True)
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _features(self, pictures: Grey) -> np.ndarray[Any, np.dtype[np.float32]]:
        if self.device.type == "cpu":
            batches = range(0, len(pictures), _GPU_BATCH)
            return np.concatenate([self._frozen({"pictures": pictures[at : at + _GPU_BATCH]})[0] for at in batches])
        mixed = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")
        parts = []
        with torch.inference_mode(), mixed:
            for start in range(0, len(pictures), _GPU_BATCH):
                batch = torch.tensor(pictures[start : start + _GPU_BATCH], device=self.device)
                features = self._network.extract_features(normalised(batch))
                parts.append(features.mean(dim=(2, 3)).float().cpu().numpy())
        return np.concatenate(parts)

    @cached_property
    def _network(self) -> Any:
        return backbone().to(self.device, memory_format=torch.channels_last)
