"""How far a volume's features lie from those that a head was trained on.

Two distances, each as a multiple of the largest that held-out patients of the same data (nearly) ever have:
to the k-th nearest training volume in whitened principal components (Sun et al., arXiv 2204.06507, use the raw
features), and what the components do not explain, which is the rest of the Mahalanobis distance of Lee et al.
(arXiv 1807.03888) under probabilistic PCA (Tipping and Bishop 1999). The greater counts. Our choices: 32 components,
at most 512 training volumes kept, and the margin; so it adds some 100 kB to a head.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.networks.parts_of_volumes import Floats

COMPONENTS, REFERENCES, NEIGHBOUR = 32, 512, 3
_QUANTILE, _MARGIN = 0.99, 1.2


class Familiarity(nn.Module):
    """What is kept of the training volumes. Sizes must be known to load it: see `sizes`."""

    mean: Tensor
    basis: Tensor
    references: Tensor
    limits: Tensor

    def __init__(self, width: int, components: int, references: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("basis", torch.zeros(width, components))
        self.register_buffer("scale", torch.ones(components))
        self.register_buffer("references", torch.zeros(references, components))
        self.register_buffer("limits", torch.ones(2))
        """The distance to a neighbour, and the rest, that still count as familiar."""

    scale: Tensor

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(width, components, references)."""
        return self.basis.shape[0], self.basis.shape[1], len(self.references)

    def distance(self, pooled: Floats) -> Floats:
        """(n,) of (n, p) pooled features: above 1 is strange."""
        near, rest = self._distances(pooled)
        limits = self.limits.numpy()
        greater: Floats = np.maximum(near / limits[0], rest / limits[1]).astype(np.float32)
        return greater

    def _distances(self, pooled: Floats) -> tuple[Floats, Floats]:
        centred = pooled.astype(np.float64) - self.mean.numpy()
        basis = self.basis.numpy().astype(np.float64)
        inside = centred @ basis
        rest = np.linalg.norm(centred - inside @ basis.T, axis=1)
        white, known = inside / self.scale.numpy(), self.references.numpy().astype(np.float64)
        squared = (white**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2 * white @ known.T
        k = min(NEIGHBOUR, len(known)) - 1
        return np.sqrt(np.maximum(np.partition(squared, k, axis=1)[:, k], 0.0)), rest


def learn(pooled: Floats, held_out: Floats, *, seed: int) -> Familiarity:
    """From (n, p) features of training, with the limits taken from (m, p) of other patients."""
    mean = pooled.mean(axis=0, dtype=np.float64)
    centred = pooled - mean
    _, lengths, basis = np.linalg.svd(centred, full_matrices=False)
    spreads = lengths / np.sqrt(len(pooled))
    count = max(1, min(COMPONENTS, len(pooled) // 4, int((spreads > 1e-6 * max(spreads[0], 1e-12)).sum())))
    chosen = np.sort(np.random.default_rng((seed, 7)).permutation(len(pooled))[:REFERENCES])
    scale = np.maximum(spreads[:count], 1e-9)
    made = Familiarity(pooled.shape[1], count, len(chosen))
    made.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
    made.basis.copy_(torch.from_numpy(np.ascontiguousarray(basis[:count].T.astype(np.float32))))
    made.scale.copy_(torch.from_numpy(scale.astype(np.float32)))
    made.references.copy_(torch.from_numpy((centred[chosen] @ basis[:count].T / scale).astype(np.float32)))
    near, rest = made._distances(held_out)
    floor = 1e-3 * float(np.linalg.norm(spreads)) + 1e-6  # features that lie in the components up to rounding
    limits = [_MARGIN * float(np.quantile(near, _QUANTILE)), _MARGIN * float(np.quantile(rest, _QUANTILE))]
    made.limits.copy_(torch.tensor([max(limits[0], 1e-3), max(limits[1], floor)]))
    return made
