"""Five defects of published evaluation code, each kept out by a test, and the arithmetic by hand."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.protocol import Neighbours, ranked
from spinecho.encoders.measuring.metrics import (
    average_precision,
    first_ranks,
    random_average_precision,
    random_first_ranks,
    ranked_grades,
)
from spinecho.encoders.measuring.pairs import paired_scores
from spinecho.search.evaluation import (
    EmptyPool,
    by_label,
    by_text,
    by_text_scores,
    filtered_recall,
    paired,
    text_groups,
)


def circle(*degrees: float) -> NDArray[np.float64]:
    """Unit vectors in the plane: nearer angles are more alike."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


# 1. Pairs are joined by UID, never by the order of two lists.


def test_pairs_are_joined_by_uid_whatever_the_order() -> None:
    reports, scans = circle(0, 40, 80, 120), circle(1, 41, 81, 121)
    uids = ["a", "b", "c", "d"]
    shuffled = [2, 0, 3, 1]
    in_order = paired(reports, scans, query_uids=uids, gallery_uids=uids, patients=uids)
    mixed = paired(reports, scans[shuffled], query_uids=uids, gallery_uids=[uids[i] for i in shuffled], patients=uids)
    assert in_order == mixed
    assert in_order.figures["Recall@1"].value == 1.0


def test_a_list_that_lost_an_entry_shifts_nothing() -> None:
    reports, scans = circle(0, 40, 80, 120), circle(41, 81, 121)
    found = paired(
        reports, scans, query_uids=["a", "b", "c", "d"], gallery_uids=["b", "c", "d"], patients=["p", "q", "r", "s"]
    )
    assert found.figures["Recall@1"].value == 1.0
    assert found.figures["Recall@1"].queries == 3
    assert found.left_out == {"no partner in the pool": 1}


# 2. The query is never in its own gallery, nor its study, nor its patient.


def test_a_query_never_finds_itself() -> None:
    # Every scan's nearest other is of the other class: with itself in the gallery P@1 would be 1.
    found = by_label(circle(0, 5, 60, 65), ["x", "y", "x", "y"], subjects=["a", "b", "c", "d"])
    assert found.figures["P@1"].value == 0.0
    assert found.figures["P@1"].pool == 3


def test_neighbours_of_the_same_patient_are_no_evidence() -> None:
    vectors = circle(0, 1, 3, 30, 31, 33)
    labels = ["x", "x", "y", "y", "y", "x"]
    subjects = ["a", "a", "b", "c", "c", "d"]
    studies = ["a1", "a2", "b1", "c1", "c2", "d1"]
    lenient = by_label(vectors, labels, subjects=subjects, studies=studies, exclude="study")
    strict = by_label(vectors, labels, subjects=subjects, studies=studies)
    # 0 and 1, 3 and 4 are two studies of one patient each: neighbours by study, not by patient
    assert lenient.figures["P@1"].value == pytest.approx(4 / 6)
    assert strict.figures["P@1"].value == 0.0
    assert lenient.figures["P@1"].pool == 5
    assert strict.figures["P@1"].pool == pytest.approx((4 + 4 + 5 + 4 + 4 + 5) / 6)


def test_series_of_the_same_study_are_no_evidence_in_either_mode() -> None:
    vectors, labels = circle(0, 1, 40, 41), ["x", "x", "y", "x"]
    subjects, studies = ["a", "a", "b", "c"], ["s", "s", "t", "u"]
    found = by_label(vectors, labels, subjects=subjects, studies=studies, exclude="study")
    assert found.figures["P@1"].value == 0.0
    assert found.left_out == {"no partner": 1}


def test_scans_without_a_patient_are_not_all_of_one() -> None:
    found = by_label(circle(0, 1, 40, 41), ["x", "x", "y", "y"], subjects=["", "", "", ""], studies=list("stuv"))
    assert found.figures["P@1"].value == 1.0
    assert found.units == 4


# 3. Equal reports form a group, and any member of it counts.


def test_any_member_of_a_group_of_equal_reports_counts() -> None:
    texts = ["Normal brain.", "normal  BRAIN.\n", "Acute infarct."]
    reports, scans = circle(0, 0, 50), circle(10, 5, 50)
    uids = ["a", "b", "c"]
    alone = paired(reports, scans, query_uids=uids, gallery_uids=uids, patients=uids)
    groups = text_groups(texts, uids)
    grouped = paired(
        reports,
        scans,
        query_uids=uids,
        gallery_uids=uids,
        patients=uids,
        query_groups=groups,
        gallery_groups=groups,
    )
    assert alone.figures["Recall@1"].value == pytest.approx(2 / 3)
    assert grouped.figures["Recall@1"].value == 1.0
    assert alone.figures["Recall@1"].chance == pytest.approx(1 / 3)
    assert grouped.figures["Recall@1"].chance == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)  # a group is easier to hit


