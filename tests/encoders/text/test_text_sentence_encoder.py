from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.model_files import default_folder, describe
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder

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


def test_token_states_are_what_the_vectors_are_pooled_from(encoder: SentenceEncoder) -> None:
    states = encoder.token_states(SENTENCES)
    assert [state.shape[1] for state in states] == [encoder.width] * 5 == [384] * 5
    assert all(state.dtype == np.float32 for state in states)
    assert len(states[1]) == 2  # [CLS] and [SEP] alone, whatever the longest text in the batch
    pooled = np.stack([state.mean(axis=0) for state in states])
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, encoder.encode(SENTENCES), atol=1e-5)


def test_token_states_equal_the_reference_implementation(encoder: SentenceEncoder) -> None:
    reference = SentenceTransformer(str(default_folder()), device="cpu")
    expected = reference.encode(SENTENCES, output_value="token_embeddings", show_progress_bar=False)
    for state, other in zip(encoder.token_states(SENTENCES), expected, strict=True):
        np.testing.assert_allclose(state, other.numpy(), atol=1e-5)


def test_token_states_of_none_and_of_too_much(encoder: SentenceEncoder) -> None:
    assert encoder.token_states([]) == []
    assert encoder.token_states(["oedema " * 5000])[0].shape == (256, 384)


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
    heavy = {"torch", "transformers"}
    code = f"import sys, spinecho.encoders.networks.sentence_encoder; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def tiny_bert(folder: Path, **options: object) -> BertModel:
    """A random BERT in a folder, with a tokenizer that knows a few words; its weights lie far from zero."""
    vocabulary = "[PAD] [UNK] [CLS] [SEP] left mass no in brain"
    words = {word: number for number, word in enumerate(vocabulary.split())}
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=20, **options,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return model


def renamed(folder: Path, name_of: Callable[[str], str | None]) -> None:
    path = folder / "model.safetensors"
    kept = {new: tensor for old, tensor in load_file(path).items() if (new := name_of(old)) is not None}
    save_file(kept, path, metadata={"format": "pt"})


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("early", [False, True])
def test_other_bert_checkpoints(tmp_path: Path, pooling: str, activation: str, early: bool) -> None:
    """Equal to transformers; `early` writes the names of the first published BERT, as bert-base-uncased still does."""
    model = tiny_bert(tmp_path, hidden_act=activation)
    if early:
        renamed(
            tmp_path,
            lambda name: (
                "bert."
                + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            ),
        )
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": pooling}))
    texts = ["left mass", "no mass in brain", "mass " * 40]
    encoder = SentenceEncoder.from_name(str(tmp_path))
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(encoder.max_tokens)
    for text, vector in zip(texts, encoder.encode(texts), strict=True):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        pooled = hidden[0] if pooling == "cls" else hidden.mean(dim=0)
        np.testing.assert_allclose(vector, (pooled / pooled.norm()).numpy(), atol=1e-5)


def test_absent_tensors_are_a_typed_error(tmp_path: Path) -> None:
    tiny_bert(tmp_path)
    renamed(tmp_path, lambda name: None if "layer.2." in name else name)
    with pytest.raises(EncoderUnavailable, match="lack 16"):
        SentenceEncoder.from_name(str(tmp_path))


def test_a_damaged_tokenizer_is_a_typed_error(tmp_path: Path) -> None:
    tiny_bert(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(EncoderUnavailable, match="tokenizer"):
        SentenceEncoder.from_name(str(tmp_path))


def test_roberta_positions_start_after_the_padding(tmp_path: Path) -> None:
    tiny_bert(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "roberta", "pad_token_id": 1, "max_position_embeddings": 130}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert describe(tmp_path, name="tiny").max_tokens == 128


def test_a_text_that_is_remembered_is_the_text_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SentenceEncoder.default()
    passed = []
    whole = SentenceEncoder._passed
    monkeypatch.setattr(
        SentenceEncoder, "_passed", lambda self, tokens: (passed.append(len(tokens)), whole(self, tokens))[1]
    )
    first = encoder.encode(["left frontal mass"])
    states = encoder.token_states(["left frontal mass"])[0]
    assert passed == [1], "one pass serves both"
    states[:] = 0  # whoever changes what they were given changes nothing for others
    np.testing.assert_array_equal(encoder.encode(["left frontal mass"]), first)
    others = [f"mass number {n}" for n in range(20)]
    one_by_one = np.concatenate([encoder.encode([text]) for text in others])
    np.testing.assert_allclose(one_by_one, encoder.encode(others), atol=1e-5)
    np.testing.assert_array_equal(encoder.encode(["left frontal mass"]), first)
