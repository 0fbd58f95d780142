"""Others' towers for pictures, by tiny checkpoints in their format."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.clip.images import load_clip, slab_boxes
from spinecho.encoders.networks.parts_of_volumes import Describing, box_vector, likeness_to, region_vectors
from spinecho.encoders.preparing.preparation import StackPreparation, preparation_from
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import open_encoder

sys.path.insert(0, str(Path(__file__).parent / "text"))

from tiny_models import save_tokenizer, size_of_vocabulary

SIZE, DIM = 32, 24
LIMITS = {"clip": 20, "siglip": 16}
MEAN, STD = [0.4, 0.5, 0.3], [0.25, 0.5, 0.2]
TEXTS = ["left mass", "no mass in the brain", "mass " * 60, "", "acute infarct of the left lobe"]


def save_tiny(folder: Path, family: str, **vision: Any) -> Any:
    """A random CLIP or SigLIP of 32-pixel pictures as its authors would publish one."""
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    text = sizes | {
        "vocab_size": size_of_vocabulary(), "max_position_embeddings": LIMITS[family], "pad_token_id": 0,
        "bos_token_id": 2, "eos_token_id": 3,
    }  # fmt: skip
    eyes = sizes | {"image_size": SIZE, "patch_size": 8} | vision
    torch.manual_seed(0)
    if family == "clip":
        configs = {"text_config": text | {"hidden_size": 32}, "vision_config": eyes | {"hidden_size": 16}}
        model = CLIPModel(CLIPConfig(**configs, projection_dim=DIM))
    else:
        configs = {"text_config": text | {"hidden_size": DIM}, "vision_config": eyes | {"hidden_size": DIM}}
        model = SiglipModel(SiglipConfig(**configs))
    for name, parameter in model.named_parameters():
        if "norm" not in name and parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    model.eval().save_pretrained(folder)
    save_tokenizer(folder)
    levels = {"do_normalize": True, "image_mean": MEAN, "image_std": STD, "rescale_factor": 1 / 255}
    (folder / "preprocessor_config.json").write_text(json.dumps(levels))
    return model


def edited(folder: Path, name: str, **values: Any) -> None:
    stated = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(stated | values))


@pytest.fixture(scope="module", params=["clip", "siglip"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "tiny"
    save_tiny(path, family)
    return path


@pytest.fixture(scope="module")
def dual(folder: Path) -> DualEncoder:
    return open_encoder(f"clip:{folder}")


def volume(seed: int, shape: tuple[int, int, int] = (40, 48, 20)) -> Volume:
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    centres = random.uniform(-0.7, 0.7, size=(4, 3, 1, 1, 1))
    blobs = [np.exp(-10 * ((grid - centre) ** 2).sum(axis=0)) for centre in centres]
    return Volume((300 * np.sum(blobs, axis=0)).astype(np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))


MIXED = [volume(0), volume(1, (64, 64, 1)), volume(2, (30, 30, 30)), Volume(np.zeros((9, 9, 9), np.float32), np.eye(4))]


def test_the_pair_is_aligned_and_text_keeps_its_own_tower(dual: DualEncoder, folder: Path) -> None:
    assert dual.name == f"clip:{folder}"
    assert dual.aligned
    assert dual.aligned_text is not None
    assert dual.aligned_text.space == dual.image.space
    assert dual.image.space.model == "tiny"
    assert dual.image.space.dim == DIM
    assert dual.text.space.dim == 384


def test_unit_rows_in_order_whatever_the_batch(dual: DualEncoder) -> None:
    vectors = dual.image.encode(MIXED)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([dual.image.encode([item]) for item in MIXED[::-1]])[::-1]
    np.testing.assert_array_equal(vectors, alone)
    assert (vectors @ vectors.T)[np.triu_indices(4, 1)].max() < 1 - 1e-5
    assert dual.image.encode([]).shape == (0, DIM)


def test_a_volume_is_the_mean_of_its_slabs_as_transformers_sees_them(
    dual: DualEncoder, folder: Path, family: str
) -> None:
    model = {"clip": CLIPModel, "siglip": SiglipModel}[family].from_pretrained(folder).eval()
    prepared = preparation_from(dual.image.preparation.spec)(MIXED[0])
    assert prepared.pixels.shape[1:] == (SIZE, SIZE)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    pictures = torch.stack(
        [(torch.tensor(each).float()[None].repeat(3, 1, 1) / 255 - mean) / std for each in prepared.pixels]
    )
    with torch.inference_mode():
        seen = model.get_image_features(pixel_values=pictures)
    slabs = torch.nn.functional.normalize(getattr(seen, "pooler_output", seen), dim=1)
    expected = torch.nn.functional.normalize(slabs.mean(dim=0), dim=0)
    np.testing.assert_allclose(dual.image.encode_prepared([prepared])[0], expected.numpy(), atol=1e-5)


def test_text_equals_transformers(dual: DualEncoder, folder: Path, family: str) -> None:
    """SigLIP wants its sentences filled up to its limit; CLIP must not care."""
    model = {"clip": CLIPModel, "siglip": SiglipModel}[family].from_pretrained(folder).eval()
    tokenizer = save_tokenizer(folder.parent / f"reference-{family}")
    given = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=LIMITS[family], return_tensors="pt")
    options = {"attention_mask": given["attention_mask"]} if family == "clip" else {}
    with torch.inference_mode():
        read = model.get_text_features(input_ids=given["input_ids"], **options)
    expected = torch.nn.functional.normalize(getattr(read, "pooler_output", read), dim=1)
    assert dual.aligned_text is not None
    np.testing.assert_allclose(dual.aligned_text.encode(TEXTS), expected.numpy(), atol=1e-5)
    assert dual.aligned_text.encode([]).shape == (0, DIM)
    alone = np.concatenate([dual.aligned_text.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(dual.aligned_text.encode(TEXTS), alone, atol=1e-5)
    assert np.isfinite(dual.aligned_text.encode(["\ud800 mass"])).all()


def test_parts_are_slabs(dual: DualEncoder) -> None:
    assert isinstance(dual.image, Describing)
    prepared = [dual.image.preparation(item) for item in MIXED]
    for item, described, vector in zip(
        prepared, dual.image.describe(prepared), dual.image.encode_prepared(prepared), strict=True
    ):
        count = len(item.pixels)
        np.testing.assert_allclose(described.vector, vector, atol=1e-6)
        assert described.tokens.shape[0] == len(described.boxes) == count
        assert described.aligned.shape == (count, DIM)
        assert described.weights.sum() == pytest.approx(1, abs=1e-5)
        whole = described.weights @ described.aligned
        np.testing.assert_allclose(whole / np.linalg.norm(whole), described.vector, atol=1e-5)
        assert (described.boxes[:, 3:] > described.boxes[:, :3]).all()
        assert described.boxes.min() >= 0
        assert described.boxes.max() <= 1


def test_heat_maps_and_regions_work_on_slabs(dual: DualEncoder) -> None:
    assert isinstance(dual.image, Describing)
    assert dual.aligned_text is not None
    described = dual.image.describe([dual.image.preparation(MIXED[0])])[0]
    text = dual.aligned_text.encode(["left mass"])[0]
    shares = likeness_to(described, text)
    assert shares.sum() == pytest.approx(float(described.vector @ text), abs=1e-5)
    assert region_vectors(described).shape == (27, DIM)
    slab = box_vector(described, described.boxes[0])
    assert slab @ described.aligned[0] > float(described.vector @ described.aligned[0])


def test_the_box_of_a_slab_lies_where_the_slab_was_cut() -> None:
    """A bright plate across the acquired axis is bright in the slab whose box holds it."""
    voxels = np.full((40, 40, 24), 10, np.float32)
    voxels[:, :, 17] = 500
    prepared = StackPreparation(size=SIZE)(Volume(voxels, np.diag([1.0, 1.0, 4.0, 1.0])))
    boxes = slab_boxes(prepared.geometry)
    acquired = prepared.geometry[:, 7] == 1
    brightest = int(np.argmax(prepared.pixels[acquired].mean(axis=(1, 2))))
    low, high = boxes[acquired][brightest, [2, 5]]
    assert low <= 17.5 / 24 <= high
    np.testing.assert_array_equal(boxes[brightest, [0, 1, 3, 4]], [0, 0, 1, 1])


def test_spaces_that_differ_by_preprocessing_only_are_told_apart(tmp_path: Path) -> None:
    save_tiny(tmp_path, "siglip")
    before = load_clip(str(tmp_path)).space
    assert load_clip(str(tmp_path)).space == before
    edited(tmp_path, "preprocessor_config.json", image_std=[0.5, 0.5, 0.5])
    levels = load_clip(str(tmp_path)).space
    edited(tmp_path, "tokenizer.json", normalizer=None)
    words = load_clip(str(tmp_path)).space
    assert before.revision == levels.revision == words.revision
    assert len({before.preprocessing, levels.preprocessing, words.preprocessing}) == 3
    assert len(before.revision) == 64


def test_other_weights_make_another_revision(tmp_path: Path) -> None:
    save_tiny(tmp_path, "clip")
    before = load_clip(str(tmp_path)).space
    weights = load_file(tmp_path / "model.safetensors")
    save_file({name: value + 0.01 for name, value in weights.items()}, tmp_path / "model.safetensors")
    after = load_clip(str(tmp_path)).space
    assert after.revision != before.revision
    assert after.preprocessing == before.preprocessing


def test_a_processor_config_of_newer_transformers_is_read(tmp_path: Path) -> None:
    save_tiny(tmp_path, "siglip")
    before = load_clip(str(tmp_path)).look
    levels = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": levels}))
    assert load_clip(str(tmp_path)).look == before


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda at: (at / "config.json").write_text("{"), "config.json cannot be read"),
        (lambda at: (at / "config.json").write_text("[]"), "no JSON object"),
        (lambda at: edited(at, "config.json", model_type="bert"), "is a 'bert', not one of clip, siglip"),
        (lambda at: (at / "preprocessor_config.json").unlink(), "hf download tiny"),
        (lambda at: edited(at, "preprocessor_config.json", image_std=[0, 1, 1]), "cannot be used"),
        (lambda at: edited(at, "preprocessor_config.json", image_mean="grey"), "cannot be used"),
        (lambda at: edited(at, "preprocessor_config.json", rescale_factor=1.0), "not supported"),
        (lambda at: (at / "model.safetensors").unlink(), "hf download tiny"),
        (lambda at: (at / "model.safetensors").rename(at / "pytorch_model.bin"), "can run code"),
        (lambda at: (at / "model.safetensors").write_bytes(b"cut"), "download it again"),
        (lambda at: (at / "tokenizer.json").write_text("{"), "tokenizer"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(tmp_path: Path, break_it: Any, said: str) -> None:
    save_tiny(tmp_path / "tiny", "siglip")
    break_it(tmp_path / "tiny")
    with pytest.raises(EncoderUnavailable, match=said):
        open_encoder(f"clip:{tmp_path / 'tiny'}")


def test_weights_of_another_network_are_not_filled_with_random_numbers(tmp_path: Path) -> None:
    save_tiny(tmp_path, "siglip")
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "vision_model.encoder.layers.1" not in name}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderUnavailable, match=r"lack tensors .* vision_model\.encoder\.layers\.1"):
        load_clip(str(tmp_path))


def test_weights_that_are_not_at_hand_name_the_command() -> None:
    with pytest.raises(EncoderUnavailable, match="hf download example/not-here"):
        open_encoder("clip:example/not-here")
    with pytest.raises(EncoderUnavailable, match="'spinecho encoders try medsiglip' shows its licence"):
        open_encoder("medsiglip")
    with pytest.raises(EncoderUnavailable, match="there is no folder '/no/such/folder'"):
        open_encoder("clip:/no/such/folder")


class _FakeNetwork(torch.nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.eyes, self.words = weights["eyes"], weights["words"]

    def encode_image(self, pictures: torch.Tensor, normalize: bool = False) -> torch.Tensor:
        assert not normalize
        return pictures.flatten(1) @ self.eyes

    def encode_text(self, tokens: torch.Tensor, normalize: bool = False) -> torch.Tensor:
        assert not normalize
        return self.words[tokens].sum(dim=1)


@pytest.fixture
def open_clip_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in open_clip's layout and a stand-in for the package: the real one is not exercised by these tests."""
    folder = tmp_path / "biomed"
    folder.mkdir()
    config = {
        "model_cfg": {"embed_dim": DIM, "vision_cfg": {"image_size": SIZE}, "text_cfg": {"context_length": 8}},
        "preprocess_cfg": {"mean": MEAN, "std": STD},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    weights = {"eyes": torch.randn(3 * SIZE * SIZE, DIM), "words": torch.randn(256, DIM)}
    save_file(weights, folder / "open_clip_model.safetensors")

    def place(name: str) -> Path:
        assert name.startswith("local-dir:")
        return Path(name.removeprefix("local-dir:"))

    def create_model(model_name: str, **options: Any) -> torch.nn.Module:
        assert options["weights_only"]
        assert options["require_pretrained"]
        return _FakeNetwork(load_file(place(model_name) / "open_clip_model.safetensors"))

    def get_tokenizer(model_name: str) -> Any:
        assert place(model_name).is_dir()
        return lambda texts: torch.tensor([list(text.encode().ljust(8)[:8]) for text in texts])

    fake = types.ModuleType("open_clip")
    fake.create_model, fake.get_tokenizer = create_model, get_tokenizer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "open_clip", fake)
    return folder


