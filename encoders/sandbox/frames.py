"""What goes between a process and its reading processes: a 4-byte length, so much JSON, then the buffers it names.

No pickle: nothing that a hostile file made a reading process say can run in its parent.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, TypeAlias

Message: TypeAlias = tuple[dict[str, Any], Sequence[bytes]]
"""Plain JSON and the buffers that go with it."""
Call: TypeAlias = Callable[[dict[str, Any]], Iterator[Message]]


def write_frame(stream: IO[bytes], value: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
    """Write one frame and flush it."""
    head = json.dumps({"value": value, "lengths": [len(buffer) for buffer in buffers]}).encode()
    stream.write(struct.pack("<I", len(head)))
    stream.write(head)
    for buffer in buffers:
        stream.write(buffer)
    stream.flush()


def read_request(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next request, None where no more come."""
    size = stream.read(4)
    if len(size) < 4:
        return None
    request: dict[str, Any] = json.loads(stream.read(struct.unpack("<I", size)[0]))["value"]
    return request


def read_frames(data: bytes) -> list[Message]:
    """Every frame that was written one after the other. Raises ValueError for what is not whole."""
    found: list[Message] = []
    start = 0
    while start < len(data):
        (size,) = struct.unpack_from("<I", data, start)
        head = json.loads(data[start + 4 : start + 4 + size])
        start += 4 + size
        buffers = []
        for length in head["lengths"]:
            buffers.append(data[start : start + length])
            start += length
        found.append((head["value"], buffers))
    if start != len(data):
        raise ValueError("a frame is cut short")
    return found
