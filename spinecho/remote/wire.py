"""Requests over httpx: where to, as whom, how long, and how often once more."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spinecho.errors import SettingsError
from spinecho.given import number
from spinecho.remote.asked.asking import Asking, Call, Reply, T
from spinecho.remote.credentials import token_of
from spinecho.remote.problems import NotTrusted, Unreachable

if TYPE_CHECKING:
    import httpx

_LONGEST_WAIT, _LONGEST_PAUSE = 30.0, 8.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Address:
    """Where a server is. Raises `SettingsError` for what is no address, and for http to another machine."""

    url: str

    @staticmethod
    def of(url: str, *, insecure: bool = False) -> Address:
        """Check it before anything is sent."""
        no_address = SettingsError("a server is given as https://HOST or http://127.0.0.1:PORT")
        written = url.strip() if isinstance(url, str) else ""
        if not written.isprintable() or any(character.isspace() for character in written):
            raise no_address
        try:
            parts = urlsplit(written)
            port = parts.port
        except ValueError:
            raise no_address from None
        if port == 0:
            raise no_address
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise no_address
        if parts.username or parts.password or parts.query or parts.fragment:
            raise SettingsError("a server's address holds no name, secret or question; give the token as token=")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not insecure:
            raise SettingsError(
                f"http to {parts.hostname} would send the token in the open: use https, or insecure=True"
            )
        return Address(written.rstrip("/"))


def options_of(address: Address, token: str | None, timeout: float) -> dict[str, Any]:
    """What both clients are made with. token: without it as `token_of`. Redirects are not followed with a token."""
    if not 0 < number("timeout", timeout) < float("inf"):
        raise SettingsError(f"timeout={timeout!r} is no time to wait for an answer; give seconds, as in timeout=120")
    secret = token_of(token)
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {"base_url": address.url, "headers": headers, "timeout": timeout, "follow_redirects": False}


def request_of(call: Call) -> dict[str, Any]:
    """A call as httpx takes it. What writes has a key, by which it is done once whatever repeats it on its way."""
    given: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.params) or None}
    if not call.reads:
        given["headers"] = {"Idempotency-Key": str(uuid.uuid4())}
    elif call.listen is not None:
        given["headers"] = {"Accept": _EVENTS}
    if call.files:
        return given | {"files": [("files", one) for one in call.files], "data": dict(call.form)}
    return given if call.body is None else given | {"json": call.body}


def reply_of(response: httpx.Response, heard: _Heard) -> Reply:
    """Raises `Unreachable` for what no server of ours answers."""
    if not (200 <= response.status_code < 300 or response.status_code >= 400):
        raise Unreachable(
            f"the server answers with status {response.status_code}: is this Spinecho?", response.status_code
        )
    if _streams(response):
        return Reply(response.status_code, b"", heard.last)
    body: Any = None
    if "json" in (media := response.headers.get("content-type", "")) and "ndjson" not in media:
        try:
            body = response.json()
        except ValueError:
            raise Unreachable("the server answers with JSON that cannot be read", response.status_code) from None
    return Reply(response.status_code, response.content, body, _after(response))


def wait_before(call: Call, tried: int, response: httpx.Response | None) -> float | None:
    """Seconds until the call is worth sending again; None where it is not to be: what writes is sent once, and who is
    to wait long is told so.
    """
    if not call.reads or tried >= call.again or (response is not None and response.status_code not in (429, 503)):
        return None
    after = None if response is None else _after(response)
    if after is None:
        return min(0.5 * 2.0**tried, _LONGEST_PAUSE)
    return after if after <= _LONGEST_WAIT else None


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

    given, heard = request_of(call), _Heard(call)
    for tried in range(call.again + 1):
        response, failure = None, None
        try:
            with client.stream(**given) as response:
                if _streams(response):
                    for line in response.iter_lines():
                        heard.line(line)
                else:
                    response.read()
        except httpx.HTTPError as error:
            response, failure = None, error
        wait = wait_before(call, tried, response)
        if wait is None or _is_final(failure):
            break
        time.sleep(wait)
    return _read(client, response, failure, heard)


async def _send_async(client: httpx.AsyncClient, call: Call) -> Reply:
    import httpx  # noqa: PLC0415

    given, heard = request_of(call), _Heard(call)
    for tried in range(call.again + 1):
        response, failure = None, None
        try:
            async with client.stream(**given) as response:
                if _streams(response):
                    async for line in response.aiter_lines():
                        heard.line(line)
                else:
                    await response.aread()
        except httpx.HTTPError as error:
            response, failure = None, error
        wait = wait_before(call, tried, response)
        if wait is None or _is_final(failure):
            break
        await asyncio.sleep(wait)
    return _read(client, response, failure, heard)


class _Heard:
    """Server-sent events, told on as they come. last: the last one that was whole."""

    def __init__(self, call: Call) -> None:
        self._tell, self.last = call.listen, None

    def line(self, line: str) -> None:
        """A line; events of ours have their data on one."""
        if not line.startswith("data:"):
            return
        try:
            self.last = json.loads(line.removeprefix("data:"))
        except ValueError:
            return  # cut off in the middle
        if self._tell is not None and self.last is not None:
            self._tell(self.last)


def _streams(response: httpx.Response) -> bool:
    media: str = response.headers.get("content-type", "")
    return response.status_code == 200 and media.startswith(_EVENTS)


def _after(response: httpx.Response) -> float | None:
    given: str = response.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdecimal() else None


def _is_final(failure: Exception | None) -> bool:
    """Whether asking again would come to the same, or had all the time that was given for the answer."""
    import httpx  # noqa: PLC0415

    return _is_distrust(failure) or isinstance(failure, httpx.TimeoutException)


def _is_distrust(failure: Exception | None) -> bool:
    return failure is not None and "CERTIFICATE" in str(failure).upper()


def _read(
    client: httpx.Client | httpx.AsyncClient, response: httpx.Response | None, failure: Exception | None, heard: _Heard
) -> Reply:
    if response is not None:
        return reply_of(response, heard)
    if _is_distrust(failure):
        raise NotTrusted(
            f"the certificate of {client.base_url} is not to be trusted from here, so nothing was sent; where it is "
            "the house's own, name the file of its authority by SSL_CERT_FILE"
        ) from failure
    raise Unreachable(
        f"{client.base_url} cannot be reached ({type(failure).__name__}); is the server running, and the address right?"
    ) from failure
