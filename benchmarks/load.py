"""Many people searching at once over HTTP: throughput, latency and fairness, from locust in a process of its own.

    pip install locust
    python -m benchmarks.load --home HOME [--workers 2] [--seconds 20]

HOME: an archive of `benchmarks.text_search --home`. The server runs as `spinecho serve --no-pages`; the generator
shares the machine with it, and its own processor time is printed. Ratios are of one run. `bare` is FastAPI with FAISS
and the same encoder (`load_bare`), which finds sentences and neither reads, joins, judges nor explains them.
"""

# ruff: noqa: E402  (gevent takes the place of sockets and threads before anything else imports them)
from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse
import itertools
import os
import random
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment

from benchmarks.questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Person(FastHttpUser):
    """Asks one question after another."""

    wait_time = constant(0)
    token, path = "", "/api/v1/search"

    def on_start(self) -> None:
        """Everybody asks in an order of their own."""
        self.asked = 0
        self.questions = itertools.cycle(random.Random(id(self)).sample(QUESTIONS, len(QUESTIONS)))

    @task
    def search(self) -> None:
        """By words, ten hits."""
        body = {"words": next(self.questions), "by": "words", "k": 10}
        self.client.post(self.path, json=body, headers={"Authorization": f"Bearer {self.token}"}, name="search")
        self.asked += 1


def main() -> None:
    """Print a line for each number of clients."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", required=True)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--clients", type=int, nargs="*", default=[1, 8, 32, 50])
    given = arguments.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}, {given.workers} workers")
    spinecho = [sys.executable, "-m", "spinecho.ui.cli.app"]
    made = subprocess.run(
        [*spinecho, "token", "create", "load", "--home", given.home], capture_output=True, text=True, check=True
    )
    Person.token = made.stdout.split()[-1]
    port = _free()
    serve = [
        *spinecho,
        "serve",
        "--no-pages",
        "--home",
        given.home,
        "--port",
        str(port),
        "--workers",
        str(given.workers),
        "--jobs",
        "0",
    ]
    with _server(serve, port, "/readyz", {"SPINECHO_API_RATE": "0"}):
        one = None
        for clients in given.clients:
            figures = _run(port, clients, given.seconds)
            one = one or figures
            print(_line(f"{clients} clients", figures, one))
        print(_line("8 people, 1 s of thinking", _run(port, 8, given.seconds, thinking=1.0), one))
    Person.path = "/search"
    bare = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.load_bare:app",
        "--port",
        str(port),
        "--workers",
        str(given.workers),
        "--log-level",
        "warning",
    ]
    with _server(bare, port, "/openapi.json", {"SPINECHO_LOAD_HOME": given.home}):
        for clients in (1, 8):
            print(_line(f"bare, {clients} clients", _run(port, clients, given.seconds), one))


@contextmanager
def _server(command: list[str], port: int, ready: str, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=2).status == 200:
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise SystemExit("the server does not become ready")
        yield
    finally:
        process.terminate()
        process.wait(30)


def _run(port: int, clients: int, seconds: float, *, thinking: float = 0.0) -> dict[str, Any]:
    Person.wait_time = constant(thinking)
    _turn(port, clients, 4.0)  # warm
    before = resource.getrusage(resource.RUSAGE_SELF)
    environment, elapsed = _turn(port, clients, seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    total = environment.stats.total
    shares = environment.asked
    return {
        "per_second": total.num_requests / elapsed, "mean": total.avg_response_time,
        "p50": total.get_response_time_percentile(0.5), "p99": total.get_response_time_percentile(0.99),
        "errors": total.num_failures, "least": min(shares) / (sum(shares) / len(shares)),
        "generator": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / elapsed,
    }  # fmt: skip


def _turn(port: int, clients: int, seconds: float) -> tuple[Any, float]:
    environment: Any = Environment(user_classes=[Person], host=f"http://127.0.0.1:{port}")
    runner = environment.create_local_runner()
    start = time.perf_counter()
    runner.start(clients, spawn_rate=1000)
    gevent.sleep(seconds)
    environment.asked = [greenlet.args[0].asked for greenlet in runner.user_greenlets]
    elapsed = time.perf_counter() - start
    runner.quit()
    return environment, elapsed


def _line(name: str, one: dict[str, Any], alone: dict[str, Any]) -> str:
    gain, tail = one["per_second"] / alone["per_second"], one["p99"] / one["mean"]
    times = f"mean {one['mean']:.0f} p50 {one['p50']:.0f} p99 {one['p99']:.0f} ms (p99/mean {tail:.2f})"
    rest = f"errors {one['errors']}, least share {one['least']:.2f}, generator {one['generator']:.2f} cores"
    return f"{name:26} {one['per_second']:6.1f}/s ({gain:.2f} of one client's) {times} {rest}"


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()
