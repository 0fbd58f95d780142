"""Pixels that stay at their PACS: brought back before a process reads them, let go of once a run has ended."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spinecho.db.files import sources as kept
from spinecho.db.schema.database import Database
from spinecho.encoders.sandbox.processes import Task, prepare_tasks
from spinecho.errors import SpinechoError

if TYPE_CHECKING:
    from spinecho.indexer.sources.away import GivesSeries
    from spinecho.setup.settings import Settings

_LOG = logging.getLogger("spinecho")
_HOMES: dict[str, Settings] = {}
"""By the folder of their spools, with a slash at its end; those that this process has opened."""
_DOWN: dict[Path, float] = {}
"""When a source did not answer, by its folder."""
_AGAIN = 10.0
"""Seconds for which a source that did not answer is not asked again."""
_CONNECT, _TRIES = 5.0, 3
_DEPTH = 4
"""Of SOURCE/STUDY/SERIES/OBJECT.dcm."""


def follow(settings: Settings) -> None:
    """Have what this process reads below the home's spools brought back where its pixels stay at their source."""
    _HOMES[f"{settings.home / 'spool'}{os.sep}"] = settings
    prepare_tasks(_at_hand)


def let_go(settings: Settings, database: Database) -> int:
    """Have each source that keeps its pixels give up what its spool holds beyond `kept_gb`; how many objects went.

    Raises OSError.
    """
    gone = 0
    for record in kept.sources(database):
        folder = settings.home / "spool" / record.name
        if record.settings.get("pixels") == "fetched" and folder.is_dir():
            from spinecho.indexer.sources import away  # noqa: PLC0415  (for those who have such a source)

            gone += away.let_go(database, folder, record.settings)
    return gone


def is_away(paths: Sequence[str]) -> bool:
    """Whether one of these files is in a home's spool, its pixels at their source."""
    from spinecho.indexer.sources import away  # noqa: PLC0415

    return any(away.is_away(Path(path)) for path in paths if path.startswith(tuple(_HOMES)))


def paths_of(value: Any) -> Iterator[str]:
    """Every string within a task's arguments: its paths are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from paths_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from paths_of(inner)


@contextmanager
def _at_hand(task: Task) -> Iterator[None]:
    """What the task reads is here, and stays so, within the block; what cannot be brought back its reader tells."""
    with ExitStack() as block:
        if not task.call.endswith(":digest"):  # a note knows it
            for spools, settings in tuple(_HOMES.items()):  # another thread may open one
                wanted = [Path(path) for path in paths_of(task.arguments) if path.startswith(spools)]
                if wanted:
                    _bring(settings, Path(spools), wanted, block)
        yield


def _bring(settings: Settings, spools: Path, paths: Sequence[Path], block: ExitStack) -> None:
    """Hold the series of these objects for the block, and have those brought back whose pixels are at their source."""
    from spinecho.indexer.sources import away  # noqa: PLC0415

    series = defaultdict[Path, list[Path]](list)
    for path in paths:
        if len(path.relative_to(spools).parts) == _DEPTH:
            series[path.parent].append(path)
    fetched = set[Path]()
    for folder, objects in series.items():
        source = folder.parents[1]
        try:
            for _ in range(_TRIES):
                held = block.enter_context(closing(away.Reading(folder)))
                if not any(map(away.is_away, objects)):
                    break
                held.close()
                if time.monotonic() - _DOWN.get(source, -_AGAIN) < _AGAIN:
                    break
                _fetch(settings, source, folder)
                fetched.add(source)
        except (SpinechoError, OSError) as error:
            _DOWN[source] = time.monotonic()
            _LOG.warning("pixels of the source %s could not be fetched: %s", source.name, error)
    if fetched:
        with suppress(SpinechoError, OSError), _opened(settings) as database:
            let_go(settings, database)


def _fetch(settings: Settings, source: Path, series: Path) -> None:
    from spinecho.indexer.sources import away  # noqa: PLC0415
    from spinecho.indexer.sources.kinds import kind_of, open_source  # noqa: PLC0415

    with _opened(settings) as database:
        record = kept.find_source(database, source.name)
        remote = kept.remote_names(database, record.id, [series.parent.name]).get(series.parent.name, "")
    connect = min(_CONNECT, float(record.settings.get("connect_timeout", _CONNECT)))
    opened = open_source(
        kind_of(record.kind), {**record.settings, "attempts": 1, "connect_timeout": connect}, record.position
    )
    try:
        away.bring_back(source, series, cast("GivesSeries", opened), remote)
    finally:
        opened.close()


def _opened(settings: Settings) -> AbstractContextManager[Database]:
    return closing(Database.open(settings.database, create=False))
