"""The 3D vision transformer, in the manner of Decipher-MR: patches of any number of volumes to vectors.

The paper (Yang et al., Decipher-MR, arXiv 2509.21249) gives: a 3D vision transformer of ViT-Base size (about 86 M
parameters), pretrained on MR series by self-supervision (DINOv2 with masked patches), then aligned with a BERT text
tower by report-guided contrastive learning, and used frozen.

Our choices:
- Patches are thin across the acquired slices (4 x 16 x 16 voxels), and a volume keeps its own shape and, as far as
  the budget of tokens allows, its own resolution (`BlockPreparation`).
- Positions are millimetres from the volume's centre along R, A, S. They turn queries and keys (rotary positions, Su
  et al., arXiv 2104.09864, a third of each head's pairs for each axis) and, as sines and cosines, are mixed into what
  a patch holds, since rotation alone tells the values nothing of where they come from.
- The voxel's size along each axis (its logarithm) and which axis was acquired are added to every token.
- Register tokens (Darcet et al., arXiv 2309.16588); layer scale (Touvron et al., CaiT, arXiv 2103.17239) and drop
  path as in DINOv2 (Oquab et al., arXiv 2304.07193).
- The shared space is a linear projection of a weighted mean of the patches, whose weights are one softmax with CLS as
  the query. So a volume's vector is the sum of its parts', which heat maps and region search rest on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from spinecho.encoders.networks.vit.packing import Packed
from spinecho.encoders.networks.vit.sizes import VitConfig

SHORTEST_MM, LONGEST_MM = 12.0, 1200.0
"""Wavelengths of the positions: less than a patch, and more than a body."""
_PLACES = 10
"""Wavelengths that are mixed into what a patch holds."""


class Features(NamedTuple):
    """cls (n, width); patches (n, t, width), in the order of the batch; filled (n, t): false behind a row's end."""

    cls: Tensor
    patches: Tensor
    filled: Tensor


class VisionTransformer(nn.Module):
    """Packed patches to vectors. A volume's vector does not depend on its neighbours in the batch.

    `checkpointing` makes training keep the layers' inputs only, and compute the rest again on the way back. Raises
    ValueError for patches of another size, or more than `most_tokens`.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        self.content = nn.Linear(config.voxels, config.width)
        self.place = nn.Linear(6 * _PLACES, config.width, bias=False)
        self.whole = nn.Linear(6, config.width, bias=False)
        self.tokens = nn.Parameter(torch.empty(1 + config.registers, config.width))
        """CLS, then the registers."""
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key = nn.Linear(config.width, config.width, bias=False)
        self.project = nn.Linear(config.width, config.projection, bias=False)
        nn.init.trunc_normal_(self.tokens, std=0.02)
        initialise(self)
        # Few numbers come in here, a thousand voxels in `content`; this makes them count alike at the start.
        nn.init.trunc_normal_(self.place.weight, std=0.1)
        nn.init.trunc_normal_(self.whole.weight, std=0.1)
        for even in (self.query, self.key):  # at first every patch counts alike
            nn.init.trunc_normal_(even.weight, std=0.02)

    def forward(self, packed: Packed) -> Tensor:
        """(n, projection), not yet of unit length."""
        pooled, _ = self.pool(self.features(packed))
        projected: Tensor = self.project(pooled)
        return projected

    def features(self, packed: Packed, *, masked: Tensor | None = None, instead: Tensor | None = None) -> Features:
        """What the last layer says, before pooling; `instead` (width,) stands for what `masked` (n, t) patches hold."""
        t, voxels = packed.patches.shape[1:]
        if voxels != self.config.voxels:
            raise ValueError(f"a patch has {voxels} voxels, the network takes {self.config.voxels}")
        if t > self.config.most_tokens:
            raise ValueError(f"a volume has {t} patches, more than {self.config.most_tokens}; use a smaller budget")
        content = self.content((packed.patches.float() - 128.0) / 64.0)  # padding looks like air
        if masked is not None and instead is not None:
            content = torch.where(masked[:, :, None], instead.to(content.dtype), content)
        return self.through(self.placed(content, packed), packed)

    def placed(self, content: Tensor, packed: Packed) -> Tensor:
        """(n, t, width): what patches hold, with where they are and what voxels they are made of."""
        place = self.place(torch.cat(_turns(packed.centres, _PLACES), dim=-1))
        placed: Tensor = content + place + self.whole(packed.facts)[:, None]
        return placed

    def through(self, patches: Tensor, packed: Packed) -> Features:
        """(n, t, width), placed, through CLS, registers and all layers."""
        own = (self.tokens + self.whole(packed.facts)[:, None]).to(patches.dtype)
        count = own.shape[1]
        tokens = torch.cat([own, patches], dim=1)
        turns = rotary(packed.centres, self.config.width // self.config.heads, own=count)
        seen = None if packed.full else functional.pad(packed.filled, (count, 0), value=True)[:, None, None]
        for layer in self.layers:
            if self.checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(layer, tokens, turns, seen, use_reentrant=False)
            else:
                tokens = layer(tokens, turns, seen)
        tokens = self.norm(tokens)
        return Features(tokens[:, 0], tokens[:, count:], packed.filled)

    def pool(self, features: Features) -> tuple[Tensor, Tensor]:
        """(n, width), the weighted mean of the patches; (n, t), the weights, of sum 1 and 0 behind a row's end."""
        wanted = self.query(features.cls)[:, None] @ self.key(features.patches).transpose(1, 2)
        logits = wanted[:, 0].float() / math.sqrt(self.config.width)
        weights = logits.masked_fill(~features.filled, -math.inf).softmax(dim=1)
        return (weights[:, None].to(features.patches.dtype) @ features.patches)[:, 0], weights

    def compile_layers(self) -> None:
        """Compile every layer, in place: quicker than the whole, and one compilation serves all of one shape."""
        for layer in self.layers:
            layer.compile()


