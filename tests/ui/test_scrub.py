"""`doctor --scrub` finds what doctor finds by content, goes on where it ended, and status says what it found."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of_home
from sqlalchemy import update
from typer.testing import CliRunner

import spinecho
import spinecho.maintaining.scrubbing
import spinecho.maintaining.upkeep
from spinecho.db.errors import Busy
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Vector
from spinecho.db.upkeep import scrub_steps
from spinecho.db.upkeep.leftovers import leftovers
from spinecho.db.upkeep.scrub_state import LOCK, NAME, read_state
from spinecho.db.upkeep.scrub_steps import steps
from spinecho.encoders import pip_weights
from spinecho.maintaining.scrubbing import scrub, scrub_again
from spinecho.setup.private import tighten
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import indexing_lock, one_at_a_time
from spinecho.ui.cli.app import app

CONTENT = {"database", "builds", "weights", "record"}
"""Areas of doctor's that are checked by content."""


@pytest.fixture
def home(indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an encoder that was adapted there; what was installed is not read again by each test."""
    made = copy_of_home(indexed.folder, tmp_path / "home")
    own = made / "encoders" / "adapted-1"
    own.mkdir(parents=True)
    shipped = pip_weights._SHIPPED / "text"
    for name in ("config.json", "model.safetensors"):
        (own / name).write_bytes((shipped / name).read_bytes())
    tighten(made)
    monkeypatch.setattr(pip_weights, "BY_PIP", ())
    monkeypatch.setattr(pip_weights, "_SHIPPED", tmp_path / "none")
    monkeypatch.setattr(spinecho.maintaining.scrubbing, "_REST", 0.0)
    monkeypatch.setattr("spinecho.db.upkeep.check._GOING", 0.0)
    monkeypatch.setattr("spinecho.ui.cli.doctor.give_way", lambda: None)
    return made


def sql(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def flip(path: Path, at: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


def flip_row(home: Path) -> None:
    """A byte of what a report says, within the file, its pages as they were."""
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (text,) = connection.execute("SELECT text FROM reports ORDER BY length(text) DESC LIMIT 1").fetchone()
    file = home / "spinecho.sqlite"
    flip(file, file.read_bytes().index(text[:40].encode()) + 5)


def command(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, [*arguments, "--home", str(home), "--json"])
    assert done.exit_code in (0, 1, 4), done.output
    return done.exit_code, json.loads(done.stdout)


def scrubbed(home: Path) -> tuple[int, dict[str, Any]]:
    return command(home, "doctor", "--scrub", "--rate", "100000")


def told(findings: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {
        (one["area"], one["severity"], one["what"], one["remedy"], one["count"], one["fixable"], *one["examples"])
        for one in findings
        if one["area"] in CONTENT and one["severity"] != "warning"
    }


def test_a_byte_changed_in_any_stored_file_is_found(home: Path) -> None:
    """CURRENT names the build that answers first, where it names any: nothing is lost with it."""
    builds = home / "builds"
    files = [path for path in sorted(builds.rglob("*")) if path.is_file() and path.name != "CURRENT"]
    assert {"index.faiss", "manifest.json", "manifest.sha256", "values.json"} <= {path.name for path in files}
    with closing(Database.open(home / "spinecho.sqlite")) as database:

        def said() -> list[str]:
            found = [one for step in steps(database, builds) if step.area == "builds" for one in step.pieces(None)]
            return [example for one in found for finding in one.findings for example in finding.examples]

        assert said() == []
        for path in files:
            flip(path)
            assert any(path.parent.name in one for one in said()), path
            flip(path)


def change_vector(home: Path) -> None:
    """One that was wrong when it was written has the right checksum."""
    with closing(Database.open(home / "spinecho.sqlite")) as database, database.begin() as session:
        session.execute(update(Vector).where(Vector.id == 2).values(data=bytes(864)))


def change_record(home: Path) -> None:
    with closing(sqlite3.connect(home / "record.sqlite")) as connection, connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE record_rows SET user = 'nobody' WHERE number = 1")


DAMAGE: dict[str, tuple[Callable[[Path], object], ...]] = {
    "what is the truth": (
        flip_row, change_vector, lambda home: sql(home, "UPDATE series SET study_id = 999 WHERE id = 1"),
        lambda home: flip(home / "encoders" / "adapted-1" / "model.safetensors"), change_record,
    ),
    "what is made of it": (
        lambda home: sql(home, "INSERT INTO passages_fts(passages_fts, rowid, text) VALUES ('delete', 1, 'nothing')"),
        lambda home: flip(next((home / "builds").glob("space-*/0*/index.faiss"))),
        lambda home: flip(home / "encoders" / "adapted-1" / "config.json", 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_said_as_doctor_says_it_and_mended_by_nobody(home: Path, damage: str) -> None:
    assert scrubbed(home)[0] == 0
    for happens in DAMAGE[damage]:
        happens(home)
    before = {path: path.read_bytes() for path in (home / "builds").rglob("*") if path.is_file()}
    status, found = scrubbed(home)
    assert status == 4
    assert told(found["findings"]) == told(command(home, "doctor")[1]["findings"])
    assert sum(one["severity"] == "error" for one in found["findings"]) >= len(DAMAGE[damage])
    assert {path: path.read_bytes() for path in (home / "builds").rglob("*") if path.is_file()} == before
    facts = command(home, "status")[1]["scrub"]
    assert facts == {"last": found | {"findings": facts["last"]["findings"]}, "now": None}
    assert told(facts["last"]["findings"]) == told(found["findings"])
    shown = CliRunner().invoke(app, ["status", "--home", str(home)]).stdout
    assert all(one["what"] in shown and one["remedy"] in shown for one in facts["last"]["findings"])
    assert CliRunner().invoke(app, ["doctor", "--scrub", "--fix", "--home", str(home)]).exit_code == 2


class Stopped(Exception):
    """The process is gone, at this point."""


@pytest.mark.parametrize("server", [False, True])
def test_wherever_it_ends_it_goes_on_from_there(
    home: Path, server: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row is read once, whatever number of pieces each process comes to."""
    if server:
        url = request.getfixturevalue("postgresql").new()
        spinecho.maintaining.upkeep.copy_database(home, url)
        (home / "spinecho.sqlite").unlink()
        monkeypatch.setenv("SPINECHO_DATABASE", url)
    for name in ("_LARGE", "_SMALL"):
        monkeypatch.setattr(scrub_steps, name, 40)
    monkeypatch.setattr(spinecho.maintaining.scrubbing, "_TELL", -1.0)  # after every piece
    read: list[tuple[Any, ...]] = []
    page_after = scrub_steps.page_after

    def noting(connection: Any, table: Any, *rest: Any, **options: Any) -> Any:
        rows = page_after(connection, table, *rest, **options)
        read.extend((table.name, *row[: len(table.primary_key)]) for row in rows)
        return rows

    monkeypatch.setattr(scrub_steps, "page_after", noting)
    left = 0

    def sleep(_: float) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped

    ends, begun = 0, set()
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", sleep)
        while True:
            left = 11
            try:
                done = scrub(home, rate=1e6)
                break
            except Stopped:
                ends += 1
                state = read_state(home)
                assert state.now is not None
                begun.add(state.now.started_at)
    assert ends > 3
    assert (begun, done.findings) == ({done.started_at}, ())
    once, read[:] = sorted(map(str, read)), []
    with closing(Database.open(read_settings(home=home).database)) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE series SET description = 'other' WHERE id = 1")
    status, found = scrubbed(home)
    assert sorted(map(str, read)) == once
    assert status == 4
    assert told(found["findings"]) == told(command(home, "doctor")[1]["findings"])


@contextmanager
def running(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process, which is killed at the end of the block."""
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def at_step(home: Path) -> str:
    now = read_state(home).now
    return "" if now is None else now.step


def test_killed_it_goes_on_and_ctrl_c_ends_it_at_once(home: Path) -> None:
    """At 50 kB a second a round would take minutes. Each process says what it is at."""
    arguments = [str(Path(sys.executable).with_name("spinecho"))]
    arguments += ["doctor", "--scrub", "--rate", "0.05", "--home", str(home)]

    def until(process: subprocess.Popen[str], words: str) -> list[str]:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line.strip())
            if words in line:
                return lines
        raise AssertionError(lines)

    with running(arguments) as first:
        assert "checking structure of studies" in until(first, "checking rows of files")
        while not str(at_step(home)).startswith("rows of "):
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGSTOP)
        facts = command(home, "status")[1]["scrub"]["now"]
        step = facts["step"]  # or a later one, where this test was held up
        assert facts["process"] == first.pid
    first.wait()
    facts = command(home, "status")[1]["scrub"]["now"]
    assert (facts["process"], facts["step"]) == (None, step)
    with running(arguments) as second:
        assert until(second, "checking ") == [f"checking {step}"], "what was done is not done again"
        second.send_signal(signal.SIGINT)
        assert second.wait(timeout=60) == 130  # it gives way to all else: on a busy machine that takes a while
    assert read_state(home).now is not None
    assert scrubbed(home)[0] == 0
    assert command(home, "status")[1]["scrub"]["last"]["started_at"] == facts["started_at"]


def test_one_at_a_time(home: Path) -> None:
    with (
        one_at_a_time(read_settings(home=home), LOCK, "is at it"),
        pytest.raises(Busy, match=f"process {os.getpid()} goes through"),
    ):
        scrub(home)


def test_a_file_of_its_own_that_is_damaged_is_left_aside(home: Path) -> None:
    scrubbed(home)
    flip(home / NAME)
    assert command(home, "status")[1]["scrub"] is None
    assert scrubbed(home)[0] == 0
    (home / f"{NAME}.partial").write_bytes(b"half")  # by a kill in the middle of writing it
    assert leftovers(home, home / "builds", None) == (home / f"{NAME}.partial",)


def test_who_indexes_is_not_held_up(home: Path) -> None:
    """Full text is asked by a statement that lets nobody write meanwhile."""
    with indexing_lock(read_settings(home=home)):
        assert scrubbed(home)[1]["left_out"] == {"full text": "somebody was indexing"}
    assert "full text was left out" in CliRunner().invoke(app, ["status", "--home", str(home)]).stdout
    assert scrubbed(home)[1]["left_out"] == {}


def test_it_reads_no_more_a_second_than_it_may(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rests and work together last as long as what was read takes at that rate, on whatever machine."""
    clock = 0.0

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds

    monkeypatch.setattr(time, "monotonic", lambda: clock)
    monkeypatch.setattr(time, "sleep", sleep)
    done = scrub(home, rate=0.5)
    assert clock == pytest.approx(done.bytes / 5e5)
    size = sum(path.stat().st_size for path in (home / "builds").rglob("*") if path.is_file())
    assert done.bytes > size


def test_rounds_begin_so_many_hours_apart_also_after_a_restart(home: Path) -> None:
    waited: list[float] = []
    rounds = scrub_again(home, hours=24, rate=1e6, wait=waited.append)
    first = next(rounds)
    assert waited == []
    next(rounds)
    next(scrub_again(home, hours=24, rate=1e6, wait=waited.append))
    left = timedelta(hours=24) - (datetime.now(UTC) - datetime.fromisoformat(first.started_at))
    assert len(waited) == 2
    assert all(left.total_seconds() - 1 <= one <= 86_400 for one in waited)
