"""A plain BERT's checkpoint: which one is plain, how its tensors are named, and what it may not lack."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.model_files import ModelFiles

QKV = ("query", "key", "value")
_EMBEDDINGS = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")
_LAYER = (
    *(f"attention.self.{part}" for part in QKV),
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)


def is_plain_bert(config: dict[str, Any]) -> bool:
    """True for encoder-only BERT with absolute positions and exact GELU: what is computed without `transformers`."""
    return (
        config.get("model_type") == "bert"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config.get("hidden_act") == "gelu"
        and {"num_attention_heads", "num_hidden_layers"} <= config.keys()
        and not config.get("is_decoder", False)
    )


def present_name(name: str) -> str:
    """A tensor's name as it is written today: early checkpoints call a norm's weight and bias gamma and beta."""
    name = name.removeprefix("bert.")
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def needed(layers: int) -> set[str]:
    """The tensors of so many layers, by their names of today."""
    names = {f"embeddings.{part}.weight" for part in _EMBEDDINGS} | {"embeddings.LayerNorm.bias"}
    return names | {
        f"encoder.layer.{layer}.{part}.{kind}"
        for layer in range(layers)
        for part in _LAYER
        for kind in ("weight", "bias")
    }


def require_whole(files: ModelFiles, names: Collection[str]) -> None:
    """Raise EncoderUnavailable where one of the tensors that `files` needs is not among `names`."""
    if missing := sorted(needed(int(files.config["num_hidden_layers"])).difference(names)):
        raise EncoderUnavailable(
            f"the weights of {files.name} lack {len(missing)} of BERT's tensors, e.g. {missing[0]}; "
            "install or download them again"
        )


def damaged(files: ModelFiles, error: Exception) -> EncoderUnavailable:
    """What is raised for weights that cannot be read."""
    return EncoderUnavailable(f"the weights of {files.name} are damaged ({error}); install or download them again")


def bert_arrays(files: ModelFiles) -> dict[str, NDArray[np.float32]]:
    """The tensors that are needed, float32, without torch.

    Raises EncoderUnavailable for weights that are damaged or not whole, TypeError for types that NumPy does not know.
    """
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    wanted = needed(int(files.config["num_hidden_layers"]))
    found: dict[str, NDArray[np.float32]] = {}
    for path in files.weights:
        try:
            with safe_open(str(path), framework="numpy") as opened:
                for name in opened.keys():  # noqa: SIM118  (no mapping)
                    if present_name(name) in wanted:
                        values = opened.get_tensor(name)
                        found[present_name(name)] = np.ascontiguousarray(values, dtype=np.float32)
        except (SafetensorError, OSError) as error:
            raise damaged(files, error) from error
    require_whole(files, found)
    return found
