"""The approximate index: what it finds of what is there, filtered or not, and how it is chosen."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from grown import unit_rows

from spinecho.db.errors import BackendMissing, StoreError
from spinecho.db.vectors.indexes import candidates
from spinecho.db.vectors.indexes.candidates import Candidates, OnGpu
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.index_plan import FLAT, Effort, Plan, Wish
from spinecho.db.vectors.indexes.trade_off import KINDS, trade_offs
from spinecho.db.vectors.indexes.tuning import fit, lists_for
from spinecho.db.vectors.indexes.two_stage import TwoStageIndex

N, DIM = 5000, 32
IDS = np.arange(5, 5 + 3 * N, 3)
ROWS = unit_rows(N, DIM, seed=1, clusters=60)
QUERIES = unit_rows(80, DIM, seed=2, clusters=60)


@pytest.fixture(scope="module", params=[0, 256], ids=["little memory", "enough"])
def fitted(request: pytest.FixtureRequest) -> tuple[Candidates, Plan]:
    proposer, plan = fit(ROWS.astype(np.float16), Wish(flat_up_to=1000, megabytes=request.param))
    assert proposer is not None
    assert plan.kind.startswith("ivf")
    return proposer, plan


@pytest.fixture
def index(fitted: tuple[Candidates, Plan]) -> TwoStageIndex:
    return TwoStageIndex(IDS, ROWS.astype(np.float16), *fitted)


def reference() -> ExactIndex:
    exact = ExactIndex(DIM)
    exact.add(IDS, ROWS)
    return exact


def recall(index: TwoStageIndex, among: np.ndarray | None, *, k: int = 10) -> float:
    found = index.nearest(QUERIES, k, among=among)
    true = reference().nearest(QUERIES, k, among=among)
    return float((found.similarities >= true.similarities[:, -1:] - 1e-3).mean())


def test_the_plan_says_what_was_measured_and_it_holds_for_other_queries(
    index: TwoStageIndex, fitted: tuple[Candidates, Plan]
) -> None:
    _, plan = fitted
    assert plan.sample == 400
    assert plan.efforts[0].recall >= 0.99
    assert 0 < plan.bytes_per_vector < 2 * DIM
    assert recall(index, None) >= 0.98
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_recall_under_filters(index: TwoStageIndex, share: float) -> None:
    among = IDS[np.random.default_rng(3).random(N) < share]
    assert recall(index, among) >= (0.98 if share > 0.05 else 1.0)


def test_a_filter_that_leaves_only_what_is_far_from_the_query_loses_nothing(
    fitted: tuple[Candidates, Plan],
) -> None:
    proposer, plan = fitted
    narrow = Plan(plan.kind, plan.lists, (Effort(1.0, 10, 1, 20, 1.0, 1.0), Effort(0.01, 10, 1, 20, 1.0, 1.0)), 0)
    index = TwoStageIndex(IDS, ROWS.astype(np.float16), proposer, narrow)
    query = ROWS[:1]
    among = IDS[np.argsort(ROWS @ query[0])[: N // 4]]
    found = index.nearest(query, 10, among=np.sort(among))
    assert np.isin(found.ids, among).all()
    assert (found.ids > 0).all()


@settings(max_examples=40)
@given(data=st.data())
def test_only_what_is_allowed_and_not_removed_comes_back(fitted: tuple[Candidates, Plan], data: st.DataObject) -> None:
    index = TwoStageIndex(IDS, ROWS.astype(np.float16), *fitted)
    seed = data.draw(st.integers(0, 1000))
    random = np.random.default_rng(seed)
    gone = random.choice(IDS, data.draw(st.integers(0, 2000)), replace=False)
    among = np.sort(random.choice(np.arange(1, 4 * N), data.draw(st.integers(0, 4 * N - 1)), replace=False))
    k = data.draw(st.integers(0, 300))
    assert index.remove(gone) == len(gone)
    assert len(index) == N - len(gone)
    found = index.nearest(QUERIES[:3], k, among=among)
    possible = np.setdiff1d(np.intersect1d(among, IDS), gone)
    for ids, similarities in zip(found.ids, found.similarities, strict=True):
        kept = ids[ids != -1]
        assert np.isin(kept, possible).all()
        assert len(kept) == len(np.unique(kept)) == min(k, len(possible))
        assert (np.diff(similarities[: len(kept)]) <= 0).all()


def test_ids_in_one_piece_are_found_as_scattered_ones_are(fitted: tuple[Candidates, Plan]) -> None:
    dense = TwoStageIndex(np.arange(11, 11 + N), ROWS.astype(np.float16), *fitted)
    scattered = TwoStageIndex(IDS, ROWS.astype(np.float16), *fitted)
    for share in (0.6, 0.2, 0.02):
        places = np.flatnonzero(np.random.default_rng(1).random(N) < share)
        ours = dense.nearest(QUERIES[:5], 10, among=places + 11)
        theirs = scattered.nearest(QUERIES[:5], 10, among=IDS[places])
        assert (ours.ids == np.where(theirs.ids < 0, -1, (theirs.ids - 5) // 3 + 11)).all()


def test_few_vectors_stay_flat_and_a_recall_out_of_reach_does_too() -> None:
    assert fit(ROWS[:500].astype(np.float16), Wish())[1].kind == FLAT
    noise = unit_rows(3000, 64, seed=4).astype(np.float16)
    proposer, plan = fit(noise, Wish(recall=0.995, bytes_per_vector=40, megabytes=0, flat_up_to=0))
    assert proposer is None
    assert plan.kind == FLAT
    assert "out of reach" in plan.note or "bytes a vector" in plan.note


@pytest.mark.parametrize("recall", [0.0, 0.4, 1.0, 1.5, float("nan")])
def test_a_recall_that_nothing_can_aim_at_is_refused(recall: float) -> None:
    with pytest.raises(ValueError, match="cannot be aimed at"):
        Wish(recall=recall)


def test_a_kind_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(StoreError, match="ivf rabitq"):
        fit(ROWS.astype(np.float16), Wish(kind="annoy"))
    with pytest.raises(StoreError, match="hnsw sq8"):
        trade_offs(ROWS.astype(np.float16), ["annoy"])
    with pytest.raises(StoreError, match="too few"):
        trade_offs(ROWS[:100].astype(np.float16))


def test_the_trade_off_of_every_kind() -> None:
    table = trade_offs(ROWS[:2000].astype(np.float16))
    assert {row.kind for row in table} == set(KINDS)
    assert all(0 < row.recall <= 1 and row.p50_ms > 0 and row.bytes_per_vector > 0 for row in table)
    for kind in KINDS:
        mine = [row for row in table if row.kind == kind]
        assert max(row.recall for row in mine) > 0.95
    size = {row.kind: row.bytes_per_vector for row in table}
    assert size["ivf rabitq"] < size["ivf rabitq2"] < size["ivf sq8"] < size["hnsw sq8"]


def test_lists_grow_with_the_root() -> None:
    assert [lists_for(n) for n in (0, 1, 100, 10_000, 100_000, 1_000_000)] == [1, 1, 2, 250, 1024, 2048]


def test_a_graphics_card_that_is_not_there_is_named() -> None:
    if candidates.gpus():
        pytest.skip("there is a card")
    with pytest.raises(BackendMissing, match="no graphics card"):
        OnGpu(ROWS.astype(np.float16), how="flat")


class _Blind:
    """Proposes as a graphics card does: it cannot be told what is allowed, and gives 64 at most."""

    selects = False
    breadths = (1,)

    def search(self, queries: np.ndarray, count: int, *, breadth: int, allowed: np.ndarray | None = None) -> np.ndarray:
        assert allowed is None
        return np.argsort(-(queries @ ROWS.T), axis=1)[:, : min(count, 64)]


@pytest.mark.parametrize("share", [None, 0.9, 0.3, 0.05])
def test_what_cannot_be_told_is_checked_or_compared_here(fitted: tuple[Candidates, Plan], share: float | None) -> None:
    plan = Plan("gpu flat", 0, (Effort(1.0, 10, 1, 32, 1.0, 1.0),), 100)
    index = TwoStageIndex(IDS, ROWS.astype(np.float16), _Blind(), plan)
    among = None if share is None else IDS[np.random.default_rng(8).random(N) < share]
    assert recall(index, among) == 1.0
    index.remove(index.nearest(QUERIES[:1], 60).ids[0])
    assert recall(index, among, k=1) <= 1.0
    assert (index.nearest(QUERIES[:1], 40, among=among).ids > 0).all()
