"""Whole-volume variants of examples for cached features, see `encoders.preparing.varied`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinecho.encoders.preparing.varied import varied
from spinecho.encoders.training.data.examples import Example


def vary(example: Example, rng: np.random.Generator) -> Example:
    """The example as another scanner, another day would give it."""
    grey, spacing = varied(example.grey, example.spacing_mm, rng)
    return replace(example, grey=grey, spacing_mm=spacing)
