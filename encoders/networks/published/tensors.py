"""Others' tensors out of safetensors files, part by part."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from spinecho.encoders.errors import EncoderUnavailable


def tensors_of(paths: tuple[Path, ...], *, name: str, device: str) -> dict[str, Tensor]:
    """Every tensor of safetensors files, float32. Raises EncoderUnavailable for a damaged one."""
    found: dict[str, Tensor] = {}
    try:
        for path in paths:
            found |= {at: one.to(device, torch.float32) for at, one in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise EncoderUnavailable(f"the weights of {name} are damaged ({error}); download them again") from error
    return found


def by_part(weights: dict[str, Tensor], parts: tuple[str, ...]) -> dict[str, dict[str, Tensor]]:
    """Tensors by what their names begin with, which is cut off. What scales a loss is left out.

    Raises EncoderUnavailable for a tensor that belongs to none.
    """
    found: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, tensor in weights.items():
        part = next((one for one in parts if name.startswith(one)), None)
        if part is not None:
            found[part][name.removeprefix(part)] = tensor
        elif name not in {"logit_scale", "logit_bias"}:
            raise EncoderUnavailable(f"the weights hold {name}, which no network of this kind has; download them again")
    return found


def not_those(name: str, error: Exception) -> EncoderUnavailable:
    """For weights that are not those of the network that a config names."""
    detail = " ".join(str(error).split())[:300]
    return EncoderUnavailable(f"the weights of {name} are not those of the network that its config names: {detail}")
