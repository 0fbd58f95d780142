"""The losses of DINOv2 (Oquab et al., arXiv 2304.07193), as functions, and the heads that they are taken behind.

DINO (Caron et al., arXiv 2104.14294), iBOT (Zhou et al., arXiv 2111.07832), Sinkhorn-Knopp centring as in SwAV (Caron
et al., arXiv 2006.09882), and KoLeo (Sablayrolles et al., arXiv 1806.03198).
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional


class Head(nn.Module):
    """Features to scores of prototypes: an MLP of three layers, a unit vector, unit prototypes."""

    def __init__(self, width: int, *, hidden: int, bottleneck: int, prototypes: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, bottleneck)
        )
        self.prototypes = nn.Parameter(torch.empty(prototypes, bottleneck))
        # By its inputs rather than DINOv2's 0.02, which goes with heads of 2,048: in narrower ones the biases soon
        # outgrow so faint a signal, all volumes get the same scores, and the loss stays at that of an even guess.
        for part in self.mlp:
            if isinstance(part, nn.Linear):
                nn.init.trunc_normal_(part.weight, std=part.in_features**-0.5)
                nn.init.zeros_(part.bias)
        nn.init.trunc_normal_(self.prototypes, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """(n, width) to cosines (n, prototypes)."""
        unit = functional.normalize(self.mlp(features), dim=-1, eps=1e-6)
        return functional.linear(unit, functional.normalize(self.prototypes, dim=-1))


@torch.no_grad()
def sinkhorn(scores: Tensor, temperature: Tensor | float, *, rounds: int = 3) -> Tensor:
    """(n, k) scores to targets, float32: rows of sum 1, every prototype used alike over all processes' rows.

    This is what keeps the teacher from giving one answer to everything. No rows give no rows.
    """
    scaled = scores.float() / temperature
    count = torch.tensor(float(len(scaled)), device=scaled.device)
    highest = scaled.max() if len(scaled) else torch.tensor(-torch.inf, device=scaled.device)
    _reduce(count)
    _reduce(highest, largest=True)
    shares = torch.exp(scaled - highest)  # the highest of all falls out of the quotient, and nothing overflows
    prototypes = shares.shape[1]
    for _ in range(rounds):
        columns = shares.sum(dim=0)
        _reduce(columns)
        shares = shares / (columns.clamp_min(1e-12) * prototypes)
        shares = shares / (shares.sum(dim=1, keepdim=True).clamp_min(1e-12) * count.clamp_min(1.0))
    return shares * count


def _reduce(values: Tensor, *, largest: bool = False) -> None:
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(values, distributed.ReduceOp.MAX if largest else distributed.ReduceOp.SUM)


def cross_entropy(scores: Tensor, targets: Tensor, temperature: float = 0.1) -> Tensor:
    """(n,) of the student's scores under the teacher's targets, both (n, k)."""
    return -(targets * functional.log_softmax(scores.float() / temperature, dim=-1)).sum(dim=-1)


def koleo(features: Tensor) -> Tensor:
    """Minus the mean log distance of each (n, width), as unit vectors, to its nearest; 0 for fewer than two."""
    unit = functional.normalize(features.float(), dim=-1, eps=1e-8)
    if len(unit) < 2:
        return unit.sum() * 0.0
    with torch.no_grad():
        cosines = unit @ unit.T
        nearest = cosines.fill_diagonal_(-2.0).argmax(dim=1)
    return -torch.log(functional.pairwise_distance(unit, unit[nearest], eps=1e-8) + 1e-8).mean()


@torch.no_grad()
def evenness(scores: Tensor, temperature: float = 0.1) -> Tensor:
    """Entropy of the mean answer, as a share of the most it can be: 0 where all rows are given one prototype."""
    mean = functional.softmax(scores.float() / temperature, dim=-1).mean(dim=0)
    return -(mean * torch.log(mean.clamp_min(1e-12))).sum() / torch.log(torch.tensor(float(scores.shape[-1])))


@torch.no_grad()
def spread(features: Tensor) -> Tensor:
    """1 minus the mean cosine of two rows of (n, width): 0 where all volumes are given one vector. Needs two rows."""
    unit = functional.normalize(features.float(), dim=-1)
    n = len(unit)
    return 1.0 - (unit.sum(dim=0).square().sum() - n) / max(1, n * (n - 1))
