"""The text tower: any text gives a unit vector of the shared space, whatever its length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.text_chunks import TextTowerConfig, chunks, sentences_of
from spinecho.encoders.networks.text_tower import TextTower, save_text_tower
from spinecho.encoders.networks.text_tower_encoder import TextTowerEncoder
from spinecho.encoders.space import Space

SHARED = Space("towers", "a", "b", 16)
SMALL = TextTowerConfig(width=24, depth=1, heads=2, dim=16)


@pytest.fixture(scope="module")
def frozen() -> SentenceEncoder:
    return SentenceEncoder.default()


def tower() -> TextTower:
    torch.manual_seed(0)
    return TextTower(SMALL).eval()


@pytest.fixture(scope="module")
def folder(frozen: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tower as it is stored."""
    made = tmp_path_factory.mktemp("tower") / "text"
    save_text_tower(made, tower(), frozen.space)
    return made


@pytest.fixture(scope="module", params=["onnx", "torch"])
def encoder(folder: Path, frozen: SentenceEncoder, request: pytest.FixtureRequest) -> Iterator[TextTowerEncoder]:
    """The same tower, computed by either runtime."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINECHO_RUNTIME", request.param)
        yield TextTowerEncoder.load(folder, frozen, space=SHARED)


@pytest.mark.parametrize("text", ["", " \n", "T2", "FINDINGS:\n", "Läsion links. " * 3, "word " * 10_000])
def test_any_text_has_a_unit_vector(encoder: TextTowerEncoder, text: str) -> None:
    vector = encoder.encode([text])
    assert vector.shape == (1, 16)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_vector_does_not_depend_on_neighbours(encoder: TextTowerEncoder) -> None:
    texts = ["Acute infarct in the left frontal lobe.", "Normal.", "Sagittal T1 of the spine. No lesion. " * 20]
    np.testing.assert_array_equal(encoder.encode(texts), np.concatenate([encoder.encode([text]) for text in texts]))
    assert encoder.encode([]).shape == (0, 16)


def test_sides_and_denials_are_told_apart(encoder: TextTowerEncoder) -> None:
    """Even before training: the tower reads words, not a sentence's mean."""
    left, right = encoder.encode(["left frontal infarct", "right frontal infarct"])
    assert left @ right < 0.9999


def test_headings_are_no_sentences() -> None:
    assert sentences_of("FINDINGS:\nNo mass. Small cyst.\n\nIMPRESSION:\nCyst.") == ["No mass.", "Small cyst.", "Cyst."]


def test_chunks_hold_every_token_once() -> None:
    states = [np.full((n, 384), n, np.float32) for n in (100, 100, 100, 300, 5)]
    made = chunks(states, SMALL)
    assert [len(chunk.sentence) for chunk in made] == [200, 100, 256, 5]
    assert made[0].sentence.tolist() == [0] * 100 + [1] * 100


def test_a_tower_trained_on_other_states_is_refused(tmp_path: Path, frozen: SentenceEncoder) -> None:
    save_text_tower(tmp_path, tower(), frozen.space)
    assert TextTowerEncoder.load(tmp_path, frozen, space=SHARED).space == SHARED
    with pytest.raises(CheckpointError, match="dimensions"):
        TextTowerEncoder.load(tmp_path, frozen, space=Space("towers", "a", "b", 15))
    config = json.loads((tmp_path / "config.json").read_text())
    del config["config_sha256"]  # as by a version that wrote none
    config["preparation"]["revision"] = "0" * 64
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="trained on the token states"):
        TextTowerEncoder.load(tmp_path, frozen, space=SHARED)
