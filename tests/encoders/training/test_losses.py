from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.training.objectives.losses import false_negatives, info_nce, pairing, sigmoid_loss
from spinecho.encoders.training.objectives.pair_matching import (
    HardNegatives,
    MatchingHead,
    hard_negatives,
    matching_loss,
)


def batch(n: int = 6, m: int = 4, d: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(n, d, generator=generator, dtype=torch.float64)
    text = torch.randn(m, d, generator=generator, dtype=torch.float64)
    return image, text, functional.one_hot(torch.arange(n) % m, m).bool()


def test_info_nce_of_single_pairs_is_clips_cross_entropy():
    image, text, _ = batch(4, 4)
    logits = 7.0 * functional.normalize(image, dim=1) @ functional.normalize(text, dim=1).T
    own = torch.arange(4)
    by_hand = (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2
    assert info_nce(image, text, torch.eye(4, dtype=torch.bool), scale=7.0).item() == pytest.approx(by_hand.item())


def test_info_nce_averages_the_positives_of_a_text():
    image = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    text = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    positives = torch.tensor([[True, False], [True, False], [False, True]])
    e = math.e
    to_text = (math.log(1 + 1 / e) + math.log(1 + e) + math.log(1 + 1 / e)) / 3  # cosines 1,0 | 0,1 | -1,0
    sum_first, sum_second = e + 1 + 1 / e, 1 + e + 1
    first = (math.log(sum_first / e) + math.log(sum_first)) / 2
    to_image = (first + math.log(sum_second)) / 2
    assert info_nce(image, text, positives, scale=1.0).item() == pytest.approx((to_text + to_image) / 2)


def test_sigmoid_loss_by_hand():
    image, text = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    loss = sigmoid_loss(image, text, torch.eye(2, dtype=torch.bool), scale=10.0, bias=-5.0)
    assert loss.item() == pytest.approx(2 * math.log(1 + math.exp(-5)) / 2 + 2 * math.log(1 + math.exp(-5)) / 2)


@pytest.mark.parametrize("loss", [info_nce, lambda *pair, **more: sigmoid_loss(*pair, bias=-1.0, **more)])
class TestBoth:
    @settings(max_examples=20)
    @given(seed=st.integers(0, 1000))
    def test_the_order_of_a_batch_changes_nothing(self, loss, seed):
        image, text, positives = batch(seed=seed)
        generator = torch.Generator().manual_seed(seed)
        rows, columns = torch.randperm(6, generator=generator), torch.randperm(4, generator=generator)
        shuffled = loss(image[rows], text[columns], positives[rows][:, columns], scale=4.0)
        assert shuffled.item() == pytest.approx(loss(image, text, positives, scale=4.0).item())

    def test_gradients(self, loss):
        image, text, positives = batch()
        scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
        inputs = (image.requires_grad_(), text.requires_grad_(), scale)
        assert torch.autograd.gradcheck(lambda i, t, s: loss(i, t, positives, scale=s), inputs)

    def test_a_step_down_brings_pairs_together(self, loss):
        image, text, positives = batch()
        before = loss(image.requires_grad_(), text, positives, scale=4.0)
        before.backward()
        assert loss(image - 0.1 * image.grad, text, positives, scale=4.0) < before

    def test_ignored_pairs_have_no_influence(self, loss):
        image, text, positives = batch()
        ignored = ~positives  # of the last text, every other image
        ignored[:, :-1] = False
        moved = text.clone().requires_grad_()
        loss(image, moved, positives & ~ignored, scale=4.0, ignored=ignored).backward()
        alone = positives[:, -1]
        image_grad = image.clone().requires_grad_()
        loss(image_grad, text, positives, scale=4.0, ignored=ignored).backward()
        other = text.clone()
        other[-1] = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
        again = image.clone().requires_grad_()
        loss(again, other, positives, scale=4.0, ignored=ignored).backward()
        # Images that do not belong to the last text feel nothing of where it went.
        torch.testing.assert_close(image_grad.grad[~alone], again.grad[~alone])
        assert not torch.allclose(image_grad.grad[alone], again.grad[alone])

    def test_everything_ignored_is_no_loss_but_a_gradient(self, loss):
        image, text, positives = batch()
        none = torch.zeros_like(positives)
        value = loss(image.requires_grad_(), text, none, scale=4.0, ignored=~none)
        value.backward()
        assert value.item() == 0.0
        assert torch.equal(image.grad, torch.zeros_like(image))

    def test_a_pair_of_weight_0_pulls_nothing(self, loss):
        image, text, positives = batch(4, 4)
        weights = torch.ones(4, 4)
        light = weights.clone()
        light[0, 0] = 0.0
        one = image.clone().requires_grad_()
        loss(one, text, positives, scale=4.0, weights=light).backward()
        full = image.clone().requires_grad_()
        loss(full, text, positives, scale=4.0, weights=weights).backward()
        pull = functional.normalize(text[0], dim=0)
        assert (-one.grad[0] @ pull) < (-full.grad[0] @ pull)

    def test_bfloat16_is_widened(self, loss):
        image, text, positives = batch()
        assert loss(image.bfloat16(), text.bfloat16(), positives, scale=100.0).dtype == torch.float32

    def test_shapes_that_do_not_fit_are_named(self, loss):
        image, text, positives = batch()
        with pytest.raises(ValueError, match=r"positives must be \(6, 4\)"):
            loss(image, text, positives.T, scale=1.0)
        with pytest.raises(ValueError, match=r"\(6, 5\) and texts \(4, 3\)"):
            loss(image, text[:, :3], positives, scale=1.0)
        with pytest.raises(ValueError, match="ignored"):
            loss(image, text, positives, scale=1.0, ignored=torch.zeros(6, dtype=torch.bool))


class TestFalseNegatives:
    def test_equal_words_are_the_same_text(self):
        texts = [
            "No acute  infarct.",
            "no acute infarct",
            "No acute infarct!",
            "Acute infarct.",
            "Lesion of 1.2 cm",
            "lesion of 12 cm",
        ]
        same, near = false_negatives(texts)
        assert same[:3, :3].all()
        assert same.sum() == 9 + 3
        assert not near.any()

    def test_near_texts_are_ignored_but_not_where_a_side_or_a_denial_differs(self):
        texts = [
            "Small infarct in the left thalamus.",
            "A small infarct of the left thalamus.",
            "A small infarct of the right thalamus.",
            "No infarct of the left thalamus.",
            "Normal knee.",
        ]
        close = torch.ones(5, 3)
        close[4] = torch.tensor([1.0, -1.0, 0.0])
        same, near = false_negatives(texts, close, threshold=0.9)
        assert torch.equal(same, torch.eye(5, dtype=torch.bool))
        assert near.nonzero().tolist() == [[0, 1], [1, 0]]

    def test_group_ids(self):
        same, near = false_negatives([7, ("a", 1), 7], torch.eye(3))
        assert same.nonzero().tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2]]
        assert not near.any()

    def test_no_texts_and_empty_texts(self):
        assert false_negatives([]).same.shape == (0, 0)
        assert false_negatives(["", "..."]).same.all()

    def test_vectors_of_another_number(self):
        with pytest.raises(ValueError, match="2 texts"):
            false_negatives(["a", "b"], torch.zeros(3, 4))

    def test_pairing_gives_each_series_of_a_study_its_report(self):
        duplicates = false_negatives(["a", "b", "A."])
        positives, ignored = pairing(torch.tensor([0, 0, 1, 2]), duplicates)
        assert positives.int().tolist() == [[1, 0, 1], [1, 0, 1], [0, 1, 0], [1, 0, 1]]
        assert not ignored.any()


