"""An encoder of whole studies: HLIP, whose image tower sees all scans at once, and its words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spinecho.encoders import hub
from spinecho.encoders.fetching import repository_of
from spinecho.encoders.networks.clip.texts import PictureTextEncoder
from spinecho.encoders.networks.published.study_vit import StudyVit
from spinecho.encoders.networks.published.tensors import by_part, not_those, tensors_of
from spinecho.encoders.networks.published.words import words_of
from spinecho.encoders.preparing.preparation import Prepared, ScanPreparation
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors

PROMPT = "This MRI study shows: "
"""What stood before every report in training."""
MOST_SCANS = 16
"""Of a study that are seen at once: attention to every token of a study costs the square of how many there are."""
_CONTEXT = 256
_MEAN, _STD = (0.485 + 0.456 + 0.406) / 3, (0.229 + 0.224 + 0.225) / 3
"""Of the grey levels, from 0 to 1: the mean over colours of what is usual for photographs."""


class StudyEncoder:
    """An `ImageEncoder` that is `OfStudies`: a volume alone is a study of one scan."""

    batch = 1

    def __init__(self, network: StudyVit, projection: Tensor, *, space: Space, device: torch.device) -> None:
        slices, side, _ = network.shape
        self.preparation = ScanPreparation(slices=slices, side=side)
        self.space = space
        self._network, self._projection, self._device = network.eval(), projection, device

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, dim) float32 unit rows, each volume for itself."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that were prepared already."""
        rows = [self.encode_study([item]) for item in items]
        return np.stack(rows) if rows else np.empty((0, self.space.dim), np.float32)

    def encode_study(self, scans: Sequence[Prepared], /) -> Vectors:
        """(dim,) the unit vector of a study of these scans, of the first `MOST_SCANS` of them."""
        pixels = np.stack([scan.pixels for scan in scans[:MOST_SCANS]])
        mixed = torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._device.type == "cuda")
        with torch.inference_mode(), mixed:
            grey = torch.from_numpy(pixels).to(self._device).float()[:, None] / 255
            features = self._network((grey - _MEAN) / _STD)
            vector = functional.normalize(functional.linear(features, self._projection).float(), dim=0)
        unit: Vectors = vector.cpu().numpy()
        return unit


@dataclass(frozen=True, slots=True)
class _Words:
    space: Space
    read: Callable[[Sequence[str]], Tensor]


def load_hlip(name_or_folder: str, *, device: str = "cpu") -> tuple[StudyEncoder, PictureTextEncoder]:
    """Both towers from a folder as `push_to_hf_hub.py` of HLIP lays it out, or a model in the Hugging Face cache.

    Raises EncoderUnavailable for weights that are not at hand or those of another network.
    """
    folder = hub.find_folder(name_or_folder)
    name = folder.resolve().name if Path(name_or_folder).expanduser().is_dir() else name_or_folder
    model = repository_of(folder) or name
    paths = hub.safetensors_in(folder, name=name)
    parts = by_part(tensors_of(paths, name=name, device=device), ("visual.trunk.", "visual.head.", "text."))
    try:
        trunk, projection = parts["visual.trunk."], parts["visual.head."]["proj.weight"]
        shapes = {at: tuple(one.shape) for at, one in trunk.items()}
        wide = projection.shape[1] == 2 * shapes["cls_token"][2]
        with torch.device("meta"):
            network = StudyVit(shapes, model.rpartition("/")[2], wide=wide)
        network.load_state_dict(trunk, strict=True, assign=True)
        if not wide and projection.shape[1] != shapes["cls_token"][2]:
            raise ValueError(f"a projection of {projection.shape[1]} features")
        read, text_digest = words_of(parts["text."], folder, name=name, most_tokens=_CONTEXT, prompt=PROMPT)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise not_those(name, error) from error
    slices, side, _ = network.shape
    before = {
        "scans": ScanPreparation(slices=slices, side=side).spec, "levels": [_MEAN, _STD],
        "attends": list(network.levels), "most": MOST_SCANS, "text": text_digest,
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()
    space = Space(name, hub.files_digest(paths), digest, int(projection.shape[0]))
    image = StudyEncoder(network, projection, space=space, device=torch.device(device))
    return image, PictureTextEncoder(_Words(space, read))
