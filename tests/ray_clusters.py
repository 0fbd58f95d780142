"""A Ray cluster of the tests' own: two nodes of a processor each, as processes of this machine, on loopback alone.

Ray listens on every interface, so that it is started only in a network namespace whose one interface is loopback.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from milvus_servers import interfaces

ASKED = "SPINECHO_TEST_RAY"
"""The variable that is set where a real Ray is to be run."""
_PATIENT = {
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_health_check_failure_threshold": "8",
}
"""A node is not held to be dead where the machine is merely busy."""


@dataclass
class Cluster:
    """Nodes that were started, the first of which leads."""

    address: str
    folder: Path
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """One more node, of one processor."""
        host, _, port = self.address.partition(":")
        head = ["--head", "--port", port, "--include-dashboard=false", "--temp-dir", str(self.folder / "ray")]
        place = ["--address", self.address] if self.nodes else head
        ray = Path(sys.executable).with_name("ray")
        sizes = ["--num-cpus", "1", "--object-store-memory", str(200 << 20)]
        with (self.folder / f"node-{len(self.nodes)}.log").open("wb") as log:
            node = subprocess.Popen(
                [ray, "start", *place, "--node-ip-address", host, *sizes, "--disable-usage-stats", "--block"],
                stdout=log, stderr=log, start_new_session=True, cwd="/",
                env={**os.environ, **_PATIENT, "PYTHONPATH": str(Path(__file__).parents[1])},
            )  # fmt: skip
        self.nodes.append(node)

    def processes(self, name: str, *, nodes: slice = slice(None)) -> list[psutil.Process]:
        """Processes of this name that live: "ray::_read" and "ray::_Encoder" are ours, each node has a "raylet"."""
        found = []
        for node in self.nodes[nodes]:
            with suppress(psutil.Error):
                for one in psutil.Process(node.pid).children(recursive=True):
                    with suppress(psutil.Error):
                        if name in " ".join(one.cmdline()[:1]):
                            found.append(one)
        return found

    def repair(self) -> None:
        """Start the second node anew where its raylet is gone."""
        if not self.processes("raylet", nodes=slice(1, None)):
            self._end(self.nodes.pop())
            self.start()
            self.await_nodes()

    def await_nodes(self) -> None:
        """Until each node has its raylet."""
        due = time.monotonic() + 300
        while len(self.processes("raylet")) < len(self.nodes):
            assert time.monotonic() < due, (self.folder / f"node-{len(self.nodes) - 1}.log").read_text()[-2000:]
            time.sleep(0.2)

    def end(self) -> None:
        """Have all nodes end."""
        while self.nodes:
            self._end(self.nodes.pop())

    @staticmethod
    def _end(node: subprocess.Popen[bytes]) -> None:
        with suppress(psutil.Error):
            below = psutil.Process(node.pid).children(recursive=True)
            node.terminate()
            _, left = psutil.wait_procs(below, timeout=10)
            for one in left:
                with suppress(psutil.Error):
                    one.kill()
        node.kill()
        node.wait()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Two nodes; skips where there is no Ray to be run."""
    if not os.environ.get(ASKED):
        pytest.skip("a real Ray is asked by 'make test-servers' alone")
    if interfaces() != {"lo"}:
        pytest.skip("Ray listens on every interface, and is run where loopback is the only one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: Ray puts sockets into it
    cluster = Cluster(f"127.0.0.1:{port}", folder)
    try:
        for _ in range(2):
            cluster.start()
            cluster.await_nodes()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)
