"""Folders that a watch follows: one that is away is told for as long as it is, and stays a folder of the archive."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from spinecho.archive import Archive
from spinecho.db.errors import Busy
from spinecho.db.files import runs
from spinecho.db.upkeep.check import check_database
from spinecho.filling import watching
from spinecho.filling.watching import Watch


class Run:
    """A run of the index that only names its folders, as the real one does first."""

    def __init__(self, archive: Archive) -> None:
        self.database = archive._database()
        self.roots: list[list[str]] = []
        self.error: type[BaseException] | None = None

    def __call__(self, roots: list[Path], **options: Any) -> Any:
        self.roots.append(sorted(path.name for path in roots))
        if self.error is not Busy:
            runs.start_run(self.database, [str(root) for root in roots])
        if self.error is not None:
            raise self.error("it ended")

        class Outcome:
            counts: dict[str, int] = {}  # noqa: RUF012

        return Outcome()

    def last(self) -> list[str]:
        return sorted(Path(root).name for root in runs.last_roots(self.database))


def watch(archive: Archive, run: Run, **options: Any) -> Watch:
    return Watch(archive._settings, run.database, run, every=0, **options)


@pytest.fixture
def run(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(watching, "_QUIET", 0.0)
    for name in ("archive", "one", "two"):
        (tmp_path / name).mkdir()
    archive.sources.add("one", "folder", path=str(tmp_path / "one"))
    archive.sources.add("two", "folder", path=str(tmp_path / "two"))
    archive.sources.add("pacs", "orthanc", url="http://127.0.0.1:9")
    made = Run(archive)
    runs.start_run(made.database, [str(tmp_path / "archive")])  # as `spinecho index archive` did once
    return made


@pytest.mark.parametrize("away", ["archive", "one", "two"])
@pytest.mark.parametrize("from_the_start", [False, True])
def test_a_folder_that_is_away_is_told_by_every_pass_and_read_when_it_is_back(
    archive: Archive, run: Run, tmp_path: Path, away: str, *, from_the_start: bool
) -> None:
    names = ["one", "two"]  # the PACS has sent nothing: its spool is not there, which is no trouble
    if not from_the_start:
        list(watch(archive, run, names=names).passes(1))
    (tmp_path / away).rename(tmp_path / "elsewhere")
    for _ in range(2):  # it may be started anew meanwhile
        for done in watch(archive, run, names=names).passes(2):
            assert [f"{away} is not there: is it mounted?" in one for one in done.trouble] == [True], done.trouble
            assert run.roots[-1] == sorted({"archive", "one", "two"} - {away})
            assert (away in run.last()) is (away == "archive" or not from_the_start)
    (tmp_path / "elsewhere").rename(tmp_path / away)
    [done] = watch(archive, run, names=names).passes(1)
    assert (done.trouble, run.roots[-1], run.last()) == ([], ["archive", "one", "two"], ["archive", "one", "two"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, Busy])
def test_a_run_that_ends_early_forgets_no_folder(
    archive: Archive, run: Run, tmp_path: Path, error: type[BaseException]
) -> None:
    run.error = error
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    list(watch(archive, run, names=["one"]).passes(1))
    assert "archive" in run.last()
    assert not check_database(run.database)


def test_forgetting_studies_of_a_server_leaves_the_folders_of_the_archive(
    archive: Archive, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "expired", lambda *_: ["1.2.3"])
    following = watch(archive, run, names=["pacs"])
    done = watching.Pass(1)
    following._forget_expired(following._records[0], done)
    assert run.roots == [["pacs"]]
    assert "archive" in run.last()


def test_a_folder_in_which_something_is_always_written_is_read_all_the_same(
    archive: Archive, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_QUIET", 0.05)
    monkeypatch.setattr(watching, "_BUSY", 0.2)
    following = watch(archive, run, names=["one"])
    ended = threading.Event()

    def writes() -> None:
        while not ended.is_set():
            following._last_event = time.monotonic()
            ended.wait(0.005)

    writing = threading.Thread(target=writes)
    writing.start()
    late = threading.Timer(20, following.stop)  # what waits without end is stopped, and has made fewer passes
    late.start()
    try:
        assert len(list(following.passes(3))) == 3
    finally:
        late.cancel()
        ended.set()
        writing.join()
