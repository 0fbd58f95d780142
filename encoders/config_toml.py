"""TOML into frozen dataclasses: what is unknown or of another type is named with its file, key, value and remedy."""

from __future__ import annotations

import difflib
import functools
import tomllib
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from spinecho.encoders.errors import EncoderError
from spinecho.encoders.sandbox.limits import MOST_WHOLE, TEXT_BYTES, read_small

T = TypeVar("T")

_hints = functools.cache(typing.get_type_hints)
"""Working them out takes longer than all the rest."""


class ConfigError(EncoderError):
    """A config file cannot be used; the message names file, key, value and remedy."""


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables. Raises ConfigError."""
    try:
        content = read_small(path, ConfigError)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); name a TOML file") from error
    try:
        return parse_toml(content.decode("utf-8"), name=str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error


def parse_toml(text: str, *, name: str) -> dict[str, Any]:
    """The tables of a text. Raises ConfigError, also for one of more than `TEXT_BYTES` characters."""
    if len(text) > TEXT_BYTES:
        raise ConfigError(f"{name} has {len(text):,} characters and may have {TEXT_BYTES:,}")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number of more digits than Python reads
        raise ConfigError(f"{name} is no TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{name} is nested too deep") from error


def build(kind: type[T], values: object, *, file: Path, at: str = "") -> T:
    """A dataclass from a table; nested dataclasses from nested tables. Raises ConfigError."""
    where = f"[{at}]" if at else "the file"
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: {at} = {values!r} must be a table: write [{at}] and its keys below")
    hints = _hints(kind)  # type: ignore[arg-type]  # classes can be hashed
    known = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise ConfigError(f"{file}: {where} has no key {name!r}; {hint}")
    missing = [
        name
        for name, field in known.items()
        if name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise ConfigError(f"{file}: {where} lacks {', '.join(missing)}; add it")
    given = {
        name: _value(hints[name], value, file=file, at=f"{at}.{name}" if at else name) for name, value in values.items()
    }
    try:
        return kind(**given)
    except (ValueError, TypeError, EncoderError) as error:
        raise ConfigError(f"{file}: {where}: {error}") from error


def _value(hint: Any, value: Any, *, file: Path, at: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, file=file, at=at)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(next(one for one in inner if one is not type(None)), value, file=file, at=at)
    wanted = ""
    if origin is Literal:
        if value in inner:
            return value
        near = difflib.get_close_matches(str(value), [str(one) for one in inner], n=1)
        wanted = f"one of {', '.join(map(repr, inner))}" + (f"; did you mean {near[0]!r}?" if near else "")
    elif origin is tuple:
        if isinstance(value, list):
            kinds = [inner[0]] * len(value) if inner[1:] == (Ellipsis,) else list(inner)
            if len(kinds) == len(value):
                pairs = zip(kinds, value, strict=True)
                return tuple(_value(one, part, file=file, at=f"{at}[{n}]") for n, (one, part) in enumerate(pairs))
        wanted = "a list" if inner[1:] == (Ellipsis,) else f"a list of {len(inner)}"
    elif hint is Path:
        if isinstance(value, str):
            return (file.parent / Path(value).expanduser()).resolve()
        wanted = "a path in quotes"
    elif hint is float and type(value) in (int, float):
        if abs(value) <= MOST_WHOLE:  # of nan and infinity it is not
            return float(value)
        wanted = f"a number from {-MOST_WHOLE:,} to {MOST_WHOLE:,}"
    elif hint is int and type(value) is int:
        if abs(value) <= MOST_WHOLE:
            return value
        wanted = f"a whole number from {-MOST_WHOLE:,} to {MOST_WHOLE:,}"
    elif type(value) is hint:
        return value
    wanted = wanted or {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}.get(
        hint, str(hint)
    )
    raise ConfigError(f"{file}: {at} = {_shown(value)} must be {wanted}")


def _shown(value: Any) -> str:
    """The value for a message: a number of hundreds of digits is cut short."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        text = "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:97]}..."
