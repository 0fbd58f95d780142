"""Searches are computed a few at a time in the order in which they came, and a crowd is spread over the processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from leaving import Asking
from serving import Served, open_served
from waiting import comes

from spinecho.search.planning.planner import Planner
from spinecho.ui.server.api.around.limits import Limits, Turns
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.finding import searching as routes

AT_ONCE = 2


class Searching:
    """What searches have begun with, in order; each waits until it may go on. What a server asks itself does not."""

    def __init__(self) -> None:
        self.watching = False
        self.begun: list[str] = []
        self.go_on = threading.Semaphore(0)
        self._plan = Planner.plan

    def are_begun(self, count: int) -> bool:
        return len(self.begun) == count

    def plan(self, planner: Planner, asked: Any, *given: Any, **options: Any) -> Any:
        if self.watching:
            self.begun.append(asked.text)
            assert self.go_on.acquire(timeout=60)
        return self._plan(planner, asked, *given, **options)


@pytest.fixture
def searching(monkeypatch: pytest.MonkeyPatch) -> Iterator[Searching]:
    found = Searching()

    def plan(planner: Planner, *given: Any, **options: Any) -> Any:
        return found.plan(planner, *given, **options)

    monkeypatch.setattr(Planner, "plan", plan)
    yield found
    found.go_on.release(100)


def closes(asking: Asking) -> bool:
    """Whether the client is to connect anew."""
    start = next(one for one in asking.sent if one["type"] == "http.response.start")
    return (b"connection", b"close") in start["headers"]


def answered(served: Served) -> Asking:
    """Something else that is asked, and answered."""
    other = Asking(served.client, f"/studies/{served.study}")
    comes(other.over.done)
    assert other.status == 200
    return other


@pytest.mark.parametrize("workers", [1, 2])
def test_searches_take_turns_and_hold_nothing_else(
    indexed: Home, tmp_path: Path, searching: Searching, workers: int
) -> None:
    words = [f"lesion {number}" for number in range(6)]
    limits = Limits(rate=0, searches=AT_ONCE)
    with open_served(copy_of(indexed, tmp_path / "home"), Door(alone=True), limits, workers=workers) as served:
        searching.watching = True
        asked = []
        for number, one in enumerate(words, 1):
            asked.append(Asking(served.client, "/search", {"words": one}))
            comes(partial(searching.are_begun, min(number, AT_ONCE)))
            assert closes(answered(served)) == (workers > 1 and number > 1)  # it came after all of them
            assert searching.begun == words[:AT_ONCE][:number]
        for number in range(1, len(words) + 1):
            searching.go_on.release()
            comes(partial(are_over, asked, number))
            comes(partial(searching.are_begun, min(number + AT_ONCE, len(words))))
        assert searching.begun == words
        assert [one.status for one in asked] == [200] * len(words)
        assert not closes(answered(served))


def are_over(asked: list[Asking], count: int) -> bool:
    return sum(one.over.done() for one in asked) == count


def test_one_that_leaves_while_it_waits_takes_no_turn_from_others(
    indexed: Home, tmp_path: Path, searching: Searching
) -> None:
    limits = Limits(rate=0, searches=1)
    with open_served(copy_of(indexed, tmp_path / "home"), Door(alone=True), limits) as served:
        searching.watching = True
        first, gone, last = (Asking(served.client, "/search", {"words": word}) for word in ("lesion", "cyst", "oedema"))
        comes(lambda: searching.begun)
        gone.leave()
        searching.go_on.release(100)
        comes(lambda: first.over.done() and last.over.done())
        assert (first.status, last.status) == (200, 200)


def test_every_search_takes_one_turn_and_reading_a_scan_none(
    indexed: Home, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    taken, read = Turns.taken, routes.read_upload

    async def noted(turns: Turns, work: Any) -> Any:
        done.append("turn begins")
        try:
            return await taken(turns, work)
        finally:
            done.append("turn ends")

    def reading(*given: Any) -> Any:
        done.append("reads")
        return read(*given)

    monkeypatch.setattr(Turns, "taken", noted)
    monkeypatch.setattr(routes, "read_upload", reading)
    folder = next(iter(sorted((archive / "dicom").rglob("*.dcm")))).parent
    files = [("files", (path.name, path.read_bytes())) for path in sorted(folder.glob("*.dcm"))]
    with open_served(copy_of(indexed, tmp_path / "home"), Door(alone=True), Limits(rate=0)) as served:
        asked: dict[str, Any] = {
            "/search": {"json": {"words": "lesion"}},
            "/similar": {"json": {"study": served.study}},
            "/similar/scan": {"files": files},
            "/search/scan": {"files": files, "data": {"question": '{"words": "lesion"}'}},
        }
        for path, given in asked.items():
            done.clear()
            answer = served.client.post(f"/api/v1{path}", **given)
            assert answer.status_code == 200, (path, answer.text)
            before = ["reads"] if "files" in given else []
            assert done == [*before, "turn begins", "turn ends"], path
