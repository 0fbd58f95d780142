"""Models in open_clip's format: BiomedCLIP and its kin by `picture_clip`, others by the `open_clip_torch` package.

The package is an optional extra: it brings torchvision, which has to match torch's own build. The repository's folder
must hold `open_clip_config.json` and safetensors; the package is given that folder and never a pickle.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.clip.images import PictureModel, look_of
from spinecho.encoders.networks.clip.picture_clip import is_picture_clip, load_picture_clip

CONFIG = "open_clip_config.json"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


def load_open_clip(name_or_folder: str, *, device: str = "cpu") -> PictureModel:
    """A folder, or a repository's name ("hf-hub:" before it may stay). EncoderUnavailable as for `load_clip`, and
    where the package is not installed.
    """
    given = name_or_folder.removeprefix("hf-hub:")
    folder = hub.find_folder(given)
    name = folder.resolve().name if Path(given).expanduser().is_dir() else given
    config = hub.json_of(folder / CONFIG, name=name)
    weights = hub.safetensors_in(folder, name=name)
    model_config, before = (config.get(part) for part in ("model_cfg", "preprocess_cfg"))
    if not isinstance(model_config, dict) or not isinstance(before, dict):
        raise EncoderUnavailable(f"{folder / CONFIG} must have model_cfg and preprocess_cfg; download it again")
    if is_picture_clip(model_config):
        return load_picture_clip(folder, name=name, model=model_config, before=before, device=device)
    library = _library()
    size = model_config.get("vision_cfg", {}).get("image_size")
    look = look_of(size, before.get("mean"), before.get("std"), name=name)
    try:
        network = library.create_model(
            f"local-dir:{folder}", precision="fp32", device=device, require_pretrained=True, weights_only=True
        ).eval()
        tokenizer = library.get_tokenizer(f"local-dir:{folder}")
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        detail = " ".join(str(error).split())[:300]
        raise EncoderUnavailable(
            f"open_clip cannot load {name}: {detail}; run '{hub.fetch_command(name)}' where there is a network, and "
            "for a text tower from another repository the same for that one"
        ) from error

    def see(pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = network.encode_image(pictures)  # the library shows nothing before the projection for every tower
        return seen, seen

    def read(sentences: Sequence[str]) -> Tensor:
        vectors: Tensor = network.encode_text(tokenizer(list(sentences)).to(device))
        return vectors

    with torch.inference_mode():
        dim = int(read(["spin echo"]).shape[1])
    digest = hashlib.sha256(json.dumps(model_config.get("text_cfg"), sort_keys=True).encode())
    for part in _TOKENIZER_FILES:
        digest.update(part.encode() + ((folder / part).read_bytes() if (folder / part).is_file() else b""))
    revision = hub.files_digest(weights)
    return PictureModel(
        name, revision, look, dim, torch.device(device), see=see, after={"text": digest.hexdigest()}, read=read
    )


def _library() -> Any:
    try:
        return importlib.import_module("open_clip")
    except ImportError as error:
        raise EncoderUnavailable(
            "models in open_clip's format need a package that is not installed: pip install 'spinecho[open-clip]' (it "
            "brings torchvision; on a machine without a GPU take both from https://download.pytorch.org/whl/cpu)"
        ) from error
