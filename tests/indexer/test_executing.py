"""Series read and encoded elsewhere: whatever is lost on the way, the rows are those of one process."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from hypothesis import given, settings
from hypothesis import strategies as st
from losing import Asked, Losing, Reads
from parts_encoder import Words, brain, parts_dual, plain_dual, write_nifti
from typer.testing import CliRunner

from spinecho.db.files import not_indexed
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import Reason
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.indexer.executing.errors import ClusterError, ClusterUnfit
from spinecho.indexer.executing.jobs import Done, Executor, Job, Reading
from spinecho.indexer.executing.spread import TRIES, Spread
from spinecho.indexer.pipeline import index_archive
from spinecho.indexer.reembed import embed_beside
from spinecho.ui.cli.app import app

PLAIN = plain_dual()


def jobs(count: int) -> Iterator[Job]:
    for number in range(count):
        yield Job((Reading(Task("", {"name": f"<{number}>"}, 1.0)),), "parts")


def number_of(done: Done) -> int:
    return int(done.job.readings[0].task.arguments["name"].strip("<>"))


def spread(loses: Callable[[Asked], str], **options: Any) -> Spread:
    return Spread(Losing(Reads(), PLAIN, loses, **options), PLAIN.spaces)


@settings(max_examples=60)
@given(
    count=st.integers(0, 30), readers=st.integers(1, 4), encoders=st.integers(1, 3), seed=st.integers(0, 10**6),
    losses=st.lists(st.sampled_from(["", "task", "encoder"]), max_size=40),
)  # fmt: skip
def test_each_job_comes_back_once_and_in_order_whatever_is_lost(
    count: int, readers: int, encoders: int, seed: int, losses: list[str]
) -> None:
    plan = iter(losses)

    def loses(asked: Asked) -> str:
        return "" if asked.kind == "open" else next(plan, "")

    executor = spread(loses, readers=readers, encoders=encoders, seed=seed)
    taken = itertools.count()
    begun = -1
    found = []

    def counted() -> Iterator[Job]:
        nonlocal begun
        for job in jobs(count):
            begun = next(taken)
            yield job

    for done in executor.run(counted()):
        found.append(number_of(done))
        assert begun + 1 - len(found) < executor.ahead, "more is under way than was stated"
        (series,) = done.series
        if series.failure is None:
            assert series.digests == {f"<{found[-1]}>": "read"}
        else:
            assert series.failure is Reason.PROCESS_LOST
    assert found == list(range(count))


@pytest.mark.parametrize("kind", ["read", "encode"])
def test_what_ends_its_processes_again_and_again_fails_alone(kind: str) -> None:
    ended = []

    def loses(asked: Asked) -> str:
        if asked.kind == kind and b"<5>" in asked.request:
            ended.append(asked)
            return "task" if kind == "read" else "encoder"
        return ""

    executor = spread(loses, readers=4, encoders=2)
    failed = [number_of(done) for done in executor.run(jobs(20)) if done.series[0].failure is Reason.PROCESS_LOST]
    assert failed == [5]
    assert len(ended) == TRIES
    assert "lost with a series" in executor.notices[0]
    assert [number_of(done) for done in executor.run(jobs(3))] == [0, 1, 2], "it goes on with what comes next"


def test_an_encoder_that_cannot_be_kept_open_is_an_error() -> None:
    with pytest.raises(ClusterError, match="--ray-encoders"):
        list(spread(lambda asked: "encoder" if asked.kind == "open" else "").run(jobs(2)))


def test_encoders_with_other_weights_are_refused() -> None:
    image = PLAIN.image.space
    executor = Spread(Losing(Reads(), PLAIN), (replace(image, revision="2"), PLAIN.text.space))
    with pytest.raises(ClusterUnfit, match="same weights, on every node"):
        list(executor.run(jobs(1)))


def test_a_cluster_that_falls_silent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Losing(Reads(), PLAIN)
    monkeypatch.setattr(transport, "wait", lambda handles, seconds: [])
    with pytest.raises(ClusterError, match="run the same command again"):
        list(Spread(transport, PLAIN.spaces).run(jobs(1)))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scans, one that is torn and a report."""
    folder = tmp_path_factory.mktemp("scans")
    for number in range(5):
        bright = (slice(4, 12),) * 3 if number % 2 else None
        path = write_nifti(folder / f"sub-{number}" / f"{number}_T1w.nii.gz", brain(number, bright=bright))
    path.write_bytes(path.read_bytes()[:-4000])
    (folder / "report.txt").write_text("FINDINGS: No acute infarct.\n")
    return folder