class Layer(nn.Module):
    """Pre-norm attention and MLP (Dosovitskiy et al., arXiv 2010.11929), each with layer scale and drop path."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.drop_path = config.heads, config.drop_path
        self.norm_attention = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.scale_attention = nn.Parameter(torch.full((width,), config.layer_scale))
        self.norm_mlp = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale_mlp = nn.Parameter(torch.full((width,), config.layer_scale))

    def forward(self, tokens: Tensor, turns: tuple[Tensor, Tensor], seen: Tensor | None) -> Tensor:
        """tokens (n, t, width); turns as `rotary` gives them; seen (n, 1, 1, t): which tokens may be attended to."""
        q, k, v = self.qkv(self.norm_attention(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(turned(q, turns), turned(k, turns), v, attn_mask=seen)
        tokens = tokens + self._kept(self.scale_attention * self.out(mixed.transpose(1, 2).flatten(2)))
        return tokens + self._kept(self.scale_mlp * self.mlp(self.norm_mlp(tokens)))

    def _kept(self, part: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0.0:
            return part
        keep = 1.0 - self.drop_path
        return part * (torch.rand((len(part), 1, 1), device=part.device) < keep).to(part.dtype) / keep


def rotary(centres: Tensor, head: int, *, own: int) -> tuple[Tensor, Tensor]:
    """(n, 1, own + t, head // 6 * 3) twice: sine and cosine of the turns of each patch; `own` tokens are not turned."""
    sine, cosine = _turns(centres, head // 6)
    return functional.pad(sine, (0, 0, own, 0))[:, None], functional.pad(cosine, (0, 0, own, 0), value=1.0)[:, None]


def turned(heads: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """(n, heads, t, head) with the pairs (i, i + half) of its first part turned; what is left over stays as it is."""
    sine, cosine = (part.to(heads.dtype) for part in turns)
    half = sine.shape[-1]
    a, b, rest = heads[..., :half], heads[..., half : 2 * half], heads[..., 2 * half :]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine, rest], dim=-1)


def _turns(centres: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(..., 3) mm to sines and cosines (..., 3 * count), of `count` wavelengths for each axis."""
    steps = torch.arange(count, device=centres.device, dtype=torch.float32) / max(1, count - 1)
    waves = 2 * math.pi / (SHORTEST_MM * (LONGEST_MM / SHORTEST_MM) ** (1 - steps))
    angles = (centres.float()[..., None] * waves).flatten(-2)
    return angles.sin(), angles.cos()


def initialise(module: nn.Module) -> None:
    """Linear layers as masked autoencoders have them (Glorot's uniform, biases of zero).

    A normal of 0.02, as DINOv2 has it, goes with wide networks: in narrow ones the signal fades from layer to layer.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
