"""One volume of a series as it is: every voxel in the file's own units, read in a child process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spinecho.encoders.preparing.grey_levels import memory_order
from spinecho.encoders.reading.files import read_series
from spinecho.encoders.reading.headers import Header, VolumeRead
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message


def voxels_task(headers: Sequence[tuple[str, str]], *, key: str, seconds: float = 120.0) -> Task:
    """Read one volume of a series; `headers` are (path, header as JSON)."""
    return Task("spinecho.encoders.preparing.voxels:read_voxels", {"headers": list(headers), "key": key}, seconds)


def read_voxels(arguments: dict[str, Any]) -> Iterator[Message]:
    """The volume with the key, alone; runs in a reading process."""
    headers = [Header.from_json(text, path=path) for path, text in arguments["headers"]]
    for item in read_series(headers, max_volumes=64):
        if isinstance(item, VolumeRead) and item.key == arguments["key"]:
            voxels = item.volume.voxels
            order = memory_order(voxels)
            facts = {"affine": item.volume.affine.tolist(), "order": order, "shape": voxels.shape}
            yield facts, (np.ascontiguousarray(voxels.transpose(order)).tobytes(),)
            return


def unpack_voxels(message: Message) -> Volume:
    """What `read_voxels` gave, typed again; its voxels are read-only."""
    value, buffers = message
    order: list[int] = value["order"]
    voxels = np.frombuffer(buffers[0], dtype=np.float32).reshape([value["shape"][axis] for axis in order])
    return Volume(voxels.transpose(np.argsort(order)), np.array(value["affine"], dtype=np.float64))
