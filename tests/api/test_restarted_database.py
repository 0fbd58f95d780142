"""A PostgreSQL server that is stopped and started anew under a server with clients: nothing that was acknowledged is
lost, no answer is wrong, and the server answers again by itself.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of_home
from servers import Server, running
from serving import open_served
from sqlalchemy import text
from waiting import comes

import spinecho.maintaining.upkeep
from spinecho.db.schema.engines import make_engine
from spinecho.ui.server.api.around.service import Door


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """One that no other test asks meanwhile."""
    with running() as server:
        yield server


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_started_anew_under_clients(
    own_server: Server, mode: str, indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, home = own_server.new(), copy_of_home(indexed.folder, tmp_path / "home")
    spinecho.maintaining.upkeep.copy_database(home, url)
    for path in home.glob("spinecho.sqlite*"):
        path.unlink()
    shutil.rmtree(home / "builds", ignore_errors=True)
    _keep_what_is_acknowledged(url)
    monkeypatch.setenv("SPINECHO_DATABASE", url)
    monkeypatch.setattr("serving.settings_of", _with_database(url))
    asked, over = {"words": "infarct on the left", "k": 5}, threading.Event()
    with open_served(Home(home, server=url), Door(alone=True)) as server:
        right = server.post("/search", asked).json()["hits"]
        wrong, kept, refused = list[Any](), list[str](), list[int]()

        def search() -> None:
            while not over.is_set():
                answer = server.post("/search", asked)
                if answer.status_code == 200:
                    wrong.extend([] if answer.json()["hits"] == right else [answer.json()])
                else:
                    told(answer)

        def keep() -> None:
            for number in range(10_000):
                if over.is_set():
                    return
                name = f"kept {number}"
                asking = {"words": name, "verdicts": {server.study: 1}}
                answer = server.client.put("/api/v1/feedback", json=asking)
                if answer.status_code == 200:
                    kept.append(name)
                else:
                    told(answer)

        def told(answer: Any) -> None:
            refused.append(answer.status_code)
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                wrong.append((answer.status_code, answer.text))

        clients = [threading.Thread(target=one) for one in (search, search, keep)]
        for one in clients:
            one.start()
        comes(lambda: len(kept) > 2)
        own_server.stop(mode)
        comes(lambda: len(refused) > 2)
        own_server.start()
        before = len(kept)
        comes(lambda: len(kept) > before + 2)
        over.set()
        for one in clients:
            one.join()
        assert wrong == []
        assert comes(lambda: server.post("/search", asked)).json()["hits"] == right
        assert server.client.get("/readyz").status_code == 200
    engine = make_engine(url)
    with engine.connect() as connection:
        there = {str(query["text"]) for query in connection.scalars(text("SELECT query FROM feedback"))}
    engine.dispose()
    assert set(kept) <= there


def _keep_what_is_acknowledged(url: str) -> None:
    engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO on"))
    engine.dispose()


def _with_database(url: str) -> Any:
    from spinecho.setup.settings import read_settings  # noqa: PLC0415

    return lambda home: read_settings(home=home.folder, device="cpu", environment={"SPINECHO_DATABASE": url})
