"""timm's vision transformer for pictures (`vit_base_patch16_224` and its sizes), as open_clip puts it into a CLIP."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from spinecho.encoders.networks.published.blocks import EPS, HEAD, Block


class PictureVit(nn.Module):
    """Pictures (n, 3, side, side) to (n, width), the class token after the last norm. Its sizes are those of weights.

    Raises KeyError and ValueError for weights that are none of such a network.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        width, colours, patch, _ = shapes["patch_embed.proj.weight"]
        tokens = shapes["pos_embed"][1]
        side = round((tokens - 1) ** 0.5)
        if side * side + 1 != tokens or width % HEAD or colours != 3:
            raise ValueError(f"{tokens} places and a width of {width} are no ViT's for square pictures in colour")
        self.side = side * patch
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, tokens, width))
        self.patch_embed = _Patches(width, patch)
        depth = layers_in(shapes, "blocks.")
        self.blocks = nn.ModuleList(Block(width, shapes["blocks.0.mlp.fc1.weight"][0]) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, width)."""
        patches = self.patch_embed(pictures)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        after: Tensor = self.norm(tokens[:, 0])
        return after


class _Patches(nn.Module):
    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, pictures: Tensor) -> Tensor:
        after: Tensor = self.proj(pictures).flatten(2).transpose(1, 2)
        return after


def layers_in(names: Mapping[str, object], before: str) -> int:
    """How many layers there are by the names of tensors: `before` is followed by a layer's number."""
    found = {name.removeprefix(before).partition(".")[0] for name in names if name.startswith(before)}
    return len(found)