def test_texts_of_one_study_belong_together_and_bring_their_equals() -> None:
    groups = text_groups(["A", "B", "b ", "C"], ["s", "s", "t", "u"])
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert text_groups(["A", "B", "b "]).tolist() == [0, 1, 1]


def test_studies_without_a_report_are_no_group() -> None:
    found = paired(
        circle(0, 50),
        circle(2, 0, 50),
        query_uids=["a", "b"],
        gallery_uids=["a", "x", "y"],
        patients=["p", "q"],
        query_groups=[None, ""],
        gallery_groups=[None, None, ""],
    )
    assert found.figures["Recall@1"].value == 0.0
    assert found.left_out == {"no partner in the pool": 1}


# 4. State is reset between values of k; AP is not Jaccard.


def test_a_k_is_the_same_alone_and_among_others() -> None:
    random = np.random.default_rng(0)
    queries, gallery = (unit(random.normal(size=(30, 8))) for _ in range(2))
    uids = [str(i) for i in range(30)]
    labels = [str(i % 4) for i in range(30)]
    together = paired(queries, gallery, query_uids=uids, gallery_uids=uids, patients=uids, ks=(50, 1, 10, 5))
    precision = by_label(queries, labels, subjects=uids, ks=(10, 1, 5))
    for k in (1, 5, 10, 50):
        alone = paired(queries, gallery, query_uids=uids, gallery_uids=uids, patients=uids, ks=(k,))
        assert alone.figures[f"Recall@{k}"] == together.figures[f"Recall@{k}"]
    for k in (1, 5, 10):
        assert by_label(queries, labels, subjects=uids, ks=(k,)).figures[f"P@{k}"] == precision.figures[f"P@{k}"]


def test_average_precision_is_no_overlap_of_sets() -> None:
    # Right at ranks 1 and 4 of four, and a third that is not found: (1/1 + 2/4) / 3. Jaccard of the sets is 2/5.
    hits = np.array([[True, False, False, True]])
    assert average_precision(hits, np.array([3]))[0] == pytest.approx(0.5)
    # The same set in another order is another AP.
    assert average_precision(hits[:, ::-1], np.array([3]))[0] == pytest.approx((1 / 1 + 2 / 4) / 3)
    assert average_precision(np.array([[False, False, True, True]]), np.array([3]))[0] == pytest.approx(
        (1 / 3 + 2 / 4) / 3
    )


def test_precision_and_map_by_hand() -> None:
    # From 0 degrees, the others by angle: y x y x. P@1 0, P@5 2/5, AP (1/2 + 2/4) / 2.
    vectors = circle(0, 10, 20, 30, 40)
    found = by_label(vectors, ["x", "y", "x", "y", "x"], subjects=list("abcde"), queries=[0])
    assert found.figures["P@1"].value == 0.0
    assert found.figures["P@5"].value == pytest.approx(2 / 5)
    assert found.figures["P@10"].value == pytest.approx(2 / 10)
    assert found.figures["P@10"].best == pytest.approx(2 / 10)
    assert found.figures["mAP"].value == pytest.approx(0.5)
    assert found.figures["P@1"].chance == pytest.approx(0.5)
    assert found.figures["P@1"].ci95 is None  # one patient: nothing to draw from


# 5. Patients, not images, are resampled.


def test_more_images_of_the_same_patients_give_no_narrower_interval() -> None:
    random = np.random.default_rng(3)
    right = random.random(40) < 0.5
    wide = _interval(right, copies=1)
    copied = _interval(right, copies=25)
    assert copied[1] - copied[0] == pytest.approx(wide[1] - wide[0], rel=0.05)
    # with images drawn instead, 25 copies would make it five times narrower
    images = _interval(np.repeat(right, 25), copies=1)
    assert images[1] - images[0] < 0.4 * (wide[1] - wide[0])


def _interval(right: NDArray[np.bool_], *, copies: int) -> tuple[float, float]:
    n = len(right)
    rows = [i for i in range(n) for _ in range(copies)]
    scores = np.array([[1.0, 0.0] if right[i] else [0.0, 1.0] for i in rows])
    found = paired_scores(
        scores, query_uids=["hit"] * len(rows), gallery_uids=["hit", "miss"], patients=[f"p{i}" for i in rows]
    )
    assert found.units == n
    interval = found.figures["Recall@1"].ci95
    assert interval is not None
    assert interval[0] <= found.figures["Recall@1"].value <= interval[1]
    return interval


# What else is easily got wrong.


