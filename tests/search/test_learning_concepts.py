"""What is learned from examples, over arrays: groups, chance, thresholds, and a head as bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.db.errors import Damaged
from spinecho.encoders.heads.head_metrics import auroc
from spinecho.search.concepts.head import Head
from spinecho.search.concepts.learning import Examples, Learned, TooFew, grouped, interval, learn


def examples(n: int, *, shift: float, seed: int = 0, copies: int = 1) -> Examples:
    """n studies a side of a patient each; copies: of each, under other patients."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(2 * n, 30)).astype(np.float32)
    features[:n, :3] += shift
    labels = np.arange(2 * n) < n
    features, labels = np.repeat(features, copies, axis=0), np.repeat(labels, copies)
    whole = 3.0 + features  # as vectors of one body region, which have much in common
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    return Examples(features, whole, labels, np.arange(len(labels)))


def learned(n: int, *, shift: float, seed: int = 0) -> Learned:
    return learn(examples(n, shift=shift, seed=seed))


def test_what_is_there_is_learned_and_held_out_figures_are_what_new_studies_give() -> None:
    found = learned(60, shift=1.0)
    new = examples(400, shift=1.0, seed=9)
    value = auroc(found.line.probabilities(new.features), new.labels)
    assert found.known.learnable
    assert found.known.interval[0] <= value <= found.known.interval[1]
    assert found.known.brier < found.known.brier_chance
    p = found.line.probabilities(new.features)
    yes, no = p >= found.line.yes, 1 - p >= found.line.no
    assert not np.any(yes & no)
    assert new.labels[yes].mean() > 0.8
    assert (~new.labels[no]).mean() > 0.8


def test_labels_that_mean_nothing_are_hardly_ever_learnable() -> None:
    assert sum(learned(12, shift=0.0, seed=seed).known.learnable for seed in range(20)) <= 2


def test_copies_under_other_patients_teach_nothing_about_themselves() -> None:
    """Noise that is there three times would be known by heart, were copies on both sides."""
    found = [learn(examples(12, shift=0.0, seed=seed, copies=3)).known for seed in range(6)]
    assert all(one.groups == 24 and one.joined == 72 for one in found)
    assert np.mean([one.auroc for one in found]) < 0.7


@given(seed=st.integers(0, 99), n=st.integers(6, 30))
@settings(max_examples=6)
def test_the_order_of_examples_and_the_scale_of_features_change_no_group(seed: int, n: int) -> None:
    some = examples(n, shift=1.0, seed=seed, copies=2)
    first, joined = grouped(some.features, some.patients // 2)
    order = np.random.default_rng(seed).permutation(len(first))
    second, again = grouped(3.0 * some.features[order], some.patients[order] // 2)
    assert joined == again
    assert np.array_equal(first[order][:, None] == first[order], second[:, None] == second)


def test_an_encoder_that_tells_nobody_apart_leaves_patients_as_groups() -> None:
    some = examples(20, shift=60.0)
    groups, joined = grouped(some.features, some.patients)
    assert joined == -1
    assert len(np.unique(groups)) == 40


def test_few_that_happen_to_be_in_order_are_not_certain() -> None:
    labels = np.arange(10) < 5
    low, high = interval(labels.astype(np.float64), labels, np.arange(10))
    assert low < 1.0 == high
    with pytest.raises(TooFew, match="takes 5"):
        learned(4, shift=1.0)


def test_a_head_is_the_same_read_again_and_what_is_none_is_refused() -> None:
    found = learned(10, shift=2.0)
    head, some = Head("scans", found.line), examples(5, shift=2.0, seed=4)
    data = head.to_bytes()
    again = Head.from_bytes(data, reads="scans")
    assert again.answers(some.features, some.whole) == head.answers(some.features, some.whole)
    answer = head.answers(some.features[:1], -some.whole[:1])[0]
    assert (answer.value, answer.abstained) == ("unknown", "unfamiliar")
    for wrong in (data[:-9], b"", b"x" * 40):
        with pytest.raises(Damaged, match="teach it again"):
            Head.from_bytes(wrong, reads="scans")


def test_figures_are_of_patients_that_the_encoder_did_not_learn_from() -> None:
    """Of patients whose reports an encoder has learned from its vectors tell the label, and of others nothing."""
    some = examples(60, shift=0.0)
    seen = np.arange(len(some.labels)) % 3 > 0
    features = some.features.copy()
    features[seen & some.labels, 0] += 4.0
    told = replace(some, features=features)
    assert learn(told).known.learnable, "asked about everybody it seems to be known"
    found = learn(replace(told, unseen=~seen)).known
    assert found.unseen
    assert np.array_equal(found.asked, ~seen)
    assert not found.learnable
    few = learn(replace(told, unseen=~seen & (np.arange(len(seen)) < 12))).known
    assert not few.unseen, "too few of a side are left to ask, which is said"
    assert few.asked.all()


def test_where_nobody_was_learned_from_figures_are_as_they_were() -> None:
    some = examples(12, shift=1.0)
    plain, told = learn(some).known, learn(replace(some, unseen=np.ones(24, bool))).known
    assert (plain.auroc, plain.interval, plain.by_chance) == (told.auroc, told.interval, told.by_chance)


@given(seed=st.integers(0, 999), few=st.integers(5, 9))
@settings(max_examples=10, deadline=None)
def test_however_few_are_asked_every_fold_is_calibrated(seed: int, few: int) -> None:
    some = examples(30, shift=1.0, seed=seed)
    unseen = np.isin(np.arange(60) % 30, np.random.default_rng(seed).permutation(30)[:few])
    found = learn(replace(some, unseen=unseen)).known
    assert found.unseen
    assert 0.0 <= found.auroc <= 1.0
    assert np.isfinite([found.brier, found.by_chance, *found.interval]).all()
