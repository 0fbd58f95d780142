"""What stands before the room: names, origins, the first address's secret, headers. No server is needed for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import run_apart

from spinecho.ui.server.guard import Guard, Rules

SECRET = "s" * 43
ALONE = Rules(frozenset({"localhost", "127.0.0.1", "::1"}), 8501, secret=SECRET, scripts=("'sha256-x'",))
SIGNED = Rules(
    frozenset({"localhost", "127.0.0.1", "room.hospital.example"}), 8501,
    origins=frozenset({"https://room.hospital.example"}),
)  # fmt: skip
ANYWHERE = Rules(frozenset({"localhost", "scanner"}), 8501, any_address=True, secret=SECRET)
BEARER = ("authorization", f"Bearer {SECRET}")


class Inner:
    """Streamlit's place: says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope)
        if scope["type"] == "http":
            headers = [(b"x-frame-options", b"ALLOWALL"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"the room"})
        else:
            await send({"type": "websocket.accept"})


def ask(
    rules: Rules, *headers: tuple[str, str], path: str = "/", query: str = "", kind: str = "http", method: str = "GET",
    host: str | None = "127.0.0.1:8501",
) -> tuple[int | str, dict[str, list[str]], bytes, Inner]:  # fmt: skip
    """(status, or what became of a websocket; headers; body; what was let through)"""
    inner, sent = Inner(), []
    given_headers = [*([("host", host)] if host is not None else []), *headers]
    scope = {
        "type": kind, "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("utf-8")) for name, value in given_headers],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    run_apart(lambda: Guard(inner, rules)(scope, receive, send))
    if kind == "websocket":
        return sent[0]["type"], {}, b"", inner
    told: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        told.setdefault(name.decode(), []).append(value.decode())
    return sent[0]["status"], told, sent[1]["body"], inner


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("rules", "host", "good"),
    [
        (ALONE, "127.0.0.1:8501", True), (ALONE, "localhost:8501", True), (ALONE, "[::1]:8501", True),
        (ALONE, "LOCALHOST", True), (ALONE, "localhost.", True), (ALONE, "evil.example:8501", False),
        (ALONE, "127.0.0.1.evil.example", False), (ALONE, "localhost@evil.example", False), (ALONE, "", False),
        (ALONE, "evil.example\t127.0.0.1", False), (ALONE, None, False), (ALONE, "192.168.0.9:8501", False),
        (ALONE, "127.0.0.1:99999999", False), (ALONE, "127.0.0.1/", False), (ALONE, "0.0.0.0:8501", False),
        (SIGNED, "room.hospital.example", True), (SIGNED, "other.hospital.example", False),
        (ANYWHERE, "192.168.0.9:8501", True), (ANYWHERE, "scanner:8501", True), (ANYWHERE, "evil.example", False),
        (ANYWHERE, "[fe80::1]:8501", True), (ANYWHERE, "1.2.3.4.evil.example", False),
    ],
)  # fmt: skip
def test_a_name_that_is_pointed_here_is_not_answered(kind: str, rules: Rules, host: str | None, good: bool) -> None:
    status, _, body, inner = ask(rules, BEARER, host=host, kind=kind)
    assert bool(inner.asked) == good
    if kind == "http":
        assert status == (200 if good else 421)
        assert b"<script" not in body
    else:
        assert status == ("websocket.accept" if good else "websocket.close")


def test_two_names_are_none() -> None:
    assert ask(ALONE, BEARER, ("host", "evil.example"))[0] == 421


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("http://127.0.0.1:8501", True), ("http://127.0.0.1:3000", False), ("http://localhost:8501", False),
        ("null", False), ("http://evil.example", False), ("https://room.hospital.example", False), ("", False),
        ("http://[bad", False), ("file://127.0.0.1:8501", False),
    ],
)  # fmt: skip
def test_another_page_is_not_answered(kind: str, origin: str, good: bool) -> None:
    assert bool(ask(ALONE, BEARER, ("origin", origin), kind=kind)[3].asked) == good


