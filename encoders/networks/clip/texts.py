"""The text towers that came with image towers for pictures: sentences in the space of the images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from spinecho.encoders.networks.clip.sentence_pieces import FILE, siglip_tokenizer
from spinecho.encoders.networks.sentence_encoder import load_tokenizer
from spinecho.encoders.space import Space, Vectors

_SENTENCES = 32
"""A forward pass."""


class SentenceReader(Protocol):
    """What reads sentences into the space of pictures: `encoders.image.clip.PictureModel`."""

    @property
    def space(self) -> Space:
        """The space of the pictures."""
        ...

    @property
    def read(self) -> Callable[[Sequence[str]], Tensor]:
        """Sentences -> vectors (n, dim), not of unit length."""
        ...


class PictureTextEncoder:
    """An `Encoder[str]` in the space of a model's images. A text is cut where the model's limit is (64-256
    tokens): it is made for a query or a sentence, not for a report.
    """

    def __init__(self, model: SentenceReader) -> None:
        self._model = model
        self._space = model.space

    @property
    def space(self) -> Space:
        """The space of every vector that `encode` returns: the images' own."""
        return self._space

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows, in the order of `items`; (0, dim) for none."""
        rows = [np.empty((0, self._space.dim), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(items), _SENTENCES):
                read = self._model.read(items[start : start + _SENTENCES]).float()
                rows.append(normalize(read, dim=1).cpu().numpy())
        return np.concatenate(rows)


def clip_reader(
    folder: Path, *, name: str, config: dict[str, Any], network: Any
) -> tuple[Callable[[Sequence[str]], Tensor], str]:
    """(sentences -> (n, dim) vectors, digest of the tokenizer) of a CLIP or SigLIP that is loaded.

    SigLIP was trained on sentences filled up to its limit, reads the padding, and takes the last place's state; CLIP
    takes the state where the sentence ends. So SigLIP always gets its full length and no mask.
    """
    text = config.get("text_config", {})
    siglip = config["model_type"] == "siglip"
    limit = int(text.get("max_position_embeddings", 64 if siglip else 77))
    pad = int(text.get("pad_token_id", 1))
    by_pieces = siglip and (folder / FILE).is_file() and not (folder / "tokenizer.json").is_file()
    loading = siglip_tokenizer if by_pieces else load_tokenizer
    tokenizer = loading(folder, name=name, max_tokens=limit)
    device = next(network.parameters()).device

    def read(sentences: Sequence[str]) -> Tensor:
        found = [tokenizer.encode(sentence.encode("utf-8", "replace").decode()).ids for sentence in sentences]
        longest = limit if siglip else max(1, *(len(ids) for ids in found))
        ids = torch.tensor([row + [pad] * (longest - len(row)) for row in found], device=device)
        if siglip:
            vectors: Tensor = network.text_model(input_ids=ids).pooler_output
            return vectors
        lengths = torch.tensor([len(row) for row in found], device=device)
        mask = (torch.arange(longest, device=device)[None] < lengths[:, None]).long()
        projected: Tensor = network.text_projection(
            network.text_model(input_ids=ids, attention_mask=mask).pooler_output
        )
        return projected

    digest = hashlib.sha256(f"tokens={limit} pad={pad} full={siglip}".encode())
    digest.update(tokenizer.to_str().encode())
    return read, digest.hexdigest()
