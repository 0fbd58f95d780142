"""Fixtures that every suite shares."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from archives import Home, copy_of, small_archive
from made_once import copied_when_new, made_once, run_folder
from servers import Server, running
from trusting import trust

from spinecho.db.schema import database
from spinecho.db.schema.engines import Location
from spinecho.ui.server import fair

settings.register_profile("spinecho", deadline=None)  # how fast is measured in benchmarks/
settings.load_profile("spinecho")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background; commands that tests start inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "SPINECHO_CACHE" not in os.environ:  # exported networks, for this run and the processes that it starts
    os.environ["SPINECHO_CACHE"] = str(run_folder() / "cache")


database.migrate = copied_when_new(database.migrate)  # before any other module takes it by name
fair.leave_what_stays = functools.wraps(fair.leave_what_stays)(lambda: None)  # tests open a thousand archives, not one


LONGEST = ("tests/week/", "tests/faults/", "tests/docs/test_notebooks", "tests/search/test_many_threads")
"""Begun first: the last file of a run is waited for by one worker alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, each in its own order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines: what was skipped, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple))
    if not skipped:
        terminalreporter.write_line("No test was skipped.")
    for reason, n in reasons.most_common():
        terminalreporter.write_line(f"{n} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder of real MR data, or a skip that says how to name one."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SPINECHO_TESTDATA", default))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"no real MR data at {folder}; set SPINECHO_TESTDATA to a folder with a manifest.csv")
    return folder


@pytest.fixture(scope="session")
def archive() -> Path:
    """Five synthetic studies with reports, a few slices a series."""
    return made_once("five", lambda folder: small_archive(folder, studies=5))


@pytest.fixture(scope="session")
def indexed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the archive is indexed; tests that change it take a copy."""

    def make(folder: Path) -> None:
        Home(folder).index(archive)
        trust(Home(folder).database)

    once = made_once("five-home", make)
    return copy_of(Home(once), tmp_path_factory.mktemp("home") / "home")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server of this session's own."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """A new database of either kind: what works with one works with the other."""
    if request.param == "sqlite":
        return tmp_path / "spinecho.sqlite"
    server: Server = request.getfixturevalue("postgresql")
    return server.new()
