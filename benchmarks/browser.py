"""A room served on loopback, and a browser to look at it with: for pictures, timings, and the tests in a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from spinecho.encoders.sandbox.environment import command_environment
from spinecho.ui.server.theme import Theme

Chrome = Any
"""playwright.sync_api.Browser"""
SECRET = "of-the-rooms-that-tests-and-timings-start"  # noqa: S105
PATIENCE_MS = 120_000
"""How long anything is waited for, by tests too: a limit on what never comes, and no measure of speed."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL2 without a graphics card
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chrome() -> Iterator[Chrome]:
    """Chromium of the system, else Playwright's own. Raises `ImportError`, `playwright.sync_api.Error` without."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (a room can be served without it)

    with ExitStack() as opened:
        with _short_temporary_folder():
            playwright = opened.enter_context(sync_playwright())
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield _Known(browser)
        browser.close()


@contextmanager
def _short_temporary_folder() -> Iterator[None]:
    """Chromium keeps a socket in its profile, and a socket's path ends at 107 bytes."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = "/tmp"  # noqa: S108
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


class _Known:
    """A browser whose contexts know the secret of the rooms that are served here."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def new_context(self, **options: Any) -> Any:
        context = self.browser.new_context(extra_http_headers={"Authorization": f"Bearer {SECRET}"}, **options)
        context.set_default_timeout(PATIENCE_MS)
        return context


_FORBIDDEN = (
    "addEventListener('securitypolicyviolation', "
    "event => console.error(`forbidden by policy: ${event.effectiveDirective} ${event.blockedURI}`))"
)


def forbidden_in(page: Any) -> list[str]:
    """A list that fills with what pages do though the room's content policy forbids it; libraries hide such errors."""
    found: list[str] = []
    page.add_init_script(_FORBIDDEN)
    page.on("console", lambda line: found.append(line.text) if "forbidden by policy" in line.text else None)
    return found


def until(page: Any, expression: str, *, arg: Any = None, timeout: float = PATIENCE_MS) -> None:
    """Wait, for so many milliseconds, until an expression holds in a page.

    Playwright's own way evaluates text within the page, which the room's content policy forbids.
    """
    end = time.monotonic() + timeout / 1000
    while not page.evaluate(expression, arg):
        if time.monotonic() > end:
            raise TimeoutError(f"within {timeout:.0f} ms it did not come to: {expression}")
        page.wait_for_timeout(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    home: Path, *, port: int = 0, theme: Theme = "dark", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Start the room over a home as `spinecho ui` does; gives its address, and stops it at the end."""
    with serve_process(home, port=port, theme=theme, environment=environment) as (address, _):
        yield address


@contextmanager
def serve_process(
    home: Path, *, port: int = 0, theme: Theme = "dark", environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """The same, with the number of its process. Raises `RuntimeError` with its last words if it does not start."""
    port = port or free_port()
    command = [sys.executable, "-P", "-m", "spinecho.ui.server.serve", f"--port={port}", f"--theme={theme}"]
    with _started(command, home, port, environment) as process:
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def serve_many(home: Path, workers: int, *, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The same as `spinecho serve` does with so many workers; gives its address."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "spinecho.ui.server.one", f"--port={port}", f"--workers={workers}"]
    with _started(command, home, port, environment):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _started(command: list[str], home: Path, port: int, environment: Mapping[str, str] | None) -> Iterator[int]:
    known = {
        **command_environment(),
        "SPINECHO_HOME": str(home),
        "SPINECHO_DEVICE": "cpu",
        "SPINECHO_ROOM_SECRET": SECRET,
        **(environment or {}),
    }
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, env=known, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield process.pid
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Any) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise RuntimeError(f"the room did not start: {_last_words(log)}")
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310  (an address of our own)
                return
        except OSError:
            time.sleep(0.25)
    raise RuntimeError(f"the room did not answer: {_last_words(log)}")


def _last_words(log: Any) -> str:
    log.seek(0)
    return str(log.read())[-2000:]
