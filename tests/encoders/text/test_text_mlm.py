"""A text network reads on in reports, and what it became is a sentence encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.training.objectives.mlm import NOT_ASKED, EmptyReport, MlmConfig, MlmObjective, drawn_run

sys.path.insert(0, str(Path(__file__).parent))

from tiny_models import save_model

REPORTS = [
    "FINDINGS: No acute infarct in the left lobe. The liver is normal. IMPRESSION: Normal brain.",
    "FINDINGS: A large mass of the right lobe of the liver. IMPRESSION: Large mass of the liver.",
    "FINDINGS: A small simple cyst of the left kidney. No mass. IMPRESSION: Simple cyst of the kidney.",
]
CONFIG = MlmConfig(tokens=24)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "tiny", "Bert")
    return tmp_path / "tiny"


@pytest.mark.parametrize(
    ("family", "head"), [("Bert", "Model"), ("Bert", "ForMaskedLM"), ("DistilBert", "Model"), ("ModernBert", "Model")]
)
def test_the_loss_falls_and_the_export_is_a_sentence_encoder(family: str, head: str, tmp_path: Path) -> None:
    save_model(tmp_path / "tiny", family, head)
    before = SentenceEncoder.from_name(str(tmp_path / "tiny")).encode(REPORTS)
    objective = MlmObjective(str(tmp_path / "tiny"), CONFIG)
    assert objective.fresh_head == (head == "Model")
    assert objective.network.get_output_embeddings().weight is objective.network.get_input_embeddings().weight
    optimizer = torch.optim.AdamW(objective.parameters(), lr=2e-3)
    losses = []
    torch.manual_seed(0)
    for step in range(40):
        parts = objective.loss(objective.batch(REPORTS, size=8, seed=1, step=step))
        optimizer.zero_grad()
        parts["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(parts["loss"].detach()))
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    objective.save(tmp_path / "after")
    encoder = SentenceEncoder.from_name(str(tmp_path / "after"))
    vectors = encoder.encode(REPORTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.abs(vectors - before).max() > 1e-3
    assert not MlmObjective(str(tmp_path / "after"), CONFIG).fresh_head


def test_an_export_is_what_was_trained_and_sentence_transformers_reads_it(folder: Path, tmp_path: Path) -> None:
    objective = MlmObjective(str(folder), CONFIG)
    objective.save(tmp_path / "after")
    encoder = SentenceEncoder.from_name(str(tmp_path / "after"))
    np.testing.assert_allclose(
        encoder.encode(REPORTS), SentenceEncoder.from_name(str(folder)).encode(REPORTS), atol=1e-6
    )
    reference = SentenceTransformer(str(tmp_path / "after"), device="cpu")
    np.testing.assert_allclose(encoder.encode(REPORTS), reference.encode(REPORTS, show_progress_bar=False), atol=1e-5)
    assert not list((tmp_path / "after").rglob("*.bin"))


def test_a_batch_is_a_function_of_seed_and_step(folder: Path) -> None:
    first, second = MlmObjective(str(folder), CONFIG), MlmObjective(str(folder), CONFIG)
    batch = first.batch(REPORTS, size=6, seed=3, step=7)
    again = second.batch(REPORTS, size=6, seed=3, step=7)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    other = first.batch(REPORTS, size=6, seed=3, step=8)
    assert not torch.equal(batch["ids"], other["ids"])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_eighty_ten_ten(folder: Path) -> None:
    objective = MlmObjective(str(folder), MlmConfig(tokens=40))
    text = (
        "left right mass liver spine acute infarct cyst normal lobe shift oedema kidney simple disc small large brain"
    )
    generator = np.random.default_rng(0)
    plain = np.array(objective.masked(text, generator).ids)
    asked = masked = kept = 0
    for _ in range(800):
        ids, labels = objective.masked(text, generator)
        chosen = labels != NOT_ASKED
        assert chosen.sum() == 3  # 15 % of 18 words
        assert not chosen[[0, -1]].any()  # [CLS], [SEP]
        asked += int(chosen.sum())
        masked += int((ids[chosen] == 4).sum())
        kept += int((ids[chosen] == labels[chosen]).sum())
        assert (ids[chosen] >= 4).all()  # no other special token is put in
    assert masked / asked == pytest.approx(0.8, abs=0.03)
    assert kept / asked == pytest.approx(0.1 + 0.1 / 30, abs=0.03)
    assert len(plain) == 20


def test_whole_words_are_hidden_whole(tmp_path: Path) -> None:
    from spinecho.encoders.networks.model_files import default_folder  # noqa: PLC0415

    text = "Spondylolisthesis with pseudomeningocele and leptomeningeal lymphadenopathy."
    objective = MlmObjective(str(default_folder()), MlmConfig(whole_words=True, masked=1.0, random=0.0))
    words = objective._tokenizer.encode(text).word_ids
    assert len(words) > len(set(words)) + 5
    generator = np.random.default_rng(0)
    for _ in range(20):
        chosen = objective.masked(text, generator).labels != NOT_ASKED
        hidden = {word for word, asked in zip(words, chosen, strict=True) if asked}
        assert all(asked == (word in hidden) for word, asked in zip(words, chosen, strict=True) if word is not None)


def test_what_is_read_is_a_run_of_one_section() -> None:
    generator = np.random.default_rng(0)
    report = "TECHNIQUE: T1. FINDINGS: A one. B two. C three. IMPRESSION: D four."
    runs = [drawn_run(report, generator, lambda text: len(text.split()) <= 4) for _ in range(400)]
    assert set(runs) == {"T1.", "A one. B two.", "B two. C three.", "C three.", "D four."}
    assert runs.count("T1.") < 60 < runs.count("D four.")


def test_bad_input(folder: Path, tmp_path: Path) -> None:
    objective = MlmObjective(str(folder), CONFIG)
    with pytest.raises(EmptyReport):
        objective.views(" \n", np.random.default_rng(0))
    nothing = objective.collate([objective.masked("", np.random.default_rng(0))])
    assert float(objective.loss(nothing)["loss"].detach()) == 0
    assert len(objective.views("mass " * 3000, np.random.default_rng(0)).ids) == 24
    with pytest.raises(ValueError, match="add up"):
        MlmConfig(masked=0.8, random=0.3)
    with pytest.raises(EncoderUnavailable, match="hf download example/not-here"):
        MlmObjective("example/not-here")


def test_a_network_that_cannot_guess_words_is_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    short = {name: value for name, value in weights.items() if "layer.1." not in name}
    save_file(short, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderUnavailable, match="lack tensors"):
        MlmObjective(str(folder))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "gpt2", "architectures": ["GPT2Model"]}))
    with pytest.raises(EncoderUnavailable, match="cannot be read on"):
        MlmObjective(str(folder))