def test_ranks_by_hand() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]])
    found = paired_scores(
        scores, query_uids=["a", "b", "d"], gallery_uids=["a", "b", "c", "d"], patients=["p", "q", "r"], ks=(1, 2, 3)
    )
    assert found.figures["Recall@1"].value == pytest.approx(1 / 3)
    assert found.figures["Recall@2"].value == pytest.approx(2 / 3)
    assert found.figures["MRR"].value == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert found.figures["median rank"].value == 2
    assert found.figures["MRR"].chance == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert found.figures["median rank"].chance == 2


def test_an_encoder_that_says_the_same_of_everything_finds_nothing() -> None:
    same = np.tile(circle(0), (20, 1))
    uids = [str(i) for i in range(20)]
    found = paired(same, same, query_uids=uids, gallery_uids=uids, patients=uids)
    assert found.figures["Recall@10"].value == 0.0
    assert found.figures["median rank"].value == 20
    assert by_label(same, ["x", "y"] * 10, subjects=uids).figures["P@5"].value == 0.0


def test_volumes_of_one_study_are_one_candidate() -> None:
    found = paired(
        circle(0),
        circle(20, 21, 22, 5),
        query_uids=["b"],
        gallery_uids=["a", "a", "a", "b"],
        patients=["p"],
    )
    assert found.figures["Recall@1"].pool == 2
    second = paired(circle(20), circle(20, 21, 22, 25), query_uids=["b"], gallery_uids=list("aaab"), patients=["p"])
    assert second.figures["median rank"].value == 2  # behind one study, not behind three volumes


def test_hard_pools_hold_the_same_key_alone() -> None:
    reports, scans = circle(0, 50), circle(0, 50, 1, 49)
    keys = (["brain", "knee"], ["brain", "knee", "knee", "brain"])
    found = paired(reports, scans, query_uids=["a", "b"], gallery_uids=list("abcd"), patients=["p", "q"], hard=keys)
    assert found.figures["Recall@1"].pool == 2
    with pytest.raises(EmptyPool, match="no partner"):
        paired(reports, scans, query_uids=["c", "d"], gallery_uids=list("abcd"), patients=["p", "q"], hard=keys)


def test_ndcg_by_hand() -> None:
    grades = np.array([[0, 2, 1, 0]])
    scores = np.array([[0.9, 0.8, 0.1, 0.7]])  # found grades: 0 2 0 1
    found = by_text_scores(scores, grades, measures=("nDCG@10", "P@5", "R@10", "R@2"))
    dcg, ideal = 2 / math.log2(3) + 1 / math.log2(5), 2 + 1 / math.log2(3)
    assert found.figures["nDCG@10"].value == pytest.approx(dcg / ideal)
    assert found.figures["P@5"].value == pytest.approx(2 / 5)
    assert found.figures["R@10"].value == 1.0
    assert found.figures["R@2"].value == 0.5
    assert found.figures["R@2"].chance == 0.5
    every = [by_text_scores(np.array([order]), grades).figures["nDCG@10"].value for order in _orders(4)]
    assert found.figures["nDCG@10"].chance == pytest.approx(np.mean(every))


def test_what_was_not_retrieved_is_not_found() -> None:
    scores = np.array([[0.9, -np.inf, -np.inf]])
    found = by_text_scores(scores, np.array([[0, 1, 1]]))
    assert found.figures["R@10"].value == found.figures["nDCG@10"].value == 0.0


def test_negations_and_synonyms() -> None:
    gallery = circle(0, 10, 80, 90)
    grades = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0]])
    found = by_text(
        circle(0, 5, 1),
        gallery,
        grades,
        measures=("nDCG@2", "P@2"),
        sets=["plain", "negation", "plain"],
        negates={1: 0},
        topics=["infarct", "", "infarct"],
        patients=list("pqrs"),
    )
    assert found.figures["wrong side@2"].value == 1.0  # "no infarct" brought the two infarcts
    assert found.figures["wrong side@2"].chance == 0.5
    assert found.figures["agreement@2"].value == 1.0
    assert found.parts["plain"]["P@2"].value == 1.0
    assert found.parts["negation"]["P@2"].value == 0.0
    assert found.resampled == "patients"
    assert by_text(circle(0), gallery, lambda _: grades[0]).resampled == "queries"


def test_a_random_order_by_enumeration() -> None:
    orders = np.array(list(_orders(5)))
    hits = orders < 2
    right, pool = np.full(len(orders), 2), np.full(len(orders), 5)
    assert random_average_precision(pool, right)[0] == pytest.approx(average_precision(hits, right).mean())
    first = hits.argmax(axis=1) + 1
    within, reciprocal, median = random_first_ranks(pool, right, (1, 2, 4, 9))
    assert within == pytest.approx([(first <= k).mean() for k in (1, 2, 4, 9)])
    assert reciprocal == pytest.approx((1 / first).mean())
    assert median == 2


