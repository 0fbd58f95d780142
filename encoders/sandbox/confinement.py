"""What a process that reads untrusted bytes may not do, set by itself before it is given any, and how much of it holds.

The kernel is asked once for each; where it refuses, reading goes on with the rest, and `describe` says so.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from spinecho.encoders.sandbox.frames import Message

MOST_WRITTEN_MB = 2048
"""The largest file that any task may write, whatever it asks for."""
COMPILED_MB = 16
"""While modules are imported: Python keeps what it has compiled."""
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000


def confine(memory_mb: int) -> None:
    """Limit memory and files, write no core files, do without a network, and die with the parent (Linux).

    Ctrl-C reaches every process of a terminal: whoever asked ends this one, so that no file is taken for one that
    crashed its reader.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if memory_mb:
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = MOST_WRITTEN_MB << 20
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(most, COMPILED_MB << 20), most))
    leave_network()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; a change of credentials would undo it


def leave_network(unshare: Callable[[int], int] | None = None) -> bool:
    """Go into a network namespace in which nothing is reachable, this machine neither; whether the kernel let us.

    An administrator's process stays in its user namespace: in a new one it could read only what it owns.
    """
    if sys.platform != "linux":
        return False
    call = ctypes.CDLL(None).unshare if unshare is None else unshare
    return bool(call(_NEW_NET if os.geteuid() == 0 else _NEW_USER | _NEW_NET) == 0)


def allow_writing(megabytes: int) -> None:
    """How large a file may be that is written from now on; 0 for none. More than `MOST_WRITTEN_MB` is not had."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(megabytes << 20, hard), hard))


def describe(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message: what holds in this process, asked of the kernel."""
    memory, _ = resource.getrlimit(resource.RLIMIT_AS)
    written, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield (
        {
            "memory_mb": None if memory == resource.RLIM_INFINITY else memory >> 20,
            "writes_mb": written >> 20,
            "network": reaches_network(),
            "environment": sorted(os.environ),
        },
        (),
    )


def reaches_network() -> bool:
    """Whether this process has any network; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("127.0.0.1", 9))
        except OSError:
            return False
    return True
