"""Requests over httpx: where to, as whom, how long, and how often once more."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spinecho.errors import SettingsError
from spinecho.remote.asking import Asking, Call, Reply, T
from spinecho.remote.problems import Unreachable

if TYPE_CHECKING:
    import httpx

_AGAIN = 3
_LONGEST_WAIT = 30.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Address:
    """Where a server is. Raises `SettingsError` for what is no address, and for http to another machine."""

    url: str

    @staticmethod
    def of(url: str, *, insecure: bool = False) -> Address:
        """Check it before anything is sent."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError("a server is given as https://HOST or http://127.0.0.1:PORT")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise SettingsError("a server's address holds no name, secret or question; give the token as token=")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not insecure:
            raise SettingsError(
                f"http to {parts.hostname} would send the token in the open: use https, or insecure=True"
            )
        return Address(url.rstrip("/"))


def options_of(address: Address, token: str | None, timeout: float) -> dict[str, Any]:
    """What both clients are made with. token: without it SPINECHO_TOKEN. Redirects are not followed with a token."""
    secret = token if token is not None else os.environ.get("SPINECHO_TOKEN", "")
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {"base_url": address.url, "headers": headers, "timeout": timeout, "follow_redirects": False}


def request_of(call: Call) -> dict[str, Any]:
    """A call as httpx takes it."""
    given: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.params) or None}
    if call.files:
        return given | {"files": [("files", one) for one in call.files], "data": dict(call.form)}
    return given if call.body is None else given | {"json": call.body}


def reply_of(response: httpx.Response) -> Reply:
    """Raises `Unreachable` for what no server of ours answers."""
    if not (200 <= response.status_code < 300 or response.status_code >= 400):
        raise Unreachable(
            f"the server answers with status {response.status_code}: is this Spinecho?", response.status_code
        )
    body: Any = None
    if "json" in response.headers.get("content-type", ""):
        try:
            body = response.json()
        except ValueError:
            raise Unreachable("the server answers with JSON that cannot be read", response.status_code) from None
    return Reply(response.status_code, response.content, body)


def wait_before(call: Call, tried: int, response: httpx.Response | None) -> float | None:
    """Seconds until the call is worth sending again; None where it is not to be: what writes is sent once."""
    if not call.reads or tried >= _AGAIN or (response is not None and response.status_code not in (429, 503)):
        return None
    given = "" if response is None else response.headers.get("retry-after", "")
    return min(_LONGEST_WAIT, float(given)) if given.isdecimal() else 0.5 * 2**tried


def drive(client: httpx.Client, asking: Asking[T]) -> T:
    """Run a method to its end."""
    try:
        call = next(asking)
        while True:
            call = asking.send(_send(client, call))
    except StopIteration as end:
        value: T = end.value
        return value


async def drive_async(client: httpx.AsyncClient, asking: Asking[T]) -> T:
    """The same, without blocking."""
    try:
        call = next(asking)
        while True:
            call = asking.send(await _send_async(client, call))
    except StopIteration as end:
        value: T = end.value
        return value


def _send(client: httpx.Client, call: Call) -> Reply:
    import httpx  # noqa: PLC0415

    for tried in range(_AGAIN + 1):
        response = None
        try:
            response = client.request(**request_of(call))
        except httpx.HTTPError as error:
            failure = type(error).__name__
        wait = wait_before(call, tried, response)
        if wait is None:
            break
        time.sleep(wait)
    return _read(client, response, "" if response is not None else failure)


async def _send_async(client: httpx.AsyncClient, call: Call) -> Reply:
    import httpx  # noqa: PLC0415

    for tried in range(_AGAIN + 1):
        response = None
        try:
            response = await client.request(**request_of(call))
        except httpx.HTTPError as error:
            failure = type(error).__name__
        wait = wait_before(call, tried, response)
        if wait is None:
            break
        await asyncio.sleep(wait)
    return _read(client, response, "" if response is not None else failure)


def _read(client: httpx.Client | httpx.AsyncClient, response: httpx.Response | None, failure: str) -> Reply:
    if response is None:
        raise Unreachable(
            f"{client.base_url} cannot be reached ({failure}); is the server running, and the address right?"
        )
    return reply_of(response)
