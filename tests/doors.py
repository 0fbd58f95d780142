"""A server over a home, in a thread of this process, for tests that ask both doors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.browser import free_port
from spinecho.setup.settings import read_settings
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door

SECRET = "only-of-this-test"


class _Begun(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def answering(home: Path, jobs: int = 1, *, database: str = "", vectors: str = "") -> Iterator[str]:
    """The address of a server of a machine used alone. jobs: how many run at once. database: in place of the file.
    vectors: the server that is asked in place of builds.
    """
    port = free_port()
    environment = {"SPINECHO_DATABASE": database, "SPINECHO_VECTORS": vectors}
    settings = read_settings(home=home, device="cpu", environment=environment)
    app = create_api(
        settings, door=Door(alone=True, secret=SECRET), limits=Limits(rate=0), wait=True, jobs_at_once=jobs
    )
    server = _Begun(uvicorn.Config(app, port=port, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(120)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)
