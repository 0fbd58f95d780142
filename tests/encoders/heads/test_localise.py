"""Heat, boxes and slices, whatever tokens a volume is divided into."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planting import CELLS

from spinecho.encoders.heads.localise import box_overlap, located, slice_range
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.networks.parts_of_volumes import Described, Floats


def with_boxes(boxes: Floats, aligned: Floats | None = None) -> Described:
    parts = np.ones((len(boxes), 3), np.float32) if aligned is None else aligned
    weights = np.full(len(boxes), 1 / max(len(boxes), 1), np.float32)
    total = weights @ parts
    vector = (total / max(float(np.linalg.norm(total)), 1e-6)).astype(np.float32)
    return Described(vector, parts, parts.mean(axis=0) if len(parts) else vector, parts, weights, boxes)


@st.composite
def any_boxes(draw: st.DrawFn) -> Floats:
    count = draw(st.integers(1, 12))
    ends = draw(arrays.arrays(np.float32, (count, 3, 2), elements=st.floats(0, 1, width=32)))
    low, high = ends.min(axis=2), ends.max(axis=2)
    return np.concatenate([np.minimum(low, 0.99), np.maximum(high, low + 0.01).clip(0, 1)], axis=1).astype(np.float32)


@settings(max_examples=40)
@given(any_boxes(), st.data())
def test_any_heat_has_a_box_in_the_volume(boxes: Floats, data: st.DataObject) -> None:
    heat = data.draw(arrays.arrays(np.float32, len(boxes), elements=st.floats(0, 1, width=32)))
    shape = data.draw(st.tuples(*[st.integers(1, 50)] * 3))
    described = with_boxes(boxes)
    found = located(described, heat, score=0.5, axis=1, slices=shape[1])
    assert (found.box is None) == (heat.max() <= 0)
    if found.box is not None and found.slice_range is not None:
        assert all(0 <= low < high <= 1 for low, high in zip(found.box[:3], found.box[3:], strict=True))
        assert 0 <= found.slice_range[0] <= found.slice_range[1] < shape[1]


def test_a_token_that_is_the_whole_volume() -> None:
    whole = with_boxes(np.array([[0, 0, 0, 1, 1, 1]], np.float32))
    found = located(whole, np.ones(1, np.float32), score=1.0, axis=2, slices=9)
    assert (found.box, found.slice_range) == ((0, 0, 0, 1, 1, 1), (0, 8))


@pytest.mark.parametrize("cell", [0, 21, 42, 63])
def test_one_hot_cell_is_found_where_it_is(cell: int) -> None:
    described = with_boxes(CELLS)
    heat = np.zeros(64, np.float32)
    heat[cell] = 1
    box = located(described, heat, score=1.0).box
    assert box is not None
    assert box_overlap(box, tuple(float(end) for end in CELLS[cell])) > 0.5  # type: ignore[arg-type]


def test_two_hot_places_give_the_hotter_and_slabs_with_gaps_hang_together() -> None:
    slabs = np.array([[0, 0, low, 1, 1, low + 0.05] for low in np.arange(10) / 10], np.float32)
    heat = np.array([0.9, 0, 0, 0, 0, 1, 1, 1, 0, 0], np.float32)
    box = located(with_boxes(slabs), heat, score=1.0).box
    assert box is not None
    assert box[2] == pytest.approx(0.5, abs=0.06)
    assert box[5] == pytest.approx(0.77, abs=0.06)


def test_slices_of_a_box() -> None:
    box = (0.0, 0.0, 0.25, 1.0, 1.0, 0.5)
    assert slice_range(box, axis=2, slices=20) == (5, 9)
    assert slice_range(box, axis=2, slices=1) == (0, 0)
    assert slice_range(box, axis=0, slices=7) == (0, 6)
    for axis, slices in ((3, 5), (0, 0)):
        with pytest.raises(HeadError, match="give an axis"):
            slice_range(box, axis=axis, slices=slices)
