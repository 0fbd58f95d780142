"""Scans that the encoder which answers has no vector of: what every run of `index` does about them.

They come about without anybody's fault: an encoder is switched to while a run stores what another one says, or a
rollback goes back to one that has not seen what came since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spinecho.db.errors import Busy
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces, storing
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.space import require_stored
from spinecho.indexer.progress import Progress
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import embedding_lock, open_named

MOST = 500
"""Series at most that a run reads again: it keeps others from indexing meanwhile."""


def answered_by(
    settings: Settings,
    database: Database,
    opened: Callable[[], DualEncoder],
    progress: Progress | None,
    *,
    workers: int = 1,
    memory_mb: int | None = None,
    limit: int | None = None,
    **_: Any,
) -> tuple[Callable[[], DualEncoder], tuple[str, ...]]:
    """Embed scans that lack a vector of the encoder that answers now; (what opens that encoder, what is to be known).

    opened: the encoder of the run, which need not be the one that answers at its end. Nothing here fails a run.
    """
    live = storing.serving(database, "image")
    if live is None or not (lacking := held_spaces.count_lacking_beside(database, live)[1]):
        return opened, ()
    from spinecho.indexer.reembed import embed_beside  # noqa: PLC0415  (for runs that have something to embed)

    left = f"{lacking:,} scans have no vector of {live.encoder!r}, which answers, and are not found by scans"
    try:
        with embedding_lock(settings):
            dual = open_named(settings, live.encoder)
            require_stored(live, dual.image.space, role="image")
            done = embed_beside(
                database, dual, live, workers=workers, memory_mb=memory_mb, progress=progress,
                limit=MOST if limit is None else min(limit, MOST),
            )  # fmt: skip
    except (Busy, EncoderError) as error:
        return opened, (f"{left}: {error}; the next run tries it again",)
    warnings = [f"{done.volumes:,} scans that had no vector of {live.encoder!r}, which answers, have one now"]
    warnings += [f"{count:,} volumes have none: {reason}" for reason, count in done.left_out.items()]
    if done.ahead:
        warnings.append(
            f"{done.ahead:,} scans have no vector of {live.encoder!r} yet: the next run goes on, "
            f"'spinecho encoders add {live.encoder}' does it at once"
        )
    return lambda: dual, tuple(warnings)
