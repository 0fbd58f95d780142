"""One command, one port, one sign-in: the API, and behind it the pages in processes of their own.

Run as `python -P -m spinecho.ui.server.one` by `spinecho serve`. Several workers answer the API on the one port, and as
many processes draw pages; a browser always comes back to the one that it began with (`ui.server.proxy`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

from spinecho.encoders.sandbox.environment import command_environment
from spinecho.errors import SpinechoError
from spinecho.setup.private import UMASK
from spinecho.setup.settings import as_environment, read_settings
from spinecho.ui.server.fair import have_files_open, share_finely, share_heaps
from spinecho.ui.server.parent import end_with_parent
from spinecho.ui.server.serve import SECRET, check_address, parser_of, rules_for, secret_of, tell_address

GIVEN = "SPINECHO_SERVE"
"""What workers are told: JSON of address, port, hosts, secret, the ports of the pages, how many workers and jobs."""
_GRACE = 15
"""Seconds for requests under way to end in."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    os.umask(UMASK)
    have_files_open()
    given = _parser().parse_args(arguments)
    settings = read_settings()
    signed = check_address(given.address, settings, allowed=given.open)
    secret = "" if signed else secret_of()
    tell_address(settings, given.address, given.port, secret)
    os.chdir("/")
    pages = [] if given.no_pages else _free_ports(given.workers)
    options = {
        "address": given.address, "port": given.port, "hosts": given.host, "secret": secret, "signed": signed,
        "pages": pages, "workers": given.workers, "jobs": given.jobs,
    }  # fmt: skip
    os.environ[GIVEN] = json.dumps(options)
    figures = ""
    if given.workers > 1:
        figures = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="spinecho-figures-")
    behind = [Pages(given, port, secret) for port in pages]
    try:
        _serve(given)
    finally:
        for one in behind:
            one.begin_end()
        for one in behind:
            one.close()
        if figures:
            shutil.rmtree(figures, ignore_errors=True)


class Pages:
    """A process that draws pages, started anew where it ends."""

    def __init__(self, given: argparse.Namespace, port: int, secret: str) -> None:
        self._command = [
            sys.executable, "-P", "-m", "spinecho.ui.server.serve", "--address=127.0.0.1", f"--port={port}",
            f"--behind-address={given.address}", f"--behind-port={given.port}", f"--theme={given.theme}",
            f"--jobs={given.jobs}",
            *(f"--host={name}" for name in given.host), *(["--open"] if given.open else []),
        ]  # fmt: skip
        environment = {**os.environ, **as_environment(read_settings())}
        environment.pop(GIVEN, None)
        self._environment = command_environment(environment) | ({SECRET: secret} if secret else {})
        self._ends = threading.Event()
        self._process = self._begin()
        self._thread = threading.Thread(target=self._keep, name="pages", daemon=True)
        self._thread.start()

    def begin_end(self) -> None:
        """Ask it to end; `close` waits until it has."""
        self._ends.set()
        self._process.terminate()

    def close(self) -> None:
        """End it."""
        self.begin_end()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _begin(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environment, cwd="/", stdin=subprocess.DEVNULL)

    def _keep(self) -> None:
        while not self._ends.wait(0.5):
            if self._process.poll() is not None and not self._ends.wait(1.0):
                self._process = self._begin()


def make() -> Any:
    """The application of one worker."""
    from spinecho.ui.server.api.app import create_api  # noqa: PLC0415  (slow to import)
    from spinecho.ui.server.api.around.service import Door  # noqa: PLC0415
    from spinecho.ui.server.api.around.streams import end_with_process  # noqa: PLC0415
    from spinecho.ui.server.proxy import Front, Proxy  # noqa: PLC0415
    from spinecho.ui.server.targets import OriginForm  # noqa: PLC0415

    share_finely()
    share_heaps()
    options = json.loads(os.environ[GIVEN])
    if options["workers"] > 1:
        end_with_parent()  # else it holds the port after the server was killed
    settings = read_settings()
    rules = rules_for(
        settings, address=options["address"], port=options["port"], hosts=options["hosts"], signed=options["signed"],
        secret=options["secret"],
    )  # fmt: skip
    door = Door(alone=not options["signed"], secret=options["secret"])
    api = create_api(
        settings, door=door, rules=rules, jobs_at_once=options["jobs"], workers=options["workers"],
        tools=find_spec("mcp") is not None, warm=not options["pages"],
        shared=os.environ.get("PROMETHEUS_MULTIPROC_DIR", "") if options["workers"] > 1 else "",
    )  # fmt: skip
    end_with_process()
    if not options["pages"]:
        return OriginForm(api)
    return OriginForm(Front(api, Proxy(options["pages"], f"spinecho-pages-{options['port']}")))


def _serve(given: argparse.Namespace) -> None:
    import uvicorn  # noqa: PLC0415

    from spinecho.ui.server.slow import TimedHead  # noqa: PLC0415

    uvicorn.run(
        "spinecho.ui.server.one:make", factory=True, host=given.address, port=given.port, workers=given.workers,
        http=TimedHead, ws="websockets-sansio", ws_max_size=64_000_000, access_log=False, log_level="warning",
        timeout_graceful_shutdown=_GRACE, server_header=False, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("spinecho serve")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-pages", action="store_true")
    return parser


def _free_ports(count: int) -> list[int]:
    """All held until the last is found, so that no two are one."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


if __name__ == "__main__":
    try:
        main()
    except SpinechoError as error:
        sys.exit(f"error: {error}")
