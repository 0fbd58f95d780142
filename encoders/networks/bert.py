"""BERT's forward pass (Devlin et al. 2019, arXiv:1810.04805), reading safetensors straight into torch.

The `transformers` package gives the same numbers, and takes seconds to import; a command line that answers one
query should not pay them. Anything but a plain BERT still goes through `transformers` (`load_any`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as fn

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.bert_weights import QKV, damaged, is_plain_bert, present_name, require_whole
from spinecho.encoders.networks.model_files import ModelFiles

Network = Callable[[Tensor, Tensor], Tensor]
"""(token ids, mask), both (n, tokens) int64 -> (n, tokens, dim) float32."""


def load_network(files: ModelFiles, device: torch.device) -> Network:
    """The network of `files` on `device`, in float32."""
    return _plain_bert(files, device) if is_plain_bert(files.config) else load_any(files, device)


def _plain_bert(files: ModelFiles, device: torch.device) -> Network:
    weights: dict[str, Tensor] = {}
    try:
        for path in files.weights:
            weights |= {
                present_name(name): tensor.to(device, torch.float32)
                for name, tensor in load_file(path).items()
                if tensor.is_floating_point()
            }
    except (SafetensorError, OSError) as error:
        raise damaged(files, error) from error
    require_whole(files, weights)
    return _of(files, weights)


def load_changed(files: ModelFiles, weights: Mapping[str, NDArray[np.float32]], device: torch.device) -> Network:
    """A plain network with other weights than those of its files."""
    return _of(files, {name: torch.from_numpy(one).to(device) for name, one in weights.items()})


def _of(files: ModelFiles, weights: dict[str, Tensor]) -> Network:
    config = files.config
    return bert_of(
        weights,
        heads=int(config["num_attention_heads"]),
        layers=int(config["num_hidden_layers"]),
        eps=float(config.get("layer_norm_eps", 1e-12)),
    )


def bert_of(weights: dict[str, Tensor], *, heads: int, layers: int, eps: float = 1e-12) -> Network:
    """The network of float32 tensors under the names of today ("encoder.layer.0.output.dense.weight")."""

    def linear(x: Tensor, name: str) -> Tensor:
        return fn.linear(x, weights[name + ".weight"], weights[name + ".bias"])

    def norm(x: Tensor, name: str) -> Tensor:
        return fn.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], eps)

    def split(x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], heads, -1).transpose(1, 2)

    fused = {
        layer: tuple(
            torch.cat([weights[f"encoder.layer.{layer}.attention.self.{part}.{kind}"] for part in QKV])
            for kind in ("weight", "bias")
        )
        for layer in range(layers)
    }

    def forward(ids: Tensor, mask: Tensor) -> Tensor:
        x = fn.embedding(ids, weights["embeddings.word_embeddings.weight"])
        x = x + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = norm(x, "embeddings.LayerNorm")
        seen = None if bool(mask.all()) else mask.bool()[:, None, None, :]
        for layer in range(layers):
            at = f"encoder.layer.{layer}."
            query, key, value = (split(part) for part in fn.linear(x, *fused[layer]).chunk(3, dim=-1))
            heard = fn.scaled_dot_product_attention(query, key, value, attn_mask=seen)
            heard = linear(heard.transpose(1, 2).flatten(2), at + "attention.output.dense")
            x = norm(x + heard, at + "attention.output.LayerNorm")
            wide = fn.gelu(linear(x, at + "intermediate.dense"))
            x = norm(x + linear(wide, at + "output.dense"), at + "output.LayerNorm")
        return x

    return forward


def load_any(files: ModelFiles, device: torch.device) -> Network:
    """Any encoder that `transformers` itself implements; code shipped beside weights is never run."""
    from transformers import AutoModel  # noqa: PLC0415

    try:
        model, info = AutoModel.from_pretrained(
            str(files.folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        detail = " ".join(str(error).split())[:300]
        raise EncoderUnavailable(f"transformers cannot load {files.name}: {detail}") from error
    if lacks := hub.first_missing(info, besides=("pooler",)):  # nothing here reads what a pooler says
        raise EncoderUnavailable(
            f"the weights of {files.name} lack tensors that its config.json asks for, e.g. {lacks}; "
            "install or download them again"
        )
    model = model.to(device=device, dtype=torch.float32).eval()

    def forward(ids: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = model(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden

    return forward
