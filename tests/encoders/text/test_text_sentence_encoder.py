from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from encoders.errors import EncoderUnavailable
from encoders.text.model_files import default_folder
from encoders.text.sentence_encoder import SentenceEncoder

SENTENCES = [
    "Acute infarct in the left MCA territory.",
    "",
    "Normal study.",
    "A 3.2 cm ring-enhancing lesion with vasogenic oedema in the right parietal lobe, crossing no midline. " * 3,
    "Läsion im Hippocampus – T2 ↑",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.default()


def copy_of_default(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_folder(), tmp_path / "model", symlinks=True))


def test_rows_are_unit_float32_in_order(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(SENTENCES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, encoder.space.dim) == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(SENTENCES[::-1]), vectors[::-1], atol=1e-5)


def test_none_gives_no_rows(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_sentence_has_one_vector_whatever_its_batch(encoder: SentenceEncoder) -> None:
    together = encoder.encode(SENTENCES)
    alone = np.concatenate([encoder.encode([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_long_text_is_cut_at_the_limit(encoder: SentenceEncoder) -> None:
    assert encoder.max_tokens == 256
    long, longer = "oedema " * 5000, "oedema " * 9000
    np.testing.assert_allclose(encoder.encode([long]), encoder.encode([longer]), atol=1e-5)


def test_broken_unicode_is_encoded(encoder: SentenceEncoder) -> None:
    assert np.isfinite(encoder.encode(["\ud800 mass", "\x00", "\u202e"])).all()


def test_equal_to_the_reference_implementation(encoder: SentenceEncoder) -> None:
    reference = SentenceTransformer(str(default_folder()), device="cpu")
    expected = reference.encode(SENTENCES, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-6)


def test_golden_similarities(encoder: SentenceEncoder) -> None:
    """What the default model thinks; the second pair is why negation is a structured fact here."""
    a, b, c = encoder.encode(["acute infarct", "No acute infarct.", "torn anterior cruciate ligament"])
    assert float(a @ b) == pytest.approx(0.834, abs=0.005)
    assert float(a @ c) < 0.35


def test_transformers_route_gives_the_same_vectors(encoder: SentenceEncoder, tmp_path: Path) -> None:
    folder = copy_of_default(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["hidden_act"] = "gelu_python"  # the same function, and not one that the plain path knows
    (folder / "config.json").write_text(json.dumps(config))
    other = SentenceEncoder.from_name(str(folder))
    np.testing.assert_allclose(other.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-6)


def test_space_names_what_made_the_vectors(encoder: SentenceEncoder, tmp_path: Path) -> None:
    folder = copy_of_default(tmp_path)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 64}')
    other = SentenceEncoder.from_name(str(folder))
    assert encoder.space.model == "sentence-transformers/all-MiniLM-L6-v2"
    assert other.space.model == "model"
    assert other.space.revision == encoder.space.revision
    assert other.space.revision == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert other.space.preprocessing != encoder.space.preprocessing
    assert other.max_tokens == 64


def test_absent_weights_name_the_command() -> None:
    with pytest.raises(EncoderUnavailable, match="hf download example/not-here"):
        SentenceEncoder.from_name("example/not-here")
    with pytest.raises(EncoderUnavailable, match="/no/such/folder"):
        SentenceEncoder.from_name("/no/such/folder")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = copy_of_default(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="safetensors"):
        SentenceEncoder.from_name(str(folder))


def test_damaged_weights_are_a_typed_error(tmp_path: Path) -> None:
    folder = copy_of_default(tmp_path)
    (folder / "model.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(EncoderUnavailable, match="damaged"):
        SentenceEncoder.from_name(str(folder))


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_unknown_device(device: str) -> None:
    if device.startswith("cuda") and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EncoderUnavailable, match=device.partition(":")[0]):
        SentenceEncoder.default(device)


def test_importing_text_rules_does_not_import_torch() -> None:
    code = "import sys, encoders.text.sentence_encoder; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
