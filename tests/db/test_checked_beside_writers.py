"""Whatever is stored and deleted while everything is checked is no damage: each step compares what is of one moment."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

sys.path.insert(0, str(Path(__file__).parent))

from vector_homes import forget, open_home, store

from spinecho.db.errors import StorageFailure
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.db.upkeep import check
from spinecho.db.upkeep.check import check_builds, check_database
from spinecho.db.upkeep.scrub_steps import steps
from spinecho.db.vectors.build import build_index
from spinecho.db.vectors.indexes.index_plan import Wish
from spinecho.db.vectors.manifest import space_folder

LOOKED_AT = ("vectors", "spaces", "tombstones", "sqlite_sequence")
ROW = np.eye(4, dtype=np.float32)


def whole(database: Database, builds: Path) -> list[Any]:
    return list(check_database(database))


def in_pieces(database: Database, builds: Path) -> list[Any]:
    return [one for step in steps(database, builds) for piece in step.pieces(None) for one in piece.findings]


@pytest.mark.parametrize("look", [whole, in_pieces])
def test_what_others_store_between_two_statements_of_a_check_is_no_damage(
    location: Location, tmp_path: Path, look: Callable[[Database, Path], list[Any]]
) -> None:
    database, _ = open_home(tmp_path, dim=4, url=location if isinstance(location, str) else None)
    other, first = Database.open(database.location), count(2)
    made: list[Any] = []

    def change(*given: Any) -> None:
        """A space and its vectors come, those that came before go."""
        if given and (given[2].startswith("INSERT") or not any(one in given[2] for one in LOOKED_AT)):
            return  # the question to full text, which nobody else writes beside, and tables where nothing comes
        number = next(first)
        space = storing.serve(
            other, "image", encoder="spinecho", model=f"made {number}", revision="1", preprocessing="none", dim=4
        )
        store(other, space, ROW)
        for one, ids in made:
            forget(other, one, ids)
        made[:] = [(space, [4 * (number - 2) + n for n in range(1, 5)])]

    change()
    event.listen(database.engine, "after_cursor_execute", change)
    try:
        assert look(database, tmp_path / "builds") == []
    finally:
        event.remove(database.engine, "after_cursor_execute", change)
        database.close()
        other.close()
    assert next(first) > 8, "something came in between"


def test_a_build_that_goes_while_it_is_looked_at_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer one comes and takes it away, or it was on its way out when it was listed."""
    database, space = open_home(tmp_path, dim=4)
    store(database, space, ROW)
    builds = tmp_path / "builds"
    for _ in range(2):
        build_index(database, builds, space, wish=Wish())
    opened, comes = check.open_build, {"newer": False}

    def goes(folder: Path, of: Any, name: str) -> Any:
        if comes["newer"] and name == "000002":
            build_index(database, builds, space, wish=Wish())
            shutil.rmtree(space_folder(builds, space) / name, ignore_errors=True)
        elif name == "000001":
            shutil.rmtree(space_folder(builds, space) / name, ignore_errors=True)
        return opened(folder, of, name)

    monkeypatch.setattr(check, "open_build", goes)
    for newer in (False, True):
        comes["newer"] = newer
        assert check_builds(database, builds) == ()
    database.close()


def test_a_database_that_somebody_holds_is_not_told_as_damage(tmp_path: Path) -> None:
    database, space = open_home(tmp_path, dim=4)
    store(database, space, ROW)
    event.listen(database.engine, "connect", lambda one, _: one.execute("PRAGMA busy_timeout=1"))
    database.engine.dispose()
    other = Database.open(tmp_path / "spinecho.sqlite")
    with other.engine.connect() as holding:
        holding.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(StorageFailure, match="another process holds it"):
            check_database(database)
        holding.rollback()
    assert check_database(database) == ()
    other.close()
    database.close()
