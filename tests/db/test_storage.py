"""What lies in a database's place, who may write it, what is kept of it, and what is on the disk when it says so."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, insert, text, update
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from archives import Home, copy_of
from grown import unit_rows
from servers import Server
from vector_homes import open_home, store

import spinecho.db.durable
from spinecho.db.errors import Damaged, SchemaUnknown, StorageFailure, StoreError
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.people import cohorts, feedback, saved
from spinecho.db.schema.copies import copies_of
from spinecho.db.schema.database import HEAD, Database
from spinecho.db.schema.engines import Location, make_engine, transactional_ddl
from spinecho.db.schema.models import SEALED, File, Folder, Series, Study
from spinecho.db.upkeep.check import check_database
from spinecho.db.upkeep.upgrading import upgrade
from spinecho.db.vectors.build import build_index
from spinecho.ui.cli.app import app

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})
    return result.exit_code, result.output


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE music (title TEXT)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0003')")


def without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA user_version=1")


ODD = {
    "0 bytes": lambda path: path.write_bytes(b""),
    "1 byte": lambda path: path.write_bytes(b"S"),
    "text": lambda path: path.write_text("a letter to the ward\n" * 300),
    "another program's": other_program,
    "without tables": without_tables,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_database_of_ours_is_refused_and_left_as_it_is(odd: str, tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    ODD[odd](path)
    before = path.read_bytes() if path.is_file() else b""
    for arguments in (
        ["status"],
        ["search", "text", "brain"],
        ["facets"],
        ["failures"],
        ["db", "upgrade"],
        ["index", tmp_path],
    ):
        status, said = run(*arguments, "--home", tmp_path)
        assert status in (2, 4), (arguments, said)
        assert "spinecho.sqlite" in said
        assert "Traceback" not in said
    for create in (True, False):
        with pytest.raises((Damaged, SchemaUnknown)):
            Database.open(path, create=create)
    with pytest.raises((Damaged, SchemaUnknown)):
        upgrade(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    record = {f"record.sqlite{ending}" for ending in ("", "-wal", "-shm")}  # that somebody asked is on record
    assert {one.name for one in tmp_path.iterdir()} <= {"spinecho.sqlite", "index.lock", *record}


def test_the_log_of_a_database_that_is_gone_is_not_given_to_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "spinecho.sqlite-wal").write_bytes(b"something")
    with pytest.raises(Damaged, match="-wal"):
        Database.open(tmp_path / "spinecho.sqlite")
    assert not (tmp_path / "spinecho.sqlite").exists()


@pytest.fixture
def readable(indexed: Home) -> Iterator[Path]:
    """A home that everybody may read and nobody write."""
    folder = Path(tempfile.mkdtemp(prefix="spinecho-read-only-"))  # pytest's own folders are open to nobody else
    folder.chmod(0o755)
    home = copy_of(indexed, folder / "home").folder
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for left in home.glob("spinecho.sqlite-*"):
        left.unlink()
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield home
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder)


AS_NOBODY = """
import os, sys
import onnx, torch  # networks that this account cannot keep are exported anew
sys.path.insert(0, {root!r})
from typer.testing import CliRunner
from spinecho.ui.cli.app import app

def done(home):
    for arguments in {commands!r}:
        env = {{"COLUMNS": "200", "SPINECHO_RECORD": os.path.join({records!r}, str(os.getuid()) + ".sqlite")}}
        result = CliRunner().invoke(app, [*arguments, "--home", home], env=env)
        print("status", result.exit_code, arguments[:2], repr(result.exception))
        print(result.output)

