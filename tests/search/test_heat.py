from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.search.answers.heat import heat_map


def described(boxes: list[tuple[float, ...]], votes: list[tuple[float, float]]) -> Described:
    """Parts with equal weight in a space of two dimensions."""
    aligned, count = np.array(votes, np.float32), len(boxes)
    weights = np.full(count, 1 / count, np.float32)
    whole = weights @ aligned
    unit = (whole / np.linalg.norm(whole)).astype(np.float32)
    nothing = np.zeros((count, 1), np.float32)
    return Described(unit, nothing, nothing[0], aligned, weights, np.array(boxes, np.float32))


LOW, HIGH = (0, 0, 0, 1, 1, 0.25), (0, 0, 0.5, 1, 1, 1)
ASKED = np.array([1, 0], np.float32)


def test_the_slices_of_the_part_that_fits_are_named() -> None:
    heat = heat_map(described([LOW, HIGH], [(1.0, 0.1), (0.0, 1.0)]), ASKED, (64, 64, 20))
    shares = heat.along(2, 20)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[:5].sum() == pytest.approx(1.0, abs=1e-4)
    assert heat.along(2, 7).sum() == pytest.approx(1.0), "any number of slices"
    assert heat.plane(2, 0.1).max() == pytest.approx(1.0)
    assert heat.plane(2, 0.9).max() < 1e-6


def test_what_speaks_against_is_no_heat() -> None:
    heat = heat_map(described([LOW, HIGH], [(-1.0, 0.1), (1.5, 0.5)]), ASKED, (8, 8, 8))
    assert heat.along(2, 8)[:2].sum() == 0
    assert heat.plane(2, 0.1).max() == 0


boxes = st.tuples(*[st.floats(0, 0.9)] * 3, *[st.floats(0.01, 0.1)] * 3).map(
    lambda six: (*six[:3], *(low + size for low, size in zip(six[:3], six[3:], strict=True)))
)


@given(
    st.lists(st.tuples(boxes, st.tuples(st.floats(-1, 1), st.floats(0.1, 1))), min_size=1, max_size=12),
    st.tuples(*[st.integers(1, 80)] * 3),
)
def test_the_map_adds_up_to_the_cosine(parts: list, shape: tuple[int, int, int]) -> None:
    made = described([box for box, _ in parts], [vote for _, vote in parts])
    heat = heat_map(made, ASKED, shape)
    assert float(heat.cells.sum()) == pytest.approx(heat.cosine, abs=1e-4)
    assert heat.cosine == pytest.approx(float(made.vector @ ASKED))
    for axis in range(3):
        assert heat.along(axis, shape[axis]).shape == (shape[axis],)
