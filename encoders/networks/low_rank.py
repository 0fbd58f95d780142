"""What a network was taught later, as small changes to the matrices of one that is frozen (Hu et al. 2021, LoRA,
arXiv:2106.09685): each is the product of two thin matrices, so that a few hundred kB hold them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DOWN, UP = ".down", ".up"


@dataclass(frozen=True, slots=True)
class LowRank:
    """thin: by a matrix's name with `DOWN` (rank, inputs) and `UP` (outputs, rank), float32; digest: sha256 of both."""

    thin: Mapping[str, NDArray[np.float32]]
    scale: float
    digest: str

    def applied(self, weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """The weights with the changes added. Raises ValueError where a matrix is missing or of another shape."""
        changed = dict(weights)
        for name, down in self.thin.items():
            if not name.endswith(DOWN):
                continue
            matrix = name.removesuffix(DOWN)
            delta = self.scale * (self.thin[matrix + UP] @ down)
            if matrix not in changed or changed[matrix].shape != delta.shape:
                raise ValueError(f"no matrix {matrix} of shape {delta.shape} to change")
            changed[matrix] = changed[matrix] + delta
        return changed
