"""`--server`: which commands may ask another machine in place of a home, and the archive that they then open."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.errors import SettingsError
from spinecho.ui.printing.console import err
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.remote.archive import RemoteArchive

VARIABLE = "SPINECHO_SERVER"
REMOTE = frozenset((
    "search.search_text", "search.search_image", "search.search_study", "why.why", "series.series", "facets.facets",
    "status.status",
    "status.failures", "evaluate.evaluate", "feedback.add", "feedback.listed", "feedback.forget", "feedback.export",
    "cohort.count", "cohort.freeze", "cohort.listed", "cohort.show", "cohort.rerun", "cohort.diff", "cohort.exported",
    "cohort.codes", "cohort.delete", "token.create", "token.listed", "token.revoke", "record.check", "record.listed",
    "record.export", "sources.add", "sources.listed", "sources.ask", "sources.remove",
))  # fmt: skip
"""Commands that a server can answer, as module and function below `ui.cli`. The others work on files of the home."""
_ITS_OWN = ("encoder", "text_model", "device")
_NOW: ContextVar[Server | None] = ContextVar("server", default=None)


@dataclass(frozen=True)
class Server:
    """The server that is asked while a command runs."""

    archive: RemoteArchive


def may_ask(command: Any) -> bool:
    """Whether a server can answer a command."""
    return f"{command.__module__.rpartition('.')[2]}.{command.__name__}" in REMOTE


def server_now() -> RemoteArchive | None:
    """The archive of the server that is asked in place of a home, None where none is."""
    now = _NOW.get()
    return None if now is None else now.archive


@contextmanager
def asked_there(
    command: Any, given: Mapping[str, Any], server: str | None, token_file: Path | None, *, no_record: bool
) -> Iterator[None]:
    """For as long as a command runs, let it ask the server that is named, if one is. given: the command's options.

    A home that is given goes before the environment's server. Raises `SettingsError` for what does not go together,
    and `NotFromAfar` for a command that no server can answer.
    """
    here = given.get("home") is not None
    url = server or ("" if here else os.environ.get(VARIABLE, "").strip())
    if not url:
        if token_file is not None:
            raise SettingsError("--token-file goes with --server")
        yield
        return
    with _connected(command, given, url, token_file, no_record=no_record) as archive:
        held = _NOW.set(Server(archive))
        try:
            yield
        finally:
            _NOW.reset(held)


@contextmanager
def _connected(
    command: Any, given: Mapping[str, Any], url: str, token_file: Path | None, *, no_record: bool
) -> Iterator[RemoteArchive]:
    from spinecho.remote.archive import connect  # noqa: PLC0415  (only where another machine is asked)
    from spinecho.remote.credentials import token_in  # noqa: PLC0415
    from spinecho.remote.problems import NotFromAfar  # noqa: PLC0415

    if not may_ask(command):
        raise NotFromAfar(
            f"this command works on the machine that holds the archive: run it there, unset {VARIABLE}, or give --home"
        )
    if given.get("home") is not None:
        raise SettingsError("give one of --server and --home")
    if no_record:
        raise SettingsError("--no-record is for a home of this machine: a server keeps its own record")
    for name in _ITS_OWN:
        if given.get(name) is not None:
            raise SettingsError(f"--{name.replace('_', '-')} is for a home of this machine: a server has its own")
    token = None if token_file is None else token_in(token_file)
    with warnings.catch_warnings(), connect(url, token=token) as archive:
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show
        yield archive


def _show(message: Warning | str, *_: Any, **__: Any) -> None:
    err.print(plain(str(message)), style="yellow", soft_wrap=True, highlight=False)