def test_without_the_package_open_clip_names_the_command(
    open_clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(EncoderUnavailable, match=r"pip install 'spinecho\[open-clip\]'"):
        open_encoder(f"open-clip:hf-hub:{open_clip_folder}")


def test_an_open_clip_folder_gives_an_aligned_pair(open_clip_folder: Path) -> None:
    dual = open_encoder(f"open-clip:{open_clip_folder}")
    assert dual.aligned
    assert dual.aligned_text is not None
    vectors, texts = dual.image.encode(MIXED), dual.aligned_text.encode(["mass", "cyst"])
    assert vectors.shape == (4, DIM)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([vectors, texts]), axis=1), 1, atol=1e-5)
    assert isinstance(dual.image, Describing)
    assert dual.image.space.model == "biomed"


def test_an_open_clip_folder_that_cannot_be_used_says_why(open_clip_folder: Path) -> None:
    (open_clip_folder / "open_clip_model.safetensors").rename(open_clip_folder / "open_clip_pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="can run code"):
        open_encoder(f"open-clip:{open_clip_folder}")
    (open_clip_folder / "open_clip_config.json").write_text("{}")
    (open_clip_folder / "open_clip_model.safetensors").write_bytes(b"")
    with pytest.raises(EncoderUnavailable, match="model_cfg and preprocess_cfg"):
        open_encoder(f"open-clip:{open_clip_folder}")
