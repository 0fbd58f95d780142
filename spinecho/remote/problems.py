"""What a server's problem is in the tree of errors, and what only a client can say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from spinecho.errors import QueryError, SpinechoError

_TYPE = "urn:spinecho:problem:"
_DEFINED_IN = (
    "spinecho.db.errors", "spinecho.db.filters.typed", "spinecho.db.people.cohorts", "spinecho.db.people.saved",
    "spinecho.encoders.errors", "spinecho.encoders.config_toml", "spinecho.encoders.language.query_words",
    "spinecho.readers", "spinecho.search.access.persons", "spinecho.encoders.measuring.figures",
    "spinecho.search.fusion", "spinecho.search.planning.long_text", "spinecho.search.query",
)  # fmt: skip
"""Modules whose errors a server names; loaded only once one has to be raised."""
_AT_THE_SERVER = {
    "unknown": "QueryError", "invalid": "QueryError", "wrong-cursor": "QueryError", "out-of-range": "QueryError",
    "conflict": "QueryError", "out-of-scope": "Refused", "unauthenticated": "Refused",
}  # fmt: skip
"""Problems that HTTP has and the tree does not, by what they are in the tree."""


class Unreachable(SpinechoError):
    """A server that cannot be reached, or that answers with a failure of its own. status: of HTTP, None without one."""

    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFromAfar(QueryError):
    """What can only be done on the machine that holds the archive."""


def error_of(status: int, body: Any) -> SpinechoError:
    """The error that a problem stands for; a failure of the server is `Unreachable`."""
    facts: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    kind = str(facts.get("type", "")).removeprefix(_TYPE)
    said = str(facts.get("detail") or f"the server answers with status {status}")
    if status >= 500:
        remedy = str(facts.get("remedy") or "")
        return Unreachable(f"{said}; {remedy}" if remedy else said, status)
    found = _tree().get(_AT_THE_SERVER.get(kind, _named(kind)))
    if found is None:
        return Unreachable(said, status) if status == 429 else QueryError(said)
    error = found.__new__(found)  # its message is made already: constructors take the parts of it
    Exception.__init__(error, said)
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
