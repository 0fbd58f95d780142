"""Comparing scattered rows: the rough form of rows may save time and must never change an answer."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from grown import unit_rows

from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.index_plan import Effort, Plan
from spinecho.db.vectors.indexes.scattered import Rough, compare, read_rough, roughen, spread
from spinecho.db.vectors.indexes.two_stage import TwoStageIndex

DIM = 48
"""FAISS compares bytes in whole numbers where it is a multiple of 16, else in another way."""


def near_copies(n: int, *, seed: int) -> np.ndarray:
    """Rows of which many are equal and the others differ less than a byte can tell."""
    random = np.random.default_rng(seed)
    rows = unit_rows(40, DIM, seed=seed)[random.integers(0, 40, n)]
    rows[::3] += random.normal(0, 2e-3, rows[::3].shape).astype(np.float32)
    return rows


SHAPES = {
    "noise": lambda n, seed: unit_rows(n, DIM, seed=seed),
    "clusters": lambda n, seed: unit_rows(n, DIM, seed=seed, clusters=25),
    "one number": lambda n, seed: unit_rows(n, DIM, seed=seed) * np.eye(1, DIM, 3) * 0.9 + 0.1 * unit_rows(n, DIM),
    "near copies": lambda n, seed: near_copies(n, seed=seed),
}


def best(found: tuple[np.ndarray, np.ndarray], k: int) -> list[float]:
    """Similarities alone: of equal ones past the k-th, any may be given."""
    return sorted(found[1].tolist(), reverse=True)[:k]


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(2500, 12_000), k=st.integers(1, 300), share=st.floats(0.3, 1.0))
def test_the_rough_form_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, shape: str, seed: int, n: int, k: int, share: float
) -> None:
    rows = SHAPES[shape](n, seed).astype(np.float16)
    rough = roughen(rows, tmp_path_factory.mktemp("rough") / "rows.u8")
    assert rough is not None
    random = np.random.default_rng(seed)
    places = np.flatnonzero(random.random(n) < share)
    query = unit_rows(1, DIM, seed=seed + 1)[0] if seed % 2 else rows[seed % n].astype(np.float32)
    assert best(compare(rows, places, query, k, rough=rough), k) == best(compare(rows, places, query, k), k)


@pytest.mark.parametrize("dim", [15, 47, 50, 64, 384])
def test_nor_at_other_dimensions(tmp_path: Path, dim: int) -> None:
    rows = unit_rows(6000, dim, seed=dim, clusters=30).astype(np.float16)
    rough = roughen(rows, tmp_path / "rows.u8")
    assert rough is not None
    places = np.arange(6000)
    for query in unit_rows(10, dim, seed=1):
        assert best(compare(rows, places, query, 20, rough=rough), 20) == best(compare(rows, places, query, 20), 20)


def test_a_query_that_is_no_number_finds_nothing(tmp_path: Path) -> None:
    rows = unit_rows(6000, DIM, seed=2).astype(np.float16)
    places, nothing = np.arange(6000), np.full(DIM, np.nan, np.float32)
    for rough in (None, roughen(rows, tmp_path / "rows.u8")):
        at, _ = compare(rows, places, nothing, 5, rough=rough)
        assert not len(at)


def test_it_leaves_little_to_compare_exactly(tmp_path: Path) -> None:
    rows = unit_rows(20_000, DIM, seed=3, clusters=200).astype(np.float16)
    rough = roughen(rows, tmp_path / "rows.u8")
    assert rough is not None
    assert 10 <= len(rough.plausible(np.arange(len(rows)), rows[5].astype(np.float32), 10)) < 2000


def test_its_bound_holds_and_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    rows = unit_rows(3000, DIM, seed=4).astype(np.float16)
    rough = roughen(rows, tmp_path / "rows.u8")
    assert rough is not None
    meant = (rough.codes.astype(np.float64) - 128) / rough.scale
    off = np.linalg.norm(spread(rows).astype(np.float64) - meant, axis=1)
    assert off.max() <= rough.error + 1e-6
    again = read_rough(tmp_path / "rows.u8", dim=DIM, scale=rough.scale, error=rough.error)
    assert (again.codes == rough.codes).all()


@pytest.mark.parametrize("dim", [1, 2, 3, 47, 48])
def test_spread_rows_keep_their_products_and_no_number_stands_out(dim: int) -> None:
    rows = np.eye(dim, dtype=np.float32)
    turned = spread(rows)
    assert turned.shape == rows.shape
    assert turned @ turned.T == pytest.approx(np.eye(dim), abs=1e-6)
    assert np.abs(turned).max() <= np.sqrt(2 / dim) + 1e-6


@pytest.mark.parametrize(
    "rows",
    [np.zeros((0, DIM)), np.zeros((5, DIM)), 40 * np.eye(DIM), 2 * unit_rows(50, DIM), np.full((5, DIM), np.nan)],
    ids=["none", "nothing", "long", "twice as long", "no numbers"],
)
def test_rows_for_which_bytes_do_not_do_have_none(tmp_path: Path, rows: np.ndarray) -> None:
    path = tmp_path / "rows.u8"
    assert roughen(rows.astype(np.float16), path) is None
    assert not path.exists()


class _Nothing:
    """A proposer that is never to be asked."""

    selects, breadths = True, (1,)

    def search(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("everything that is allowed was to be compared")


@pytest.mark.parametrize("step", [1, 3, 50])
def test_a_filtered_search_by_the_rough_form_is_the_exact_one(tmp_path: Path, step: int) -> None:
    rows = unit_rows(9000, DIM, seed=6, clusters=40)
    ids = np.arange(7, 7 + step * 9000, step)
    rough = roughen(rows.astype(np.float16), tmp_path / "rows.u8")
    plan = Plan("ivf rabitq", 4, (Effort(1.0, 10, 1, 20, 1.0, 1.0),), exact_up_to=9000)
    index = TwoStageIndex(ids, rows.astype(np.float16), _Nothing(), plan, rough=rough)
    exact = ExactIndex(DIM)
    exact.add(ids, rows)
    random = np.random.default_rng(1)
    gone = random.choice(ids, 400, replace=False)
    assert index.remove(gone) == exact.remove(gone) == 400
    for count in (3000, 8000):
        among = np.sort(np.concatenate([random.choice(ids, count, replace=False), [1, 2, int(ids[-1]) + 9]]))
        ours = index.nearest(rows[:5], 25, among=among)
        theirs = exact.nearest(rows[:5], 25, among=among)
        assert ours.similarities == pytest.approx(theirs.similarities, abs=1e-5)
        assert not np.isin(ours.ids, gone).any()


def test_a_rough_form_that_tells_nothing_apart_still_gives_the_right_answer() -> None:
    rows = near_copies(5000, seed=9).astype(np.float16)
    blind = Rough(np.full((5000, DIM), 128, np.uint8), 127.0, 1.0)
    query = rows[0].astype(np.float32)
    places = np.arange(5000)
    assert best(compare(rows, places, query, 10, rough=blind), 10) == best(compare(rows, places, query, 10), 10)
