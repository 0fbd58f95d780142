"""What is no number finds nothing, by every index, without a conversion that processors do in their own ways."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grown import unit_rows
from vector_homes import open_home, store

from spinecho.db.vectors.build import build_index, open_build
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.index_plan import Wish
from spinecho.db.vectors.indexes.protocol import VectorIndex
from spinecho.encoders.heads.head_metrics import calibration_error
from spinecho.encoders.measuring.metrics import ranked_grades
from spinecho.encoders.preparing.preparation import to_grey

N, DIM = 3000, 32
ROWS = unit_rows(N, DIM, clusters=30)
WORST = {
    "nan": np.nan, "inf": np.inf, "-inf": -np.inf, "largest": np.finfo(np.float32).max, "past a length": 1e19 * 3,
}  # fmt: skip


@pytest.fixture(scope="module", params=["exact", "flat", "ivf rabitq", "hnsw sq8"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    if request.param == "exact":
        exact = ExactIndex(DIM)
        exact.add(np.arange(1, N + 1), ROWS)
        return exact
    folder = tmp_path_factory.mktemp("home")
    database, space = open_home(folder, dim=DIM)
    store(database, space, ROWS)
    wish = Wish() if request.param == "flat" else Wish(kind=request.param, flat_up_to=0)
    name = build_index(database, folder / "builds", space, wish=wish).build
    database.close()
    return open_build(folder / "builds", space, name)[1]


@pytest.mark.parametrize("worst", WORST)
@pytest.mark.parametrize("share", [None, 2, 40])
def test_nothing_is_like_what_is_no_number(index: VectorIndex, worst: str, share: int | None) -> None:
    queries = ROWS[:3].copy()
    queries[1, 5] = WORST[worst]
    among = None if share is None else np.arange(1, N + 1, share)
    with np.errstate(invalid="raise"):
        found = index.nearest(queries, 4, among=among)
        alone = index.nearest(queries[1:2], 4, among=among)
    assert (found.ids[1] == -1).all()
    assert (alone.ids == -1).all()
    assert np.isneginf(found.similarities[1]).all()
    for row in (0, 2):
        assert (found.ids[row] == index.nearest(queries[row][None], 4, among=among).ids[0]).all()


@pytest.mark.parametrize("size", [1e-45, 1e-30, 1e15])
def test_a_query_of_any_length_finds_what_its_unit_vector_does(index: VectorIndex, size: float) -> None:
    query = (ROWS[10:11].astype(np.float64) * size).astype(np.float32)
    with np.errstate(invalid="raise"):
        found = index.nearest(query, 1, among=np.arange(1, N + 1, 1))
    assert found.ids[0, 0] > 0
    if size > 1e-40:
        assert found.ids[0, 0] == 11


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_count_as_nought(value: float) -> None:
    voxels = np.random.default_rng(0).normal(100, 20, (20, 20, 20)).astype(np.float32)
    clean = voxels.copy()
    clean[3, 3, 3] = 0.0
    voxels[3, 3, 3] = value
    with np.errstate(invalid="raise"):
        made = to_grey(voxels)
    if np.isposinf(value):
        assert made.dtype == np.uint8
    else:
        assert np.array_equal(made, to_grey(clean))
    with np.errstate(invalid="raise"):
        assert (to_grey(np.full((4, 4, 4), value, np.float32)) == 0).all()


def test_scores_that_are_no_numbers_are_left_out() -> None:
    right = np.array([True, False, True])
    with np.errstate(invalid="raise"):
        assert calibration_error(np.array([0.9, np.nan, 1.0]), right) == pytest.approx(
            calibration_error(np.array([0.9, 1.0]), right[[0, 2]])
        )
        scores = np.array([[np.nan, 1e300, 1.0, -1e300, np.inf]])
        grades = ranked_grades(scores, np.array([[5, 1, 2, 3, 4]]), np.ones((1, 5), bool))
    assert grades.tolist() == [[1, 2, 3, 0, 0]]
