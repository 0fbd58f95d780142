"""The cluster that somebody names, as an executor for an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spinecho.encoders.dual import DualEncoder
from spinecho.indexer.executing.jobs import Executor
from spinecho.indexer.executing.spread import Spread
from spinecho.indexer.executing.transport import EncoderName


@contextmanager
def ray_executor(
    address: str, encoder: EncoderName, folders: Sequence[Path], *, encoders: int | None, memory_mb: int | None
) -> Iterator[Callable[[DualEncoder], Executor]]:
    """What makes executors over the Ray cluster at an address, as long as the block lasts. Raises as `connected` does,
    and `ClusterUnfit` where Ray is not installed.
    """
    from spinecho.indexer.executing.ray_cluster import connected  # noqa: PLC0415  (an extra)

    with connected(address, encoder, folders, encoders=encoders, memory_mb=memory_mb) as cluster:
        yield lambda dual: Spread(cluster, dual.spaces)
