"""One contract over every VectorIndex."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from grown import Grown

from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.faiss_index import FlatIndex
from spinecho.db.vectors.indexes.protocol import VectorIndex

DIM = 24
IMPLEMENTATIONS: dict[str, Callable[[int], VectorIndex]] = {
    "exact": ExactIndex,
    "flat": FlatIndex,
    "rabitq": partial(Grown, kind="ivf rabitq"),
    "rabitq2": partial(Grown, kind="ivf rabitq2"),
    "sq8": partial(Grown, kind="ivf sq8"),
    "hnsw": partial(Grown, kind="hnsw sq8"),
}


def rows(n: int, *, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float16).astype(np.float32)  # as they come out of the database


@pytest.fixture(params=IMPLEMENTATIONS, ids=str)
def make(request: pytest.FixtureRequest) -> Callable[[int], VectorIndex]:
    return IMPLEMENTATIONS[request.param]


def filled(make: Callable[[int], VectorIndex], n: int) -> tuple[VectorIndex, np.ndarray, np.ndarray]:
    index, ids, vectors = make(DIM), np.arange(1, n + 1) * 3, rows(n)
    index.add(ids, vectors)
    return index, ids, vectors


def test_an_empty_index_answers_with_padding(make: Callable[[int], VectorIndex]) -> None:
    found = make(DIM).nearest(rows(2), 3)
    assert (found.ids == -1).all()
    assert np.isneginf(found.similarities).all()


def test_a_vector_finds_itself_first(make: Callable[[int], VectorIndex]) -> None:
    index, ids, vectors = filled(make, 200)
    found = index.nearest(vectors, 1)
    assert (found.ids[:, 0] == ids).all()
    assert found.similarities[:, 0] == pytest.approx(1.0, abs=2e-3)


def test_k_over_the_size_is_padded(make: Callable[[int], VectorIndex]) -> None:
    index, ids, vectors = filled(make, 5)
    found = index.nearest(vectors[:1], 9)
    assert sorted(found.ids[0, :5]) == sorted(ids)
    assert (found.ids[0, 5:] == -1).all()


def test_equal_similarities_are_ordered_by_id(make: Callable[[int], VectorIndex]) -> None:
    index = make(DIM)
    same = np.repeat(rows(1), 6, axis=0)
    index.add(np.array([9, 2, 7, 4, 11, 3]), same)
    assert index.nearest(same[:1], 4).ids[0].tolist() == [2, 3, 4, 7]


def test_ids_may_not_repeat(make: Callable[[int], VectorIndex]) -> None:
    index, _, _ = filled(make, 3)
    with pytest.raises(ValueError, match="already"):
        index.add(np.array([3]), rows(1))
    with pytest.raises(ValueError, match="already"):
        index.add(np.array([50, 50]), rows(2))


def test_removed_vectors_never_come_back(make: Callable[[int], VectorIndex]) -> None:
    index, ids, vectors = filled(make, 50)
    assert index.remove(np.array([ids[0], ids[7], 999_999])) == 2
    assert len(index) == 48
    assert not set(index.nearest(vectors, 48).ids.ravel()) & {ids[0], ids[7]}
    index.add(ids[:1], vectors[:1])
    assert index.nearest(vectors[:1], 1).ids[0, 0] == ids[0]


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_among_gives_exactly_the_best_of_those_ids(name: str, data: st.DataObject) -> None:
    index, ids, vectors = filled(IMPLEMENTATIONS[name], 60)
    known = data.draw(st.sets(st.sampled_from(ids.tolist()), max_size=60))
    unknown = data.draw(st.sets(st.integers(200, 400), max_size=5))
    k = data.draw(st.integers(1, 20))
    among = np.array(sorted(known | unknown), dtype=np.int64)
    query = rows(1, seed=data.draw(st.integers(1, 50)))
    found = index.nearest(query, k, among=among)
    similarity = dict(zip(ids.tolist(), (vectors @ query[0]).tolist(), strict=True))
    best = sorted((similarity[i] for i in known), reverse=True)[:k]
    got = [i for i in found.ids[0].tolist() if i != -1]
    assert set(got) <= known
    assert [similarity[i] for i in got] == pytest.approx(best, abs=2e-3)


@settings(max_examples=30)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.sets(st.integers(1, 40), min_size=1, max_size=10)), max_size=12),
    k=st.integers(1, 12),
)
def test_any_history_leaves_all_implementations_equal(steps: list[tuple[bool, set[int]]], k: int) -> None:
    table = rows(41, seed=3)
    indexes = [made(DIM) for made in IMPLEMENTATIONS.values()]
    held: set[int] = set()
    for adding, some in steps:
        chosen = np.array(sorted(some - held if adding else some), dtype=np.int64)
        for index in indexes:
            if adding:
                index.add(chosen, table[chosen])
            else:
                index.remove(chosen)
        held = held | some if adding else held - some
    answers = [index.nearest(table[:3], k) for index in indexes]
    assert {len(index) for index in indexes} == {len(held)}
    for answer in answers[1:]:
        finite = np.isfinite(answers[0].similarities)
        assert (np.isfinite(answer.similarities) == finite).all()
        assert answer.similarities[finite] == pytest.approx(answers[0].similarities[finite], abs=2e-3)


def test_a_saved_index_answers_the_same_after_its_maker_is_gone(tmp_path: Path) -> None:
    index, ids, vectors = filled(FlatIndex, 100)
    before = index.nearest(vectors[:5], 10)
    index.save(tmp_path / "index.faiss")
    del index
    again = FlatIndex.load(tmp_path / "index.faiss")
    after = again.nearest(vectors[:5], 10)
    assert (before.ids == after.ids).all()
    assert (np.sort(again.ids) == ids).all()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_an_index_that_finds_no_room_is_an_error() -> None:
    index = FlatIndex(4)
    index.add(np.arange(3), np.eye(3, 4, dtype=np.float32))
    with pytest.raises(OSError, match="No space left"):
        index.save(Path("/dev/full"))  # a few bytes, which find no room only when the file is closed