@pytest.fixture(scope="module")
def alone(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"), parts_dual)
    home.index(scans)
    return home


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def losing_once() -> Callable[[Asked], str]:
    """The first reading of every second series is lost, and the first call to an encoder with series 0, and 3."""
    seen: set[tuple[str, bytes]] = set()

    def loses(asked: Asked) -> str:
        first = (asked.kind, asked.request) not in seen
        seen.add((asked.kind, asked.request))
        if asked.kind == "encode":
            return "encoder" if first and any(name in asked.request for name in (b"0_T1w", b"3_T1w")) else ""
        return "task" if first and asked.kind == "read" and len(seen) % 2 else ""

    return loses


def index(home: Home, scans: Path, executing: Callable[[DualEncoder], Executor]) -> Any:
    with closing(Database.open(home.database)) as database:
        return index_archive(database, home.folder / "builds", [scans], home.encoders, executing=executing)


def test_rows_are_those_of_one_process_and_nothing_is_done_twice(
    scans: Path, alone: Home, sandbox: Sandbox, tmp_path: Path
) -> None:
    home, transports = Home(tmp_path / "home", parts_dual), []

    def executing(dual: DualEncoder) -> Executor:
        transports.append(Losing(sandbox, dual, losing_once(), seed=3))
        return Spread(transports[-1], dual.spaces)

    summary = index(home, scans, executing)
    assert home.rows() == alone.rows()
    assert home.rows()["regions"]
    assert home.rows()["predictions"]
    assert home.answers() == alone.answers()
    assert any("asked for again" in warning for warning in summary.warnings)
    assert summary.reasons
    index(home, scans, executing)
    assert [one.opened > 0 for one in transports] == [True], "nothing is pending: no encoder is opened"


def test_a_series_that_ends_its_processes_is_a_failure_with_its_reason(
    scans: Path, alone: Home, sandbox: Sandbox, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home", parts_dual)

    def loses(asked: Asked) -> str:
        return "encoder" if asked.kind == "encode" and b"2_T1w" in asked.request else ""

    index(home, scans, lambda dual: Spread(Losing(sandbox, dual, loses), dual.spaces))
    with closing(Database.open(home.database)) as database:
        found = {Path(one.path).name: one.reason for one in not_indexed.failures(database)}
    assert found["2_T1w.nii.gz"] == Reason.PROCESS_LOST
    assert len(home.rows()["volumes"]) == 3
    home.index(scans, retry=True)
    assert home.rows() == alone.rows()


def test_a_node_without_the_files_stops_the_run_and_rejects_nothing(
    scans: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home", parts_dual)
    monkeypatch.setattr("spinecho.indexer.executing.wire.unreadable", lambda outcomes: [str(scans / "report.txt")])
    with pytest.raises(ClusterUnfit, match="same folders at the same paths"):
        index(home, scans, lambda dual: Spread(Losing(sandbox, dual), dual.spaces))
    assert home.query("SELECT count(*) FROM failures") == [(0,)]
    assert home.query("SELECT count(*) FROM files WHERE state = 'pending'")[0][0] >= 5


class OfStudies:
    """An encoder of studies over the one of parts."""

    batch = 1

    def __init__(self) -> None:
        self._inner = PLAIN.image
        self.preparation, self.space = self._inner.preparation, replace(self._inner.space, revision="studies")

    def encode(self, items: Any, /) -> Any:
        return self._inner.encode(items)

    def encode_prepared(self, items: Any, /) -> Any:
        return self._inner.encode_prepared(items)

    def encode_study(self, scans: Any, /) -> Any:
        whole = self._inner.encode_prepared(scans).mean(axis=0)
        return whole / (whole**2).sum() ** 0.5


@pytest.mark.parametrize("studies", [False, True])
def test_another_encoders_vectors_are_those_of_one_process(
    alone: Home, sandbox: Sandbox, tmp_path: Path, studies: bool
) -> None:
    image: Any = OfStudies() if studies else parts_dual().image
    if not studies:
        image.space = replace(image.space, revision="2")
    dual, found = DualEncoder("other", image, Words()), []

    def elsewhere(dual: DualEncoder) -> Executor:
        return Spread(Losing(sandbox, dual, losing_once()), dual.spaces)

    for name, executing in (("here", None), ("elsewhere", elsewhere)):
        home = copy_of(alone, tmp_path / name)
        with closing(Database.open(home.database)) as database:
            space = held_spaces.hold(database, **asdict(dual.image.space), encoder="other")
            done = embed_beside(database, dual, space, executing=executing)
        assert (done.volumes, done.ahead) == (4, 0)
        sql = f"SELECT volume_id, hex(data) FROM vectors WHERE space_id = {space.id} ORDER BY volume_id"
        found.append(home.query(sql))
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_without_ray_the_command_says_what_to_install(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spinecho.indexer.executing.ray_cluster", raising=False)
    home = ["--home", str(tmp_path / "home")]
    refused = CliRunner().invoke(app, ["index", str(scans), "--ray", "auto", *home])
    assert refused.exit_code == 2
    assert "spinecho[ray]" in " ".join(refused.stderr.split())
    both = CliRunner().invoke(app, ["index", "--join", "--ray", "auto", *home])
    assert both.exit_code == 2
    assert "leave --ray out" in " ".join(both.stderr.split())
