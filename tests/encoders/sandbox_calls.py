"""What the sandbox's tests ask a child to do; it is imported in the child by its bare name."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinecho.encoders.sandbox.worker import Message


def echo(arguments: dict[str, Any]) -> Iterator[Message]:
    time.sleep(arguments.get("wait", 0.0))
    yield {"echo": arguments.get("value"), "pid": os.getpid()}, ()


def abort(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    os.abort()


def segfault(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    ctypes.string_at(0)


def leave(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    os._exit(3)


def forever(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    while True:
        pass


def greedy(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    held = []
    while True:
        held.append(bytearray(32 << 20))


def fail(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    raise ValueError("Secret^Name")


class PanicException(BaseException):
    """As pyo3 hands over the panic of a library in Rust: no `Exception`."""


def panic(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    raise PanicException("Secret^Name")


def quit_all(arguments: dict[str, Any]) -> Iterator[Message]:
    yield {"before": True}, (b"kept",)
    sys.exit("Secret^Name")


def chatter(arguments: dict[str, Any]) -> Iterator[Message]:
    print("printed by python", flush=True)  # noqa: T201
    sys.stdout.write("x" * 100_000)
    os.write(1, b"printed by a library\n" * 1000)
    subprocess.run(["echo", "printed by a child"], check=True)
    yield {"spoke": True}, (b"\x00\xff",)
    print("and after")  # noqa: T201


def large(arguments: dict[str, Any]) -> Iterator[Message]:
    for value in range(5):
        yield {"value": value}, (bytes([value]) * (6 << 20), b"", bytes([value + 100]) * (4 << 20))


def deaf(arguments: dict[str, Any]) -> Iterator[Message]:
    """Live on for a while, with nobody there to take a request."""
    threading.Thread(target=time.sleep, args=(60,)).start()
    os.close(0)
    yield {"deaf": True}, ()


def babble(arguments: dict[str, Any]) -> Iterator[Message]:
    """Write what the worker never would, as code in a hostile file might."""
    head = arguments["raw"].encode() if "raw" in arguments else json.dumps(arguments["frame"]).encode()
    for handle in sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir()):
        if handle > 2 and _leads_to_pipe(handle):
            os.write(handle, struct.pack("<I", len(head)) + head)
    time.sleep(60)
    yield {}, ()


def _leads_to_pipe(handle: int) -> bool:
    try:
        return str(Path(f"/proc/self/fd/{handle}").readlink()).startswith("pipe:")
    except OSError:
        return False


def sleep(arguments: dict[str, Any]) -> Iterator[Message]:
    noted = Path(arguments["note"])
    noted.with_suffix(".part").write_text(str(os.getpid()))
    noted.with_suffix(".part").rename(noted)
    time.sleep(120)
    yield {}, ()


def imports(arguments: dict[str, Any]) -> Iterator[Message]:
    try:
        __import__(arguments["module"])
    except ImportError:
        yield {"found": False}, ()
    else:
        yield {"found": True}, ()


def count(arguments: dict[str, Any]) -> Iterator[Message]:
    for n in range(arguments["n"]):
        yield {"n": n}, (bytes(100),)


def write(arguments: dict[str, Any]) -> Iterator[Message]:
    """How many bytes of a file could be written."""
    path = Path(arguments["path"])
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(arguments["megabytes"]):
                file.write(b"x" * (1 << 20))
    except OSError as error:
        yield {"errno": error.errno, "size": path.stat().st_size}, ()
    else:
        yield {"errno": 0, "size": path.stat().st_size}, ()


def reach(arguments: dict[str, Any]) -> Iterator[Message]:
    """What came of connecting to a port of this machine."""
    with socket.socket() as one:
        one.settimeout(5)
        yield {"errno": one.connect_ex(("127.0.0.1", arguments["port"]))}, ()


def nested(arguments: dict[str, Any]) -> Iterator[Message]:
    """As deep as a parser goes that has no limit of its own."""
    yield {"before": True}, (b"kept",)

    def deeper() -> None:
        deeper()

    deeper()