done({warm!r})  # the interpreter's own modules may lie where nobody else can read them
print("as nobody")
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
done({home!r})
"""


def as_nobody(home: Path, warm: Path, *commands: list[str]) -> str:
    """What commands say for an account that owns nothing but its record, after they were run on another home."""
    for path in (ROOT, Path(faiss.__file__).parent, home.parent):
        if not all(above.stat().st_mode & 0o005 == 0o005 for above in (path, *path.parents)):
            pytest.skip(f"{path} is not open to other accounts")
    records = home.parent / "records"
    records.mkdir()
    records.chmod(0o777)
    code = AS_NOBODY.format(
        root=str(ROOT), commands=list(commands), home=str(home), warm=str(warm), records=str(records)
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("as nobody")[2]


def test_a_home_that_one_may_only_read_can_be_searched(readable: Path, indexed: Home, tmp_path: Path) -> None:
    warm = copy_of(indexed, tmp_path / "warm").folder
    before = {path.name: path.stat().st_mtime_ns for path in readable.rglob("*")}
    said = as_nobody(
        readable, warm, ["search", "text", "infarct", "--json"], ["status"], ["facets"], ["status", "--check"],
        ["feedback", "add", "infarct", "--good", "1.2.3"], ["index", str(readable)],
    )  # fmt: skip
    lines = [line for line in said.splitlines() if line.startswith("status ") and "[" in line]
    assert [int(line.split()[1]) for line in lines[:4]] == [0, 0, 0, 0], said
    assert '"hits"' in said
    assert int(lines[4].split()[1]) in (2, 3), said
    assert int(lines[5].split()[1]) == 3, said
    assert "Traceback" not in said
    assert {path.name: path.stat().st_mtime_ns for path in readable.rglob("*")} == before


def frozen(path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database opened as by an account that may only read it, though this may be root."""
    given = os.access
    monkeypatch.setattr(os, "access", lambda one, mode, **_: mode != os.W_OK and given(one, mode))
    return Database.open(path, create=False)


def test_what_is_read_without_locks_follows_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spinecho.sqlite"
    Database.open(path).close()
    reader = frozen(path, monkeypatch)
    assert reader.read_only
    with reader.begin() as session:
        assert session.execute(text("SELECT count(*) FROM folders")).scalar() == 0
    with pytest.raises(StorageFailure, match="may not be written"), reader.begin() as session:
        session.add(Folder(root="/a", path="/a", seen_run=1))
    with pytest.raises(StorageFailure, match="only be read"):
        Database.open(path)
    monkeypatch.undo()
    writer = Database.open(path)
    with writer.begin() as session:
        session.add(Folder(root="/a", path="/a", seen_run=1))
    with reader.begin() as session:
        assert session.execute(text("SELECT count(*) FROM folders")).scalar() == 1
    writer.close()
    reader.close()


def test_a_log_that_holds_something_is_never_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database.open(tmp_path / "spinecho.sqlite").close()
    shutil.copy(tmp_path / "spinecho.sqlite", tmp_path / "copy.sqlite")
    (tmp_path / "copy.sqlite-wal").write_bytes(b"rows that are not in the file")
    with pytest.raises(StorageFailure, match="log"):
        frozen(tmp_path / "copy.sqlite", monkeypatch)


