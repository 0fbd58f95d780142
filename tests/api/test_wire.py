"""The protocol below the application: what is no HTTP, who does not read, and addresses that are whole."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from waiting import comes

from spinecho.ui.server import slow
from spinecho.ui.server.slow import TimedHead
from spinecho.ui.server.targets import OriginForm


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    host = dict(scope["headers"]).get(b"host", b"").decode()
    body = json.dumps([scope["path"], host, scope["query_string"].decode()]).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        OriginForm(echo), port=0, log_level="critical", lifespan="off", http=TimedHead, ws="none",
        h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    comes(lambda: server.started)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(30)


def said(port: int, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 30) as line:
        for piece in pieces:
            line.sendall(piece)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
        return answer


BROKEN: dict[str, tuple[bytes, int]] = {
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400), "a word": (b"HELLO\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400), "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "a length of words": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
    "another coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "folded": (b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
    "NUL": (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a broken chunk": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 80_000, 431),
    "an address without end": (b"GET /" + b"a" * 80_000, 431),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_http_is_a_problem_like_any_other(port: int, name: str) -> None:
    sent, status = BROKEN[name]
    head, _, body = said(port, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"content-type: application/problem+json" in head.lower()
    told = json.loads(body)
    assert told["status"] == status
    assert told["type"].startswith("urn:spinecho:problem:")
    assert told["request_id"].encode() in head
    assert told["detail"]


def test_a_whole_address_is_its_path_under_its_own_name(port: int) -> None:
    for target, found in {
        "http://a.example/p/q?x=1": ["/p/q", "a.example", "x=1"], "HTTPS://a:81": ["/", "a:81", ""],
        "http://a/%2Fb": ["//b", "a", ""], "/http://a/": ["/http://a/", "other", ""],
    }.items():  # fmt: skip
        request = f"GET {target} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n".encode()
        assert json.loads(said(port, request).partition(b"\r\n\r\n")[2]) == found, target


def test_requests_in_a_row_are_answered_in_their_order(port: int) -> None:
    sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5))
    answer = said(port, sent, b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert [answer.index(b'"/%s"' % one) for one in (b"0", b"1", b"2", b"3", b"4", b"last")] == sorted(
        answer.index(b'"/%s"' % one) for one in (b"0", b"1", b"2", b"3", b"4", b"last")
    )


class Line:
    """A connection whose other side reads as the test says. left: bytes that wait; clocks: what is to happen later."""

    def __init__(self) -> None:
        self.left, self.aborted, self.clocks = 0, False, list[Any]()

    def call_later(self, seconds: float, then: Any, *given: Any) -> Any:
        self.clocks.append((seconds, then, given))
        return self

    def cancel(self) -> None:
        self.clocks.clear()

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort(self) -> None:
        self.aborted = True

    def passes(self) -> None:
        (seconds, then, given) = self.clocks.pop()
        assert seconds == slow.READ_SECONDS
        then(*given)


def test_who_reads_however_slowly_is_sent_everything_and_who_does_not_is_let_go() -> None:
    line: Any = Line()
    protocol: Any = TimedHead.__new__(TimedHead)
    protocol.loop = protocol.transport = line
    protocol.flow = uvicorn.protocols.http.flow_control.FlowControl(line)
    line.left = 100_000
    protocol.pause_writing()
    for _ in range(50):
        line.left -= 1
        line.passes()
    assert not line.aborted
    protocol.resume_writing()
    assert not line.clocks, "it was read"
    line.left = 70_000
    protocol.pause_writing()
    line.passes()
    assert line.aborted
    assert not line.clocks
