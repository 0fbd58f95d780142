"""Others' published checkpoints: tiny ones under exactly their names, files and configs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from published_formats import (
    CLIP_GREY,
    HLIP,
    LISTS,
    pictures,
    save_biomedclip,
    save_hlip,
    scans,
    size_of_vocabulary,
    tiny,
    weights_of,
    whole,
)
from safetensors.torch import save_file

from spinecho.encoders.dual import OfStudies
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.bert_weights import needed
from spinecho.encoders.networks.clip.backbones import load_backbone
from spinecho.encoders.networks.clip.images import load_clip
from spinecho.encoders.networks.clip.open_clip import load_open_clip
from spinecho.encoders.networks.clip.sentence_pieces import siglip_tokenizer
from spinecho.encoders.networks.parts_of_volumes import Describing
from spinecho.encoders.networks.published.picture_vit import PictureVit
from spinecho.encoders.networks.published.study_vit import StudyVit, levels_of
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.preparing.preparation import ScanPreparation, preparation_from
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import about, open_encoder

sys.path.insert(0, str(Path(__file__).parent / "text"))

from tiny_models import save_tokenizer

HALVES = {"do_normalize": True, "do_rescale": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
PIECES = 301
"""In the tiny `spiece.model`."""
BRIGHT = Volume(np.random.default_rng(0).normal(300, 90, (24, 30, 10)).astype(np.float32), np.diag([1.0, 1, 3, 1]))

MEDSIGLIP = {1152: 24, 3456: 72, 4304: 40, 32000: PIECES, 1024: 16, 14: 8}
"""Sizes of the published network, and of the tiny one."""


def save_medsiglip(folder: Path) -> None:
    """As google/medsiglip-448 is laid out: SigLIP's own names, a SentencePiece model, and no tokenizer.json."""
    folder.mkdir()
    save_file(weights_of(tiny("medsiglip", MEDSIGLIP, layers=2)), folder / "model.safetensors", {"format": "pt"})
    sizes = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = {
        "architectures": ["SiglipModel"], "model_type": "siglip",
        "text_config": sizes | {"model_type": "siglip_text_model", "vocab_size": PIECES, "max_position_embeddings": 64},
        "vision_config": sizes | {"model_type": "siglip_vision_model", "image_size": 32, "patch_size": 8},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(HALVES | {"size": {"height": 32, "width": 32}}))
    shutil.copy(LISTS / "spiece.model", folder)


def test_medsiglip_under_its_published_names(tmp_path: Path) -> None:
    save_medsiglip(tmp_path / "medsiglip-448")
    dual = open_encoder(f"clip:{tmp_path / 'medsiglip-448'}")
    assert dual.aligned
    assert dual.aligned_text is not None
    assert dual.image.preparation.spec["size"] == 32
    vectors, words = dual.image.encode([BRIGHT]), dual.aligned_text.encode(["left mass", "normal brain"])
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([vectors, words]), axis=1), 1, atol=1e-5)
    assert float(words[0] @ words[1]) < 0.999


def test_the_published_list_is_the_network_that_is_loaded() -> None:
    """At its full size, without memory: what transformers of today makes of the published config has these names."""
    sizes = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
    config = transformers.SiglipConfig(
        text_config=sizes | {"max_position_embeddings": 64, "bos_token_id": None, "eos_token_id": None},
        vision_config=sizes | {"image_size": 448, "patch_size": 14},
    )
    with torch.device("meta"):
        made = transformers.SiglipModel(config).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in made.items()} == whole("medsiglip")


