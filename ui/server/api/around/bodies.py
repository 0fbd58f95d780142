"""Bodies of JSON: what is said twice would count once without a word, and NaN is no number of JSON (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from fastapi import Request
from fastapi.exceptions import RequestValidationError


async def body_of(request: Request) -> bytes:
    """The body, where it is JSON; the framework has read it before."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await request.body() if given == "application/json" or given.endswith("+json") else b""


def check_body(body: bytes) -> None:
    """Raises `RequestValidationError` for a key that is given twice, and for NaN and Infinity."""
    if body:
        json.loads(body, object_pairs_hook=_object, parse_constant=_no_number)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        _refuse(next(name for name in names if names.count(name) > 1), "given more than once")
    return found


def _no_number(name: str) -> NoReturn:
    _refuse(name, "no number of JSON")


def _refuse(name: str, message: str) -> NoReturn:
    raise RequestValidationError([{"type": "body", "loc": ("body", name[:40]), "msg": message}])
