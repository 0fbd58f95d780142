"""What holds in a reading process on this machine, asked of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from spinecho.encoders.sandbox.processes import Sandbox, Task, reading_memory


@dataclass(frozen=True, slots=True)
class Confined:
    """The limits of a reading process. memory_mb: 0 for none; writes_mb: the largest file that reading may write.

    network: whether it has any. Where the kernel lets no process give its own up, it has.
    """

    memory_mb: int
    writes_mb: int
    network: bool


def how_confined() -> Confined | None:
    """As a reading process finds it; None where none can be started. Asked once in a process."""
    return _asked(reading_memory())


@lru_cache(maxsize=4)
def _asked(memory_mb: int) -> Confined | None:
    with Sandbox(memory_mb=memory_mb) as sandbox:
        outcome = sandbox.run(Task("spinecho.encoders.sandbox.confinement:describe", {}, 30.0))
    if outcome.failure is not None:
        return None
    found, _ = outcome.messages[0]
    return Confined(int(found["memory_mb"] or 0), int(found["writes_mb"]), bool(found["network"]))
