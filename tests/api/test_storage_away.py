"""A database that is away while a server starts, or while it follows a switch, is waited for and not given up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from spinecho.db.errors import Damaged, ServerLost
from spinecho.db.schema.database import Database
from spinecho.search.access import late_engine
from spinecho.search.access.late_engine import LateEngine
from spinecho.setup.settings import read_settings
from spinecho.ui.server.api.around import service as services
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door, Service


class Opened:
    """What opening comes to: the errors in their order, then something that answers."""

    generation = 1

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.times = list(errors), 0

    def __call__(self, *_: Any, **__: Any) -> Opened:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)
        return self

    def archive(self, *_: Any, **__: Any) -> Opened:
        return self


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    Database.open(tmp_path / "spinecho.sqlite").close()
    monkeypatch.setattr(services, "_LOOK", 0.001)
    return Service.over(read_settings(home=tmp_path, device="cpu", environment={}), Limits(), Door(alone=True))


def test_a_server_that_started_while_the_database_was_away_opens_once_it_is_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(ServerLost("away"), ServerLost("away"))
    monkeypatch.setattr(services, "open_served", opened)
    service.open()
    assert service.ready
    assert (opened.times, service.failed, service.empty) == (3, "", False)
    service.close()


def test_what_does_not_pass_is_told_and_not_tried_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(ServerLost("away"), Damaged("it is damaged"))
    monkeypatch.setattr(services, "open_served", opened)
    monkeypatch.setattr(Service, "_is_empty", lambda _: False)
    service.open()
    assert (service.ready, opened.times, service.failed) == (False, 2, "it is damaged")
    service.close()


def test_a_server_that_is_closed_waits_no_longer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "open_served", Opened(*[ServerLost("away")] * 1000))
    monkeypatch.setattr(services, "_LOOK", 60.0)
    opening = threading.Thread(target=service.open)
    opening.start()
    service.wait_until_opened()
    service.close()
    opening.join(30)
    assert not opening.is_alive()


def test_an_encoder_that_was_switched_to_while_the_database_was_away_is_opened_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        def __init__(self, space: int) -> None:
            self.image_space = space

        def come_after(self, other: Any) -> None:
            pass

    database = Database.open(tmp_path / "spinecho.sqlite")
    outcomes: list[Any] = [ServerLost("away"), Engine(2)]

    def open_next() -> Any:
        found = outcomes.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(late_engine, "live_encoder", lambda _: (2, "other"))
    late = LateEngine(database, tmp_path, open_next, opened=Engine(1))  # type: ignore[arg-type]
    for space in (1, 2):
        late.follow()
        late.settle()
        assert late.engine.image_space == space
    database.close()
