"""Stage 1 on a few small volumes: views in millimetres, losses, the teacher, and that both objectives learn."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from spinecho.encoders.networks.vit.encoder import VisionTransformer, VitConfig
from spinecho.encoders.training.data.augment import Recipe
from spinecho.encoders.training.data.crops import Crops, box, hidden
from spinecho.encoders.training.data.examples import Example, Facts
from spinecho.encoders.training.objectives.masked import MaskedAutoencoding, MaskedConfig
from spinecho.encoders.training.objectives.selfsup import SelfSupervision, SelfSupervisionConfig
from spinecho.encoders.training.objectives.selfsup_losses import Head, evenness, koleo, sinkhorn, spread

MINI = VitConfig(width=48, depth=2, heads=4, patch=(2, 8, 8), registers=1, projection=8)
CROPS = Crops(MINI.patch, whole_tokens=32, local=2, local_tokens=8, recipe=Recipe(strength=0.5))
CONFIG = SelfSupervisionConfig(
    crops=CROPS, prototypes=64, hidden=64, bottleneck=32, momentum=0.95, temperature=(0.02, 0.02)
)
MASKED = MaskedConfig(MINI.patch, tokens=32, width=48, depth=2, heads=4)


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def example(seed: int, shape: tuple[int, int, int] = (32, 28, 9)) -> Example:
    """Blobs where other subjects have none."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    blobs = [
        np.exp(-12 * ((grid - rng.uniform(-0.6, 0.6, (3, 1, 1, 1))) ** 2).sum(axis=0)) * rng.uniform(0.4, 1)
        for _ in range(5)
    ]
    grey = (np.clip(np.sum(blobs, axis=0), 0, 1) * 255).astype(np.uint8)
    return Example(grey, (2.0, 2.0, 6.0), Facts(f"{seed}", "", "", "made"))


def views(objective: SelfSupervision | MaskedAutoencoding, count: int = 6, *, seed: int = 0) -> list[Any]:
    return [objective.views(example(number), np.random.default_rng([seed, number])) for number in range(count)]


def supervision(**values: Any) -> SelfSupervision:
    torch.manual_seed(0)
    return SelfSupervision(VisionTransformer(MINI), dataclasses.replace(CONFIG, **values))


def autoencoding() -> MaskedAutoencoding:
    torch.manual_seed(0)
    return MaskedAutoencoding(VisionTransformer(MINI), MASKED)


OBJECTIVES: dict[str, Callable[[], SelfSupervision | MaskedAutoencoding]] = {
    "dino": supervision,
    "masked": autoencoding,
}


def test_local_views_show_less_of_the_volume_in_millimetres() -> None:
    whole, local = [], []
    for seed in range(20):
        seen = CROPS(example(0), np.random.default_rng(seed))
        assert (len(seen.whole), len(seen.local), len(seen.masks)) == (2, 2, 2)
        whole += [float(np.prod(view.geometry[0] * view.geometry[2])) for view in seen.whole]
        local += [float(np.prod(view.geometry[0] * view.geometry[2])) for view in seen.local]
        assert all(view.pixels.size <= 32 * 128 for view in seen.whole)
        assert all(view.pixels.size <= 8 * 128 for view in seen.local)
        assert all(int(view.geometry[3, 0]) == 2 for view in (*seen.whole, *seen.local)), "the acquired axis stays"
    volume_mm3 = 32 * 28 * 9 * 24
    assert np.median(local) < 0.4 * volume_mm3 < np.median(whole)
    assert max(whole) < 1.6 * volume_mm3


