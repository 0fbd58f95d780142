"""A Milvus of the tests' own: a single process from the package index, in an environment of its own, on loopback alone.

Its packages clash with ours, so `make test-servers` makes the environment. The server listens on every interface,
whatever its configuration says: it is started only in a network namespace whose one interface is loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_PYTHON = "SPINECHO_TEST_MILVUS"
"""The variable that names the Python of Milvus's environment."""


def interfaces() -> set[str]:
    """The names of this machine's network interfaces, as this process sees them."""
    return {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}


@dataclass(frozen=True)
class Milvus:
    """A running server."""

    address: str
    """As the setting has it."""
    process: subprocess.Popen[str]
    """What looks after it."""

    def end(self) -> None:
        """Have it end now."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and bytes in this time, and says nothing."""
        stopped = psutil.Process(self.process.pid).children(recursive=True)
        for one in stopped:
            one.suspend()
        try:
            yield
        finally:
            for one in stopped:
                one.resume()


@contextmanager
def running_milvus() -> Iterator[Milvus]:
    """The server; skips where there is none to be run."""
    python = os.environ.get(_PYTHON, "")
    if not python:
        pytest.skip("a real Milvus is asked by 'make test-servers' alone")
    if interfaces() != {"lo"}:
        pytest.skip("Milvus listens on every interface, and is run where loopback is the only one")
    folder = Path(tempfile.mkdtemp(prefix="spinecho-milvus-"))
    runner = Path(__file__).parent / "run_milvus.py"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [python, str(runner), str(folder / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            text=True, env={**os.environ, "HOME": str(folder)},
        ) as server,
    ):  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            assert port.isdigit(), (folder / "log").read_text()[-2000:]
            yield Milvus(f"milvus://127.0.0.1:{port}", server)
        finally:
            if not server.stdin.closed:
                server.stdin.close()
            server.wait(60)
            shutil.rmtree(folder, ignore_errors=True)
