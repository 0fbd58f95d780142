"""A pickle of weights as safetensors, made in a reading process: opening a pickle is reading untrusted bytes.

`torch.load` with `weights_only=True` builds tensors and plain containers and refuses everything else; should it be
deceived, the process has no network, limited memory, and may write one file of limited size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message

_INSIDE = ("state_dict", "model_state_dict", "model")
"""Where training programs put the weights within what they save."""
_WRAPPER = "module."
"""Put before every name by training on several cards."""
_MEGABYTE = 1 << 20


def conversion_task(source: Path, target: Path, *, seconds: float) -> Task:
    """Write the tensors of a pickle into a safetensors file, about as large as the pickle."""
    arguments = {"source": str(source), "target": str(target)}
    writes_mb = source.stat().st_size // _MEGABYTE + 64
    return Task("spinecho.encoders.tasks.weight_tasks:convert", arguments, seconds, writes_mb)


def convert(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message: how many tensors were written and how many other values were left out, or why none were."""
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    held: Any = torch.load(arguments["source"], map_location="cpu", weights_only=True)
    for name in _INSIDE:
        if isinstance(held, Mapping) and isinstance(held.get(name), Mapping):
            held = held[name]
            break
    if not isinstance(held, Mapping):
        yield {"refused": "it holds no tensors by name"}, ()
        return
    tensors = {str(name): one for name, one in held.items() if isinstance(one, torch.Tensor)}
    if tensors and all(name.startswith(_WRAPPER) for name in tensors):
        tensors = {name.removeprefix(_WRAPPER): one for name, one in tensors.items()}
    if not tensors or any(one.layout != torch.strided or one.is_quantized for one in tensors.values()):
        yield {"refused": "it holds no tensors by name, or sparse or quantised ones"}, ()
        return
    dense = {name: one.detach().clone().contiguous() for name, one in tensors.items()}
    save_file(dense, arguments["target"], {"format": "pt"})
    yield {"tensors": len(dense), "left_out": len(held) - len(tensors)}, ()
