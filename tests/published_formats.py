"""Tiny random checkpoints under exactly the names that others publish, from lists taken from their own modules.

A list lies in `tests/encoders/published`; its first lines say of which module and version. Numbers come from NumPy's
old generator by a tensor's name, so that other programs make the same weights.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent / "encoders" / "text"))

from tiny_models import save_tokenizer, size_of_vocabulary

LISTS = Path(__file__).parent / "encoders" / "published"


def published(name: str) -> dict[str, tuple[tuple[int, ...], int]]:
    """By the name of a tensor ("*" for a layer's number): its shape, and how many layers have it."""
    found = {}
    for line in (LISTS / f"{name}.txt").read_text().splitlines():
        if not line.startswith("#"):
            tensor, shape, count = line.split()
            found[tensor] = (() if shape == "-" else tuple(map(int, shape.split("x"))), int(count))
    return found


def whole(name: str) -> dict[str, tuple[int, ...]]:
    """Every tensor of the published checkpoint with its shape."""
    return tiny(name, {}, layers=None)


def tiny(name: str, sizes: Mapping[int, int], *, layers: int | None) -> dict[str, tuple[int, ...]]:
    """The same tensors with other sizes and fewer layers. layers: None for all."""
    found = {}
    for tensor, (shape, count) in published(name).items():
        small = tuple(sizes.get(size, size) for size in shape)
        for layer in range(count if layers is None or "*" not in tensor else layers):
            found[tensor.replace("*", str(layer))] = small
    return found


def weights_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Random weights far from zero; what scales a norm lies around one."""
    made = {}
    for name, shape in shapes.items():
        values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape) * 0.2
        if name.endswith("weight") and len(shape) == 1:
            values = 1 + values
        made[name] = torch.from_numpy(np.asarray(values, np.float32))
    return made


def pictures(count: int, side: int) -> torch.Tensor:
    """(count, 3, side, side) float32, the same everywhere."""
    random = np.random.RandomState(5).standard_normal((count, 3, side, side))
    return torch.from_numpy(random.astype(np.float32))


BIOMEDCLIP = {768: 128, 2304: 384, 3072: 512, 197: 17, 16: 8, 512: 24, 640: 76, 30522: size_of_vocabulary()}
CLIP_GREY = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}


def save_biomedclip(
    folder: Path, *, without: str = "", beside: dict[str, torch.Tensor] | None = None, pickled: bool = False
) -> None:
    """As microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 is laid out; pickled: its weights too."""
    folder.mkdir(exist_ok=True)
    weights = weights_of(tiny("biomedclip", BIOMEDCLIP, layers=2)) | (beside or {})
    weights["text.transformer.embeddings.position_ids"] = torch.arange(24)[None]  # of older versions of transformers
    kept = {name: tensor for name, tensor in weights.items() if not without or without not in name}
    if pickled:
        torch.save(OrderedDict(kept), folder / "open_clip_pytorch_model.bin")
    else:
        save_file(kept, folder / "open_clip_model.safetensors")
    words = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
    config = {
        "model_cfg": {
            "embed_dim": 24,
            "vision_cfg": {
                "timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": False, "timm_pool": "",
                "timm_proj": "linear", "image_size": 32,
            },
            "text_cfg": {
                "hf_model_name": words, "hf_tokenizer_name": words, "hf_proj_type": "mlp",
                "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 16,
            },
        },
        "preprocess_cfg": CLIP_GREY,
    }  # fmt: skip
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_tokenizer(folder)


HLIP = {768: 128, 1536: 256, 2304: 384, 3072: 512, 14: 4, 8: 4, 6: 2, 16: 8, 512: 24, 30522: size_of_vocabulary()}
"""Sizes of the published network and of the tiny one, which takes scans of 8 slices of 32 x 32."""


def scans(count: int) -> torch.Tensor:
    """(count, 1, 8, 32, 32) float32, the same everywhere."""
    random = np.random.RandomState(6).standard_normal((count, 1, 8, 32, 32))
    return torch.from_numpy(random.astype(np.float32))


def save_hlip(folder: Path) -> None:
    """As HLIP's push_to_hf_hub.py lays a repository out: a config that says nothing, and configs of every network."""
    (folder / "hlip" / "model_configs").mkdir(parents=True)
    weights = weights_of(tiny("hlip", HLIP, layers=None))
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"date": "2026-02-22"}))
    (folder / "hlip" / "model_configs" / "clip_vit_base_slice_scan_study_dualdinotxt1568.json").write_text("{}")
    save_tokenizer(folder)
