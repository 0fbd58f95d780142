"""The light decoders: small networks over features that a frozen encoder gave.

Decipher-MR (Yang et al., arXiv 2509.21249) gives the scheme: the encoder stays frozen and light decoders are trained
for each task. The attention probe follows attentive probing (Chen et al., CAE, arXiv 2202.03026; Bardes et al., V-JEPA,
arXiv 2404.08471): learned queries attend to the tokens. The cumulative link follows McCullagh (1980) and CORAL (Cao et
al., arXiv 1901.07884): one score, ordered cuts.
Our choices: tokens also say where they lie (their box through a linear layer), as a frozen encoder may not; the cuts
are ordered by construction; every size here.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.heads.probe_config import ProbeConfig, ProbeKind

_STEEP = 4.0
"""Lets cuts move apart in few steps of the optimiser."""


class Batch(NamedTuple):
    """pooled (n, p); tokens (n, t, width) zeros behind the last; boxes (n, t, 6); seen (n, t): which are tokens."""

    pooled: Tensor
    tokens: Tensor
    boxes: Tensor
    seen: Tensor


class Probe(nn.Module):
    """A `Batch` to (n, outputs), or (n, t) for a patch probe. Ordered classes come as log-probabilities."""

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__()
        self.config = config
        self.standard = Standard(config.inputs)
        body: type[_Mlp | _Attention | _Patch] = _BODIES[config.kind]
        self.body = body(config, 1 if config.ordered else config.outputs)
        self.link = CumulativeLink(config.outputs) if config.ordered else nn.Identity()

    def forward(self, batch: Batch) -> Tensor:
        """Logits."""
        values = self.standard(batch.pooled if self.config.kind == "mlp" else batch.tokens)
        answer: Tensor = self.link(self.body(values, batch.boxes, batch.seen))
        return answer


class Standard(nn.Module):
    """Features brought to mean 0 and spread 1 as in training, and clipped so that none outweighs the rest."""

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def learn(self, rows: Tensor) -> None:
        """From (n, width) rows of training; a feature that never changes is left as it is."""
        spread = rows.std(dim=0, correction=0)
        self.mean.copy_(rows.mean(dim=0))
        self.spread.copy_(torch.where(spread > 1e-6, spread, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        """(..., width) to the same shape."""
        return ((values - self.mean) / self.spread).clamp(-8.0, 8.0)


class CumulativeLink(nn.Module):
    """One score to log-probabilities of ordered classes: P(class > k) = sigmoid(4 (score - cut k)), cuts ascending."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor(-(classes - 2) / 2.0))
        self.gaps = nn.Parameter(torch.full((classes - 2,), 0.5413))
        """Through softplus: 1 at the start."""

    def forward(self, score: Tensor) -> Tensor:
        """(n, 1) to (n, classes)."""
        cuts = torch.cat([self.first[None], self.first + functional.softplus(self.gaps).cumsum(0)])
        above = torch.sigmoid(_STEEP * (score - cuts))
        above = functional.pad(functional.pad(above, (1, 0), value=1.0), (0, 1), value=0.0)
        return (above[:, :-1] - above[:, 1:]).clamp_min(1e-6).log()


class _Mlp(nn.Module):
    def __init__(self, config: ProbeConfig, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(config.inputs, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, outputs),
        )

    def forward(self, values: Tensor, boxes: Tensor, seen: Tensor) -> Tensor:
        answer: Tensor = self.layers(values)
        return answer


class _Attention(nn.Module):
    def __init__(self, config: ProbeConfig, outputs: int) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.reduce = nn.Linear(config.inputs, config.hidden)
        self.place = nn.Linear(6, config.hidden)
        self.norm = nn.LayerNorm(config.hidden)
        self.keys_values = nn.Linear(config.hidden, 2 * config.hidden)
        self.queries = nn.Parameter(torch.empty(config.queries, config.hidden))
        self.out = nn.Sequential(
            nn.Linear(config.queries * config.hidden, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, outputs),
        )
        nn.init.trunc_normal_(self.queries, std=0.5)

    def forward(self, values: Tensor, boxes: Tensor, seen: Tensor) -> Tensor:
        parts = self.norm(functional.gelu(self.reduce(values) + self.place(2.0 * boxes - 1.0)))
        keys, rest = self.keys_values(parts).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        queries = self.queries.view(len(self.queries), self.heads, -1).transpose(0, 1).expand(len(values), -1, -1, -1)
        found = functional.scaled_dot_product_attention(queries, keys, rest, attn_mask=seen[:, None, None])
        answer: Tensor = self.out(found.transpose(1, 2).flatten(1))
        return answer


class _Patch(nn.Module):
    def __init__(self, config: ProbeConfig, outputs: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(config.inputs, config.hidden)
        self.place = nn.Linear(6, config.hidden)
        self.out = nn.Sequential(
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, outputs),
        )

    def forward(self, values: Tensor, boxes: Tensor, seen: Tensor) -> Tensor:
        answer: Tensor = self.out(self.reduce(values) + self.place(2.0 * boxes - 1.0))[..., 0]
        return answer


_BODIES: dict[ProbeKind, type[_Mlp | _Attention | _Patch]] = {"mlp": _Mlp, "attention": _Attention, "patch": _Patch}
