"""What only a server can get wrong, and that both databases give the same for the same words."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Server
from sqlalchemy import Column, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.errors import Busy, Damaged, SchemaOutdated, SchemaUnknown, ServerLost, StorageFailure, StoreError
from spinecho.db.reports.full_text import count_words, expression, find_words
from spinecho.db.schema.database import HEAD, Database, alone, migrate
from spinecho.db.schema.engines import Location, make_engine, read_location, shown
from spinecho.db.schema.models import Base
from spinecho.db.schema.trouble import error_of
from spinecho.db.upkeep.upgrading import upgrade
from spinecho.maintaining.upkeep import require_home
from spinecho.setup.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
SAID = [
    "No acute haemorrhage.", "Hyperintense T2-weighted lesions, left > right.", "L4/L5 disc; 1.5 mm, w/o stenosis",
    "Ödem beidseits — keine Blutung", "STATUS POST craniotomy_(2019)", "the and of not", "a.b@c.de http://x.y/z?q=1",
    "lesion", "lesions lesion", "5 µm² α-synuclein", "café-au-lait spots", "fat-suppressed T1 5e3 -7 +2",
]  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path, postgresql: Server) -> Iterator[tuple[FilterArchive, FilterArchive]]:
    """The same sentences in a file and on a server."""
    both = (FilterArchive(tmp_path), FilterArchive(tmp_path, postgresql.new()))
    for archive in both:
        archive.report(1, [(said, "present") for said in SAID])
    yield both
    for archive in both:
        archive.close()


def found(archive: FilterArchive, groups: list[tuple[str, ...]], joined: str) -> set[str]:
    match = expression(groups, "all" if joined == "all" else "any")
    if not match:
        return set()
    rows = find_words(archive.database, archive.text, match, limit=100)
    assert count_words(archive.database, match, most=100) == len(rows)
    scores = [score for _, score in rows]
    assert scores == sorted(scores, reverse=True)
    query = text("SELECT v.id, p.text FROM passages p JOIN vectors v ON v.passage_id = p.id")
    with archive.database.begin() as session:
        told = {row[0]: row[1] for row in session.execute(query)}
    return {told[vector] for vector, _ in rows}


WORDS = sorted({word for said in SAID for word in said.replace(",", " ").split()})
names = st.one_of(
    st.sampled_from([*WORDS, "l4 l5", "odem", "blut*", "1 5", "lesion*", "le*", "t2 weighted", "fibrosis", "x*", "iv"]),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(" ".join),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(st.lists(names, min_size=1, max_size=2).map(tuple), max_size=3),
    joined=st.sampled_from(["all", "any"]),
)
def test_the_same_words_find_the_same_sentences(
    pair: tuple[FilterArchive, FilterArchive], groups: list[tuple[str, ...]], joined: str
) -> None:
    file, server = (found(archive, groups, joined) for archive in pair)
    assert file == server


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(st.tuples(st.text(max_size=12)), max_size=4))
def test_nothing_typed_is_an_operator_or_an_error(
    pair: tuple[FilterArchive, FilterArchive], groups: list[tuple[str]]
) -> None:
    found(pair[1], groups, "any")


def test_rare_words_and_short_sentences_come_first(postgresql: Server, tmp_path: Path) -> None:
    archive = FilterArchive(tmp_path, postgresql.new())
    said = ["A lesion of the left frontal lobe with oedema.", "A cavernoma of the left frontal lobe with oedema."]
    archive.report(1, [(one, "present") for one in [*said, "A lesion.", "Cavernoma.", *["No lesion here."] * 20]])
    match = expression([("lesion",), ("cavernoma",)], "any")
    rows = find_words(archive.database, archive.text, match, limit=3)
    with archive.database.begin() as session:
        query = text("SELECT p.text FROM passages p JOIN vectors v ON v.passage_id = p.id WHERE v.id = :id")
        texts = [session.scalar(query, {"id": vector}) for vector, _ in rows]
    assert texts == ["Cavernoma.", said[1], "A lesion."]
    archive.close()


def test_the_tables_are_those_that_the_models_describe(postgresql: Server) -> None:
    database = Database.open(postgresql.make("fresh"))

    def ours(name: str | None, kind: str, _: object) -> bool:
        return name not in {"words", "ix_passages_words", "ix_clauses_words"}

    def same_type(_: object, __: Column[object], column: Column[object], *___: object) -> bool:
        return column.type.__class__ is None

    with database.engine.connect() as connection:
        options = {"compare_type": same_type, "include_name": ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
    database.close()


def test_an_empty_database_is_made_once_by_many(postgresql: Server) -> None:
    url = postgresql.make("crowd")
    with pytest.raises(StoreError, match="spinecho index"):
        Database.open(url, create=False)
    failed: list[BaseException] = []

    def come() -> None:
        try:
            Database.open(url).close()
        except BaseException as error:
            failed.append(error)

    many = [threading.Thread(target=come) for _ in range(4)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert failed == []
    assert upgrade(url) == (HEAD, None)


def test_other_schemas_and_other_encodings_are_refused_with_the_remedy(postgresql: Server) -> None:
    url = postgresql.new()
    database = Database.open(url)
    for revision, error, remedy in (
        ("0001", SchemaOutdated, "db upgrade"),
        ("9999", SchemaUnknown, "upgrade Spinecho"),
    ):
        with database.begin() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        with pytest.raises(error, match=remedy):
            Database.open(url)
    database.close()
    latin = postgresql.make("latin", "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StoreError, match="needs UTF8: CREATE DATABASE latin TEMPLATE template0"):
        Database.open(latin)
    other = postgresql.make("music")
    engine = make_engine(other)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE music (title TEXT)"))
    engine.dispose()
    with pytest.raises(SchemaUnknown, match="not one of Spinecho's"):
        Database.open(other)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://a@b/c", "not supported"),
        ("postgresql://a@b", "names no database"),
        ("postgresql://a:secret@b/c?sslmode=maybe", "sslmode=maybe"),
        ("postgresql://a:secret@b/c?colour=red", "option 'colour'"),
        ("postgresql://a:secret@b:x/c", "no URL"),
        ("postgresql://a:secret@b/c?statement_timeout=soon", "statement_timeout=soon; it is a number from 1 to 86400"),
        ("postgresql://a:secret@b/c?pool_size=0", "pool_size=0; it is a number from 1 to 1000"),
        ("postgresql://a:secret@b/c?pool_overflow=-1", "pool_overflow=-1"),
        ("postgresql+pg8000://a:secret@b/c", "not supported"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        read_location(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    url = "postgresql://ada:secret@127.0.0.1:1/spinecho"
    with pytest.raises(StorageFailure, match=r"database postgresql.*127\.0\.0\.1:1/spinecho does not answer") as caught:
        Database.open(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in shown(url)
    with pytest.raises(StorageFailure, match="does not answer"), alone(url):
        pass


HOLD = """
import sys, threading
from spinecho.db.schema.database import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    threading.Event().wait(60)
"""


def test_one_machine_at_a_time_indexes_and_a_dead_one_lets_go(postgresql: Server) -> None:
    url = postgresql.new()
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy, match="already"), alone(url):
            pass
        process.kill()
    for _ in range(100):  # the server notices in its own time
        try:
            with alone(url):
                return
        except Busy:
            threading.Event().wait(0.05)
    raise AssertionError("the lock was never let go")


def test_a_transaction_that_loses_its_server_is_an_error_of_ours(location: Location) -> None:
    database = Database.open(location)
    if isinstance(location, Path):
        with pytest.raises(Damaged, match=r"is damaged.*no_such_table"), database.begin() as session:
            session.execute(text("SELECT * FROM no_such_table"))  # a file has no server to lose, and loses tables
        return
    with pytest.raises(StorageFailure, match="does not answer"), database.begin() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.begin() as session:
        assert session.scalar(text("SELECT 1")) == 1, "the next one finds a new connection"
    database.close()


def test_a_server_on_which_we_may_make_no_tables_is_an_error_that_says_so(postgresql: Server) -> None:
    url = postgresql.make("readonly", "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE readonly SET default_transaction_read_only TO on"))
    engine.dispose()
    with pytest.raises(StoreError, match="cannot make the tables"):
        migrate(url)


def test_a_statement_past_its_time_is_ended_and_says_how_to_give_it_more(postgresql: Server) -> None:
    database = Database.open(f"{postgresql.new()}&statement_timeout=1")
    with pytest.raises(StorageFailure, match=r"statement timeout; .*longer statement_timeout"), database.begin() as one:
        one.execute(text("SELECT pg_sleep(30)"))
    with database.begin() as session:
        assert session.scalar(text("SELECT 1")) == 1, "the connection serves on"
    database.close()


def test_a_pool_has_the_size_that_the_url_gives(postgresql: Server) -> None:
    engine = make_engine(f"{postgresql.new()}&pool_size=1&pool_overflow=1")
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # how long a third one waits
    with engine.connect(), engine.connect(), pytest.raises(PoolTimeout):
        engine.connect()
    engine.dispose()


@pytest.mark.parametrize(
    ("state", "error", "remedy"),
    [
        ("XX001", Damaged, "backup"),
        ("53100", StorageFailure, "disk is full"),
        ("53300", StorageFailure, "pool_size"),
        ("40P01", StorageFailure, "again"),
        ("57P01", ServerLost, "does not answer"),
        ("54000", None, ""),
        ("23505", None, ""),
    ],
)
def test_what_a_server_answers_is_told_by_its_state(
    postgresql: Server, state: str, error: type[StoreError] | None, remedy: str
) -> None:
    url = postgresql.url("made")
    engine = make_engine(url)
    raised = text(f"DO $$ BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = '{state}'; END $$")
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(raised)
    engine.dispose()
    typed = error_of(caught.value, url)
    assert error is type(typed) if error else typed is None
    assert remedy in str(typed)


def test_a_database_that_nobody_holds_lets_go_of_its_connections(postgresql: Server) -> None:
    database = Database.open(postgresql.new())
    closed: list[bool] = []
    event.listen(database.engine, "close", lambda *_: closed.append(True))
    with database.begin() as session:
        session.execute(text("SELECT 1"))
    assert not closed
    del database, session
    gc.collect()
    assert closed


def test_what_is_served_is_made_where_nothing_is_and_never_changed_where_something_is(
    postgresql: Server, tmp_path: Path
) -> None:
    def served(url: str) -> None:
        require_home(read_settings(home=tmp_path, environment={"SPINECHO_DATABASE": url}), notify=lambda _: None)

    def held(url: str) -> tuple[object, ...]:
        engine = make_engine(url)
        with engine.connect() as connection:
            tables = tuple(sorted(inspect(connection).get_table_names()))
            number = (
                connection.scalar(text("SELECT max(version_num) FROM alembic_version")) if "files" in tables else ""
            )
        engine.dispose()
        return (number, *tables)

    empty, theirs, older = (postgresql.make(f"served_{name}") for name in ("empty", "theirs", "older"))
    for url in (empty, empty, older):
        served(url)
    assert held(empty)[0] == HEAD
    change = {theirs: "CREATE TABLE theirs (id INTEGER)", older: "UPDATE alembic_version SET version_num = '0001'"}
    for url, refused in ((theirs, SchemaUnknown), (older, SchemaOutdated)):
        engine = make_engine(url)
        with engine.begin() as connection:
            connection.execute(text(change[url]))
        engine.dispose()
        before = held(url)
        with pytest.raises(refused):
            served(url)
        assert held(url) == before