def at_0004(location: Location, *, rows: bool = True) -> None:
    """A database as released code left it, with rows of every kind of column."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "db" / "schema" / "migrations"))
    engine = make_engine(location)
    if isinstance(location, Path):
        transactional_ddl(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for statement in OLD_ROWS if rows else ():
            connection.execute(text(statement))
        if rows and not isinstance(location, Path):
            connection.execute(text("SELECT setval('studies_id_seq', 10)"))
    engine.dispose()


OLD_ROWS = (
    "INSERT INTO runs (id, started_at, finished_at, roots, counts, seconds) "
    "VALUES (1, '2024-01-02 03:04:05.678900', NULL, '[\"/a\"]', '{\"b\": 1.5}', '{}')",
    "INSERT INTO folders (id, root, path, seen_run) VALUES (1, '/a', '/a', 1)",
    "INSERT INTO files (id, folder_id, name, size, mtime_ns, kind, state, header) "
    "VALUES (1, 1, 'ä.txt', 5, 1700000000000000001, 'report', 'indexed', NULL)",
    "INSERT INTO studies (id, uid, accession_number, patient_id, date, description, sex, age_years) "
    "VALUES (1, '1.2', 'A', 'P', '2024-01-02', 'MR Kopf', 'F', 40), (2, '1.3', 'B', 'Q', NULL, '', NULL, 0.1)",
    "INSERT INTO series (id, study_id, uid, number, description, protocol) VALUES (1, 1, '1.2.3', NULL, 'x', 'y')",
    'INSERT INTO volumes (id, series_id, "key", sequence, plane, body_region, contrast, field_strength_t, vendor,'
    " model, derived, acquisition, shape, flags, notes) VALUES (1, 1, 'k', 'T1', 'axial', 'brain', 'no', 1.5, 'v',"
    " 'm', {no}, '{\"tr\": 0.1, \"a\": [1, null]}', '[1,2,3]', '[]', '{}')",
    "INSERT INTO reports (id, file_id, ordinal, study_id, match, accession_number, study_uid, text) "
    "VALUES (1, 1, 0, 1, 'matched', 'A', '', 'Kein Befund.\n')",
    "INSERT INTO cohorts (id, name, description, owner, created_at) "
    "VALUES (1, 'c', '', 'me', '2024-01-02 03:04:05.000000')",
    "INSERT INTO cohort_versions (id, cohort_id, number, created_at, definition, attrition, made_with) "
    "VALUES (1, 1, 1, '2024-01-02 03:04:05.000000', '{\"z\": 1, \"a\": 2}', '[{\"n\": 1}]', '{}')",
    "INSERT INTO cohort_members (version_id, study_uid, patient_id, part, facts) VALUES (1, '1.2', 'P', '', '{}')",
)


@pytest.mark.parametrize("rows", [True, False])
def test_an_upgrade_gives_every_row_its_checksum(
    location: Location, rows: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(location, Path):
        server: Server = request.getfixturevalue("postgresql")
        location = server.make("from_0004" if rows else "empty_0004")
    no = "0" if isinstance(location, Path) else "false"
    quoted = [one.replace("{no}", no).replace(":", r"\:") for one in OLD_ROWS]
    monkeypatch.setattr(sys.modules[__name__], "OLD_ROWS", quoted)
    at_0004(location, rows=rows)
    before, _ = upgrade(location)
    assert before == "0004"
    database = Database.open(location)
    assert check_database(database) == ()
    with database.begin() as session:
        session.execute(update(Study).where(Study.uid == "1.2").values(description="past the ORM"))
        session.execute(insert(Study), [_study("2.1"), _study("2.2")])
        session.add(Study(**_study("2.3")))
        session.execute(update(File).values(state="pending"))
    with database.begin() as session:
        for row in session.query(Study).filter(Study.uid.like("2.%")):
            row.age_years = 3
    assert check_database(database) == ()
    if rows:
        with database.engine.begin() as connection:  # past everything
            connection.execute(text("UPDATE reports SET text = 'Befund.' WHERE id = 1"))
            connection.execute(text("UPDATE studies SET uid = '1.2.9' WHERE id = 1"))
        found = {one.what: one for one in check_database(database)}
        assert set(found) == {f"rows of {name} are not what was written" for name in ("reports", "studies")}
        assert found["rows of reports are not what was written"].examples == ("reports 1 (study 1.2.9)",)
        with pytest.raises(Damaged, match="studies"), database.begin() as session:
            session.query(Study).all()
    database.close()


def _study(uid: str) -> dict[str, object]:
    return {
        "uid": uid,
        "accession_number": "",
        "patient_id": "",
        "date": None,
        "description": "",
        "sex": None,
        "age_years": 1,
        "disagreeing": "",
    }


def test_every_table_has_checksums_or_a_reason() -> None:
    without = {"folders", "volume_files", "tombstones", "upkeep"}
    assert {mapper.local_table.name for mapper in Series.registry.mappers} - {
        one.__tablename__ for one in SEALED
    } == without


def test_damaged_rows_are_named_by_the_command(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    assert run("status", "--check", "--home", home.folder)[0] == 0
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("UPDATE reports SET text = text || ' and more' WHERE id = 1")
    status, said = run("status", "--check", "--home", home.folder)
    assert status == 4
    assert "rows of reports" in said
    assert "--no-resume" in said
    assert run("status", "--check", "--json", "--home", home.folder)[0] == 4


def test_a_copy_is_complete_or_absent_and_can_be_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spinecho.sqlite"
    at_0004(path, rows=False)
    with monkeypatch.context() as patch:
        patch.setattr(
            "spinecho.db.schema.copies.durable_replace",
            lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        with pytest.raises(StorageFailure, match="nothing was changed"):
            upgrade(path)
    assert not list(tmp_path.glob("*.bak*"))
    _, copy = upgrade(path)
    assert copy is not None
    assert copies_of(path)[0].path == copy
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0004",)
    assert run("db", "copies", "--home", tmp_path)[1].startswith(copy.name)
    shutil.copy(copy, path)  # put back as the command's help says
    for left in tmp_path.glob("spinecho.sqlite-*"):
        left.unlink()
    assert upgrade(path)[0] == "0004"
    Database.open(path).close()
    assert run("db", "copies", "--remove", "nothing", "--home", tmp_path)[0] == 2
    assert run("db", "copies", "--remove", copy.name, "--home", tmp_path)[0] == 0
    assert copy not in [one.path for one in copies_of(path)]
    assert run("db", "copies", "--remove-all", "--home", tmp_path)[0] == 0
    assert copies_of(path) == ()


def test_a_damaged_database_is_not_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    at_0004(path, rows=False)
    with path.open("rb+") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    before = path.read_bytes()
    with pytest.raises(Damaged):
        upgrade(path)
    assert not list(tmp_path.glob("*.bak*"))
    assert path.read_bytes() == before


@pytest.fixture
def levels(tmp_path: Path) -> Iterator[tuple[Database, list[int]]]:
    """A database, and how far each commit that wrote waited for the disk: 2 is FULL, 1 NORMAL."""
    database, seen = Database.open(tmp_path / "spinecho.sqlite"), []

    @event.listens_for(database.engine, "commit")
    def look(connection: object) -> None:
        raw = connection.connection.driver_connection  # type: ignore[attr-defined]
        if raw.in_transaction:
            seen.append(raw.execute("PRAGMA synchronous").fetchone()[0])

    yield database, seen
    database.close()


def test_what_people_made_is_on_the_disk_when_it_is_said_to_be_kept(levels: tuple[Database, list[int]]) -> None:
    database, seen = levels
    token = saved.remember(database, "me", {"text": "x"})
    saved.keep(database, token, "me", name="mine", shared=True)
    feedback.put_thumbs(database, user="me", query_key="k", query={}, verdicts={"1.2": 1})
    cohorts.freeze(
        database, name="c", description="", owner="me", definition={}, attrition=[], made_with={}, members=[]
    )  # fmt: skip
    assert len(seen) >= 4
    assert set(seen) == {2}
    seen.clear()
    with database.begin() as session:
        session.add(Folder(root="/a", path="/a", seen_run=1))
    assert seen == [1]


def test_the_log_is_on_the_disk_before_a_build_speaks_of_it_whoever_reads(
    levels: tuple[Database, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, path, synced = levels[0], Path(str(levels[0].location)), list[Path]()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM folders").fetchall()
        with database.begin() as session:
            session.add(Folder(root="/a", path="/a", seen_run=1))
        monkeypatch.setattr("spinecho.db.schema.database.sync_file", synced.append)
        database.sync()
    assert synced == [path.with_name(f"{path.name}-wal")]


def test_names_are_given_to_bytes_that_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, space = open_home(tmp_path, dim=8)
    store(database, space, unit_rows(50, 8))
    done: list[tuple[str, str]] = []
    names: dict[int, Path] = {}
    real_open, real_sync, real_replace = os.open, os.fsync, os.replace

    def opened(path: str | os.PathLike[str], *rest: int, **named: int) -> int:
        handle = real_open(path, *rest, **named)
        names[handle] = Path(path)
        return handle

    def synced(handle: int) -> None:
        done.append(("sync", str(names[handle])))
        real_sync(handle)

    def replaced(source: Path, target: Path) -> None:
        done.append(("rename", f"{source}\0{target}"))
        real_replace(source, target)

    for name, fake in (("open", opened), ("fsync", synced), ("replace", replaced)):
        monkeypatch.setattr(spinecho.db.durable.os, name, fake)
    build_index(database, tmp_path / "builds", space)
    make_snapshot(database, tmp_path / "builds")
    monkeypatch.undo()
    renames = [at for at, (what, _) in enumerate(done) if what == "rename"]
    assert len(renames) == 4  # a build and a snapshot, each with its pointer
    for at in renames:
        source, target = map(Path, done[at][1].split("\0"))
        held = [target] if target.is_file() else list(target.iterdir())
        before = {path for what, path in done[:at] if what == "sync"}
        for path in held:
            was = source if target.is_file() else source / path.name
            assert str(was) in before, f"{was} was not on the disk when it got its name"
        assert done[at + 1] == ("sync", str(target.parent))
    database.close()


def test_what_killed_runs_left_goes_and_what_is_being_written_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left, other = tmp_path / ".made-left", tmp_path / "made-other"
    for folder in (left, other):
        folder.mkdir()
        (folder / "half").write_bytes(b"half")
    with spinecho.db.durable.filled_folder(tmp_path / "one", prefix=".made-") as one:
        assert not left.exists()
        assert "removed what interrupted runs left unfinished (1)" in caplog.text
        with spinecho.db.durable.filled_folder(tmp_path / "two", prefix=".made-") as two:
            assert one.is_dir()
            assert two.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made-other", "one", "two"]


def test_every_rename_goes_through_the_one_helper() -> None:
    """Caches, the demonstration and the script that goes along with an export are the exceptions."""
    apart = {
        "db/durable.py",
        "indexer/corpus/cache.py",
        "indexer/phantom/demo_archive.py",
        "search/cohorts/copying.py",
        "db/schema/founding.py",
    }
    found = set()
    for package in ("db", "encoders", "indexer", "search", "ui"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if any(
                words in source
                for words in ("os.replace(", "os.rename(", ".rename(", "unfinished.replace(", "partial.replace(")
            ):
                found.add(path.relative_to(ROOT).as_posix())
    assert found <= apart


def test_what_is_put_durably_lies_in_folders_that_are() -> None:
    """Whoever syncs what it writes makes the folders above it by the helper that syncs their names."""
    packages = ("db", "encoders", "indexer", "search", "spinecho", "ui")
    paths = (path for package in packages for path in (ROOT / package).rglob("*.py"))
    synced = re.compile(r"\b(?:durable_replace|write_durably|sync_\w+)\(")
    careless = {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if synced.search(source := path.read_text(encoding="utf-8")) and "parents=True" in source
    }
    in_a_filled_folder = {"db/backup/home_files.py", "spinecho/remote/asked/unpacking.py"}
    assert careless <= in_a_filled_folder, "that one is synced whole"


def test_exit_statuses_are_those_of_the_classes() -> None:
    assert (StoreError.exit_status, StorageFailure.exit_status, Damaged.exit_status) == (2, 3, 4)


def test_a_folder_of_a_database_that_may_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match=r"spinecho\.sqlite"):
        Database.open(tmp_path / "file" / "spinecho.sqlite")


def test_the_schema_is_the_newest(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    assert stat.S_ISREG((tmp_path / "spinecho.sqlite").stat().st_mode)
    with database.begin() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    assert np.array_equal(sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name), [])
    database.close()


def test_reading_the_files_again_mends_what_it_says_it_mends(archive: Path, indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("UPDATE vectors SET data = zeroblob(length(data)) WHERE id IN (1, 2, 30)")
        connection.execute("UPDATE reports SET text = text || '.' WHERE id = 1")
        connection.execute("UPDATE files SET size = size + 1 WHERE id = 3")
        connection.execute("UPDATE volumes SET vendor = 'Y' WHERE id = 2")
        connection.execute("UPDATE thumbnails SET png = x'00' WHERE volume_id = 3")
        connection.execute("UPDATE passages SET sides = 'left' WHERE id = 4")
    database = Database.open(home.database)
    found = check_database(database)
    assert {one.remedy for one in found} == {"'spinecho index --no-resume' reads the files again and stores this anew"}
    database.close()
    home.index(archive, again=True)
    database = Database.open(home.database)
    assert check_database(database, home.folder / "builds") == ()
    database.close()
