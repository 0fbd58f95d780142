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

from ui.theme import PAGE, Theme, streamlit_flags

Chrome = Any
"""playwright.sync_api.Browser"""
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
        yield browser
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
    root = str(PAGE.parents[1])
    known = {
        **os.environ,
        "SPINECHO_HOME": str(home),
        "SPINECHO_DEVICE": "cpu",
        "PYTHONPATH": root,
        **(environment or {}),
    }
    flags = streamlit_flags(port=port, theme=theme, secrets=home / "secrets.toml")
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *flags]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, env=known, cwd=root, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}", process.pid
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
