"""A command on a PostgreSQL server whose connections are cut at a message, or that is really stopped and started there;
then it is run again.

This runs as a program of its own, as `harness` does, and forks for each run.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "front_door"), str(HERE.parent), str(HERE)]

from commands import (  # noqa: E402
    NOT_COMPARED,
    NOT_THE_SAME,
    SALT,
    adapt,
    add_encoder,
    answers,
    files,
    freeze,
    home_of_two,
    home_to_adapt,
    home_with_files,
    index,
    indexed_home,
    on_home,
    switch,
    taught_home,
    teach,
)
from cutting import AFTER, BEFORE, Cutting, cutting  # noqa: E402
from harness import _difference, _spread, forked  # noqa: E402
from noting import spinecho_command  # noqa: E402
from servers import Server, running  # noqa: E402
from sqlalchemy import MetaData, select, text  # noqa: E402

from spinecho.db.schema.engines import make_engine  # noqa: E402

RESTARTS = ("fast", "immediate")
"""How a server is stopped: its clients are broken off, or it dies as it is and recovers when it is started."""
_MAY = {0, 3}
"""Exit statuses: it was done, or the machine is said to fail."""


@dataclass(frozen=True)
class Cut:
    """make: a home in a file, which is copied to the server. run: the command there, giving its exit status."""

    name: str
    make: Callable[[Path], object]
    run: Callable[[Path], int]


@dataclass
class Tried:
    """What came of one command."""

    command: str
    messages: int = 0
    tried: int = 0
    failed: int = 0
    """How often it said that the machine failed."""
    problems: list[str] = field(default_factory=list)


def copy_to_a_file(work: Path) -> int:
    """Unless it is there, which it is once it is whole."""
    if (work / "copy" / "spinecho.sqlite").exists():
        return 0
    return spinecho_command("db", "copy", work / "copy", "--home", work / "home")


COMMANDS = [
    Cut("index", files, index),
    Cut("freeze", indexed_home, freeze),
    Cut("builds", indexed_home, on_home("builds", "make")),
    Cut("encoder", home_with_files, add_encoder),
    Cut("switch", home_of_two, switch),
    Cut("copy database", indexed_home, copy_to_a_file),
    Cut("teach", taught_home, teach),
    Cut("adapt", home_to_adapt, adapt),
]


def rows(url: str) -> dict[str, list[str]]:
    """Every row of every table of ours, less numbers and times; patients by keys, since what a server counted in a
    transaction that was lost it does not count again.
    """
    engine, tables, found = make_engine(url), MetaData(), {}
    with engine.connect() as connection:
        tables.reflect(connection)
        keys = dict(connection.execute(select(tables.tables["patients"].c.id, tables.tables["patients"].c.key)).all())
        for name, table in sorted(tables.tables.items()):
            kept = [one for one in table.columns if not NOT_THE_SAME.search(one.name) and one.name != "words"]
            if kept and name not in NOT_COMPARED:
                named = [one.name == "patient" for one in kept]
                found[name] = sorted(
                    SALT.sub("", repr(tuple(keys.get(it) if by else it for it, by in zip(row, named, strict=True))))
                    for row in connection.execute(select(*kept))
                )
    engine.dispose()
    return found


class Trial:
    """One command in a folder of its own, and in a database of its own each time."""

    def __init__(self, command: Cut, folder: Path, server: Server) -> None:
        self.command, self.folder, self.server = command, folder, server
        self.work, self.base = folder / "work", folder / "base"
        self.result, self._n, self._like = Tried(command.name), 0, "made"

    def try_out(self, points: str) -> Tried:
        """Run it undisturbed, then with connections cut at all messages ("all"), a few ("some"), or so many."""
        self._begin()
        end = self._trial(0, BEFORE, every=False)[1]
        if end is None:
            return self.result
        n = self.result.messages
        for number, at in enumerate(_spread(range(1, n + 1), "3" if points == "some" else points)):
            for how in (BEFORE, AFTER) if points != "some" else ((BEFORE, AFTER)[number % 2],):
                label = f"{self.command.name}, {how} {at} of {n}"
                self._held_against(end, label, self._trial(at, how, every=bool(number % 2)))
        for number, how in enumerate(RESTARTS, 1):
            at = n * number // 3
            self._held_against(end, f"{self.command.name}, {how} restart at {at} of {n}", self._trial(at, how))
        return self.result

    def _held_against(self, end: Any, label: str, came: tuple[int, Any]) -> None:
        status, found = came
        self.result.tried += 1
        self.result.failed += status == 3
        if found is not None and found != end:
            self.result.problems.append(f"{label}: {_difference(end, found)}")

    def _begin(self) -> None:
        self.work.mkdir()
        made = forked(lambda: self.command.make(self.work), self.folder)
        file = self.work / "home" / "spinecho.sqlite"
        if file.exists():
            name = f"like_{self.command.name.replace(' ', '_')}"
            url = self.server.make(name)
            copied = forked(lambda: spinecho_command("db", "copy", url, "--home", self.work / "home"), self.folder)
            if copied.status:
                self.result.problems.append(f"{made.printed} {copied.printed}")
            self._like = name
            for path in file.parent.glob("spinecho.sqlite*"):
                path.unlink()
        self.work.rename(self.base)

    def _trial(self, at: int, how: str, *, every: bool = False) -> tuple[int, Any]:
        self._n += 1
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.base, self.work)
        url = self.server.make(
            f"{self.command.name.replace(' ', '_')}_{self._n}", f"TEMPLATE {self._like} STRATEGY file_copy"
        )
        with cutting(url) as proxy:
            proxy.cut(0 if how in RESTARTS else at, how, every=every)
            hit = self._run_beside_restart(proxy, url, at, how) if how in RESTARTS else self._run(proxy)
            if not at:
                self.result.messages = proxy.seen
            proxy.pause()
            where = f"{self.command.name}, {how} {at}"
            if hit.status not in (_MAY if at else {0}) or "Traceback" in hit.printed:
                self.result.problems.append(f"{where}: exit status {hit.status}: {hit.printed[-1500:]}")
            if at:
                again = self._run(proxy)
                if again.status:
                    self.result.problems.append(f"{where}, again: {again.status}: {again.printed[-1500:]}")
                    return hit.status, None
            found = forked(lambda: {"rows": rows(url), "answers": answers(self.work / "home", url)}, self.folder)
            if found.status:
                self.result.problems.append(f"{where}: {found.printed[-1500:]}")
        return hit.status, found.value

    def _run_beside_restart(self, proxy: Cutting, url: str, at: int, mode: str) -> Any:
        """The server is stopped once it had so many messages, and started again."""
        engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:  # else it may lose what it said to have kept
            name = connection.scalar(text("SELECT current_database()"))
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO on"))
        engine.dispose()
        over = threading.Event()

        def restart() -> None:
            while proxy.seen < at and not over.wait(0.001):
                pass
            self.server.stop(mode)
            self.server.start()

        restarting = threading.Thread(target=restart)
        restarting.start()
        hit = self._run(proxy)
        over.set()
        restarting.join()
        return hit

    def _run(self, proxy: Cutting) -> Any:
        def run() -> int:
            os.environ["SPINECHO_DATABASE"] = proxy.url
            return self.command.run(self.work)

        return forked(run, self.folder)


def main() -> None:
    """Arguments: all, some or how many messages; then names of commands. A line of JSON for each."""
    points, names = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as made, running() as server:
        for command in COMMANDS:
            if command.name in names:
                folder = Path(made) / command.name
                folder.mkdir()
                sys.stdout.write(json.dumps(asdict(Trial(command, folder, server).try_out(points))) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
