"""A served room and a browser, for pictures and timings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from ui.theme import PAGE, Theme, streamlit_flags

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL2 without a graphics card
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chrome() -> Iterator[Any]:
    """Chromium of the system, else Playwright's own."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def serve(home: Path, *, theme: Theme = "dark") -> Iterator[str]:
    """Start the room over a home as `spinecho ui` does; gives its address, and stops it at the end."""
    with _served(home, theme) as (address, _):
        yield address


@contextmanager
def serve_process(home: Path) -> Iterator[tuple[str, int]]:
    """The same, with the number of its process."""
    with _served(home, "dark") as told:
        yield told


@contextmanager
def _served(home: Path, theme: Theme) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    root = str(PAGE.parents[1])
    known = {**os.environ, "SPINECHO_HOME": str(home), "SPINECHO_DEVICE": "cpu", "PYTHONPATH": root}
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *streamlit_flags(port=port, theme=theme)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=known, cwd=root, stdout=quiet, stderr=quiet) as process:
        try:
            for _ in range(240):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                        break
                except OSError:
                    time.sleep(0.25)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait(20)