def test_sentence_pieces_are_those_of_the_published_tokenizer() -> None:
    """As SiglipTokenizer of transformers 4.53.3 with SentencePiece 0.2.3 cut them, sixteen at most."""
    tokenizer = siglip_tokenizer(LISTS, name="tiny", max_tokens=16)
    expected = {
        "Left mass, in the Brain.": [136, 145, 194, 4, 4, 35, 6, 149, 1],
        "": [1],
        "no  acute\ninfarct!": [146, 10, 299, 88, 12, 35, 43, 24, 22, 299, 11, 1],
        "T2-weighted (FLAIR) 3.5 mm": [3, 11, 74, 67, 12, 31, 55, 27, 11, 21, 3, 43, 25, 24, 79, 1],
        "mass " * 40: [194, 4, 4] * 5 + [1],
        "日本 mass": [3, 2, 194, 4, 4, 1],
        "it's NOT 'ok'": [71, 36, 3, 20, 160, 1],
    }
    assert {text: tokenizer.encode(text).ids for text in expected} == expected


@pytest.mark.parametrize("damage", [lambda held: held[: len(held) // 2 + 1], lambda _: b"\xff" * 40, lambda _: b""])
def test_a_damaged_sentence_piece_file_says_so(tmp_path: Path, damage: Any) -> None:
    (tmp_path / "spiece.model").write_bytes(damage((LISTS / "spiece.model").read_bytes()))
    with pytest.raises(EncoderUnavailable, match=r"spiece\.model of tiny is damaged"):
        siglip_tokenizer(tmp_path, name="tiny", max_tokens=16)


SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
BACKBONES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "vit": (transformers.ViTConfig, SMALL | {"image_size": 32, "patch_size": 8}, "class token"),
    "dinov2": (
        transformers.Dinov2Config,
        {name: size for name, size in SMALL.items() if name != "intermediate_size"}
        | {"image_size": 56, "patch_size": 8},
        "class token",
    ),
    "swin": (
        transformers.SwinConfig,
        {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
        "mean",
    ),
    "convnext": (transformers.ConvNextConfig, {"image_size": 32, "hidden_sizes": [8, 16], "depths": [1, 1],
                                               "num_stages": 2}, "mean"),
    "siglip_vision_model": (transformers.SiglipVisionConfig, SMALL | {"image_size": 32, "patch_size": 8}, "trained"),
}  # fmt: skip


def save_backbone(folder: Path, kind: str) -> Any:
    config, sizes, _ = BACKBONES[kind]
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config(**sizes)).eval()
    model.save_pretrained(folder)
    cut = {"do_center_crop": True, "crop_size": {"height": 32, "width": 32}, "size": {"shortest_edge": 36}}
    (folder / "preprocessor_config.json").write_text(json.dumps(HALVES | cut))
    return model


@pytest.mark.parametrize("kind", list(BACKBONES))
def test_any_vision_network_of_transformers_sees_slabs(tmp_path: Path, kind: str) -> None:
    model = save_backbone(tmp_path / kind, kind)
    network = load_backbone(str(tmp_path / kind))
    assert network.after == {"pooled": BACKBONES[kind][2]}
    assert network.look.size == 32
    seen = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        made = model(pixel_values=seen)
        _, vectors = network.see(seen)
    states = made.last_hidden_state
    expected = {"class token": lambda: states[:, 0], "trained": lambda: made.pooler_output,
                "mean": lambda: made.pooler_output.flatten(1)}  # fmt: skip
    np.testing.assert_allclose(vectors, expected[BACKBONES[kind][2]](), atol=1e-5)


def test_a_backbone_compares_scans_with_scans_alone(tmp_path: Path) -> None:
    save_backbone(tmp_path / "dinov2", "dinov2")
    dual = open_encoder(f"backbone:{tmp_path / 'dinov2'}")
    assert not dual.aligned
    assert isinstance(dual.image, Describing)
    assert "spinecho adapt" in about(dual.name)
    assert dual.image.encode([BRIGHT]).shape == (1, 24)


def test_what_is_no_backbone_says_what_to_name(tmp_path: Path) -> None:
    save_medsiglip(tmp_path / "pair")
    with pytest.raises(EncoderUnavailable, match=f"name it clip:{tmp_path / 'pair'}"):
        load_backbone(str(tmp_path / "pair"))
    bert = transformers.BertConfig(**SMALL, vocab_size=40)
    transformers.BertModel(bert).save_pretrained(tmp_path / "words")
    save_tokenizer(tmp_path / "words")
    (tmp_path / "words" / "preprocessor_config.json").write_text(json.dumps(HALVES))
    with pytest.raises(EncoderUnavailable, match="is a 'bert' and does not take pictures"):
        load_backbone(str(tmp_path / "words"))


def test_a_pooler_that_nobody_reads_may_be_missing_and_nothing_else(tmp_path: Path) -> None:
    model = save_backbone(tmp_path, "vit")
    held = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    kept = {name: tensor for name, tensor in held.items() if not name.startswith("pooler.")}
    assert len(kept) < len(held)
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    before = load_backbone(str(tmp_path)).dim
    assert before == 24
    cut = {name: tensor for name, tensor in kept.items() if "layernorm.weight" not in name}
    save_file(cut, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(EncoderUnavailable, match="lack tensors"):
        load_backbone(str(tmp_path))


def test_another_preparation_makes_another_space(tmp_path: Path) -> None:
    save_medsiglip(tmp_path / "tiny")
    before = load_clip(str(tmp_path / "tiny")).space
    stated = json.loads((tmp_path / "tiny" / "preprocessor_config.json").read_text())
    (tmp_path / "tiny" / "preprocessor_config.json").write_text(json.dumps(stated | {"image_std": [0.25] * 3}))
    assert load_clip(str(tmp_path / "tiny")).space.preprocessing != before.preprocessing


def test_biomedclip_gives_what_open_clip_gives(tmp_path: Path) -> None:
    """Its package is not asked: the numbers were made with open_clip_torch 3.3.0 from the same weights."""
    save_biomedclip(tmp_path)
    model = load_open_clip(str(tmp_path))
    expected = json.loads((LISTS / "biomedclip.json").read_text())
    assert model.look.mean == tuple(CLIP_GREY["mean"])
    with torch.inference_mode():
        np.testing.assert_allclose(model.see(pictures(2, 32))[1], expected["see"], atol=2e-4)
        read = model.read(["left mass", "no acute infarct of the left lobe", "mass " * 40])
    np.testing.assert_allclose(read, expected["read"], atol=2e-4)


def test_biomedclip_is_an_aligned_pair(tmp_path: Path) -> None:
    save_biomedclip(tmp_path / "biomed")
    dual = open_encoder(f"open-clip:{tmp_path / 'biomed'}")
    assert dual.aligned
    assert dual.aligned_text is not None
    assert dual.image.encode([BRIGHT]).shape == dual.aligned_text.encode(["mass"]).shape == (1, 24)
    assert dual.aligned_text.encode([]).shape == (0, 24)


def test_the_networks_written_here_have_the_published_tensors() -> None:
    listed = whole("biomedclip")
    trunk = {name.removeprefix("visual.trunk."): at for name, at in listed.items() if name.startswith("visual.trunk.")}
    with torch.device("meta"):
        made = PictureVit(trunk).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in made.items()} == trunk
    words = {name.removeprefix("text.transformer.") for name in listed if name.startswith("text.transformer.")}
    assert needed(12) == words


@pytest.mark.parametrize(
    "lacks",
    [
        "visual.trunk.blocks.1.attn.qkv.bias",
        "visual.head",
        "text.proj.2",
        "text.transformer.encoder.layer.1.output.dense.weight",
        "visual.trunk.pos_embed",
    ],
)
def test_weights_that_lack_a_tensor_are_not_filled_up(tmp_path: Path, lacks: str) -> None:
    save_biomedclip(tmp_path, without=lacks)
    with pytest.raises(EncoderUnavailable, match="are not those of the network"):
        load_open_clip(str(tmp_path))


@pytest.mark.parametrize("more", ["visual.trunk.reg_token", "text.transformer.encoder.extra.weight", "audio.conv1"])
def test_weights_that_hold_more_are_refused(tmp_path: Path, more: str) -> None:
    save_biomedclip(tmp_path, beside={more: torch.zeros(2)})
    with pytest.raises(EncoderUnavailable, match=r"are not those of the network|no network of this kind has"):
        load_open_clip(str(tmp_path))


def trunk_of(weights: dict[str, torch.Tensor], *, without: str = "nothing") -> dict[str, torch.Tensor]:
    found = {name: one for name, one in weights.items() if name.startswith("visual.trunk.") and without not in name}
    return {name.removeprefix("visual.trunk."): one for name, one in found.items()}


def seen(trunk: dict[str, torch.Tensor], name: str, *, wide: bool) -> torch.Tensor:
    network = StudyVit({at: tuple(one.shape) for at, one in trunk.items()}, name, wide=wide).eval()
    network.load_state_dict(trunk, strict=True)
    with torch.inference_mode():
        made: torch.Tensor = network(scans(3))
    return made


@pytest.mark.parametrize(("kind", "name"), [("h2", "clip-vit_base-scan_study-dualdinotxt1568"),
                                            ("h3", "clip-vit_base-slice_scan_study-dualdinotxt1568")])  # fmt: skip
def test_hlip_gives_what_its_rules_give_over_timm(kind: str, name: str) -> None:
    """Numbers made with timm 1.0.31's VisionTransformer, its tokens partitioned as HLIP's code at 1abc1d3 reads."""
    weights = weights_of(tiny("hlip", HLIP, layers=None))
    vector = weights["visual.head.proj.weight"] @ seen(trunk_of(weights), name, wide=True)
    np.testing.assert_allclose(vector, json.loads((LISTS / "hlip.json").read_text())[kind], atol=5e-4)


def test_the_first_networks_of_hlip_number_their_scans() -> None:
    """vit_base_scan_study_token1176 and its kin: no register, a place for each scan, the class token alone."""
    trunk = trunk_of(weights_of(tiny("hlip", HLIP, layers=None)), without="reg_token")
    trunk |= weights_of({"sequential_posemb": (1, 40, 128)})
    features = seen(trunk, "vit_base_multiscan_h2_token1176", wide=False)
    expected = json.loads((LISTS / "hlip.json").read_text())["sequential"]
    np.testing.assert_allclose(features[: len(expected)], expected, atol=5e-4)


def test_hlip_has_the_published_tensors_at_full_size() -> None:
    listed = whole("hlip")
    trunk = {name.removeprefix("visual.trunk."): at for name, at in listed.items() if name.startswith("visual.trunk.")}
    with torch.device("meta"):
        network = StudyVit(trunk, "clip-vit_base-slice_scan_study-dualdinotxt1568", wide=True)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == trunk
    assert network.shape == (48, 224, 224)
    words = {name.removeprefix("text.transformer.") for name in listed if name.startswith("text.transformer.")}
    assert needed(12) == words


def test_what_layers_attend_within_is_told_by_the_name() -> None:
    assert levels_of("clip-vit_large-slice_scan_study-x", 24)[:6] == ("slice",) * 4 + ("scan", "study")
    assert levels_of("clip_vit_base_scan_study_token1176", 12)[:3] == ("scan", "scan", "study")
    for name, depth in (("clip_vit_base_slice_scan_token2744", 12), ("vit_base_scan_study", 10)):
        with pytest.raises(ValueError, match=r"does not say|none of HLIP's"):
            levels_of(name, depth)


def test_an_hlip_repository_sees_whole_studies_and_reads_sentences(tmp_path: Path) -> None:
    folder = tmp_path / "clip-vit_base-slice_scan_study-dualdinotxt1568"
    save_hlip(folder)
    dual = open_encoder(f"hlip:{folder}")
    assert dual.aligned
    assert dual.aligned_text is not None
    assert isinstance(dual.image, OfStudies)
    other = Volume(BRIGHT.voxels[::-1] ** 2, BRIGHT.affine)
    prepared = [dual.image.preparation(volume) for volume in (BRIGHT, other)]
    assert prepared[0].pixels.shape == (8, 32, 32)
    study = dual.image.encode_study(prepared)
    alone = dual.image.encode([BRIGHT, other])
    np.testing.assert_allclose(np.linalg.norm([study, *alone], axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(alone[0], dual.image.encode_study(prepared[:1]))
    assert float((alone @ study).max()) < 0.9999
    assert dual.aligned_text.encode(["mass"]).shape == (1, 128)
    folder.rename(tmp_path / "renamed")
    with pytest.raises(EncoderUnavailable, match="does not say whether its layers"):
        open_encoder(f"hlip:{tmp_path / 'renamed'}")


def test_a_scan_is_prepared_as_hlip_prepares_it() -> None:
    """Against torch's own interpolation, in the order of its pipeline; slices run from head to foot."""
    random = np.random.default_rng(3)
    voxels = random.gamma(2.0, 100.0, (30, 42, 20)).astype(np.float32)
    preparation = ScanPreparation(slices=12, side=56)
    assert preparation_from(preparation.spec) == preparation
    made = preparation(Volume(voxels, np.diag([1.0, 1.0, 4.0, 1.0]))).pixels
    shown = voxels.transpose(2, 1, 0)[::-1, ::-1]
    low, high = np.percentile(shown, (0.5, 99.5))
    grey = torch.from_numpy((np.clip(shown, low, high) - low) / (high - low))[None].float()
    grey = torch.nn.functional.pad(grey, (6, 6, 0, 0))
    grey = torch.nn.functional.interpolate(grey, size=(64, 64), mode="bilinear")
    grey = torch.nn.functional.interpolate(grey[None], size=(12, 64, 64), mode="nearest-exact")[0, 0, :, 4:60, 4:60]
    np.testing.assert_allclose(made / 255, grey, atol=0.51 / 255)
    sagittal = preparation(Volume(voxels.transpose(2, 0, 1).copy(), np.diag([4.0, 1.0, 1.0, 1.0]))).pixels
    assert sagittal.shape == made.shape
    flat = preparation(Volume(np.zeros((9, 9, 3), np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))).pixels
    assert not flat.any()


SENTENCES: dict[str, tuple[str, dict[int, int], dict[str, Any], str]] = {
    "multilingual-e5-small": (
        "intfloat/multilingual-e5-small", {250037: size_of_vocabulary(), 384: 48, 1536: 96, 512: 64},
        {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 12}, "query: ",
    ),
    "pubmedbert-base-embeddings": (
        "NeuML/pubmedbert-base-embeddings", {30522: size_of_vocabulary(), 768: 48, 3072: 96, 512: 64},
        {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 12}, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(SENTENCES))
def test_sentence_encoders_under_their_published_names(tmp_path: Path, name: str) -> None:
    """Their pooling and normalisation as sentence-transformers lays them out, and the prompt of where they are from."""
    repository, sizes, stated, prompt = SENTENCES[name]
    save_file(weights_of(tiny(name, sizes, layers=2)), tmp_path / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "max_position_embeddings": 64, "num_hidden_layers": 2, "pad_token_id": 0, "type_vocab_size": 2,
        "position_embedding_type": "absolute", "vocab_size": size_of_vocabulary(), **stated,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Norm", "Normalize")))
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 48, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (tmp_path / "source.json").write_text(json.dumps({"repository": repository}))
    tokenizer = save_tokenizer(tmp_path)
    model = transformers.BertModel.from_pretrained(tmp_path).eval()
    given = tokenizer([f"{prompt}left mass"], return_tensors="pt")
    with torch.inference_mode():
        states = model(given["input_ids"], given["attention_mask"]).last_hidden_state
    expected = torch.nn.functional.normalize(states.mean(dim=1), dim=1)
    encoder = SentenceEncoder.from_name(str(tmp_path))
    np.testing.assert_allclose(encoder.encode(["left mass"]), expected, atol=1e-4)
    assert {name.removeprefix("bert.") for name in whole(name)} >= needed(12)
