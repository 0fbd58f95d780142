"""The server's connections break at any message: it is read again, and kept once or said not to be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cutting import AFTER, BEFORE, Cutting, cutting
from servers import Server
from sqlalchemy import Engine, text
from sqlalchemy.exc import PendingRollbackError

from spinecho.db.errors import Busy, ServerLost, StorageFailure, Unsettled
from spinecho.db.files.sources import add_source, sources
from spinecho.db.people.cohorts import Member, cohorts, freeze
from spinecho.db.people.feedback import put_thumbs, thumbs
from spinecho.db.people.record import Record, RecordUnwritable
from spinecho.db.people.saved import recent, remember
from spinecho.db.people.tokens import make_token, tokens
from spinecho.db.schema import settled, silence
from spinecho.db.schema.claims import claims_of
from spinecho.db.schema.database import LEADS, Database, alone, damage_behind
from spinecho.db.schema.engines import make_engine
from spinecho.db.store import held_spaces, storing

SPACE = {"model": "m", "revision": "1", "preprocessing": "p", "dim": 8}


@pytest.fixture(scope="module")
def lossy(postgresql: Server) -> Iterator[tuple[Cutting, Database]]:
    """A database behind what cuts connections."""
    with cutting(postgresql.new()) as proxy:
        database = Database.open(proxy.url)
        yield proxy, database
        database.close()


def make_cohort(database: Database, name: str) -> Any:
    members = [Member(f"1.{n}", "P", "all", {}, None) for n in range(3)]
    return freeze(
        database, name=name, description="", owner="me", definition={}, attrition=[], made_with={}, members=members
    )


def switched(database: Database, name: str) -> Any:
    beside = held_spaces.hold(database, **SPACE | {"revision": name}, encoder=name)
    return held_spaces.switch(database, beside.id)


Act = tuple[Callable[[Database, str], Any], Callable[[Database, str], int]]
ACTS: dict[str, Act] = {
    "token": (
        lambda d, name: make_token(d, owner="me", role="viewer", label=name),
        lambda d, name: sum(one.label == name for one in tokens(d)),
    ),
    "cohort": (make_cohort, lambda d, name: sum(one.name == name for one in cohorts(d))),
    "thumb": (
        lambda d, name: put_thumbs(d, user="me", query_key=name, query={}, verdicts={"1.2": 1, "1.3": -1}),
        lambda d, name: len(thumbs(d, query_key=name)) // 2,
    ),
    "search": (
        lambda d, name: remember(d, name, {"text": "stroke"}),
        lambda d, name: len(recent(d, name)),
    ),
    "source": (
        lambda d, name: add_source(d, name, "folder", {"path": "/x"}),
        lambda d, name: sum(one.name == name for one in sources(d)),
    ),
    "switch": (switched, lambda d, name: int(held_spaces.live_encoder(d)[1] == name)),
}  # fmt: skip
"""What people make: how, and how often it is there."""


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("act", ACTS)
def test_what_people_make_is_kept_once_or_said_not_to_be(lossy: tuple[Cutting, Database], act: str, how: str) -> None:
    proxy, database = lossy
    make, count = ACTS[act]
    if storing.serving(database, "image") is None:
        storing.serve(database, "image", encoder="first", **SPACE)
    at, outcomes = 0, set()
    while at == 0 or proxy.seen >= at:
        at += 1
        name = f"{act} {how} {at}"
        proxy.cut(at, how)
        try:
            make(database, name)
        except StorageFailure as error:
            outcomes.add(type(error))
            seen = proxy.pause()
            assert count(database, name) == 0, f"at {at} it was said not to be kept"
            make(database, name)
            proxy.seen = seen
        else:
            seen = proxy.pause()
            outcomes.add(None)
        assert count(database, name) == 1, f"at {at}"
        proxy.seen = seen
    assert at > 3
    assert outcomes == {None, ServerLost}


def test_where_nobody_says_whether_it_was_kept_that_is_said(
    lossy: tuple[Cutting, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, database = lossy
    monkeypatch.setattr(settled, "_PATIENCE", 0.2)
    make, count = ACTS["token"]
    found: set[type[StorageFailure] | None] = set()
    for at in range(2, 9):
        said: type[StorageFailure] | None = None
        proxy.cut(at, AFTER, stays=True)
        try:
            make(database, f"away {at}")
        except StorageFailure as error:
            said = type(error)
        proxy.pause()
        proxy.up()
        assert count(database, f"away {at}") == (said is not ServerLost)
        found.add(said)
    assert found >= {ServerLost, Unsettled}


@pytest.mark.parametrize("how", [BEFORE, AFTER])
def test_a_moment_that_is_lost_is_read_again(lossy: tuple[Cutting, Database], how: str) -> None:
    proxy, database = lossy

    def read() -> list[int]:
        def numbers() -> list[int]:
            with database.reading() as session:
                return [session.scalar(text("SELECT 1")) or 0 for _ in range(3)]

        return database.again(numbers)

    at = 0
    while at == 0 or proxy.seen >= at:
        at += 1
        proxy.cut(at, how)
        assert read() == [1, 1, 1], at
    assert at > 4
    proxy.cut(2, how, stays=True)
    with pytest.raises(ServerLost):
        read()
    proxy.pause()
    proxy.up()
    assert read() == [1, 1, 1]


def test_within_a_moment_nothing_is_read_of_another(lossy: tuple[Cutting, Database]) -> None:
    proxy, database = lossy
    asked = []

    def read() -> None:
        asked.append(1)
        with database.reading() as session:
            session.scalar(text("SELECT 1"))

    def moment() -> None:
        with database.reading():
            proxy.cut(1)
            database.again(read)

    proxy.pause()
    with pytest.raises(ServerLost):
        moment()
    assert asked == [1]


def test_a_server_or_a_pool_that_is_full_is_told_as_that(lossy: tuple[Cutting, Database], postgresql: Server) -> None:
    _, database = lossy
    with database.begin() as session:
        session.execute(text("DROP ROLE IF EXISTS few"))
        session.execute(text("CREATE ROLE few LOGIN CONNECTION LIMIT 0"))
    url = str(database.location).replace("postgresql://", "postgresql://few@").replace("few@postgres@", "few@")
    with pytest.raises(StorageFailure, match=r"takes no more connections; lower pool_size"):
        Database.open(url)
    small = Database.open(f"{database.location}&pool_size=1&pool_overflow=0")
    small.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with (
        small.begin(),
        pytest.raises(StorageFailure, match="every connection of this process is in use"),
        small.begin(),
    ):
        pass
    small.close()


def test_a_server_that_keeps_the_connection_and_says_nothing_is_waited_for_no_longer(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "PATIENCE", 0.05)
    monkeypatch.setattr(silence, "ASKED", 2)
    monkeypatch.setattr(silence, "_ANSWERS_WITHIN", 0.1)
    with cutting(postgresql.new()) as proxy:
        database = Database.open(proxy.url)
        with database.begin() as session:
            assert session.execute(text("SELECT 1 FROM pg_sleep(0.3)")).scalar() == 1, "it is long, and not silent"

        def falls_silent() -> None:
            with database.begin() as session:
                proxy.silent()
                session.execute(text("SELECT 1"))

        with pytest.raises(ServerLost, match="says nothing"):
            falls_silent()
        proxy.up()
        with database.begin() as session:
            assert session.execute(text("SELECT 1")).scalar() == 1
        database.close()


def test_who_indexes_is_alone_though_the_connection_of_its_lock_breaks(postgresql: Server) -> None:
    url = postgresql.new()
    database = Database.open(url)
    query = text(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " AND d.datname = current_database() WHERE l.locktype = 'advisory' AND l.objid = :leads"
    )

    def lead() -> None:
        with alone(url):
            pass

    with alone(url):
        with claims_of(database) as claims:
            with database.begin() as session:
                assert session.execute(query, {"leads": LEADS}).all() == [(True,)]
            assert claims.take("1.2.3")
            with pytest.raises(Busy):
                lead()
        for _ in range(200):  # the server notices in its own time
            try:
                lead()
                break
            except Busy:
                threading.Event().wait(0.05)
        lead()
    database.close()


def test_a_record_on_a_server_whose_connections_break_stays_whole(postgresql: Server) -> None:
    with cutting(postgresql.make("lossy_record")) as proxy:
        record, kept = Record.open(proxy.url), 0
        for how in (BEFORE, AFTER):
            for at in range(1, 9):
                proxy.cut(at, how)
                try:
                    record.append(user="ada", role="viewer", action="search", subject=f"{how} {at}", facts={})
                    kept += 1
                except RecordUnwritable:
                    pass
                proxy.pause()
        checked = record.check()
        assert checked.broken == ()
        assert kept <= checked.rows <= 16
        record.close()


def test_a_server_that_does_not_answer_is_not_damaged(lossy: tuple[Cutting, Database]) -> None:
    """Whatever error a broken connection is met as: a server that is gone was asked whether it is damaged."""
    _, database = lossy
    gone = make_engine("postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=2", access=database.access)
    there = database.engine
    try:
        for error in (PendingRollbackError("invalid transaction"), ValueError("odd"), LookupError("odd")):
            with pytest.raises(ServerLost, match="does not answer"):
                _broken(database, gone, error)
            database.engine = there
        assert damage_behind() == ""
    finally:
        database.engine = there
        gone.dispose()


def _broken(database: Database, gone: Engine, error: Exception) -> None:
    with database.begin():
        database.engine = gone
        raise error
