"""Others' image towers for pictures, made to see volumes: slice by slice, and the mean of what the slices say.

CLIP (Radford et al. 2021, arXiv:2103.00020) and SigLIP (Zhai et al. 2023, arXiv:2303.15343) put a picture and a
sentence into one space; MedSigLIP (Sellergren et al. 2025, arXiv:2507.05201) is a SigLIP tuned on medical pictures.
How a volume becomes pictures is our choice: slabs by `StackPreparation` with the model's own side and grey levels, in
true proportions on black (the models' own preparation would crop), grey repeated as red, green and blue, and the mean
of the slabs' unit vectors, each of which counts the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import normalize

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.parts_of_volumes import Described, Floats
from spinecho.encoders.preparing.preparation import Grey, Prepared, StackPreparation
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors

_PICTURES, _GPU_VOLUMES = 16, 8
"""Pictures a forward pass, volumes a call."""
FAMILIES = ("clip", "siglip")
"""The `model_type` of a config.json that is computed here. SigLIP 2 of a fixed size calls itself "siglip" too."""


@dataclass(frozen=True, slots=True)
class Look:
    """How grey 0..255 becomes what a network takes: divided by 255, then (x - mean) / std for each of R, G, B."""

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PictureNetwork:
    """What sees pictures, whichever library computes it.

    see: pictures (n, 3, size, size) float32 -> (features (n, width) before the projection, vectors (n, dim), not of
    unit length). after: what is done beside the weights and the pictures, of which another makes another space: how
    the network is pooled, and what is done to a sentence, where there are any.
    """

    name: str
    revision: str
    look: Look
    dim: int
    device: torch.device
    see: Callable[[Tensor], tuple[Tensor, Tensor]]
    after: dict[str, str]

    @property
    def preparation(self) -> StackPreparation:
        """The slabs that are shown to the network."""
        return StackPreparation(size=self.look.size)

    @property
    def space(self) -> Space:
        """Its `preprocessing` covers slabs, normalisation and the tokenizer, as both towers share the space."""
        before = {"pictures": self.preparation.spec, "look": asdict(self.look), **self.after}
        digest = hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()
        return Space(self.name, self.revision, digest, self.dim)


@dataclass(frozen=True, slots=True)
class PictureModel(PictureNetwork):
    """A pair of towers for pictures and sentences in one space.

    read: sentences -> vectors (n, dim), not of unit length. `after` has "text": of all that is done to a sentence.
    """

    read: Callable[[Sequence[str]], Tensor]


class PictureEncoder:
    """An `ImageEncoder` that is `Describing`, over a `PictureNetwork`. Each slab is a part, as thick as it is."""

    def __init__(self, model: PictureNetwork) -> None:
        self.space = model.space
        self.preparation = model.preparation
        self._model = model
        mean, std = (torch.tensor(values, device=model.device) for values in (model.look.mean, model.look.std))
        self._scale, self._shift = 1 / (255 * std), -mean / std

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return 1 if self._model.device.type == "cpu" else _GPU_VOLUMES

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that the preparation has been applied to already, e.g. in a reading process."""
        if not items:
            return np.empty((0, self.space.dim), dtype=np.float32)
        return np.stack([_unit(self._seen(item.pixels)[1].mean(axis=0)) for item in items])

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        """One for each; slabs in the order of the pictures, the acquired plane first."""
        described = []
        for item in items:
            features, vectors = self._seen(item.pixels)
            weights = np.full(len(vectors), 1 / len(vectors), np.float32)
            vector = _unit(vectors.mean(axis=0))
            boxes = slab_boxes(item.geometry)
            described.append(Described(vector, features, features.mean(axis=0), vectors, weights, boxes))
        return described

    def _seen(self, pictures: Grey) -> tuple[Floats, Floats]:
        """((n, width) features, (n, dim) unit vectors) of (n, size, size) pictures."""
        device = self._model.device
        mixed = torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
        features, vectors = [], []
        with torch.inference_mode(), mixed:
            for start in range(0, len(pictures), _PICTURES):
                grey = torch.tensor(pictures[start : start + _PICTURES], device=device).float()
                colour = grey[:, None] * self._scale[None, :, None, None] + self._shift[None, :, None, None]
                feature, vector = self._model.see(colour)
                features.append(feature.float().cpu().numpy())
                vectors.append(normalize(vector.float(), dim=1).cpu().numpy())
        return np.concatenate(features), np.concatenate(vectors)