class TestMatching:
    def test_negatives_are_never_positive_or_ignored_and_mostly_the_likest(self):
        *_, positives = batch(60, 6)
        similarity = torch.zeros(60, 6)
        similarity[:, 5] = 6.0
        ignored = torch.zeros_like(positives)
        ignored[:, 0] = True
        drawn = hard_negatives(similarity, positives, ignored=ignored, generator=torch.Generator().manual_seed(1))
        rows = torch.arange(60)
        assert not positives[rows, drawn.texts].any()
        assert not (drawn.texts == 0).any()
        assert ((drawn.texts == 5) | positives[:, 5]).float().mean() > 0.9
        assert drawn.images[0] == -1  # every image of text 0 is positive or ignored
        assert not positives[drawn.images[1:], torch.arange(1, 6)].any()

    def test_a_batch_of_one_study_has_no_negatives(self):
        drawn = hard_negatives(torch.zeros(3, 1), torch.ones(3, 1, dtype=torch.bool))
        assert drawn.texts.tolist() == [-1, -1, -1]
        head = MatchingHead(text=4, tokens=6, width=8, heads=2)
        loss = matching_loss(
            head, torch.randn(1, 4), torch.randn(3, 5, 6), owner=torch.zeros(3, dtype=torch.long), negatives=drawn
        )
        assert torch.isfinite(loss)

    def test_padding_has_no_influence(self):
        torch.manual_seed(0)
        head = MatchingHead(text=4, tokens=6, width=8, heads=2)
        text, tokens = torch.randn(2, 4), torch.randn(2, 3, 6)
        padded = torch.cat([tokens, 9 * torch.ones(2, 2, 6)], dim=1)
        seen = torch.tensor([[True] * 3 + [False] * 2] * 2)
        torch.testing.assert_close(head(text, padded, seen), head(text, tokens))

    def test_the_head_learns_which_text_belongs(self):
        torch.manual_seed(0)
        head = MatchingHead(text=8, tokens=8, width=32, heads=2)
        text = torch.randn(6, 8)
        tokens = torch.randn(6, 4, 8)
        tokens[:, 2] = text  # the evidence lies in one patch
        owner, optimizer = torch.arange(6), torch.optim.Adam(head.parameters(), lr=3e-3)
        for _ in range(150):
            negatives = hard_negatives(torch.zeros(6, 6), torch.eye(6, dtype=torch.bool))
            loss = matching_loss(head, text, tokens, owner=owner, negatives=negatives)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        right = head(text, tokens)
        wrong = head(text.roll(1, 0), tokens)
        assert right.min() > 0 > wrong.max()

    def test_negatives_of_both_ways_are_used(self):
        head = MatchingHead(text=4, tokens=6, width=8, heads=2)
        text, tokens = torch.randn(2, 4), torch.randn(2, 3, 6)
        owner = torch.arange(2)
        none = HardNegatives(torch.tensor([-1, -1]), torch.tensor([-1, -1]))
        some = HardNegatives(torch.tensor([1, -1]), torch.tensor([-1, -1]))
        first = matching_loss(head, text, tokens, owner=owner, negatives=none)
        second = matching_loss(head, text, tokens, owner=owner, negatives=some)
        extra = functional.softplus(head(text[[1]], tokens[[0]])).mean()
        torch.testing.assert_close(second, (first + extra) / 2)
