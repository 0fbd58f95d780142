"""open_clip's text tower over a BERT: the first token's last state, projected into the space of pictures.

Names of tensors are those of `HFTextEncoder` with the pooler `cls_last_hidden_state_pooler`: `transformer.*`, `proj.*`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.networks.bert import bert_of
from spinecho.encoders.networks.bert_weights import needed
from spinecho.encoders.networks.published.blocks import HEAD
from spinecho.encoders.networks.published.picture_vit import layers_in
from spinecho.encoders.networks.sentence_encoder import load_tokenizer

_LINEAR, _MLP = {"proj.weight"}, {"proj.0.weight", "proj.2.weight"}
_UNREAD = {"transformer.embeddings.position_ids", "transformer.pooler.dense.weight", "transformer.pooler.dense.bias"}


def words_of(
    weights: Mapping[str, Tensor], folder: Path, *, name: str, most_tokens: int, prompt: str = ""
) -> tuple[Callable[[Sequence[str]], Tensor], str]:
    """(sentences -> (n, dim) vectors, digest of all that is done before the network).

    weights: float32, on the device that computes. prompt: put before every sentence. Raises KeyError for tensors that
    are missing, ValueError for those that are not known, EncoderUnavailable for a folder without a tokenizer.
    """
    bert = {name.removeprefix("transformer."): one for name, one in weights.items() if name.startswith("transformer.")}
    layers = layers_in(bert, "encoder.layer.")
    projection = {name for name in weights if name.startswith("proj.")}
    unknown = set(weights) - projection - _UNREAD - {f"transformer.{one}" for one in needed(layers)}
    if unknown or projection not in (_LINEAR, _MLP):
        raise ValueError(f"tensors of another text tower: {', '.join(sorted(unknown or projection)[:3]) or 'no proj'}")
    if missing := sorted(needed(layers) - bert.keys()):
        raise KeyError(f"text.transformer.{missing[0]}")
    width = bert["embeddings.word_embeddings.weight"].shape[1]
    network = bert_of(bert, heads=max(1, width // HEAD), layers=layers)
    limit = min(most_tokens, len(bert["embeddings.position_embeddings.weight"]))
    tokenizer = load_tokenizer(folder, name=name, max_tokens=limit)
    device = bert["embeddings.word_embeddings.weight"].device

    def read(sentences: Sequence[str]) -> Tensor:
        clean = [(prompt + sentence).encode("utf-8", "replace").decode() for sentence in sentences]
        found = [tokenizer.encode(sentence).ids for sentence in clean]
        longest = max(1, *(len(ids) for ids in found)) if found else 1
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in found], device=device)
        lengths = torch.tensor([len(row) for row in found], device=device)
        mask = (torch.arange(longest, device=device)[None] < lengths[:, None]).long()
        first = network(ids, mask)[:, 0]
        if projection == _LINEAR:
            return functional.linear(first, weights["proj.weight"])
        wide = functional.gelu(functional.linear(first, weights["proj.0.weight"]))
        return functional.linear(wide, weights["proj.2.weight"])

    digest = hashlib.sha256(f"tokens={limit} first state prompt={prompt!r}".encode())
    digest.update(tokenizer.to_str().encode())
    return read, digest.hexdigest()
