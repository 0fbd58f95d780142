"""The child end of `processes`: takes one request at a time, answers in frames, never outlives its parent.

A frame is a 4-byte length, that many bytes of JSON, then the buffers whose lengths the JSON names: no pickle, so
nothing that a hostile file made this process say can run in the parent.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
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


def _read_request(stream: IO[bytes]) -> dict[str, Any] | None:
    size = stream.read(4)
    if len(size) < 4:
        return None
    request: dict[str, Any] = json.loads(stream.read(struct.unpack("<I", size)[0]))["value"]
    return request


def _confine(memory_mb: int) -> None:
    """Limit memory, write no core files, and die with the parent (Linux)."""
    if memory_mb:
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Serve requests from standard input until it closes."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # a library that prints must not break into a frame
    _confine(int(sys.argv[1]))
    requests = sys.stdin.buffer
    while (request := _read_request(requests)) is not None:
        try:
            module, name = request["call"].split(":")
            call: Call = getattr(importlib.import_module(module), name)
            for value, buffers in call(request["arguments"]):
                write_frame(answers, {"part": value}, buffers)
            write_frame(answers, {"end": "done"})
        except MemoryError:
            write_frame(answers, {"end": "memory"})
            return
        except Exception as error:  # whatever a parser does on hostile bytes; its text may hold patient data
            write_frame(answers, {"end": "crash", "kind": type(error).__name__})


if __name__ == "__main__":
    main()
