"""BiomedCLIP and its kin without the open_clip package: a timm ViT and a BERT in one space (arXiv:2303.00915).

The repository's `open_clip_config.json` says what it is; names and shapes of tensors are open_clip's `CustomTextCLIP`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spinecho.encoders import hub
from spinecho.encoders.networks.clip.images import PictureModel, look_of
from spinecho.encoders.networks.published.picture_vit import PictureVit
from spinecho.encoders.networks.published.tensors import by_part, not_those, tensors_of
from spinecho.encoders.networks.published.words import words_of

_VIT = re.compile(r"vit_(tiny|small|base|large)_patch\d+_\d+(\.\w+)?")
_POOLS = ("", "token")
"""Of the image tower: the class token."""
_CONTEXT = 256


def is_picture_clip(model: dict[str, Any]) -> bool:
    """Whether the `model_cfg` of an open_clip_config.json is one that is computed here, without the package."""
    eyes, words = model.get("vision_cfg", {}), model.get("text_cfg", {})
    return (
        isinstance(eyes, dict)
        and isinstance(words, dict)
        and bool(_VIT.fullmatch(str(eyes.get("timm_model_name"))))
        and eyes.get("timm_pool", "") in _POOLS
        and eyes.get("timm_proj") == "linear"
        and not eyes.get("timm_proj_bias", False)
        and not eyes.get("timm_model_kwargs")
        and "bert" in str(words.get("hf_model_name", "")).lower()
        and words.get("hf_pooler_type") == "cls_last_hidden_state_pooler"
        and words.get("hf_proj_type") in {"mlp", "linear"}
    )


def load_picture_clip(
    folder: Path, *, name: str, model: dict[str, Any], before: dict[str, Any], device: str = "cpu"
) -> PictureModel:
    """From a folder whose `model_cfg` and `preprocess_cfg` these are; see `is_picture_clip`.

    Raises EncoderUnavailable.
    """
    paths = hub.safetensors_in(folder, name=name)
    weights = tensors_of(paths, name=name, device=device)
    parts = by_part(weights, ("visual.trunk.", "visual.head.", "text."))
    try:
        with torch.device("meta"):
            eyes = PictureVit({name: tuple(one.shape) for name, one in parts["visual.trunk."].items()})
        eyes.load_state_dict(parts["visual.trunk."], strict=True, assign=True)
        projection = parts["visual.head."]["proj.weight"]
        most_tokens = int(model["text_cfg"].get("context_length", _CONTEXT))
        read, text_digest = words_of(parts["text."], folder, name=name, most_tokens=most_tokens)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise not_those(name, error) from error
    eyes.eval()
    look = look_of(eyes.side, before.get("mean"), before.get("std"), name=name)

    def see(pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = eyes(pictures)
        return seen, functional.linear(seen, projection)

    dim, revision = int(projection.shape[0]), hub.files_digest(paths)
    return PictureModel(
        name, revision, look, dim, torch.device(device), see=see, after={"text": text_digest}, read=read
    )
