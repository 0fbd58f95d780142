from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from spinecho.encoders.networks.text_chunks import TextTowerConfig
from spinecho.encoders.networks.text_tower import TextTower
from spinecho.encoders.networks.text_tower_encoder import TextTowerEncoder
from spinecho.encoders.networks.vit.encoder import VitEncoder
from spinecho.encoders.networks.vit.network import VisionTransformer
from spinecho.encoders.networks.vit.sizes import VitConfig
from spinecho.encoders.space import Space
from spinecho.encoders.training.data.examples import Example, Facts
from spinecho.encoders.training.objectives.align_tower import StateBank
from spinecho.encoders.training.objectives.align_vit import AlignVitConfig, VitAlignment, part_of

REPORT = "FINDINGS: There is a mass in the left frontal lobe. No haemorrhage. IMPRESSION: Left frontal mass."


class Words:
    """A frozen encoder whose states are digests of words."""

    space = Space("words", "r", "p", 8)
    width = 8

    def token_states(self, items: Sequence[str], /) -> list[np.ndarray]:
        return [np.stack([self._state(word) for word in ("[CLS]", *text.lower().split())]) for text in items]

    def _state(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=8).astype(np.float32)


def made(projection: int = 16, **config) -> VitAlignment:
    torch.manual_seed(0)
    image = VisionTransformer(VitConfig(width=24, depth=1, heads=2, patch=(2, 8, 8), projection=projection))
    text = TextTower(TextTowerConfig(states=8, width=24, depth=1, heads=2, dim=16, most_tokens=24))
    return VitAlignment(image, text, StateBank(Words()), AlignVitConfig(tokens=16, **config))


def example(number: int, *, study: str = "", report: str = "", region: str = "brain", sequence: str = "T1") -> Example:
    grey = np.random.default_rng(number).integers(1, 255, size=(16, 16, 4), dtype=np.uint8)
    texts = (("report", report),) if report else ()
    study = study or str(number)
    facts = Facts(str(number), study, study, "drawn", region=region, sequence=sequence, texts=texts)
    return Example(grey, (1.0, 1.0, 4.0), facts)


def batch(objective: VitAlignment, *examples: Example):
    return objective.collate([objective.views(one, np.random.default_rng(n)) for n, one in enumerate(examples)])


def positives(objective, found):
    same = objective._duplicates(found).same
    return same[found.owner]


def test_series_of_a_study_and_studies_reported_alike_are_positives():
    objective = made(whole_report=1.0)
    other = "FINDINGS: The knee is normal."
    found = batch(
        objective,
        example(0, study="a", report=REPORT),
        example(1, study="a", report=REPORT),
        example(2, report=other),
        example(3, report=other.lower()),
        example(4, report="FINDINGS: Torn meniscus."),
    )
    assert len(found.texts) == 4
    assert positives(objective, found).int().tolist() == [
        [1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1],
    ]  # fmt: skip


def test_facts_stand_in_for_reports_count_less_and_equal_ones_belong_together():
    objective = made(facts_weight=0.25)
    found = batch(
        objective,
        example(0, report=REPORT),
        example(1, study="b", sequence="T1"),
        example(2, study="b", sequence="FLAIR"),
        example(3, study="c", sequence="T1"),
    )
    assert found.weight[found.owner].tolist() == [1.0, 0.25, 0.25, 0.25]
    same = positives(objective, found)
    wanted = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]) + torch.eye(4, dtype=torch.long)
    assert torch.equal(same, wanted.bool())


@pytest.mark.parametrize("config", [{}, {"loss": "sigmoid"}, {"matching": 1.0}])
def test_it_learns_to_tell_studies_apart(config):
    objective = made(whole_report=1.0, vary=False, **config)
    found = batch(objective, *(example(n, report=f"FINDINGS: word{n} word{n + 7} seen.") for n in range(6)))
    optimizer = torch.optim.Adam(objective.trainable_parameters(), lr=3e-3)
    first = objective.loss(found)
    for _ in range(40):
        optimizer.zero_grad()
        told = objective.loss(found)
        told["loss"].backward()
        optimizer.step()
    assert told["loss"] < first["loss"] / 2
    assert told["nearest_right"] == 1.0


def test_locked_sides_get_no_gradient():
    objective = made(image="locked", text="locked")
    names = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    assert names == {"image.query.weight", "image.key.weight", "image.project.weight", "scale"}
    assert not objective.text.training
    assert made().image.training
    found = batch(objective, *(example(n, report=f"Word{n} seen.") for n in range(3)))
    objective.loss(found)["loss"].backward()
    assert objective.image.content.weight.grad is None
    assert objective.image.project.weight.grad.abs().sum() > 0


def test_a_text_is_the_same_in_training_and_in_use(tmp_path):
    objective = made().eval()
    long = " ".join(f"Sentence number {n} tells of a lesion." for n in range(30))
    objective.save(tmp_path, Words.space)
    image = VitEncoder.load(tmp_path / "image")
    text = TextTowerEncoder.load(tmp_path / "text", Words(), space=image.space)
    with torch.no_grad():
        trained = torch.nn.functional.normalize(objective.texts(["One lesion.", long]), dim=1).numpy()
    np.testing.assert_allclose(text.encode(["One lesion.", long]), trained, atol=2e-3)  # the bank keeps half floats
    assert text.space == image.space


def test_views_are_the_same_for_the_same_generator_and_parts_are_of_the_report():
    views = made().views
    one, other = (views(example(0, report=REPORT), np.random.default_rng(5)) for _ in range(2))
    assert one.text == other.text
    assert np.array_equal(one.prepared.pixels, other.prepared.pixels)
    parts = {part_of(REPORT, np.random.default_rng(seed)) for seed in range(40)}
    assert "Left frontal mass." in parts
    assert "There is a mass in the left frontal lobe. No haemorrhage." in parts
    assert part_of("", np.random.default_rng(0)) == ""


def test_reports_of_no_words_and_of_ten_thousand():
    objective = made()
    found = batch(objective, example(0, report="."), example(1, report="word seen. " * 5000), example(2))
    assert all(torch.isfinite(value) for value in objective.loss(found).values())


@pytest.mark.parametrize("bad", [{"loss": "cosine"}, {"temperature": 0.0}, {"image": "frozen"}, {"whole_report": 2.0}])
def test_configs_that_cannot_be(bad):
    with pytest.raises(ValueError, match=r"infonce or sigmoid|temperature|share"):
        AlignVitConfig(**bad)


def test_towers_of_two_spaces():
    with pytest.raises(ValueError, match="12 dimensions, texts in 16"):
        made(projection=12)
