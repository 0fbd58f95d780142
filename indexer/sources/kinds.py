"""Every kind of source there is: which settings it takes, and what opens it. A new kind is one file and one line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spinecho.db.errors import BackendMissing
from spinecho.indexer.sources.source import Source, SourceDown, SourceSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRETS = frozenset({"token", "password"})


def _text(value: str) -> str:
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://pacs.hospital.example/dicom-web")
    if parts.username is not None or parts.password is not None or parts.query:
        raise ValueError("an address without a name, a password or a query; give these by user= and password_env=")
    return value.rstrip("/")


def _title(value: str) -> str:
    if not _TITLE.fullmatch(value):
        raise ValueError("an AE title: 1 to 16 characters")
    return value


def _titles(value: str) -> list[str]:
    return [_title(one.strip()) for one in value.split(",")]


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:  # whose message would repeat what was given
            number = math.nan
        if not least <= number <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return int(number) if number == int(number) else number

    return read


def _day(value: str) -> str:
    try:
        datetime.strptime(value, "%Y%m%d")
    except ValueError:
        raise ValueError("a day such as 20260131") from None
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError("the name of an environment variable")
    return value


def _whole_path(value: str) -> str:
    if not value:  # pathlib would take the current folder
        raise ValueError("a path")
    return str(Path(value).expanduser().absolute())


def _retrieve(value: str) -> str:
    if value not in ("get", "move"):
        raise ValueError("get or move")
    return value


def _pixels(value: str) -> str:
    if value not in ("kept", "fetched"):
        raise ValueError("kept or fetched")
    return value


_WAITS: Mapping[str, Callable[[str], Any]] = {
    "connect_timeout": _number(0.1, 600), "read_timeout": _number(0.1, 3600),
    "most_object_mb": _number(1, 16_384), "ca_file": _whole_path, "most_mb_per_second": _number(0.05, 100_000),
}  # fmt: skip
_PIXELS: Mapping[str, Callable[[str], Any]] = {"pixels": _pixels, "kept_gb": _number(0, 1_000_000)}
_WHICH: Mapping[str, Callable[[str], Any]] = {"modality": _text, "since": _day, "recent_days": _number(0, 36_600)}
_SIGN_IN: Mapping[str, Callable[[str], Any]] = {
    "token_env": _variable, "token_file": _whole_path, "user": _text, "password_env": _variable,
    "password_file": _whole_path, "attempts": _number(1, 20),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """needed, offered: settings by name, with what reads each; place: `module:class` of what is pulled from, '' for a
    kind that is not pulled.
    """

    name: str
    needed: Mapping[str, Callable[[str], Any]]
    offered: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    place: str = ""


KINDS: tuple[Kind, ...] = (
    Kind("folder", {"path": _whole_path}),
    Kind("dicomweb", {"url": _address}, {**_WHICH, **_SIGN_IN, **_WAITS, **_PIXELS}, "dicomweb:DicomWeb"),
    Kind(
        "orthanc", {"url": _address},
        {"modality": _text, "grace_days": _number(0, 3660), **_SIGN_IN, **_WAITS, **_PIXELS}, "orthanc:Orthanc",
    ),
    Kind(
        "dicom", {"host": _text, "port": _number(1, 65_535), "ae": _title},
        {
            "own_ae": _title, "retrieve": _retrieve, "move_port": _number(1, 65_535), "address": _text,
            "window_days": _number(1, 3660), **_WHICH, **_WAITS,
        },
        "network:Network",
    ),
    Kind(
        "receive", {"port": _number(0, 65_535), "ae": _title, "from_ae": _titles},
        {
            "address": _text, "stable_seconds": _number(0, 86_400), "most_pdu": _number(4096, 1 << 24),
            "most_associations": _number(1, 1000), "most_object_mb": _number(1, 16_384),
            "read_timeout": _number(0.1, 3600),
        },
    ),
)  # fmt: skip
"""In the order in which they are listed."""


def kind_of(name: str) -> Kind:
    """Raises `SourceSettings` for a kind that there is not."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise SourceSettings(f"{name!r} is no kind of source; there are {', '.join(kind.name for kind in KINDS)}")


def read_settings(name: str, kind: Kind, given: Mapping[str, str]) -> dict[str, Any]:
    """Settings as they are kept. Raises `SourceSettings`, never with the value of what may be a secret."""
    if not _NAME.fullmatch(name):
        raise SourceSettings(f"{name!r} cannot name a source: use a to z, 0 to 9, - and _, 40 at most")
    known = {**kind.needed, **kind.offered}
    for one in given:
        if one in _SECRETS:
            raise SourceSettings(
                f"a {one} is not kept in the database: give {one}_env=VARIABLE or {one}_file=PATH, where it is read"
            )
        if one not in known:
            raise SourceSettings(f"{one!r} is no setting of {kind.name}; there are {', '.join(known)}")
    if missing := [one for one in kind.needed if not given.get(one)]:
        raise SourceSettings(f"a source of kind {kind.name} needs {missing[0]}=...")
    read = {}
    for one, value in given.items():
        try:
            read[one] = known[one](value)
        except ValueError as error:
            raise SourceSettings(f"{one}= of a source is to be {error}") from None
    if read.get("retrieve") == "move" and "move_port" not in read:
        raise SourceSettings("retrieve=move needs move_port=..., on which the PACS finds us under own_ae")
    return read


def open_source(kind: Kind, settings: Mapping[str, Any], position: Mapping[str, Any]) -> Source:
    """What is pulled from. Raises `BackendMissing` where the extra `pacs` is not installed."""
    module, _, name = kind.place.partition(":")
    try:
        made: Source = getattr(import_module(f"spinecho.indexer.sources.pacs.{module}"), name)(settings, position)
    except ModuleNotFoundError as error:
        raise BackendMissing(f"{error.name} is not installed: pip install 'spinecho[pacs]'") from error
    except OSError as error:  # a CA file that is not there
        raise SourceDown(f"cannot read ca_file: {error.strerror}") from error
    return made
