"""Methods made of what they ask: one that waits for its answer, and one of coroutines, with the same parameters.

Their arguments are read as those of the archive's own methods, before anything is sent.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from spinecho.given import read_arguments
from spinecho.remote.asked.asking import Asking

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
M = TypeVar("M")


def waits(ask: Callable[P, Asking[T]]) -> Callable[Concatenate[Any, P], T]:
    """The method of an archive that waits."""

    read = read_arguments(ask)

    @functools.wraps(ask)
    def method(self: Any, /, *given: P.args, **named: P.kwargs) -> T:
        found: T = self._run(read(*given, **named))
        return found

    return _with_self(method, ask)


def awaits(ask: Callable[P, Asking[T]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """The same as a coroutine."""

    read = read_arguments(ask)

    @functools.wraps(ask)
    async def method(self: Any, /, *given: P.args, **named: P.kwargs) -> T:
        found: T = await self._run(read(*given, **named))
        return found

    return _with_self(method, ask)


def waits_of(ask: Callable[Concatenate[S, P], Asking[T]]) -> Callable[Concatenate[S, P], T]:
    """The method of an object that waits, where what is asked depends on the object."""

    read = read_arguments(ask)

    @functools.wraps(ask)
    def method(self: S, /, *given: P.args, **named: P.kwargs) -> T:
        found: T = cast(Any, self)._run(read(self, *given, **named))
        return found

    return method


def awaits_of(ask: Callable[Concatenate[S, P], Asking[T]]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The same as a coroutine."""

    read = read_arguments(ask)

    @functools.wraps(ask)
    async def method(self: S, /, *given: P.args, **named: P.kwargs) -> T:
        found: T = await cast(Any, self)._run(read(self, *given, **named))
        return found

    return method


def _with_self(method: M, ask: Callable[..., Any]) -> M:
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(ask)
    shown = signature.replace(parameters=[me, *signature.parameters.values()])
    method.__signature__ = shown  # type: ignore[attr-defined]
    return method
