"""What stands out for some words: on one scale, by the parts that the index holds, around every place of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.networks.parts_of_volumes import (
    FINE,
    GRID,
    Described,
    added_by,
    added_by_stored,
    region_vectors,
)
from spinecho.search.evidence.heat import Heat, heat_map
from spinecho.search.evidence.scale import Scale, measured, scale_of

ASKED = np.array([1, 0], np.float32)
SCALE = Scale(np.array([0.02, 0.01], np.float32), 0.01, 3.0)
LOW, HIGH = (0, 0, 0, 1, 1, 0.25), (0, 0, 0.5, 1, 1, 1)


def described(boxes: list[tuple[float, ...]], votes: list[tuple[float, float]]) -> Described:
    """Parts with equal weight in a space of two dimensions."""
    aligned, count = np.array(votes, np.float32), len(boxes)
    weights = np.full(count, 1 / count, np.float32)
    whole = weights @ aligned
    unit = (whole / max(float(np.linalg.norm(whole)), 1e-12)).astype(np.float32)
    nothing = np.zeros((count, 1), np.float32)
    return Described(unit, nothing, nothing[0], aligned, weights, np.array(boxes, np.float32))


def test_the_slices_of_the_part_that_fits_stand_out() -> None:
    """The nine stored parts of the lower slab share what it adds, 1 / sqrt(2)."""
    heat = heat_map(described([(0, 0, 0, 1, 1, 1 / 3), (0, 0, 2 / 3, 1, 1, 1)], [(1, 0), (0, 1)]), ASKED, SCALE)
    scores = heat.along(2, 20)
    assert heat.hottest == pytest.approx((1 / 2**0.5 / 9 - 0.02) / 0.01, abs=1e-3), "the same for every study"
    assert scores.max() == pytest.approx(heat.hottest, abs=0.3)
    assert scores[-1] == pytest.approx(-2.0, abs=1e-3)
    assert heat.stands_out
    assert scores[3] > heat.floor > scores[10]


def test_below_what_unrelated_words_reach_nothing_stands_out() -> None:
    heat = heat_map(described([LOW, HIGH], [(0.3, 1.0), (0.2, 1.0)]), ASKED, SCALE)
    assert heat.hottest < heat.floor == 3.0
    assert not heat.stands_out


def test_what_holds_nothing_what_speaks_against_and_what_is_no_number_is_not_hot() -> None:
    against = Scale(np.array([-0.5, 0.1], np.float32), 0.01, 3.0)
    empty = heat_map(described([(0, 0, 0.9, 1, 1, 1)], [(-1.0, 0.1)]), ASKED, against)
    assert empty.cells.max() == pytest.approx(0.0), "what adds nothing is not above what speaks against"
    broken = heat_map(described([LOW, HIGH], [(float("nan"), 0.0), (0.0, 1.0)]), ASKED, SCALE)
    assert np.isfinite(broken.cells).all()


def test_a_map_of_any_size_has_any_number_of_slices() -> None:
    cells = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    heat = Heat(cells, 0.5, 26.0, 3.0)
    for axis in range(3):
        for slices in (1, 3, 7, 200):
            found = heat.along(axis, slices)
            assert found.shape == (slices,)
            assert cells.min() <= found.min() <= found.max() <= cells.max()
    assert heat.along(0, 3).tolist() == [8.0, 17.0, 26.0]


boxes = st.tuples(*[st.floats(0, 0.9)] * 3, *[st.floats(0.01, 0.1)] * 3).map(
    lambda six: (*six[:3], *(low + size for low, size in zip(six[:3], six[3:], strict=True)))
)


@given(
    st.lists(st.tuples(boxes, st.tuples(st.floats(-1, 1), st.floats(0.1, 1))), min_size=1, max_size=12),
)
def test_parts_add_up_to_the_vector_and_are_among_those_that_are_drawn(parts: list) -> None:
    made = described([box for box, _ in parts], [vote for _, vote in parts])
    fine, stored = added_by(made, FINE).reshape(*FINE, 2), added_by(made)
    assert np.allclose(stored.sum(axis=0), made.vector, atol=1e-3)
    step = FINE[0] // GRID[0]
    middles = fine[step // 2 :: step, step // 2 :: step, step // 2 :: step]
    assert np.allclose(middles, stored.reshape(*GRID, 2), atol=1e-4)


def test_what_parts_add_is_known_from_what_the_index_holds() -> None:
    random = np.random.default_rng(0)
    places = random.uniform(0, 0.8, size=(200, 3))
    common = random.normal(size=64)  # parts of one scan are alike
    nothing = np.zeros((200, 1), np.float32)
    aligned = (common + 0.7 * random.normal(size=(200, 64))).astype(np.float32)
    weights = random.dirichlet(np.full(200, 0.3)).astype(np.float32)
    whole = weights @ aligned
    made = Described(
        (whole / np.linalg.norm(whole)).astype(np.float32), nothing, nothing[0], aligned, weights,
        np.concatenate([places, places + 0.2], axis=1).astype(np.float32),
    )  # fmt: skip
    rows = region_vectors(made).astype(np.float16).astype(np.float32)
    found = added_by_stored(made.vector.astype(np.float16).astype(np.float32), rows)
    assert np.abs(found - added_by(made)).max() < 0.005
    assert np.allclose(found.sum(axis=0), made.vector, atol=0.01)


def test_the_scale_is_what_unrelated_words_reach() -> None:
    random = np.random.default_rng(0)
    volumes = [random.normal(size=(27, 16)).astype(np.float32) for _ in range(60)]
    volumes = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in volumes]
    asked = random.normal(size=(48, 16)).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    scale = measured(volumes, asked)
    assert scale is not None
    scores = np.stack([[scale.scores(rows, one) for one in asked] for rows in volumes])
    assert -0.1 < scores.mean() <= 0.001, "words that speak against all parts begin at nothing"
    assert scores.std() == pytest.approx(1, abs=0.01)
    assert np.mean(scores.max(axis=2) >= scale.floor) == pytest.approx(0.05, abs=0.01)
    again = scale_of(scale.to_json())
    assert again.floor == pytest.approx(scale.floor, abs=1e-3)
    assert np.allclose(again.scores(volumes[0], asked[0]), scores[0, 0], atol=1e-3)
    assert measured([np.ones((27, 16), np.float32) / 4], asked) is None, "parts that do not differ tell nothing"
    assert measured([np.zeros((27, 16), np.float32)], asked) is None
    for broken in ({"spread": 0.0}, {"floor": float("nan")}, {"usual": None}):
        with pytest.raises((TypeError, ValueError)):
            scale_of(scale.to_json() | broken)
