"""No question of SQL costs the square of the archive: how SQLite means to answer what a run of the index asks.

In a part that is asked again for each row, every table has to be reached by that row. One that is gone through whole,
or by what a large share of its rows have in common (the space of a vector), makes hours of seconds at 100,000 studies.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from archives import Home
from sqlalchemy import event
from sqlalchemy.engine import Engine

from spinecho.db.schema.database import Database
from spinecho.encoders.registry import open_encoder
from spinecho.search.self_test import look_after

_WHOLE = re.compile(r"SCAN (?!json_each|CONSTANT|value\b)\w+|SEARCH \w+ USING (?:COVERING )?INDEX \w+ \(space_id=\?\)$")


@contextmanager
def asked() -> Iterator[dict[str, Any]]:
    """The statements that are asked meanwhile, with what they were given."""
    found: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "DELETE", "UPDATE")):
            found.setdefault(statement, parameters)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def again_and_again(database: Path, statement: str, parameters: Any) -> list[str]:
    """Steps of the plan that go through a table for each row of another."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        except sqlite3.Error:  # a function or a table that the connection which asked had
            return []
    repeated = {step for step, _, _, detail in steps if detail.startswith("CORRELATED")}
    found = []
    for step, above, _, detail in steps:
        if above in repeated:
            repeated.add(step)
            if _WHOLE.match(detail):
                found.append(detail)
    return found


def test_what_a_run_asks_goes_through_no_table_for_each_row(archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", open_encoder)
    with asked() as statements:
        home.index(archive)
        home.index(archive, prune=True)
        database = Database.open(home.database)
        try:
            look_after(database, home.encoders, again=True)
        finally:
            database.close()
    assert any("EXISTS" in one for one in statements)
    assert isinstance(home.database, Path)
    plans = {one: again_and_again(home.database, one, given) for one, given in statements.items()}
    assert {one[:400]: found for one, found in plans.items() if found} == {}


def test_such_a_plan_is_seen(archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", open_encoder)
    home.index(archive)
    assert isinstance(home.database, Path)
    bad = (
        "SELECT uid FROM studies WHERE EXISTS (SELECT * FROM series, volumes, vectors"
        " WHERE series.study_id = studies.id AND volumes.series_id = series.id"
        " AND vectors.volume_id = volumes.id AND vectors.space_id = 1)"
    )
    assert again_and_again(home.database, bad, ())
    assert again_and_again(
        home.database, "SELECT id FROM studies s WHERE EXISTS (SELECT 1 FROM series WHERE +id > s.id)", ()
    )
