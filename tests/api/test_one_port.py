"""`spinecho serve` as processes: the documented lines, the pages behind it, several workers, and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest
from archives import Home, copy_of
from assistants import everything
from loops import run_apart
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from waiting import comes

from benchmarks.browser import free_port
from spinecho.encoders.sandbox.environment import command_environment

FEW_FILES = ("sh", "-c", 'ulimit -S -n 256; exec "$@"', "sh")
"""Begins a command with fewer open files than an account may have."""
ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
LINES = [
    line.strip() for block in re.findall(r"```sh\n(.*?)```", DOC, re.DOTALL)
    for line in re.split(r"(?<!\\)\n", block) if line.strip()
]  # fmt: skip


@dataclass
class Server:
    """`spinecho serve`, started as a person would."""

    port: int
    home: Path
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=names)
        answer = connection.getresponse()
        content = answer.read() if answer.status != 101 else b""
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "set-cookie"}
        cookies = [value.partition(";")[0] for value in answer.headers.get_all("set-cookie") or ()]
        return answer.status, {**found, "set-cookie": "; ".join(cookies)}, content

    def up(self, path: str = "/readyz") -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get(path)[0] == 200
        except OSError:
            return False

    @property
    def secret(self) -> str:
        return (self.home / f"room-{self.port}.address").read_text().strip().partition("secret=")[2]

    def pages(self) -> set[int]:
        kids = psutil.Process(self.process.pid).children()
        return {one.pid for one in kids if "spinecho.ui.server.serve" in line_of(one)}


def line_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return ""


def start(home: Path, *options: str) -> Server:
    port, log = free_port(), home.parent / "serve.log"
    command = [sys.executable, "-P", "-m", "spinecho.ui.cli.app", "serve", "--home", str(home), "--port", str(port)]
    environment = {
        **command_environment(),
        "SPINECHO_DEVICE": "cpu",
        "SPINECHO_API_RATE": "0",
        "SPINECHO_API_IDLE_SECONDS": "2",
    }
    with log.open("wb") as out:
        process = subprocess.Popen([*FEW_FILES, *command, *options], env=environment, stdout=out, stderr=out, cwd=home)
    return Server(port, home, process, log)


def closed(end: socket.socket) -> bool:
    try:
        while end.recv(65_536):
            pass
    except BlockingIOError:
        return False
    return True


@pytest.fixture(scope="module")
def server(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = start(copy_of(indexed, tmp_path_factory.mktemp("one") / "home").folder, "--workers", "2")
    try:
        comes(found.up)
        comes(lambda: found.up("/_stcore/health"))
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def test_the_lines_of_the_page_do_what_they_say(server: Server, archive: Path, indexed: Home, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    command = [sys.executable, "-P", "-m", "spinecho.ui.cli.app", "token", "create", "doc", "--home", str(server.home)]
    scopes = [part for scope in ("read", "write", "manage", "metrics") for part in ("--scope", scope)]
    token = subprocess.run([*command, *scopes], env=command_environment(), capture_output=True, text=True, check=True)
    study, series = indexed.query(
        "SELECT t.uid, s.uid FROM series s JOIN studies t ON t.id = s.study_id ORDER BY s.id LIMIT 1"
    )[0]
    (tmp_path / ".curlrc").write_text("fail-with-body\nshow-error\n")
    environment = {
        **os.environ, "SPINECHO": f"http://127.0.0.1:{server.port}", "TOKEN": token.stdout.strip(), "STUDY": study,
        "SERIES": series, "FILE": str(next(iter(sorted((archive / "dicom").rglob("*.dcm"))))),
        "CURL_HOME": str(tmp_path), "no_proxy": "*",
    }  # fmt: skip
    assert len(LINES) > 18
    for line in LINES:
        done = subprocess.run(["bash", "-c", line], env=environment, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stdout[:500], done.stderr)
    assert (tmp_path / "first.bin").stat().st_size == 4096
    assert (tmp_path / "slice.png").read_bytes().startswith(b"\x89PNG")


def test_each_of_its_processes_may_have_as_many_files_open_as_the_account(server: Server) -> None:
    whole = psutil.Process(server.process.pid)
    limits = {one.pid: one.rlimit(psutil.RLIMIT_NOFILE) for one in (whole, *whole.children(recursive=True))}
    assert len(limits) > 4
    assert all(soft == min(hard, 65_536) for soft, hard in limits.values()), limits


def test_the_pages_stand_behind_it_with_their_own_guard(server: Server) -> None:
    status, headers, content = server.get("/")
    assert status == 403
    assert b"first address" in content
    status, headers, _ = server.get(f"/?secret={server.secret}")
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert f"spinecho-pages-{server.port}=" in cookie
    assert server.get("/")[0] == 403, "the cookie of one browser is never shown for another"
    status, headers, content = server.get("/", cookie=cookie)
    assert status == 200
    assert b"<title>Streamlit</title>" in content
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert server.get("/api/v1/me", cookie=cookie)[0] == 200, "one sign-in"
    assert server.get("/api/v1/me")[0] == 401
    assert server.get("/", Host="evil.example", cookie=cookie)[0] == 421
    assert server.get("/api/v1/me", Host="evil.example", cookie=cookie)[0] == 421
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "streamlit"}  # fmt: skip
    own = f"http://127.0.0.1:{server.port}"
    assert server.get("/_stcore/stream", cookie=cookie, Origin=own, **upgrade)[0] == 101
    assert server.get("/_stcore/stream", cookie=cookie, Origin="http://evil.example", **upgrade)[0] == 403
    assert server.get("/_stcore/stream", **upgrade)[0] == 403


def test_the_secret_is_in_no_line_that_can_be_read(server: Server) -> None:
    for process in (psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)):
        assert server.secret not in line_of(process)
    assert server.secret not in server.log.read_text()


def test_pages_that_die_come_back_and_the_api_goes_on(server: Server) -> None:
    before = comes(server.pages)
    assert len(before) == 2, "as many as answer the API"
    for process in before:
        os.kill(process, signal.SIGKILL)
    assert server.up("/healthz")
    assert server.get("/_stcore/health")[0] in (200, 503)
    comes(lambda: len(now := server.pages()) == 2 and not now & before)
    for number in range(2):
        comes(
            lambda cookie=f"spinecho-pages-{server.port}={number}": (
                server.get("/_stcore/health", cookie=cookie)[0] == 200
            )
        )


def test_a_worker_that_dies_is_replaced(server: Server) -> None:
    def workers() -> set[int]:
        kids = psutil.Process(server.process.pid).children()
        return {one.pid for one in kids if "spawn_main" in line_of(one)}

    before = comes(workers)
    os.kill(min(before), signal.SIGKILL)
    comes(lambda: len(workers()) == len(before) and workers() != before)
    comes(server.up)


def test_who_says_nothing_a_body_that_does_not_come_and_a_caller_that_goes(server: Server) -> None:
    """The two waits, of twenty seconds each, run side by side, and beside them a page stays open."""
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.secret}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    place = ("127.0.0.1", server.port)
    _, headers, _ = server.get(f"/?secret={server.secret}")
    opens = f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {headers['set-cookie']}\r\n"
    opens += f"Origin: http://127.0.0.1:{server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    opens += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    opens += "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
    with contextlib.ExitStack() as held:
        page, quiet, slow = (held.enter_context(socket.create_connection(place, timeout=60)) for _ in range(3))
        page.sendall(opens.encode())
        assert page.recv(100).startswith(b"HTTP/1.1 101")
        quiet.sendall(b"GET / HTTP/1.1\r\nHost: ")
        slow.sendall(head.encode() + b"{")
        assert quiet.recv(10) == b""
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
        page.setblocking(False)
        assert not closed(page), "it was opened before them, and is open after them"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as gone:
            gone.sendall(head.encode() + b'{"words": "lesion" }')
    comes(server.up)


def test_slow_callers_hold_nobody_else(server: Server) -> None:
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.secret}\r\n"
    pieces = [
        "GET /api/v1/me HTTP/1.1\r\nHost: ",
        f"{head}Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{{",
    ]
    with contextlib.ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60)) for _ in range(80)]
        for number, one in enumerate(slow):
            one.sendall(pieces[number % 2].encode())
        for _ in range(5):  # both workers have more of them than threads that answer
            status, _, content = server.get("/api/v1/facets-of-nothing", Authorization=f"Bearer {server.secret}")
            assert status == 404, content
            assert server.get("/api/v1/me", Authorization=f"Bearer {server.secret}")[0] == 200


def test_tools_of_assistants_are_on_the_same_port(server: Server) -> None:
    address = f"http://127.0.0.1:{server.port}/mcp"
    assert server.get("/mcp")[0] == 405

    async def run() -> None:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {server.secret}"}, timeout=60) as http,
            Client(streamable_http_client(address, http_client=http)) as assistant,
        ):
            await everything(assistant)
        async with httpx2.AsyncClient(headers={"Authorization": "Bearer spinecho_unknown"}) as http:
            answer = await http.post(address, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
            assert answer.status_code == 401

    run_apart(run)


def test_it_ends_with_its_children_once_what_is_under_way_is_answered(server: Server) -> None:
    kids = psutil.Process(server.process.pid).children(recursive=True)
    body = b'{"words": "lesion"}'
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.secret}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as under_way:
        under_way.sendall(head.encode())
        assert under_way.recv(100).startswith(b"HTTP/1.1 100"), "the server has begun with it"
        server.process.send_signal(signal.SIGTERM)
        under_way.sendall(body)
        answer = under_way.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
    assert b'"hits"' in answer
    server.process.wait(60)
    _, left = psutil.wait_procs(kids, timeout=30)
    assert not left, left
    assert not (server.home / f"room-{server.port}.address").exists()


def test_it_ends_though_somebody_follows_a_job(indexed: Home, tmp_path: Path) -> None:
    """A stream of events goes on for as long as a job waits: the server waited for it, and then cut it off."""
    server = start(copy_of(indexed, tmp_path / "home").folder, "--workers", "2", "--no-pages", "--jobs", "0")
    try:
        comes(server.up)
        headers = {"Authorization": f"Bearer {server.secret}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", "/api/v1/jobs/evaluations", b"{}", headers)
        begun = connection.getresponse()
        number = json.loads(begun.read())["id"]
        assert begun.status == 202, "and nobody does it here"
        connection.request("GET", f"/api/v1/jobs/{number}/events", headers=headers)
        stream = connection.getresponse()
        assert stream.readline().startswith(b"event: job")
        server.process.send_signal(signal.SIGTERM)
        stream.read()  # to its end, as it is written
        stream.close()
        connection.close()
        server.process.wait(60)
    finally:
        server.process.kill()
        server.process.wait()
    assert "graceful shutdown exceeded" not in server.log.read_text()


def test_a_server_that_is_killed_leaves_nobody_at_its_port(indexed: Home, tmp_path: Path) -> None:
    server = start(copy_of(indexed, tmp_path / "home").folder, "--workers", "2", "--no-pages", "--jobs", "0")
    comes(server.up)
    kids = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    server.process.wait()
    _, left = psutil.wait_procs(kids, timeout=60)
    assert not left, left
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", server.port))
