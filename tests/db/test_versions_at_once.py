"""Several who add a version of one name at once: each gets a number of its own, and nobody is told of a fault."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from servers import Server

from spinecho.db.people.cohorts import Member, freeze
from spinecho.db.people.concepts import keep_concept
from spinecho.db.schema.database import Database
from spinecho.db.store import storing

PEOPLE, TIMES = 4, 5


def freezing(database: Database) -> int:
    members = [Member("1.1", "P", "all", {}, None)]
    return freeze(
        database, name="c", description="", owner="me", definition={}, attrition=[], made_with={}, members=members
    ).number


def teaching(database: Database) -> int:
    space = storing.serving(database, "image")
    assert space is not None
    made = keep_concept(database, name="t", space=space.id, owner="me", card={}, weights=b"w", draft=False)
    return made.version


@pytest.mark.parametrize("act", [freezing, teaching])
@pytest.mark.parametrize("where", ["file", "server"])
def test_each_version_has_a_number_of_its_own(
    act: Callable[[Database], int], where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server | None = request.getfixturevalue("postgresql") if where == "server" else None
    place = server.new() if server is not None else tmp_path / "spinecho.sqlite"
    opened = [Database.open(place) for _ in range(PEOPLE)]
    storing.serve(opened[0], "image", encoder="e", model="m", revision="1", preprocessing="p", dim=8)
    start = Barrier(PEOPLE)

    def add(database: Database) -> list[int]:
        start.wait(60)
        return [act(database) for _ in range(TIMES)]

    with ThreadPoolExecutor(PEOPLE) as threads:
        numbers = [number for some in threads.map(add, opened) for number in some]
    assert sorted(numbers) == list(range(1, PEOPLE * TIMES + 1))
    for one in opened:
        one.close()
