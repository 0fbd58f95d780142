"""What a source is: something that lists the studies it holds, and writes those that are wanted into a spool."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spinecho.db.errors import StoreError
from spinecho.errors import SettingsError

if TYPE_CHECKING:
    from spinecho.indexer.sources.spool import Spool

MOST_SECRET = 64 * 1024


class SourceDown(StoreError):
    """A source does not answer, or refuses; what was taken from it stays, and the next pull goes on."""

    exit_status = 3


class ObjectRefused(SourceDown):
    """A source answers, and does not give one study or object: the others are taken all the same."""


class SourceSettings(SettingsError):
    """A setting of a source that cannot be meant."""


class Stopped(StoreError):
    """A pull was stopped between two objects; the next goes on."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A study as a server lists it. mark: changes when the study does, '' for not known; instances: how many the
    server says it has, None where it does not say; remote_id: the server's own name for it.
    """

    study_uid: str
    mark: str
    instances: int | None = None
    remote_id: str = ""


class Source(Protocol):
    """A server that studies are taken from."""

    position: Mapping[str, Any]
    """How far the change feed was followed; given when it is opened, kept when a pull has come to its end."""

    def test(self) -> str:
        """One sentence about what answers. Raises `SourceDown`."""
        ...

    def listed(self) -> Iterable[Listed]:
        """Studies that may be new or changed; each may come more than once. Raises `SourceDown`."""
        ...

    def present(self) -> frozenset[str] | None:
        """The server's own names for every study that it holds now, asked for in one piece; None where it cannot say.

        Raises `SourceDown`: what does not answer says nothing of what is gone.
        """
        ...

    def fetch(self, study: Listed, spool: Spool, stop: threading.Event) -> int:
        """Write what is missing of a study into the spool; how many instances the server has of it now.

        Raises `SourceDown` where it stopped answering midway, and `Stopped`; what was written stays.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def secret(settings: Mapping[str, Any], name: str) -> str:
    """The secret that a setting `NAME_env` or `NAME_file` leads to, '' where there is neither.

    Raises `SourceSettings` for a variable that is not set and a file that cannot be read.
    """
    if variable := settings.get(f"{name}_env"):
        if not (value := os.environ.get(str(variable), "")):
            raise SourceSettings(f"the environment variable {variable} is not set; it is to hold the source's {name}")
        return value.strip()
    if file := settings.get(f"{name}_file"):
        try:
            with Path(str(file)).open("rb") as held:
                return held.read(MOST_SECRET).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceSettings(f"cannot read {file}, which is to hold the source's {name}") from error
    return ""
