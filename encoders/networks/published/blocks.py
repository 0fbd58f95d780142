"""A layer of a vision transformer as timm names its tensors (Dosovitskiy et al. 2020, arXiv:2010.11929)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

HEAD = 64
"""Numbers of a head in every ViT from Tiny to Large and in every BERT: their number leaves no trace in weights."""
EPS = 1e-6


class Block(nn.Module):
    """Pre-norm attention and MLP with exact GELU."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = Mlp(width, inner)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t, width) to the same."""
        tokens = tokens + self.attn(self.norm1(tokens))
        after: Tensor = tokens + self.mlp(self.norm2(tokens))
        return after


class Attention(nn.Module):
    """Of every token to every other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t, width) to the same."""
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        after: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return after


class Mlp(nn.Module):
    """Two linear layers."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t, width) to the same."""
        after: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return after
