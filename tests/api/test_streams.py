"""Streams of events compute nothing: they take no request's place, and no caller has all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from leaving import Asking
from serving import Served, open_served
from waiting import comes

from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.problems import TooMany
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.around.streams import Streams

AT_ONCE = 4
WAITS = {"definition": {"name": "brains", "include": [{"filter": "body_region=brain"}]}}


@pytest.fixture
def crowded(indexed: Home, tmp_path: Path) -> Iterator[Served]:
    """A server that takes four requests at once, beside other processes of it, and begins no job."""
    limits = Limits(rate=0, at_once=AT_ONCE)
    with open_served(copy_of(indexed, tmp_path / "home"), Door(alone=True), limits, workers=2) as served:
        yield served


def streams_of(served: Served) -> Any:
    return served.client.app.state.service.streams  # type: ignore[attr-defined]


def hearing(served: Served, job: str) -> Asking:
    """A stream of a job's events that has begun."""
    stream = Asking(served.client, f"/jobs/{job}/events")
    comes(lambda: stream.status)
    return stream


def test_who_hears_of_a_job_keeps_nobody_out(crowded: Served) -> None:
    job = crowded.post("/jobs/counts", WAITS).json()["id"]
    heard = [hearing(crowded, job) for _ in range(3 * AT_ONCE)]
    assert {one.status for one in heard} == {200}
    other = crowded.get("/me")
    assert other.status_code == 200, other.text
    assert "close" not in other.headers.get("connection", ""), "nothing is computed: no other process is freer"
    assert streams_of(crowded).open == len(heard)
    for one in heard[:-1]:
        one.leave()
        comes(one.over.done)
    assert streams_of(crowded).open == 1
    crowded.client.delete(f"/api/v1/jobs/{job}")
    comes(heard[-1].over.done)
    assert streams_of(crowded).open == 0


def test_one_caller_has_so_many_and_is_told_when_to_come_again(crowded: Served) -> None:
    streams_of(crowded)._most_of_one = 2
    job = crowded.post("/jobs/counts", WAITS).json()["id"]
    heard = [hearing(crowded, job) for _ in range(2)]
    refused = crowded.get(f"/jobs/{job}/events")
    assert refused.status_code == 429
    assert refused.headers["retry-after"]
    assert "streams of events of yours" in refused.json()["detail"]
    assert crowded.get(f"/jobs/{job}").status_code == 200
    assert crowded.client.head(f"/api/v1/jobs/{job}/events").status_code == 429
    heard[0].leave()
    comes(heard[0].over.done)
    assert crowded.client.head(f"/api/v1/jobs/{job}/events").status_code == 200
    assert streams_of(crowded).open == 1, "what HEAD begins is over with its head"
    crowded.client.delete(f"/api/v1/jobs/{job}")
    comes(heard[1].over.done)


def test_more_than_all_may_have_is_refused_to_whoever_comes_then() -> None:
    streams = Streams(most=3, most_of_one=2)
    ends = [streams.begin(one) for one in ("ada", "ada", "grace")]
    for caller in ("ada", "grace", "eve"):
        with pytest.raises(TooMany, match="streams of events"):
            streams.begin(caller)
    ends[0]()
    assert streams.open == 2
    streams.begin("eve")
    with pytest.raises(TooMany):
        streams.begin("ada")
