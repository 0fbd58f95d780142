"""A room served on loopback, and a browser to look at it with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

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


class DemoHome(Protocol):
    """What the fixture `demo_home` gives."""

    archive: Path
    home: Path
    hostile_study: str
    hostile_series: str
    hostile_sentence: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    home: Path, *, port: int = 0, theme: Theme = "dark", environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Start the room over a home as `spinecho ui` does; gives its address, and stops it at the end."""
    port = port or free_port()
    flags = streamlit_flags(port=port, theme=theme, secrets=home / "secrets.toml")
    root = str(PAGE.parents[1])
    known = {
        **os.environ,
        "SPINECHO_HOME": str(home),
        "SPINECHO_DEVICE": "cpu",
        "PYTHONPATH": root,
        **(environment or {}),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *flags]
    log = home / "served.log"
    with log.open("w") as out, subprocess.Popen(command, env=known, cwd=root, stdout=out, stderr=out) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise RuntimeError(f"the room did not start: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.25)
    raise RuntimeError(f"the room did not answer: {log.read_text()[-2000:]}")