@pytest.mark.parametrize("name", OBJECTIVES)
def test_views_come_from_their_generator_alone_and_need_no_network(name: str) -> None:
    objective = OBJECTIVES[name]()
    made = pickle.loads(pickle.dumps(objective.views))  # noqa: S301  (as a loading process gets it)
    first, again, other = (made(example(0), np.random.default_rng(seed)) for seed in (1, 1, 2))
    for one, same in zip(first.whole + first.local, again.whole + again.local, strict=True):
        np.testing.assert_array_equal(one.pixels, same.pixels)
        np.testing.assert_array_equal(one.geometry, same.geometry)
    np.testing.assert_array_equal(first.masks[0], again.masks[0])
    assert any(
        one.pixels.shape != differs.pixels.shape or (one.pixels != differs.pixels).any()
        for one, differs in zip(first.whole, other.whole, strict=True)
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (64, 64, 1), (2, 90, 3), (1, 5, 200)])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_volumes_of_odd_shapes_and_nothing_in_them(name: str, shape: tuple[int, int, int]) -> None:
    objective = OBJECTIVES[name]()
    empty = dataclasses.replace(example(0), grey=np.zeros(shape, np.uint8))
    seen = [objective.views(item, np.random.default_rng(0)) for item in (empty, example(1, shape), empty)]
    found = objective.loss(seen)
    found["loss"].backward()
    assert all(torch.isfinite(value) for value in found.values())
    assert all(torch.isfinite(p.grad).all() for p in objective.parameters() if p.grad is not None)


def test_hidden_patches_and_boxes_are_as_many_as_asked() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        grid = tuple(int(n) for n in rng.integers(1, 7, 3))
        share = float(rng.random())
        mask = hidden((grid[0], grid[1], grid[2]), share, rng)
        assert mask.sum() == min(round(share * mask.size), mask.size - 1)
        part = box(grid, share, rng)
        assert all(0 <= one.start < one.stop <= n for one, n in zip(part, grid, strict=True))
    crowded = hidden((6, 6, 6), 0.3, np.random.default_rng(0)).reshape(6, 6, 6)
    neighbours = (crowded[1:] & crowded[:-1]).sum() / crowded.sum()
    assert neighbours > 0.4, "single patches would have 0.3 of neighbours hidden"


def test_sinkhorn_uses_every_prototype_alike() -> None:
    scores = torch.randn(64, 16) + torch.linspace(0, 3, 16)  # one prototype is liked by all
    targets = sinkhorn(scores * 0.05, 0.05, rounds=20)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(64))
    torch.testing.assert_close(targets.sum(dim=0), torch.full((16,), 4.0), atol=0.05, rtol=0.01)
    assert sinkhorn(torch.empty(0, 16), 0.05).shape == (0, 16)
    assert torch.isfinite(sinkhorn(torch.full((3, 4), 1e4), 0.04)).all()


def test_koleo_and_the_collapse_statistics() -> None:
    same, apart = torch.ones(8, 5), torch.eye(8)
    assert koleo(same) > koleo(torch.randn(8, 5)) > koleo(apart)
    assert koleo(torch.ones(1, 5)) == 0
    assert spread(same) == pytest.approx(0, abs=1e-5)
    assert spread(apart) == pytest.approx(1, abs=1e-5)
    assert evenness(10 * torch.eye(4)) == pytest.approx(1, abs=1e-4)
    assert evenness(10 * torch.eye(4)[:1].expand(4, 4)) == pytest.approx(0, abs=1e-4)
    assert Head(6, hidden=8, bottleneck=4, prototypes=9)(torch.randn(3, 6)).abs().max() <= 1 + 1e-5


