"""Viewers of another address, as an OHIF of its own: which may ask from a browser, by SPINECHO_DICOMWEB_ORIGINS.

Stands before `Edge`, whose guard answers no other site's page. A page that is named is let through without its cookies,
so that nothing but a bearer token says who asks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from spinecho.errors import SettingsError
from spinecho.ui.server.api.dicomweb.addresses import PREFIX
from spinecho.ui.server.guard import Asgi, Given, Message, Receive, Scope, Send

ORIGINS = "SPINECHO_DICOMWEB_ORIGINS"
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
_OF_BROWSERS = frozenset((b"origin", b"cookie", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"))
_ALLOWED = b"authorization, accept, x-request-id"
_EXPOSED = b"content-type, warning, retry-after, x-request-id, x-ratelimit-remaining"
_WHOLE = re.compile(rf"{PREFIX}/studies/[^/]+(/series/[^/]+(/instances/[^/]+)?)?")


def read_origins(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Origins, as https://ohif.hospital.example, with commas between. Raises `SettingsError`; * is none."""
    given = [one.strip().lower() for one in environment.get(ORIGINS, "").split(",") if one.strip()]
    for one in given:
        if not _ORIGIN.fullmatch(one):
            raise SettingsError(f"{ORIGINS}: {one[:80]!r} is no origin; give https://NAME or https://NAME:PORT")
    return frozenset(given)


class Origins:
    """The middleware."""

    def __init__(self, app: Asgi, origins: frozenset[str]) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, as one of no page where its page is named, or answer what comes before it."""
        if scope["type"] != "http" or not _is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        if _WHOLE.fullmatch(scope["path"]):  # whole studies take as long as the line does
            scope.setdefault("state", {})["unbounded"] = True
        given = Given(scope)
        origin = given.all("origin")
        if len(origin) != 1 or origin[0].lower() not in self._origins:
            await self._app(scope, receive, send)
            return
        headers = [(b"access-control-allow-origin", origin[0].encode("latin-1")), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and given.one("access-control-request-method"):
            about = [
                (b"access-control-allow-methods", b"GET"),
                (b"access-control-allow-headers", _ALLOWED),
                (b"access-control-max-age", b"600"),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": [*headers, *about]})
            await send({"type": "http.response.body", "body": b""})
            return
        headers += [
            (b"access-control-expose-headers", _EXPOSED), (b"cross-origin-resource-policy", b"cross-origin"),
        ]  # fmt: skip

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = [pair for pair in message.get("headers", ()) if pair[0] != b"cross-origin-resource-policy"]
                message = {**message, "headers": [*held, *headers]}
            await send(message)

        kept = [pair for pair in scope["headers"] if pair[0].lower() not in _OF_BROWSERS]
        await self._app({**scope, "headers": kept}, receive, sent)


def _is_ours(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")
