"""The 3D image tower: a vision transformer over a block of voxels, in the manner of Decipher-MR.

The paper (Yang et al., Decipher-MR, arXiv 2509.21249) gives: a 3D vision transformer of ViT-Base size (about 86 M
parameters), pretrained on MR series by self-supervision (DINOv2 with masked patches), then aligned with a BERT text
tower by report-guided contrastive learning, and used frozen.

Our choices: patches of 16 x 16 x 8 voxels; sine-cosine positions (Vaswani et al., arXiv 1706.03762), along three axes
and counted from the block's centre, so a grid of any shape has them without a table; register tokens (Darcet et al.,
arXiv 2309.16588); a linear projection of the CLS token into the shared space; padding is known by its value, 0, and
no token attends to a patch that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from encoders.image.preparation import BlockPreparation, Prepared, digest, preparation_from
from encoders.image.volume import Volume
from encoders.space import Space, Vectors

KIND = "vit3d"
_GPU_BATCH = 16


@dataclass(frozen=True, slots=True)
class VitConfig:
    """The sizes of a network. `width` is a multiple of `heads` and of 6 (sine and cosine along three axes)."""

    width: int
    depth: int
    heads: int
    patch: tuple[int, int, int] = (16, 16, 8)
    """Voxels along i, j, k."""
    registers: int = 4
    projection: int = 512
    """Dimension of the space that images and text share."""
    most_tokens: int = 2048
    """Patches that a block may have; more is an error rather than a machine out of memory."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patch", tuple(self.patch))  # JSON knows lists only
        sizes = (self.width, self.depth, self.heads, *self.patch, self.projection, self.most_tokens)
        if not all(type(n) is int and 1 <= n <= 65536 for n in sizes) or self.depth > 256:
            raise ValueError(f"sizes must be whole numbers in reason: {self}")
        if type(self.registers) is not int or not 0 <= self.registers <= 256:
            raise ValueError(f"registers must be 0 to 256, not {self.registers}")
        if len(self.patch) != 3 or self.width % self.heads or self.width % 6:
            raise ValueError(f"patch must have three sizes, width be a multiple of heads and of 6: {self}")


TINY = VitConfig(width=192, depth=12, heads=3)
SMALL = VitConfig(width=384, depth=12, heads=6)
BASE = VitConfig(width=768, depth=12, heads=12)


class Features(NamedTuple):
    """cls (n, width); patches (n, t, width), i slowest; filled (n, t): whether the patch holds any of the volume."""

    cls: Tensor
    patches: Tensor
    filled: Tensor


class VisionTransformer(nn.Module):
    """Blocks to vectors. A block is (i, j, k) of any real type: 0 is padding, 1..255 the volume.

    Raises ValueError for a block that patches do not tile, or that has more of them than `most_tokens`.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Conv3d(1, config.width, config.patch, stride=config.patch)
        self.tokens = nn.Parameter(torch.empty(1 + config.registers, config.width))
        """CLS, then the registers."""
        self.layers = nn.ModuleList(_Layer(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.project = nn.Linear(config.width, config.projection, bias=False)
        nn.init.trunc_normal_(self.tokens, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv3d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, blocks: Tensor) -> Tensor:
        """(n, i, j, k) to (n, projection), not yet of unit length."""
        projected: Tensor = self.project(self.features(blocks).cls)
        return projected

    def features(self, blocks: Tensor) -> Features:
        """(n, i, j, k) to what the last layer says, before the projection."""
        grid = self._grid(blocks)
        inside = blocks != 0
        filled = functional.max_pool3d(inside[:, None].float(), self.config.patch).flatten(1) > 0
        values = torch.where(inside, (blocks.float() - 128.0) / 64.0, 0.0)
        patches = self.embed(values[:, None]).flatten(2).transpose(1, 2)
        patches = patches + positions(grid, self.config.patch, self.config.width).to(patches)
        own = self.tokens.to(patches.dtype).expand(len(blocks), -1, -1)
        seen = functional.pad(filled, (own.shape[1], 0), value=True)[:, None, None]
        tokens = torch.cat([own, patches], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, seen)
        tokens = self.norm(tokens)
        return Features(tokens[:, 0], tokens[:, own.shape[1] :], filled)

    def _grid(self, blocks: Tensor) -> tuple[int, int, int]:
        shape, patch = tuple(blocks.shape[1:]), self.config.patch
        if len(shape) != 3 or any(n < p or n % p for n, p in zip(shape, patch, strict=True)):
            raise ValueError(f"a block of {shape} voxels cannot be tiled with patches of {patch}")
        i, j, k = (n // p for n, p in zip(shape, patch, strict=True))
        if i * j * k > self.config.most_tokens:
            raise ValueError(f"a block of {shape} voxels has {i * j * k} patches, more than {self.config.most_tokens}")
        return i, j, k


class _Layer(nn.Module):
    """Pre-norm attention and MLP (Dosovitskiy et al., arXiv 2010.11929)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """tokens (n, t, width); seen (n, 1, 1, t): which tokens may be attended to."""
        q, k, v = self.qkv(self.norm_attention(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        tokens = tokens + self.out(mixed.transpose(1, 2).flatten(2))
        after: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return after


@lru_cache(maxsize=32)
def positions(grid: tuple[int, int, int], patch: tuple[int, int, int], width: int) -> Tensor:
    """(t, width): sines and cosines of each patch's distance from the block's centre along i, j, k.

    Counted in units of 16 voxels whatever the patch, with wavelengths from 2 pi to 200 pi of them.
    """
    with torch.device("cpu"), torch.inference_mode(False):  # what is kept must serve training too
        waves = 100.0 ** -(torch.arange(width // 6) / (width // 6))
        centres = [(torch.arange(n) - (n - 1) / 2) * p / 16.0 for n, p in zip(grid, patch, strict=True)]
        angles = torch.stack(torch.meshgrid(*centres, indexing="ij"), dim=-1).reshape(-1, 3, 1) * waves
        return torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1)


class VitEncoder:
    """An `ImageEncoder` over a `VisionTransformer`. On a CPU each volume is its own batch, as in `SliceEncoder`."""

    def __init__(
        self, network: VisionTransformer, preparation: BlockPreparation, *, revision: str, device: str = "cpu"
    ) -> None:
        config = network.config
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
            network._grid(torch.empty((1, *preparation.size), device="meta"))
        except ValueError as error:
            raise CheckpointError(f"{folder}: {error}; save it again with another preparation") from error
        return cls(network, preparation, revision=card.sha256, device=device)

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
        mixed = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")
        with torch.inference_mode(), mixed:
            for start in range(0, len(items), self.batch):
                batch = torch.from_numpy(np.stack([item.pixels for item in items[start : start + self.batch]])).to(
                    self.device
                )
                unit = functional.normalize(self._network(batch).float(), dim=1)
                vectors[start : start + self.batch] = unit.cpu().numpy()
        return vectors


def save_vit(folder: Path, network: VisionTransformer, preparation: BlockPreparation) -> str:
    """Write what `VitEncoder.load` reads; gives the sha256 of the weights."""
    config: dict[str, Any] = asdict(network.config)
    card = save_checkpoint(
        folder,
        kind=KIND,
        config=config,
        preparation=preparation.spec,
        dim=network.config.projection,
        weights=network.state_dict(),
    )
    return card.sha256
