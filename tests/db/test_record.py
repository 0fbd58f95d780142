"""The record: chained rows, many writers, and what is noticed when somebody changes it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from servers import Server
from sqlalchemy import inspect, text

from spinecho.db.people.record import Record, RecordError, RecordUnwritable, Unrecorded
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location, make_engine

_NUMBERS = count(1)
ROOT = Path(__file__).resolve().parents[2]
_WRITER = """
import sys
from pathlib import Path
from spinecho.db.people.record import Record
given, name, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
record = Record.open(given if "://" in given else Path(given))
for number in range(rows):
    record.append(user=name, role="viewer", action="search", facts={"n": number})
    print(number, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty place of either kind."""
    if request.param == "sqlite":
        return tmp_path / "database.sqlite"
    server: Server = request.getfixturevalue("postgresql")
    return server.make(f"record{next(_NUMBERS)}")


def filled(location: Location, rows: int = 6) -> Record:
    record = Record.open(location)
    for number in range(rows):
        record.append(user="ada", role="viewer", action="view", subject=f"1.2.{number}", facts={"n": number})
    return record


def writer(location: Location, name: str, rows: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(location), name, str(rows)], stdout=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def doctored(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_rows_come_back_as_they_were_and_the_chain_is_whole(location: Location) -> None:
    record = filled(location)
    digest = record.append(
        user="o'ada\ud800\0", role="viewer", action="export", subject="x" * 500,
        facts={"studies": 3, "share": float("nan"), "far": float("inf"), "none": None, "yes": True, "said": "é\udcff"},
    )  # fmt: skip
    last = record.entries(most=1)[0]
    assert (last.number, last.digest, last.user, len(last.subject)) == (7, digest, "o'ada\\ud800\\x00", 128)
    assert last.facts == {
        "studies": 3, "share": None, "far": None, "none": None, "yes": True, "said": "é\\udcff"
    }  # fmt: skip
    assert record.find(digest) == last
    assert [one.number for one in record.entries(action="view", most=3)] == [6, 5, 4]
    assert record.entries(user="eve") == ()
    assert [one.number for one in record.walk()] == list(range(1, 8))
    found = record.check(since=(7, digest))
    assert (found.rows, found.head, found.broken) == (7, digest, ())
    record.close()
    again = Record.open(location)
    assert again.head() == (7, digest)
    again.close()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE record_rows SET subject = '1.2.9' WHERE number = 3"], "row 3 was changed"),
        (["UPDATE record_rows SET \"user\" = 'eve' WHERE number = 6"], "row 6 was changed"),
        (["UPDATE record_rows SET facts = 'no json' WHERE number = 1"], "row 1 was changed"),
        (["UPDATE record_rows SET at = '2020-01-01T00:00:00.000000' WHERE number = 2"], "row 2 was changed"),
        (["UPDATE record_rows SET digest = 'x' WHERE number = 4"], "row 4 was changed"),
        (["DELETE FROM record_rows WHERE number = 1"], "row 1 is missing"),
        (["DELETE FROM record_rows WHERE number IN (3, 4)"], "rows 3 to 4 are missing"),
        (["DELETE FROM record_rows WHERE number > 4"], "rows 5 to 6 are missing: the end was cut off"),
        (["DELETE FROM record_rows"], "rows 1 to 6 are missing"),
        (
            ["DELETE FROM record_rows WHERE number = 3", "UPDATE record_rows SET number = number - 1 WHERE number > 3"],
            "row 3 does not follow row 2",
        ),
        (["UPDATE record_head SET digest = 'x'"], "the head speaks of row 6 with another digest"),
        (["UPDATE record_head SET number = 9"], "rows 7 to 9 are missing"),
    ],
)
def test_whatever_is_changed_by_hand_is_noticed(tmp_path: Path, statements: list[str], said: str) -> None:
    path = tmp_path / "record.sqlite"
    filled(path).close()
    doctored(path, *statements)
    record = Record.open(path, write=False)
    assert any(said in line for line in record.check().broken), record.check().broken
    assert all(isinstance(one.facts, dict) for one in record.walk())
    record.close()


def test_a_shorter_record_with_a_head_to_fit_is_noticed_by_a_head_that_was_written_down(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    record = filled(path, 4)
    held = record.head()
    kept = path.read_bytes() if record.close() is None else b""
    record = filled(path, 2)
    later = record.head()
    assert record.check(since=held).broken == ()
    assert record.check(since=(4, "0" * 64)).broken == (
        "row 4 is not the one whose digest was written down: the record was rewritten",
    )
    record.close()
    path.write_bytes(kept)  # put back from a copy: whole by itself
    for log in ("-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)
    record = Record.open(path)
    assert record.check().broken == ()
    assert record.check(since=later).broken == (
        "row 6, whose digest was written down, is missing: the end was cut off",
    )
    record.close()


def test_many_processes_append_at_once_and_the_chain_stays_whole(location: Location) -> None:
    writers = [writer(location, f"w{number}", 15) for number in range(3)]  # the tables are made at once, too
    for one in writers:
        one.communicate(timeout=100)
        assert one.returncode == 0
    record = Record.open(location)
    found = record.check()
    assert (found.rows, found.broken) == (45, ())
    for number in range(3):
        assert [one.facts["n"] for one in record.entries(user=f"w{number}")] == list(range(15))[::-1]
    record.close()


def test_a_writer_that_is_killed_breaks_nothing_and_what_it_told_of_is_there(location: Location) -> None:
    for wait in (0, 3, 7):
        with writer(location, "killed", 10_000) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(1 + wait)]
            time.sleep(0.003 * wait)
            process.send_signal(signal.SIGKILL)
            told += process.stdout.readlines()
        record = Record.open(location)
        assert record.check().broken == ()
        last = record.entries(most=1)[0].facts["n"]
        assert last >= int([line for line in told if line.endswith(b"\n")][-1])
        record.append(user="after", role="viewer", action="search", facts={})
        assert record.check().broken == ()
        record.close()


def test_the_file_is_its_owners_alone_and_every_row_is_synced(tmp_path: Path) -> None:
    record = filled(tmp_path / "new" / "record.sqlite")
    for file in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    with record._engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    record.close()


def nowhere(folder: Path) -> Path:
    (folder / "file").write_bytes(b"")
    return folder / "file" / "record.sqlite"


def damaged(folder: Path) -> Path:
    path = folder / "record.sqlite"
    path.write_bytes(b"no database at all, for more than a hundred bytes " * 40)
    return path


def foreign(folder: Path) -> Path:
    path = folder / "record.sqlite"
    doctored(path, "CREATE TABLE theirs (id INTEGER)")
    return path


def archive(folder: Path) -> Path:
    path = folder / "spinecho.sqlite"
    Database.open(path).close()
    return path


@pytest.mark.parametrize("make", [nowhere, damaged, foreign, archive], ids=lambda make: make.__name__)
def test_a_place_that_cannot_be_used_is_refused_with_the_setting_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(RecordError, match="SPINECHO_RECORD") as refused:
        Record.open(path)
    assert refused.value.exit_status == 3
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_record_that_may_only_be_read_is_read_and_takes_no_row(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    filled(path).close()
    record = Record.open(path, write=False)
    assert len(record.entries()) == 6
    with pytest.raises(RecordUnwritable, match="nothing is shown that is not on record"):
        record.append(user="ada", role="viewer", action="search", facts={})
    record.close()
    with pytest.raises(RecordError, match="there is no record"):
        Record.open(tmp_path / "none.sqlite", write=False)
    assert not (tmp_path / "none.sqlite").exists()


def test_somebody_who_holds_the_record_up_is_waited_for_and_no_reader_waits(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    record = filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(record.entries()) == 6
        assert record.check().broken == ()
        other.execute("ROLLBACK")
    record.close()


def test_none_keeps_nothing() -> None:
    none = Unrecorded()
    assert none.append(user="ada", role="viewer", action="search", facts={}) == ""
    assert none.entries() == ()


def old(location: Location) -> None:
    """A database as the released version 0004 left it, with acts on record."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(ROOT / "db" / "schema" / "migrations"))
    engine = make_engine(location)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for number in range(5):
            connection.execute(
                text('INSERT INTO audit (at, "user", role, action, subject, facts) VALUES (:at, :who, :r, :a, :s, :f)'),
                {"at": f"2026-01-0{number + 1} 10:00:00.00012{number}", "who": f"ada{number % 2}", "r": "viewer",
                 "a": "search", "s": "1.2", "f": json.dumps({"hits": number, "kind": "words"})},
            )  # fmt: skip
    engine.dispose()


def test_the_rows_of_an_older_schema_are_carried_over_once_and_before_their_table_goes(
    location: Location, tmp_path: Path
) -> None:
    from spinecho.db.errors import StoreError  # noqa: PLC0415
    from spinecho.db.schema.database import HEAD, migrate  # noqa: PLC0415
    from spinecho.db.upkeep.upgrading import upgrade  # noqa: PLC0415

    old(location)
    place = tmp_path / "elsewhere" / "record.sqlite"
    with pytest.raises(StoreError, match="has to be carried over"):
        migrate(location)  # nobody who keeps the rows: nothing is dropped
    with pytest.raises(RecordUnwritable):
        upgrade(location, record=nowhere(tmp_path))

    def killed(rows: object) -> None:
        record = Record.open(place)
        record.carry(rows)  # type: ignore[arg-type]
        record.close()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # on record, and the table still there
        migrate(location, carry=killed)
    record = Record.open(place)
    record.append(user="eve", role="viewer", action="search", facts={})  # somebody works on
    record.close()
    before, _ = upgrade(location, record=place)
    assert before == "0004"
    assert upgrade(location, record=place)[0] == HEAD
    record = Record.open(place)
    assert record.check().broken == ()
    rows = list(record.walk())
    assert [one.user for one in rows] == ["ada0", "ada1", "ada0", "ada1", "ada0", "eve"]
    assert [one.facts.get("hits") for one in rows[:5]] == [0, 1, 2, 3, 4]
    assert rows[0].at.isoformat() == "2026-01-01T10:00:00.000120"
    record.close()
    database = Database.open(location)
    assert not inspect(database.engine).has_table("audit")
    database.close()


def test_indexing_never_holds_a_row_up(tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    database = Database.open(path)
    record = Record.beside(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as run:
        run.execute("BEGIN IMMEDIATE")  # a run that stores a series
        record.append(user="ada", role="viewer", action="search", facts={})
        run.execute("ROLLBACK")
    assert len(record.entries()) == 1
    record.close()
    database.close()


def test_a_record_that_is_opened_twice_keeps_its_locks_and_its_log(tmp_path: Path) -> None:
    """Closing a file by hand drops a process's locks on it: whoever leaves next would take the log away."""
    place = tmp_path / "record.sqlite"
    first = Record.open(place)
    first.append(user="ada", role="manager", action="x", facts={})
    second = Record.open(place)
    other = (
        "from pathlib import Path; from spinecho.db.people.record import Record; import sys\n"
        "record = Record.open(Path(sys.argv[1]))\n"
        "record.append(user='ada', role='manager', action='y', facts={}); record.close()"
    )
    subprocess.run([sys.executable, "-c", other, str(place)], check=True, cwd=Path(__file__).parents[2])
    first.append(user="ada", role="manager", action="z", facts={})
    second.close()
    first.close()
    again = Record.open(place)
    assert [entry.action for entry in again.entries(most=9)] == ["z", "y", "x"]
    again.close()
