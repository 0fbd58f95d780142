"""Which process draws a browser's pages: the one it began with, a new browser's the one with the fewest open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from loops import run_apart
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from spinecho.ui.server.proxy import Proxy

COOKIE = "spinecho-pages-8501"


@asynccontextmanager
async def rooms(count: int) -> AsyncIterator[list[int]]:
    """Servers that answer with their own number, by HTTP and by websocket."""

    def named(number: int) -> Any:
        def answer(connection: ServerConnection, request: Request) -> Response | None:
            asks_page = "Upgrade" not in request.headers
            return connection.respond(HTTPStatus.OK, str(number)) if asks_page else None

        async def speak(connection: ServerConnection) -> None:
            await connection.send(str(number))
            await connection.wait_closed()

        return serve(speak, "127.0.0.1", 0, process_request=answer)

    async with AsyncExitStack() as held:
        servers = [await held.enter_async_context(named(number)) for number in range(count)]
        yield [next(iter(server.sockets)).getsockname()[1] for server in servers]


class Browser:
    """One that keeps cookies."""

    def __init__(self, proxy: Proxy, cookies: str = "") -> None:
        self.proxy, self.cookies, self.told = proxy, cookies, asyncio.Event()

    async def get(self) -> str:
        """The number of the server that answered."""
        headers = {"Cookie": self.cookies} if self.cookies else {}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.proxy), base_url="http://room") as client:
            answer = await client.get("/", headers=headers)
        if given := answer.headers.get("set-cookie"):
            pair, *rest = given.split("; ")
            assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax"}
            self.cookies = pair
        return answer.text.strip()

    async def page(self, stop: asyncio.Event) -> str:
        """Open a page and hold it; gives who draws it once it is closed."""
        heard: list[str] = []

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                heard.append(message["text"])
                self.told.set()

        begun = False

        async def receive() -> dict[str, Any]:
            nonlocal begun
            if begun:
                await stop.wait()
                return {"type": "websocket.disconnect"}
            begun = True
            return {"type": "websocket.connect"}

        headers = [(b"host", b"room"), *([(b"cookie", self.cookies.encode())] if self.cookies else [])]
        await self.proxy(
            {"type": "websocket", "path": "/stream", "headers": headers, "subprotocols": []}, receive, send
        )
        return heard[0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_browser_comes_back_to_where_it_began(count: int) -> None:
    async def run() -> None:
        async with rooms(count) as ports:
            proxy = Proxy(ports, COOKIE)
            browsers = [Browser(proxy) for _ in range(2 * count)]
            first = [await browser.get() for browser in browsers]
            assert sorted(first) == sorted(2 * [str(number) for number in range(count)]), "by turns"
            for _ in range(2):
                assert [await browser.get() for browser in reversed(browsers)] == first[::-1]
            assert all(bool(browser.cookies) is (count > 1) for browser in browsers)
            stop = asyncio.Event()
            stop.set()
            if count > 1:
                assert [await browser.page(stop) for browser in browsers] == first

    run_apart(run)


@pytest.mark.parametrize(
    "cookies", [f"{COOKIE}=7", f"{COOKIE}=", f"{COOKIE}=-1", f"x{COOKIE}=0", f"{COOKIE}=0x1", "a=b"]
)
def test_a_number_that_no_process_has_is_told_anew(cookies: str) -> None:
    async def run() -> None:
        async with rooms(2) as ports:
            browser = Browser(Proxy(ports, COOKIE), cookies)
            began = await browser.get()
            assert browser.cookies == f"{COOKIE}={began}"

    run_apart(run)


def test_a_new_browser_goes_where_fewest_pages_are_open() -> None:
    async def run() -> None:
        async with rooms(2) as ports:
            proxy = Proxy(ports, COOKIE)
            stop, busy = asyncio.Event(), [Browser(proxy, f"a=b; {COOKIE}=0") for _ in range(3)]
            held = [asyncio.ensure_future(browser.page(stop)) for browser in busy]
            await asyncio.gather(*(browser.told.wait() for browser in busy))
            assert [await Browser(proxy).get() for _ in range(4)] == ["1"] * 4
            stop.set()
            assert await asyncio.gather(*held) == ["0"] * 3
            assert {await Browser(proxy).get() for _ in range(2)} == {"0", "1"}, "closed pages are counted no more"

    run_apart(run)
