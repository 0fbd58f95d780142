"""Several processes index into one server: what one would have stored, nothing twice, whoever dies on the way."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Server

from spinecho.db.errors import StoreError
from spinecho.db.files import runs
from spinecho.db.schema.claims import claims_of, joined_claims
from spinecho.db.schema.database import Database, alone
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.filling.outcomes import join
from spinecho.indexer.joining import Share, join_run
from spinecho.setup.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(postgresql: Server, tmp_path: Path) -> Home:
    return Home(tmp_path / "home", server=postgresql.new())


@pytest.fixture(scope="module")
def database(postgresql: Server) -> Iterator[Database]:
    opened = Database.open(postgresql.new())
    yield opened
    opened.close()


class Waiting:
    """A text encoder that goes on once somebody else has stored something."""

    def __init__(self, inner: Any, other: threading.Event) -> None:
        self._inner, self._other = inner, other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def encode(self, texts: Any) -> Any:
        assert self._other.wait(120), "nobody took part"
        return self._inner.encode(texts)


class Noticed:
    """A progress that says when a first series is stored."""

    def __init__(self) -> None:
        self.stored = threading.Event()

    def total(self, stage: str, amount: int) -> None:
        pass

    def advance(self, stage: str, amount: int = 1) -> None:
        if stage == "read":
            self.stored.set()


def test_two_that_index_store_what_one_would(indexed: Home, archive: Path, home: Home) -> None:
    dual, noticed, shares = open_encoder(), Noticed(), []
    Database.open(home.database).close()

    def first() -> DualEncoder:
        return dataclasses.replace(dual, text=Waiting(dual.text, noticed.stored))  # type: ignore[arg-type]

    def second() -> None:
        own = Database.open(home.database)
        shares.append(join_run(own, lambda: dual, workers=1, progress=noticed))
        own.close()

    with alone(home.database):
        other = threading.Thread(target=second)
        other.start()
        summary = dataclasses.replace(home, encoders=first).index(archive)
    other.join()
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()
    total = indexed.query("SELECT count(*) FROM series JOIN studies ON studies.id = series.study_id")[0][0]
    assert 0 < shares[0].series < total
    assert summary.counts["series"] + shares[0].series == total, "nothing is read twice"
    assert not shares[0].stopped


def test_an_archive_that_is_de_identified_is_not_joined(home: Home) -> None:
    database = Database.open(home.database)
    runs.start_run(database, [], deidentified={"key": "k"})
    with pytest.raises(StoreError, match="indexed by one process"):
        join_run(database, open_encoder)
    database.close()


def test_who_joined_leads_on_when_the_leader_is_killed(indexed: Home, archive: Path, home: Home) -> None:
    settings, joined = Settings(home=home.folder / "other", server=home.server, user="ada"), []
    database = Database.open(home.database)

    def join_later() -> None:
        with joined_claims(database) as claims:
            while not claims.is_led():
                threading.Event().wait(0.02)
        joined.append(join(settings, lambda: database, None, workers=1))

    other = threading.Thread(target=join_later)
    other.start()
    with subprocess.Popen(
        [sys.executable, "-m", "spinecho.ui.cli.app", "index", str(archive), "--workers", "1"], cwd=ROOT,
        env={**os.environ, "SPINECHO_DATABASE": home.server, "SPINECHO_HOME": str(home.folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as leader:  # fmt: skip
        while leader.poll() is None and not home.count("vectors"):
            threading.Event().wait(0.02)
        leader.kill()
        assert leader.wait() == -signal.SIGKILL
    other.join()
    database.close()
    assert joined[0].outcome is not None
    assert joined[0].to_json()["outcome"]["counts"]["files"]
    assert home.rows() == indexed.rows()


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    with pytest.raises(StoreError, match="PostgreSQL alone"):
        join_run(database, open_encoder)
    database.close()


def test_without_a_leader_there_is_nothing_to_do(database: Database) -> None:
    assert join_run(database, open_encoder) == Share(0, 0, 0, stopped=False)


@settings(max_examples=15)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=20),
    opened=st.booleans(),
)
def test_nothing_is_taken_by_two_at_once(database: Database, steps: list[tuple[str, str, bool]], opened: bool) -> None:
    """a leads, b and c have joined; they take and give back as they like."""
    held: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    with claims_of(database) as a, joined_claims(database) as b, joined_claims(database) as c:
        who = {"a": a, "b": b, "c": c}
        with a.opened() if opened else nullcontext():
            for name, key, takes in steps:
                others = {one for other in held if other != name for one in held[other]}
                if takes:
                    may = key not in others and (opened or name == "a")
                    assert who[name].take(key) is may
                    held[name] += [key] if may else []
                elif key in held[name]:
                    who[name].give_back(key)
                    held[name].remove(key)
            for name in "bc":
                for key in held[name]:
                    who[name].give_back(key)


HOLDS = """
import sys, threading
from spinecho.db.schema.claims import joined_claims
from spinecho.db.schema.database import Database
with joined_claims(Database.open(sys.argv[1])) as claims:
    print(claims.take("1.2.3"), flush=True)
    threading.Event().wait(60)
"""


def test_a_leader_waits_for_what_is_taken_and_a_dead_one_lets_go(database: Database) -> None:
    command = [sys.executable, "-c", HOLDS, str(database.location)]
    with claims_of(database) as claims, joined_claims(database) as late:
        with claims.opened():
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            assert not claims.take("1.2.3")
            killer = threading.Thread(target=process.kill)
            killer.start()
            claims.wait_for("1.2.3")
            assert claims.take("1.2.3"), "it is free, and whoever waited has it"
            claims.give_back("1.2.3")
        killer.join()
        process.wait()
        process.stdout.close()
        assert not late.take("1.2.3"), "nobody is let in any more"
