"""Files that pages hand out: each is made when it is asked for, at an address of its own that cannot be guessed.

Streamlit's own buttons for downloads are not used. Such a button sends the page to be drawn again and asks for its
file at once, and what was made is thrown away when pages are drawn twice before the browser has come for it: on a busy
machine, or with others at work, a click then gives nothing and says nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from spinecho.errors import SpinechoError
from spinecho.ui.server.guard import plain_page

_PATH = "/download"


@dataclass(slots=True, weakref_slot=True)
class Download:
    """A file that may be taken, for as long as somebody holds this: a session, so that it goes with it.

    make: gives the bytes, and puts on record that they are taken; it may refuse with a `SpinechoError`.
    """

    file_name: str
    media_type: str
    make: Callable[[], bytes | str]
    token: str = ""

    @property
    def address(self) -> str:
        """Its path on the server of the pages, once it is offered."""
        return f"{_PATH}/{self.token}"


_OFFERED: WeakValueDictionary[str, Download] = WeakValueDictionary()


def offer(download: Download) -> None:
    """Give it an address, under which it is answered from now on."""
    download.token = secrets.token_urlsafe(32)
    _OFFERED[download.token] = download


async def _answer(request: Request) -> Response:
    download = _OFFERED.get(request.path_params["token"])
    if download is None:
        words = "It was offered by a page that is closed. Go back to it and press the button again."
        return _instead(410, "This file is gone", words)
    if request.method == "HEAD":
        return Response(headers=_headers(download), media_type=download.media_type)
    try:
        made = await run_in_threadpool(download.make)
    except SpinechoError as error:
        return _instead(403, "This file cannot be had", str(error))
    return Response(made, headers=_headers(download), media_type=download.media_type)


def _headers(download: Download) -> dict[str, str]:
    name = quote(download.file_name, safe="")
    return {"content-disposition": f"attachment; filename*=UTF-8''{name}", "cache-control": "no-store"}


def _instead(status: int, title: str, words: str) -> Response:
    return HTMLResponse(plain_page(title, words), status, {"cache-control": "no-store"})


ROUTE = Route(f"{_PATH}/{{token}}", _answer, methods=["GET"])