def test_the_teacher_follows_and_learns_nothing_itself() -> None:
    objective = supervision()
    optimizer = torch.optim.SGD(objective.trainable_parameters(), lr=0.5)
    objective.loss(views(objective))["loss"].backward()
    without = [name for name, p in objective.named_parameters() if p.requires_grad and p.grad is None]
    assert not without, "a wrapper for many processes waits for every gradient"
    assert all(p.grad is None for p in objective.teacher.parameters())
    before = [p.clone() for p in objective.teacher.parameters()]
    optimizer.step()
    objective.after_step(0.0)
    for own, old, learnt in zip(objective.teacher.parameters(), before, objective.student.parameters(), strict=True):
        torch.testing.assert_close(own, torch.lerp(old, learnt.detach(), 0.05))
    moved = [p.clone() for p in objective.teacher.parameters()]
    objective.after_step(1.0)
    for own, old in zip(objective.teacher.parameters(), moved, strict=True):
        torch.testing.assert_close(own, old, atol=0, rtol=0)
    assert not objective.teacher.training
    assert not objective.train().teacher.training


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_state_put_back_gives_the_same_loss(name: str) -> None:
    objective = OBJECTIVES[name]()
    objective.after_step(0.3)
    torch.manual_seed(9)
    other = type(objective)(VisionTransformer(MINI), objective.config)  # type: ignore[arg-type]
    seen = views(objective)
    assert other.loss(seen)["loss"] != objective.loss(seen)["loss"]
    state = objective.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    other.load_state_dict(state)
    torch.testing.assert_close(other.loss(seen)["loss"], objective.loss(seen)["loss"], atol=0, rtol=0)
    torch.testing.assert_close(other(other.collate(seen))["loss"], objective.loss(seen)["loss"], atol=0, rtol=0)


def test_what_is_hidden_is_not_seen() -> None:
    """Masked autoencoding: the network's answer does not depend on what hidden patches hold; the error does."""
    objective = autoencoding().eval()
    batch = objective.collate(views(objective))
    changed = batch.whole.patches.clone()
    changed[batch.hidden] = 255 - changed[batch.hidden].clamp(1, 254)
    other = batch._replace(whole=batch.whole._replace(patches=changed))
    first, second = objective.loss(batch), objective.loss(other)
    assert first["spread"] == second["spread"]
    assert first["loss"] != second["loss"]
    assert int(batch.kept.sum()) == int(batch.seen.filled.sum())
    assert not (batch.kept & batch.hidden).any()


def test_configs_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="do not go with"):
        SelfSupervision(VisionTransformer(MINI))
    with pytest.raises(ValueError, match="do not go with"):
        MaskedAutoencoding(VisionTransformer(MINI), MaskedConfig())
    with pytest.raises(ValueError, match="at least one volume"):
        supervision().loss([])
    for made, values in [(CROPS, {"local_share": (0.5, 0.1)}), (CONFIG, {"momentum": 2.0}), (MASKED, {"hidden": 1.0})]:
        with pytest.raises(ValueError, match="must"):
            dataclasses.replace(made, **values)  # type: ignore[type-var]


def learnt(
    objective: SelfSupervision | MaskedAutoencoding, steps: int, rate: float
) -> tuple[dict[str, float], dict[str, float]]:
    """What the losses of a few fixed views are before and after so many steps on them."""
    optimizer = torch.optim.AdamW(objective.trainable_parameters(), lr=rate)
    batch: Any = objective.collate(views(objective, seed=3))
    with torch.no_grad():
        before = {name: float(value) for name, value in objective.loss(batch).items()}
    for step in range(steps):
        optimizer.zero_grad()
        objective.loss(batch)["loss"].backward()
        optimizer.step()
        objective.after_step(step / steps)
    with torch.no_grad():
        return before, {name: float(value) for name, value in objective.loss(batch).items()}


@pytest.mark.slow
def test_masked_autoencoding_learns() -> None:
    before, after = learnt(autoencoding(), 100, 3e-3)
    assert after["loss"] < 0.6 * before["loss"]


@pytest.mark.slow
def test_self_supervision_learns_without_collapse() -> None:
    """On fixed views both losses end below log(64), that of an even guess, which a collapsed pair cannot get under."""
    before, after = learnt(supervision(), 100, 1e-3)
    even = float(np.log(CONFIG.prototypes))
    assert after["dino"] < min(before["dino"], even - 0.15)
    assert after["ibot"] < min(before["ibot"], even - 0.8)
    assert after["spread"] > max(0.2, before["spread"])
    assert after["evenness"] > 0.8
