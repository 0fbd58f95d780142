"""Other people's text models: each family and pooling against the sentence-transformers package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import AutoModel

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.model_files import describe
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder

sys.path.insert(0, str(Path(__file__).parent))

from tiny_models import save_model

TEXTS = ["left mass", "No mass in the brain.", "mass " * 100, "", "acute infarct of the left lobe"]
FAMILIES = ["Bert", "Roberta", "XLMRoberta", "MPNet", "DistilBert", "Electra", "ModernBert"]


def as_sentence_transformer(inner: Path, folder: Path, pooling: str, **options: object) -> SentenceTransformer:
    transformer = Transformer(str(inner))
    made = SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode=pooling), Normalize()],
        device="cpu",
        **options,  # type: ignore[arg-type]
    )
    made.save(str(folder))
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_equals_the_reference(family: str, tmp_path: Path) -> None:
    save_model(tmp_path / "inner", family)
    reference = as_sentence_transformer(tmp_path / "inner", tmp_path / "model", "mean")
    encoder = SentenceEncoder.from_name(str(tmp_path / "model"))
    expected = reference.encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    assert encoder.width == encoder.space.dim == 32


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_every_pooling_equals_the_reference(pooling: str, tmp_path: Path) -> None:
    save_model(tmp_path / "inner", "Bert")
    reference = as_sentence_transformer(tmp_path / "inner", tmp_path / "model", pooling)
    encoder = SentenceEncoder.from_name(str(tmp_path / "model"))
    np.testing.assert_allclose(encoder.encode(TEXTS), reference.encode(TEXTS, show_progress_bar=False), atol=1e-5)


@pytest.mark.parametrize("pooling", ["lasttoken", "weightedmean"])
def test_a_pooling_that_is_not_computed_is_refused(pooling: str, tmp_path: Path) -> None:
    save_model(tmp_path / "inner", "Bert")
    as_sentence_transformer(tmp_path / "inner", tmp_path / "model", pooling)
    with pytest.raises(EncoderUnavailable, match="take a model with mean, cls or max"):
        SentenceEncoder.from_name(str(tmp_path / "model"))


def test_a_default_prompt_goes_before_every_text(tmp_path: Path) -> None:
    save_model(tmp_path / "inner", "Bert")
    reference = as_sentence_transformer(
        tmp_path / "inner", tmp_path / "model", "mean", prompts={"q": "query: "}, default_prompt_name="q"
    )
    stated = SentenceEncoder.from_name(str(tmp_path / "model"))
    given = SentenceEncoder.from_name(str(tmp_path / "model"), prompt="query: ")
    without = SentenceEncoder.from_name(str(tmp_path / "model"), prompt="")
    np.testing.assert_allclose(stated.encode(TEXTS), reference.encode(TEXTS, show_progress_bar=False), atol=1e-5)
    np.testing.assert_array_equal(stated.encode(TEXTS), given.encode(TEXTS))
    assert np.abs(stated.encode(TEXTS) - without.encode(TEXTS)).max() > 1e-3
    assert stated.space == given.space != without.space
    assert stated.space.revision == without.space.revision


def test_e5_is_asked_as_its_card_says(tmp_path: Path) -> None:
    save_model(tmp_path, "Bert")
    assert describe(tmp_path, name="intfloat/e5-base-v2").prompt == "query: "
    assert describe(tmp_path, name="intfloat/multilingual-e5-small").prompt == "query: "
    assert describe(tmp_path, name="intfloat/e5-base-v2-tuned").prompt == ""


def test_a_checkpoint_with_a_head_gives_what_is_below_it(tmp_path: Path) -> None:
    save_model(tmp_path, "Roberta", "ForMaskedLM")
    vectors = SentenceEncoder.from_name(str(tmp_path)).encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    """transformers alone would fill what is missing with random numbers."""
    save_model(tmp_path, "Roberta")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "mpnet", "architectures": ["MPNetModel"]}))
    with pytest.raises(EncoderUnavailable, match="lack tensors"):
        SentenceEncoder.from_name(str(tmp_path))


def test_pickles_alone_are_refused_with_a_command_that_mends_it(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415

    model = save_model(tmp_path, "Bert")
    before = SentenceEncoder.from_name(str(tmp_path)).encode(TEXTS)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="can run code") as refused:
        SentenceEncoder.from_name(str(tmp_path))
    command = str(refused.value).partition('python -c "')[2].rpartition('"')[0]
    import subprocess  # noqa: PLC0415

    subprocess.run([sys.executable, "-c", command], check=True, cwd=tmp_path)
    np.testing.assert_allclose(SentenceEncoder.from_name(str(tmp_path)).encode(TEXTS), before, atol=1e-6)


def test_an_incomplete_copy_names_the_command(tmp_path: Path) -> None:
    save_model(tmp_path, "Bert")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(EncoderUnavailable, match="hf download owner/model"):
        describe(tmp_path, name="owner/model")


def test_a_layer_after_pooling_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, "Bert")
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Dense", "path": "2"}]))
    with pytest.raises(EncoderUnavailable, match="Dense"):
        SentenceEncoder.from_name(str(tmp_path))
    (tmp_path / "modules.json").write_text("[3]")
    with pytest.raises(EncoderUnavailable, match="damaged"):
        SentenceEncoder.from_name(str(tmp_path))


def test_code_beside_the_weights_is_never_run(tmp_path: Path) -> None:
    save_model(tmp_path, "Bert")
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(EncoderUnavailable):
        SentenceEncoder.from_name(str(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_no_module_asks_for_remote_code() -> None:
    root = Path(__file__).parents[3]
    sources = [path for part in ("encoders", "db", "indexer", "search", "ui") for path in (root / part).rglob("*.py")]
    asked = [path.name for path in sources if "trust_remote_code=True" in path.read_text().replace(" ", "")]
    assert len(sources) > 50
    assert asked == []
    loads = [path.read_text() for path in sources if ".from_pretrained(" in path.read_text()]
    assert loads
    assert all("trust_remote_code=False" in text for text in loads if "import Auto" in text)


def test_what_is_not_at_hand_is_not_fetched_unasked(tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []

    def cache(_name: str, **options: object) -> str:
        asked.append(options)
        if len(asked) > 1:
            return str(tmp_path)
        raise FileNotFoundError

    with pytest.raises(
        EncoderUnavailable, match="run 'hf download google/medsiglip-448' where there is one"
    ) as refused:
        hub.find_folder("google/medsiglip-448", cached=cache)
    assert "'spinecho encoders try medsiglip' shows its licence" in str(refused.value)
    assert hub.find_folder("google/medsiglip-448", cached=cache) == tmp_path
    assert asked == [{"local_files_only": True}] * 2


def test_reference_class_is_what_is_loaded(tmp_path: Path) -> None:
    """The plain BERT path and transformers' own give the same states."""
    model = save_model(tmp_path, "Bert")
    encoder = SentenceEncoder.from_name(str(tmp_path))
    assert type(AutoModel.from_pretrained(tmp_path)) is type(model)
    assert [state.shape for state in encoder.token_states(["left mass", ""])] == [(4, 32), (2, 32)]
