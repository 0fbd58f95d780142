"""What holds of the evaluator for any vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spinecho.search.evaluation import EmptyPool, Figure, Measured, by_label, by_text, paired

FEW = 50
SEEDS = st.integers(0, 2**32 - 1)


def unit(random: np.random.Generator, n: int, dim: int, *, coarse: bool = False) -> NDArray[np.float64]:
    """Random unit rows; coarse ones repeat, so that similarities tie."""
    rows = random.integers(-1, 2, (n, dim)).astype(np.float64) if coarse else random.normal(size=(n, dim))
    rows[~rows.any(axis=1), 0] = 1.0
    out: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def sane(figure: Figure, name: str) -> None:
    numbers = [figure.value, figure.chance, figure.best, *(figure.ci95 or ())]
    if name == "median rank":
        assert all(1 <= number <= figure.pool for number in numbers)
    else:
        assert all(0 <= number <= 1 + 1e-9 for number in numbers)
        assert figure.value <= figure.best + 1e-9
        assert figure.chance <= figure.best + 1e-9
    assert figure.ci95 is None or figure.ci95[0] <= figure.ci95[1]
    assert figure.queries > 0
    assert not any(math.isnan(number) for number in numbers)


def all_sane(measured: Measured) -> None:
    for figures in (measured.figures, *measured.parts.values()):
        for name, figure in figures.items():
            sane(figure, name)


def close(one: Measured, other: Measured) -> None:
    """Equal but for the last digits of sums taken in another order; intervals are of other draws."""
    assert one.left_out == other.left_out
    for name, figure in one.figures.items():
        again = other.figures[name]
        assert (figure.value, figure.chance, figure.pool, figure.queries) == pytest.approx(
            (again.value, again.chance, again.pool, again.queries)
        )


@settings(max_examples=FEW)
@given(SEEDS, st.integers(3, 25), st.booleans())
def test_labels_stay_in_bounds_and_know_no_order(seed: int, n: int, coarse: bool) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random, n, 4, coarse=coarse)
    labels = [f"l{value}" for value in random.integers(0, 3, n)]
    subjects = [f"p{value}" for value in random.integers(0, max(2, n // 2), n)]
    try:
        found = by_label(vectors, labels, subjects=subjects, resamples=50)
    except EmptyPool:
        return
    all_sane(found)
    assert found.figures["P@1"].queries + sum(found.left_out.values()) == n
    order = random.permutation(n)
    moved = by_label(vectors[order], np.array(labels)[order], subjects=np.array(subjects)[order], resamples=50)
    close(found, moved)


@settings(max_examples=FEW)
@given(SEEDS, st.integers(2, 20), st.integers(2, 20), st.booleans())
def test_pairs_stay_in_bounds_and_know_no_order(seed: int, q: int, g: int, coarse: bool) -> None:
    random = np.random.default_rng(seed)
    queries, gallery = unit(random, q, 4, coarse=coarse), unit(random, g, 4, coarse=coarse)
    uids = [f"u{value}" for value in random.integers(0, 10, q)]
    others = [f"u{value}" for value in random.integers(0, 10, g)]
    patients = [f"p{uid}" for uid in uids]
    try:
        found = paired(
            queries, gallery, query_uids=uids, gallery_uids=others, patients=patients, ks=(1, 3), resamples=50
        )
    except EmptyPool:
        return
    all_sane(found)
    assert found.figures["Recall@1"].value <= found.figures["Recall@3"].value
    order = random.permutation(g)
    moved = paired(
        queries,
        gallery[order],
        query_uids=uids,
        gallery_uids=[others[i] for i in order],
        patients=patients,
        ks=(1, 3),
        resamples=50,
    )
    assert moved == found


@settings(max_examples=FEW)
@given(SEEDS, st.integers(1, 6), st.integers(2, 20), st.booleans())
def test_graded_answers_stay_in_bounds_and_know_no_order(seed: int, q: int, n: int, coarse: bool) -> None:
    random = np.random.default_rng(seed)
    queries, gallery = unit(random, q, 4, coarse=coarse), unit(random, n, 4, coarse=coarse)
    grades = random.integers(0, 4, (q, n)) * random.integers(0, 2, (q, n))
    patients = [f"p{value}" for value in random.integers(0, 6, n)]
    try:
        found = by_text(queries, gallery, grades, patients=patients, resamples=50)
    except EmptyPool:
        assert not grades.any()
        return
    all_sane(found)
    order = random.permutation(n)
    moved = by_text(queries, gallery[order], grades[:, order], patients=[patients[i] for i in order], resamples=50)
    close(found, moved)


@settings(max_examples=FEW)
@given(SEEDS, st.integers(2, 5), st.integers(2, 6))
def test_perfect_vectors_are_perfect(seed: int, classes: int, each: int) -> None:
    random = np.random.default_rng(seed)
    label = random.permutation(np.repeat(np.arange(classes), each))
    subjects = [f"p{i}" for i in range(len(label))]
    found = by_label(np.eye(classes)[label], label.tolist(), subjects=subjects, resamples=20).figures
    assert found["P@1"].value == found["mAP"].value == found["macro P@1"].value == 1.0
    assert all(figure.value == pytest.approx(figure.best) for figure in found.values())
    n = len(label)
    own = np.eye(n)
    order = random.permutation(n)
    pairs = paired(
        own, own[order], query_uids=range(n), gallery_uids=order.tolist(), patients=subjects, resamples=20
    ).figures
    assert all(figure.value == 1.0 for figure in pairs.values())
    assert pairs["MRR"].ci95 == (1.0, 1.0)
    graded = by_text(np.eye(classes), np.eye(classes)[label], np.eye(classes)[label].T, resamples=20).figures
    assert graded["nDCG@10"].value == pytest.approx(1.0)
    assert all(figure.value == pytest.approx(figure.best) for figure in graded.values())


def test_random_vectors_are_near_chance_and_their_interval_holds_it() -> None:
    random = np.random.default_rng(0)
    n = 1500
    vectors, others = unit(random, n, 32), unit(random, n, 32)
    labels = random.choice(["brain", "knee", "spine"], n, p=[0.7, 0.2, 0.1]).tolist()
    subjects = [f"p{i}" for i in range(n)]
    by = by_label(vectors, labels, subjects=subjects).figures
    assert by["P@1"].chance == pytest.approx(0.7**2 + 0.2**2 + 0.1**2, abs=0.03)
    pairs = paired(vectors, others, query_uids=subjects, gallery_uids=subjects, patients=subjects).figures
    keys = [f"{i % 100}" for i in range(n)]
    hard = paired(
        vectors, others, query_uids=subjects, gallery_uids=subjects, patients=subjects, hard=(keys, keys), ks=(1, 5)
    ).figures
    assert hard["Recall@1"].chance == pytest.approx(1 / 15)
    grades = random.integers(0, 3, (60, n)) * (random.random((60, n)) < 0.05)
    graded = by_text(unit(random, 60, 32), vectors, grades).figures
    for name, figure in {**by, **pairs, **hard, **graded}.items():
        assert figure.ci95 is not None
        slack = 0.04 if name != "median rank" else 60
        assert figure.ci95[0] - slack <= figure.chance <= figure.ci95[1] + slack, name
        assert figure.value == pytest.approx(figure.chance, abs=slack), name


def test_figures_go_into_json() -> None:
    random = np.random.default_rng(0)
    found = by_label(unit(random, 20, 4), list("xxxxyyyyzz") * 2, subjects=[f"p{i % 10}" for i in range(20)])
    value = found.to_json()
    assert set(value) == {"figures", "units", "resampled", "parts", "left_out"}
    assert set(value["figures"]["P@1"]) == {"value", "chance", "ci95", "pool", "queries", "best"}
    assert value["units"] == 10
    assert Figure(math.nan, 0.5, None, 3, 1).to_json()["value"] is None
