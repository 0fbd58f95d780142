"""The services of the compose file, started from their packages: an archive is indexed, and found over HTTP.

Environment and command lines are read from the file. What containers would bring
stands in `Site`: names of machines, folders and a port.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from archives import small_archive
from compose_file import bases, compose
from servers import Server
from sqlalchemy import text

from benchmarks.browser import free_port
from spinecho.db.schema.engines import make_engine
from spinecho.encoders.sandbox.environment import module_path

SECRET = "only-for-this-test-" + "s" * 20
ENDED = {0, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGTERM}
"""How a service ends that was asked to: by itself, or as the signal says; its unit takes these for success."""


class Site:
    """This machine in place of three containers: the same names lead to other places."""

    def __init__(self, folder: Path, archive: Path, server: Server) -> None:
        self.port = free_port()
        site = {
            "ARCHIVE": str(archive), "SPINECHO_DATABASE_PASSWORD": "of-the-database", "SPINECHO_ROOM_SECRET": SECRET,
            "SERVER_PROCESSES": "1", "READING_PROCESSES": "1",
        }  # fmt: skip
        self.services = compose({**site, **bases()})["services"]
        self._folder = folder
        database = self.services["database"]["environment"]
        self._places = {
            f"@database:5432/{database['POSTGRES_DB']}?": f"@/{made_database(server, database)}&",
            "/var/lib/spinecho/cache": os.environ["SPINECHO_CACHE"],
            "/var/lib/spinecho": str(folder / "var"),
            "/archive": str(archive),
            "8501": str(self.port),
        }

    def _here(self, value: str) -> str:
        for there, here in self._places.items():
            if there in value:
                return value.replace(there, here)
        return value

    @contextmanager
    def started(self, name: str) -> Iterator[subprocess.Popen[str]]:
        """A service with its own environment and nothing of this one's; SIGTERM ends it in its grace period."""
        service = self.services[name]
        environment = {key: self._here(value) for key, value in service["environment"].items()}
        own = {"HOME": str(self._folder), "PYTHONPATH": os.pathsep.join(module_path())}
        environment |= {"PATH": os.environ["PATH"], **own}
        command = [sys.executable, "-P", "-m", "spinecho.ui.cli.app", *map(self._here, service["command"])]
        with (self._folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, env=environment, cwd=self._folder, stdout=subprocess.PIPE, stderr=log, text=True
            )
            try:
                yield process
                process.send_signal(signal.SIGTERM)
                assert process.wait(int(service["stop_grace_period"].removesuffix("s"))) in ENDED
            finally:
                process.kill()
                process.communicate()

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()


def made_database(server: Server, settings: dict[str, str]) -> str:
    """The database and its owner as the image makes them; its name and where the server is, as in a URL."""
    user, name = settings["POSTGRES_USER"], settings["POSTGRES_DB"]
    url = server.make(name)
    engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {user} LOGIN"))
        connection.execute(text(f"ALTER DATABASE {name} OWNER TO {user}"))
        connection.execute(text(f"ALTER SCHEMA public OWNER TO {user}"))
    engine.dispose()
    return url.partition("@/")[2]


@pytest.fixture
def site(postgresql: Server, tmp_path: Path) -> Site:
    archive = small_archive(tmp_path / "mri", studies=1, keep=2)
    (tmp_path / "var").mkdir(mode=0o700)
    return Site(tmp_path, archive, postgresql)


@pytest.mark.slow
def test_an_archive_is_indexed_by_the_worker_and_found_over_http(site: Site) -> None:
    with site.started("server") as server:
        while health(site, server) != {"index": "empty", "database": "ready", "record": "ready"}:
            time.sleep(0.1)
        with site.started("worker") as worker:
            assert worker.stdout is not None
            line = worker.stdout.readline()
            assert line.startswith('{"'), line + worker.stdout.read() + site.log("worker")
            assert json.loads(line)["indexed"]
            answer = asked(site, server)
            refused = httpx2.post(f"http://127.0.0.1:{site.port}/api/v1/search", json={"words": "brain"})
        assert answer["hits"], answer
        assert refused.status_code == 401
    assert made_by(site) > 0


def health(site: Site, server: subprocess.Popen[str]) -> dict[str, str]:
    """What the server says of itself, nothing before it is up."""
    assert server.poll() is None, site.log("server")
    try:
        answer = httpx2.get(f"http://127.0.0.1:{site.port}/readyz")
    except httpx2.TransportError:
        return {}
    state: dict[str, str] = answer.json()
    assert answer.status_code == (200 if set(state.values()) == {"ready"} else 503)
    return state


def asked(site: Site, server: subprocess.Popen[str]) -> dict[str, Any]:
    """The answer to a question, once the server is up."""
    address, end = f"http://127.0.0.1:{site.port}", time.monotonic() + 120
    with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {SECRET}"}, timeout=60) as client:
        while True:
            assert server.poll() is None, site.log("server")
            assert time.monotonic() < end, site.log("server")
            try:
                if client.get("/readyz").status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.1)
        answer = client.post("/api/v1/search", json={"words": "brain", "k": 3})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made_by(site: Site) -> int:
    """Volumes in the database that the compose file names."""
    engine = make_engine(site._here(site.services["worker"]["environment"]["SPINECHO_DATABASE"]))
    with engine.connect() as connection:
        count = int(connection.execute(text("SELECT count(*) FROM volumes")).scalar_one())
    engine.dispose()
    return count
