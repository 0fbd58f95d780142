"""Many people with the search page open, who search one after the other: until the page is drawn to its end.

    python -m benchmarks.sessions --home HOME [--sessions 1 16] [--seconds 30] [--thinking 0] [--workers 2]

HOME: an archive of `benchmarks.text_search --home`. Each session speaks to the page as a browser does, over its own
websocket, and draws nothing: what is timed is the server, from the words to the last piece of the page. Sessions ask
other words each time. Without `--workers` the room is that of `spinecho ui`, one process.
A search whose page tells an exception, or shows no list, is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import resource
import statistics
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.browser import SECRET, serve, serve_many
from benchmarks.common import machine
from benchmarks.questions import QUESTIONS


def main() -> None:
    """Print a line for each number of sessions."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", type=Path, required=True)
    arguments.add_argument("--sessions", type=int, nargs="*", default=[1, 16])
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--thinking", type=float, default=0.0, help="seconds between an answer and the next words")
    arguments.add_argument("--workers", type=int, default=0, help="of `spinecho serve`, in place of `spinecho ui`")
    given = arguments.parse_args()
    print(machine())
    with serve_many(given.home, given.workers) if given.workers else serve(given.home) as address:
        for count in given.sessions:
            cookies = [_cookie(address) for _ in range(count)]  # each a browser of its own
            asyncio.run(_many(address, cookies, 5.0, given.thinking))  # warm
            before, begun = _processor(), time.perf_counter()
            took, errors = asyncio.run(_many(address, cookies, given.seconds, given.thinking))
            own = (_processor() - before) / (time.perf_counter() - begun)
            took.sort()
            rate, p50, p99 = len(took) / given.seconds, statistics.median(took), took[int(0.99 * len(took))]
            times = f"p50 {p50:.2f} s, p99 {p99:.2f} s"
            print(
                f"{count:3} sessions: {rate:5.1f} searches/s, {times}, errors {errors}, own processor {own:.2f} cores"
            )


async def _many(address: str, cookies: list[str], seconds: float, thinking: float) -> tuple[list[float], int]:
    end = time.perf_counter() + seconds
    each = (_one(address, cookie, number, end, thinking) for number, cookie in enumerate(cookies))
    done = await asyncio.gather(*each)
    return [took for times, _ in done for took in times], sum(errors for _, errors in done)


async def _one(address: str, cookie: str, number: int, end: float, thinking: float) -> tuple[list[float], int]:
    questions = itertools.cycle(random.Random(number).sample(QUESTIONS, len(QUESTIONS)))
    times, errors = [], 0
    where = address.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(
        where, additional_headers={"Cookie": cookie}, origin=Origin(address), subprotocols=[Subprotocol("streamlit")],
        max_size=None,
    ) as line:  # fmt: skip
        await line.send(_rerun().SerializeToString())
        page = _Page()
        await page.drawn(line)
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await line.send(page.asks(next(questions)).SerializeToString())
            ok = await page.drawn(line)
            times.append(time.perf_counter() - begun)
            errors += not ok
            await asyncio.sleep(thinking)
    return times, errors


class _Page:
    """What a browser keeps of a page: the number of the search box, what is to be found, and the address."""

    def __init__(self) -> None:
        self.box, self.find, self.query, self.script = "", "", "", ""

    def asks(self, words: str) -> BackMsg:
        message = _rerun(self.query, self.script)
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = self.box, words
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self.find
        state.string_array_value.data.append("Studies")
        return message

    async def drawn(self, line: ClientConnection) -> bool:
        """Wait for the end of the script; whether there is a list, and no exception."""
        listed = failed = False
        while True:
            told = ForwardMsg.FromString(await line.recv(decode=False))
            kind = told.WhichOneof("type")
            if kind == "new_session":
                self.script = told.new_session.page_script_hash
            elif kind == "page_info_changed":
                self.query = told.page_info_changed.query_string
            elif kind == "delta":
                element = told.delta.new_element
                named = element.WhichOneof("type")
                if named == "text_input" and element.text_input.label == "Search":
                    self.box = element.text_input.id
                if named == "button_group" and element.button_group.label == "Find":
                    self.find = element.button_group.id
                listed |= named == "bidi_component" and element.bidi_component.component_name == "spinecho_results"
                failed |= named == "exception"
            elif kind == "ref_hash":
                listed = True
            elif kind == "script_finished":
                return listed and not failed


def _rerun(query: str = "", script: str = "") -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string, message.rerun_script.page_script_hash = query, script
    return message


def _cookie(address: str) -> str:
    """What the first address gives a browser."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(f"{address}/?secret={SECRET}") as answer:
        answer.read()
    return "; ".join(f"{one.name}={one.value}" for one in jar)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
