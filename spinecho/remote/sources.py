"""Where an archive of another machine comes from, for managers; what is pulled is pulled there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from spinecho.errors import QueryError
from spinecho.remote.asked.asking import Asking, Call, ask, plain
from spinecho.remote.methods import awaits, waits
from spinecho.remote.problems import Invalid, NotFromAfar, UnknownThere

if TYPE_CHECKING:
    from spinecho.filling.sources import Source

_AT, _NAME = "/api/v1/sources", re.compile(r"[a-z0-9][a-z0-9_-]*")


def listed() -> Asking[tuple[Source, ...]]:
    """As `Sources.list`."""
    return tuple(map(_source, (yield from plain(Call("GET", _AT), "sources"))))


def add(name: str, kind: str, **settings: str | float | bool) -> Asking[Source]:
    """As `Sources.add`; what names a file, a folder or a variable of the archive's machine is given there alone."""
    from spinecho.db.files.sources import SourceUnknown  # noqa: PLC0415
    from spinecho.indexer.sources.source import SourceSettings  # noqa: PLC0415

    try:
        reply = yield from ask(Call("POST", _AT, {"name": name, "kind": kind, "settings": settings}, reads=False))
    except Invalid as error:
        raise SourceSettings(str(error)) from None
    except QueryError as error:  # a name that is taken
        raise SourceUnknown(str(error)) from None
    return _source(reply.body)


def remove(name: str) -> Asking[Source]:
    """As `Sources.remove`."""
    return _source((yield from _named(name, "DELETE", "", reads=False)))


def test(name: str) -> Asking[str]:
    """As `Sources.test`."""
    from spinecho.indexer.sources.source import SourceDown  # noqa: PLC0415

    body = yield from _named(name, "POST", "/test")
    if not body["answers"]:
        raise SourceDown(body["answer"])
    return str(body["answer"])


class _SourcesAfar:
    def __init__(self, run: Callable[[Asking[Any]], Any]) -> None:
        self._run = run

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name == "pull":
                raise NotFromAfar(
                    "pull takes files into the home of the machine that holds the archive: use spinecho.open there"
                )
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")


class RemoteSources(_SourcesAfar):
    """As `Sources`, less `pull`."""

    list = waits(listed)
    add = waits(add)
    remove = waits(remove)
    test = waits(test)


class AsyncRemoteSources(_SourcesAfar):
    """The same, whose methods are coroutines."""

    list = awaits(listed)
    add = awaits(add)
    remove = awaits(remove)
    test = awaits(test)


def _named(name: str, method: str, what: str, *, reads: bool = True) -> Asking[Mapping[str, Any]]:
    """The answer about a source. Raises `SourceUnknown`, also for what can be no name: it gets into no address."""
    from spinecho.db.files.sources import SourceUnknown  # noqa: PLC0415

    if not _NAME.fullmatch(name):
        raise SourceUnknown(f"no source is called {name[:80]!r}; sources.list() gives their names")
    try:
        found: Mapping[str, Any] = (yield from ask(Call(method, f"{_AT}/{name}{what}", reads=reads))).body
    except UnknownThere as error:
        raise SourceUnknown(str(error)) from None
    return found


def _source(one: Mapping[str, Any]) -> Source:
    from spinecho.filling.sources import Source  # noqa: PLC0415

    pulled = one["pulled_at"]
    return Source(
        one["name"], one["kind"], one["settings"], Path(one["folder"]), _utc(one["added_at"]),
        None if pulled is None else _utc(pulled),
    )  # fmt: skip


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
