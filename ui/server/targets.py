"""A request whose first line names the whole address, as clients of proxies write it (RFC 9112, section 3.2.2)."""

from __future__ import annotations

import re
from urllib.parse import unquote

from spinecho.ui.server.guard import Asgi, Receive, Scope, Send

_WHOLE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class OriginForm:
    """The middleware: the path is the address's, and the name that is asked for the one in it, whatever `Host` says."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "http" and (found := _WHOLE.fullmatch(scope.get("raw_path") or b"")):
            name, path = found[1], found[2] or b"/"
            headers = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
            scope = {**scope, "path": unquote(path.decode("ascii")), "raw_path": path}
            scope["headers"] = [(b"host", name), *headers]
        await self._app(scope, receive, send)