def test_a_proxys_page_is_the_rooms_own_and_streamlit_sees_its_host() -> None:
    inner = ask(SIGNED, ("origin", "https://room.hospital.example"), kind="websocket")[3]
    assert dict(inner.asked[0]["headers"])[b"host"] == b"room.hospital.example"
    asked = ask(SIGNED, ("origin", "http://127.0.0.1:8501"), method="PUT")[3].asked[0]
    assert b"origin" not in dict(asked["headers"]), "Streamlit would ask other machines whose address that is"


@pytest.mark.parametrize(("site", "mode", "good"), [
    ("same-origin", "cors", True), ("none", "navigate", True), ("cross-site", "navigate", True),
    ("cross-site", "no-cors", False), ("same-site", "no-cors", False), ("same-site", "websocket", False),
])  # fmt: skip
def test_what_other_pages_embed_is_not_given(site: str, mode: str, good: bool) -> None:
    assert bool(ask(ALONE, BEARER, ("sec-fetch-site", site), ("sec-fetch-mode", mode))[3].asked) == good


def test_the_first_address_gives_a_cookie_and_is_left() -> None:
    status, headers, body, inner = ask(ALONE, path="/study", query=f"study=3&secret={SECRET}&a=%26")
    assert (status, body, inner.asked) == (303, b"", [])
    assert headers["location"] == ["/study?study=3&a=%26"]
    cookie = headers["set-cookie"][0]
    assert "HttpOnly" in cookie
    assert "SameSite" in cookie
    assert SECRET not in cookie + headers["location"][0]
    known = ("cookie", f"x=1; {cookie.partition(';')[0]}")
    assert ask(ALONE, known)[0] == 200
    assert ask(ALONE, known, kind="websocket")[0] == "websocket.accept"
    other = Rules(ALONE.hosts, 8501, secret="t" * 43)
    assert ask(other, known)[0] == 403, "a room that was started again has another secret"
    assert ask(ALONE, path="//evil.example/x", query=f"secret={SECRET}")[1]["location"] == ["/evil.example/x"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [[], [("cookie", "spinecho-8501=")], [("cookie", f"spinecho-8501={SECRET}")], [("authorization", "Bearer x")],
     [("authorization", f"Basic {SECRET}")], [("authorization", "Bearer ")]],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/static/js/index.js", "/_stcore/stream", "/media/x.png", "/_stcore/metrics"])
def test_without_the_secret_nothing_is_shown_but_how_to_get_it(
    kind: str, headers: list[tuple[str, str]], path: str
) -> None:
    status, told, body, inner = ask(ALONE, *headers, kind=kind, path=path, query="secret=wrong")
    assert not inner.asked
    if kind == "http":
        assert status == 403
        assert b"spinecho ui" in body
        assert SECRET.encode() not in body
        assert "set-cookie" not in told


def test_whether_it_lives_may_be_asked_without() -> None:
    assert ask(ALONE, path="/_stcore/health")[0] == 200
    assert ask(ALONE, path="/_stcore/health", kind="websocket")[0] == "websocket.close"
    assert ask(ALONE, path="/_stcore/health", host="evil.example")[0] == 421


@pytest.mark.parametrize("headers", [[BEARER], [], [("host", "evil.example")]])
def test_every_answer_carries_the_headers_once(headers: list[tuple[str, str]]) -> None:
    _, told, _, _ = ask(ALONE, *headers)
    assert told["x-frame-options"] == ["SAMEORIGIN"]
    assert told["x-content-type-options"] == ["nosniff"]
    assert told["referrer-policy"] == ["same-origin"]
    policy = told["content-security-policy"][0]
    assert "default-src 'self'" in policy
    assert "'sha256-x'" in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert "http:" not in policy
    assert "frame-ancestors 'self'" in policy


def test_cookies_of_streamlit_are_kept() -> None:
    assert ask(ALONE, BEARER)[1]["set-cookie"] == ["a=b", "c=d"]


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=60))
def test_no_header_whatever_lets_anybody_in(host: str, origin: str, cookie: str) -> None:
    headers = [(name, value.encode("utf-8", "replace").decode()) for name, value in
               (("host", host), ("origin", origin), ("cookie", cookie))]  # fmt: skip
    status, _, _, inner = ask(ALONE, *headers, host=None)
    assert status in (403, 421)
    assert not inner.asked
