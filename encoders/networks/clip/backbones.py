"""Any network of transformers that sees pictures and nothing else, over the slabs of a volume.

Its vectors are compared with one another alone: scan with scan. `spinecho adapt` learns from an archive's reports
which of them go with which words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.clip.images import (
    FAMILIES,
    PictureNetwork,
    grey_levels,
    load_network,
    look_of,
    stated_preparation,
)

_TRAINED_POOL = frozenset({"siglip_vision_model", "clip_vision_model"})
"""By `model_type`: what pools is trained with the network. Others' poolers were made for classes, or never trained."""


def load_backbone(name_or_folder: str, *, device: str = "cpu") -> PictureNetwork:
    """A vision network in transformers' format (ViT, DINOv2, Swin, ConvNeXt, a SigLIP's image tower, ...).

    A volume's slab is what the network pools where that is trained (SigLIP, CLIP, convolutions), else its class
    token, else the mean of its tokens. Raises EncoderUnavailable as `load_clip` does.
    """
    folder = hub.find_folder(name_or_folder)
    name = folder.resolve().name if Path(name_or_folder).expanduser().is_dir() else name_or_folder
    config = hub.json_of(folder / "config.json", name=name)
    kind = str(config.get("model_type"))
    if kind in FAMILIES:
        raise EncoderUnavailable(f"{name} is a {kind}, which reads sentences too: name it clip:{name_or_folder}")
    weights = hub.safetensors_in(folder, name=name)
    look = look_of(_side(folder, name, config), *grey_levels(folder, name), name=name)
    unread = () if kind in _TRAINED_POOL else ("pooler.",)
    network = load_network(folder, name, besides=unread).to(device=device, dtype=torch.float32).eval()
    pooled = _how_pooled(network, kind)

    def see(pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = network(pixel_values=pictures)
        states = seen.last_hidden_state
        if states.ndim == 4:  # a convolutional network's: (n, channels, height, width)
            whole = getattr(seen, "pooler_output", None)
            one = states.mean(dim=(2, 3)) if whole is None else whole.flatten(1)
        elif pooled == "trained":
            one = seen.pooler_output
        else:
            one = states[:, 0] if pooled == "class token" else states.mean(dim=1)
        return one, one

    try:
        with torch.inference_mode():
            dim = int(see(torch.zeros(1, 3, look.size, look.size, device=device))[0].shape[1])
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        detail = " ".join(str(error).split())[:300]
        raise EncoderUnavailable(
            f"{name} is a {kind!r} and does not take pictures of {look.size} x {look.size} in three colours alone "
            f"({detail}); name a vision network, clip:NAME for one that reads too, --text-model for text"
        ) from error
    revision = hub.files_digest(weights)
    return PictureNetwork(name, revision, look, dim, torch.device(device), see=see, after={"pooled": pooled})


def _how_pooled(network: Any, kind: str) -> str:
    if kind in _TRAINED_POOL:
        return "trained"
    classed = any(part.rpartition(".")[2] == "cls_token" for part, _ in network.named_parameters())
    return "class token" if classed else "mean"


def _side(folder: Path, name: str, config: dict[str, Any]) -> Any:
    """Pixels a side: what is cut out of a picture at the end, else what it is scaled to, else what the network says."""
    stated = stated_preparation(folder, name)
    for part in ("crop_size", "size"):
        size = stated.get(part)
        if part == "crop_size" and not stated.get("do_center_crop", False):
            continue
        if isinstance(size, int):
            return size
        if isinstance(size, dict) and {"height", "width"} <= size.keys() and size["height"] == size["width"]:
            return size["height"]
    size = config.get("image_size", 224)
    return size[0] if isinstance(size, list) and size and len(set(size)) == 1 else size