def test_filtered_recall_sees_what_an_index_loses() -> None:
    random = np.random.default_rng(1)
    vectors = unit(random.normal(size=(3000, 16))).astype(np.float32)
    ids = np.arange(1, 3001)
    index = ExactIndex(16)
    index.add(ids, vectors)
    whole = filtered_recall(lambda v, k, among: index.nearest(v, k, among=among), ids, vectors, vectors[:40])
    assert [figure.value for figure in whole.figures.values()] == [1.0, 1.0, 1.0]
    assert list(whole.figures) == ["recall@10 of 50.0%", "recall@10 of 10.0%", "recall@10 of 1.0%"]
    assert whole.left_out == {"filters that leave too little": 1}
    # an index that fetches the nearest 100 of all and drops what the filter forbids
    after = filtered_recall(
        lambda v, k, among: _post_filtered(index.nearest(v, 100), among, k), ids, vectors, vectors[:40]
    )
    assert after.figures["recall@10 of 50.0%"].value == 1.0
    assert after.figures["recall@10 of 1.0%"].value < 0.3


def _post_filtered(neighbours: Neighbours, among: NDArray[np.int64], k: int) -> Neighbours:
    return ranked(neighbours.ids, np.where(np.isin(neighbours.ids, among), neighbours.similarities, -np.inf), k)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((3, 2)), np.full((3, 2), np.nan), np.ones((3, 2)), np.ones(3)],
    ids=["zero", "nan", "length", "shape"],
)
def test_what_is_no_set_of_unit_rows_is_refused(wrong: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="vectors"):
        by_label(wrong, ["x", "x", "y"], subjects=["a", "b", "c"])


def test_misuse_is_named() -> None:
    with pytest.raises(ValueError, match="needs the study"):
        by_label(circle(0, 1), ["x", "x"], subjects=["a", "b"], exclude="study")
    with pytest.raises(ValueError, match="'labels': 3"):
        by_label(circle(0, 1), ["x", "x", "y"], subjects=["a", "b"])
    with pytest.raises(EmptyPool, match="no partner: 2"):
        by_label(circle(0, 1), ["x", "y"], subjects=["a", "b"])
    with pytest.raises(EmptyPool, match="answer"):
        by_text(circle(0), circle(1), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="several groups"):
        paired(
            circle(0),
            circle(1, 2),
            query_uids=["a"],
            gallery_uids=["a", "a"],
            patients=["p"],
            query_groups=[1],
            gallery_groups=[1, 2],
        )


def _orders(n: int) -> list[tuple[int, ...]]:
    return list(permutations(range(n)))


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def test_nothing_is_an_empty_pool() -> None:
    some, none = circle(0, 50), circle()
    with pytest.raises(EmptyPool):
        paired(none, some, query_uids=[], gallery_uids=["a", "b"], patients=[])
    with pytest.raises(EmptyPool):
        paired(some, none, query_uids=["a", "b"], gallery_uids=[], patients=["p", "q"])
    with pytest.raises(EmptyPool):
        by_label(none, [], subjects=[])
    with pytest.raises(EmptyPool):
        by_text(none, some, np.zeros((0, 2)))
    index = ExactIndex(2)
    for rows in (none, some):
        with pytest.raises(EmptyPool):
            filtered_recall(
                lambda v, k, among: index.nearest(v, k, among=among),
                np.arange(1, len(rows) + 1),
                rows.astype(np.float32),
                rows.astype(np.float32),
            )


def test_figures_agree_with_trec_eval() -> None:
    # ir-measures 0.4.3 over trec_eval gave these for the same lists (no two similarities of one list are equal).
    scores = np.array([[((i * 7919 + j * 104729) % 10007) / 10007 for j in range(200)] for i in range(25)])
    grades = np.array(
        [[2 if j == 7 * i else max(0, (i * 31 + j * j * 17) % 47 - 43) for j in range(200)] for i in range(25)]
    )
    found = by_text_scores(scores, grades).figures
    assert found["nDCG@10"].value == pytest.approx(0.066151228)
    assert found["P@5"].value == pytest.approx(0.088)
    assert found["R@10"].value == pytest.approx(0.0597058876)
    every = np.ones(scores.shape, dtype=np.bool_)
    ordered = ranked_grades(scores, grades, every) > 0
    assert average_precision(ordered, (grades > 0).sum(axis=1)).mean() == pytest.approx(0.0950388827)
    ranks = first_ranks(scores, grades > 0, every)
    assert (1 / ranks).mean() == pytest.approx(0.162640118)
    assert (ranks <= 5).mean() == pytest.approx(0.44)
