"""What a server's problem is in the tree of errors, and what only a client can say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any, ClassVar

from spinecho.errors import QueryError, SpinechoError
from spinecho.remote.credentials import TOKEN, TOKEN_FILE

_TYPE = "urn:spinecho:problem:"
_DEFINED_IN = (
    "spinecho.db.errors", "spinecho.db.filters.typed", "spinecho.db.people.cohorts", "spinecho.db.people.saved",
    "spinecho.db.people.tokens", "spinecho.encoders.errors", "spinecho.encoders.config_toml",
    "spinecho.encoders.language.query_words", "spinecho.setup.readers", "spinecho.search.access.persons",
    "spinecho.encoders.measuring.figures", "spinecho.search.fusion", "spinecho.search.planning.long_text",
    "spinecho.search.query", "spinecho.search.evaluation.judgements", "spinecho.db.files.sources",
    "spinecho.indexer.sources.source",
)  # fmt: skip
"""Modules whose errors a server names; loaded only once one has to be raised."""
_AT_THE_SERVER = {
    "unknown": "UnknownThere", "invalid": "Invalid", "wrong-cursor": "QueryError", "out-of-range": "QueryError",
    "conflict": "QueryError", "out-of-scope": "Refused", "unauthenticated": "Refused", "token-error": "TokenError",
}  # fmt: skip
"""Problems that HTTP has and the tree does not, by what they are in the tree."""
_KNOWN_HERE = ("unknown", "no-such-search")
"""Problems of status 404 that a route of ours gives; any other is a route that the server does not have."""


class Unreachable(SpinechoError):
    """A server that cannot be reached, or that answers with a failure of its own. status: of HTTP, None without one."""

    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        """retry_after: seconds after which the server says that it is worth asking again."""
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class NotTrusted(Unreachable):
    """A server whose certificate does not show that it is who it should be: nothing was sent to it."""


class ServerBusy(Unreachable):
    """A server that takes no more requests now (429 or 503); `retry_after` says when it may."""


class OtherVersion(Unreachable):
    """A server that answers under the address and does not know what is asked: of another version, or none of ours."""


class UnknownThere(QueryError):
    """Nothing at the server has the name that was asked for."""


class Invalid(QueryError):
    """A value that the server cannot take; the message begins with where it stands."""


class NotFromAfar(QueryError):
    """What can only be done on the machine that holds the archive."""


def error_of(status: int, body: Any, after: float | None = None) -> SpinechoError:
    """The error that a problem stands for; a failure of the server is `Unreachable`. after: seconds of Retry-After."""
    facts: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    kind = str(facts.get("type", "")).removeprefix(_TYPE)
    explained = str(facts.get("detail") or f"the server answers with status {status}")
    remedy = str(facts.get("remedy") or "")
    if status in (429, 503):
        when = "in a while" if after is None else f"in {after:g} s"
        return ServerBusy(f"{explained}; {remedy or f'ask again {when}'}", status, after)
    if status >= 500:
        return Unreachable(f"{explained}; {remedy}" if remedy else explained, status, after)
    if status in (404, 405) and kind not in _KNOWN_HERE:
        return OtherVersion(
            f"the server does not know what is asked (status {status}): it is of another version than this Spinecho, "
            f"{version('spinecho')}, or another program; bring both to one version, and see that the address is right",
            status,
        )
    if status == 401:
        explained = f"{explained.rstrip('.')}; show a token that lives, by {TOKEN}, {TOKEN_FILE} or token="
    found = _tree().get(_AT_THE_SERVER.get(kind, _named(kind)))
    if found is None:
        return QueryError(explained)
    error = found.__new__(found)  # its message is made already: constructors take the parts of it
    Exception.__init__(error, explained)
    for fact in ("position", "expected"):
        if fact in facts:
            setattr(error, fact, facts[fact])
    reasons = import_module("spinecho.encoders.errors").Reason
    if facts.get("reason") in set(reasons):
        error.reason = reasons(facts["reason"])  # type: ignore[attr-defined]
    return error


def _named(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("-")) if re.fullmatch(r"[a-z-]+", kind) else ""


def _tree() -> dict[str, type[SpinechoError]]:
    for module in _DEFINED_IN:
        import_module(module)
    found: dict[str, type[SpinechoError]] = {}
    waiting: list[type[SpinechoError]] = [SpinechoError]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if not one.__module__.startswith("spinecho.ui."):
            found[one.__name__] = one
    return found