def slab_boxes(geometry: Floats) -> Floats:
    """(t, 6) the box of each slab of a `StackPreparation`, as `Described` wants it."""
    boxes = np.tile(np.array([0, 0, 0, 1, 1, 1], np.float32), (len(geometry), 1))
    axes, rows = geometry[:, 0].astype(int), np.arange(len(geometry))
    boxes[rows, axes], boxes[rows, 3 + axes] = geometry[:, 1], geometry[:, 2]
    return boxes


def load_clip(name_or_folder: str, *, device: str = "cpu") -> PictureModel:
    """A CLIP or SigLIP in transformers' format: a folder, or a model by its name on the hub.

    Raises EncoderUnavailable for weights that are not at hand, pickles, another kind of model, missing tensors, and a
    folder without the model's preparation of pictures or its tokenizer.
    """
    from spinecho.encoders.networks.clip.texts import clip_reader  # noqa: PLC0415  (transformers is slow to import)

    folder = hub.find_folder(name_or_folder)
    name = folder.resolve().name if Path(name_or_folder).expanduser().is_dir() else name_or_folder
    config = hub.json_of(folder / "config.json", name=name)
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise EncoderUnavailable(
            f"{name} is a {kind!r}, not one of {', '.join(FAMILIES)}; for text alone use --text-model, for an "
            "open_clip repository open-clip:NAME"
        )
    weights = hub.safetensors_in(folder, name=name)
    look = look_of(config.get("vision_config", {}).get("image_size", 224), *grey_levels(folder, name), name=name)
    network = load_network(folder, name).to(device=device, dtype=torch.float32).eval()
    read, text_digest = clip_reader(folder, name=name, config=config, network=network)

    def see(pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = network.vision_model(pixel_values=pictures).pooler_output
        return seen, network.visual_projection(seen) if kind == "clip" else seen

    with torch.inference_mode():
        dim = int(read(["spin echo"]).shape[1])
    revision = hub.files_digest(weights)
    return PictureModel(
        name, revision, look, dim, torch.device(device), see=see, after={"text": text_digest}, read=read
    )


def load_network(folder: Path, name: str, *, besides: Sequence[str] = ()) -> Any:
    """A network that transformers itself implements; code shipped beside weights is never run.

    besides: parts of names of tensors that may be missing, since nobody reads what they make.
    """
    from transformers import AutoModel  # noqa: PLC0415

    try:
        network, info = AutoModel.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        detail = " ".join(str(error).split())[:300]
        raise EncoderUnavailable(f"transformers cannot load {name}: {detail}; install or download it again") from error
    if lacks := hub.first_missing(info, besides=besides):
        raise EncoderUnavailable(
            f"the weights of {name} lack tensors that its config.json asks for, e.g. {lacks}; download them again"
        )
    return network


def stated_preparation(folder: Path, name: str) -> dict[str, Any]:
    """Of preprocessor_config.json, or processor_config.json as newer versions of transformers write it."""
    newer, older = folder / "processor_config.json", folder / "preprocessor_config.json"
    stated = hub.json_of(older if older.is_file() else newer, name=name)
    inner = stated.get("image_processor", stated)
    return inner if isinstance(inner, dict) else {}


def grey_levels(folder: Path, name: str) -> tuple[Any, Any]:
    """(mean, standard deviation) that a model's pictures are normalised with, as its files state them."""
    stated = stated_preparation(folder, name)
    plain = not stated.get("do_normalize", True)
    mean, std = ([0.0] * 3, [1.0] * 3) if plain else (stated.get("image_mean"), stated.get("image_std"))
    factor = stated.get("rescale_factor", 1 / 255) if stated.get("do_rescale", True) else None
    if factor is None or abs(factor * 255 - 1) > 1e-3:
        raise EncoderUnavailable(f"{name} does not scale pictures to 0..1 (rescale_factor {factor}): not supported")
    return mean, std


def look_of(size: Any, mean: Any, std: Any, *, name: str) -> Look:
    """A `Look` from what a JSON file says; EncoderUnavailable for what makes no sense."""
    levels = [values for values in (mean, std) if isinstance(values, list) and len(values) == 3]
    numbers = [value for values in levels for value in values if isinstance(value, int | float)]
    if len(numbers) != 6 or min(numbers[3:]) <= 0 or not isinstance(size, int) or not 8 <= size <= 2048:
        raise EncoderUnavailable(
            f"{name} says of its pictures: side {size}, mean {mean}, std {std}; that cannot be used, download it again"
        )
    a, b, c, d, e, f = (float(number) for number in numbers)
    return Look(size, (a, b, c), (d, e, f))


def _unit(vector: Floats) -> Floats:
    unit: Floats = (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
    return unit
