"""A build whose digests are right and which holds something else than the rows is not served; the rows are."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from archives import Home, copy_of
from grown import unit_rows
from vector_homes import forget, open_home, store

from spinecho.db.errors import Damaged
from spinecho.db.facts.snapshots import make_snapshot, open_snapshot
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.upkeep.check import check_database
from spinecho.db.vectors.build import build_index
from spinecho.db.vectors.indexes.index_plan import Wish
from spinecho.db.vectors.manifest import space_folder
from spinecho.db.vectors.served import ServedSpace
from spinecho.filling.status_facts import status_facts
from spinecho.setup.settings import Settings

N, DIM = 1500, 16
ROWS = unit_rows(N, DIM, clusters=30)
WISHES = {"flat": Wish(), "grown": Wish(kind="ivf rabitq", flat_up_to=0)}


@pytest.fixture(scope="module", params=WISHES, ids=str)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    database, space = open_home(folder, dim=DIM)
    store(database, space, ROWS)
    build_index(database, folder / "builds", space, wish=WISHES[request.param])
    database.close()
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Iterator[tuple[Database, Any, Path]]:
    shutil.copytree(made, tmp_path / "home")
    database, space = open_home(tmp_path / "home", dim=DIM)
    yield database, space, tmp_path / "home" / "builds"
    database.close()


def forged(folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Make digests right again after a change, as whoever writes a build does."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    values["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in values["sha256"]}
    change(values)
    path.write_text(json.dumps(values))
    (folder / "manifest.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def ids_of(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the ids that a build gives its vectors."""
    if (folder / "ids.i64").exists():
        ids = np.fromfile(folder / "ids.i64", dtype="<i8")
        change(ids).astype("<i8").tofile(folder / "ids.i64")
    else:
        index = faiss.read_index(str(folder / "index.faiss"))
        faiss.copy_array_to_vector(change(faiss.vector_to_array(index.id_map)).astype(np.int64), index.id_map)
        faiss.write_index(index, str(folder / "index.faiss"))
    forged(folder)


def emptied(folder: Path) -> None:
    index = faiss.read_index(str(folder / "index.faiss"))
    index.reset()
    faiss.write_index(index, str(folder / "index.faiss"))
    forged(folder)


def one_other_vector(folder: Path) -> None:
    """Every vector is turned into its opposite."""
    if (folder / "rows.f16").exists():
        (-np.fromfile(folder / "rows.f16", dtype="<f2")).tofile(folder / "rows.f16")
    else:
        index = faiss.read_index(str(folder / "index.faiss"))
        inner = faiss.downcast_index(index.index)
        codes = faiss.vector_to_array(inner.codes).view(np.float16)
        faiss.copy_array_to_vector((-codes).view(np.uint8), inner.codes)
        faiss.write_index(index, str(folder / "index.faiss"))
    forged(folder)


def said(**values: Any) -> Callable[[Path], None]:
    return lambda folder: forged(folder, lambda manifest: manifest.update(values))


def listed_less(folder: Path) -> None:
    forged(folder, lambda manifest: manifest["sha256"].popitem())


FORGERIES: dict[str, Callable[[Path], None]] = {
    "reversed ids": lambda folder: ids_of(folder, lambda ids: ids[::-1].copy()),
    "ids moved by one": lambda folder: ids_of(folder, lambda ids: ids + 1),
    "ids from nought": lambda folder: ids_of(folder, lambda ids: ids - 1),
    "an id twice": lambda folder: ids_of(folder, lambda ids: np.where(ids == 2, 1, ids)),
    "an empty index": emptied,
    "other vectors": one_other_vector,
    "no digests": said(sha256={}),
    "a digest too few": listed_less,
    "another count": said(count=N - 1),
    "a lower highest id": said(highest_id=N - 10),
    "another kind": said(kind="hnsw sq8"),
    "a file too many": lambda folder: (folder / "more").write_bytes(b"1") and None,
    "under another name": said(build="000009"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_build_that_the_rows_do_not_bear_out_is_not_served(home: tuple[Database, Any, Path], forgery: str) -> None:
    database, space, builds = home
    assert ServedSpace(database, builds, space).build == "000001"
    FORGERIES[forgery](space_folder(builds, space) / "000001")
    served = ServedSpace(database, builds, space)
    assert served.build is None
    assert any("000001" in warning and "not served" in warning for warning in served.warnings)
    assert (served.nearest(ROWS[:30], 1).ids[:, 0] == np.arange(1, 31)).all()
    assert [one.what for one in check_database(database, builds)] == [
        "index builds or snapshots of facts are not sound"
    ]
    build_index(database, builds, space, wish=Wish())
    assert ServedSpace(database, builds, space).build == "000002"


IN_THE_FILES = {
    "changed bytes": lambda folder: (folder / "index.faiss").write_bytes(
        (folder / "index.faiss").read_bytes()[:-1] + b"!"
    ),
    "a file that is gone": lambda folder: (folder / "index.faiss").unlink(),
    "vectors fewer than rows": said(count=N - 1),
    "a file too many": FORGERIES["a file too many"],
    "under another name": FORGERIES["under another name"],
}


@pytest.mark.parametrize("change", IN_THE_FILES)
def test_status_tells_a_build_that_is_not_what_was_written(home: tuple[Database, Any, Path], change: str) -> None:
    """From its files and its manifest: it does not open it."""
    database, space, builds = home
    settings = Settings(builds.parent)
    assert not [one for one in status_facts(database, settings)["warnings"] if "000001" in one]
    IN_THE_FILES[change](space_folder(builds, space) / "000001")
    assert [one for one in status_facts(database, settings)["warnings"] if "000001" in one and "--rebuild" in one]


def test_one_wrong_vector_of_many_is_found_by_the_check(home: tuple[Database, Any, Path]) -> None:
    database, space, builds = home
    folder = space_folder(builds, space) / "000001"
    if not (folder / "rows.f16").exists():
        pytest.skip("a flat build keeps its vectors within FAISS's file")
    rows = np.fromfile(folder / "rows.f16", dtype="<f2").reshape(N, DIM)
    rows[777] = rows[776]
    rows.tofile(folder / "rows.f16")
    forged(folder)
    assert any("under the id 778" in text for one in check_database(database, builds) for text in one.examples)


def test_deletions_and_additions_leave_a_build_sound(home: tuple[Database, Any, Path]) -> None:
    database, space, builds = home
    store(database, space, unit_rows(40, DIM, seed=3))
    forget(database, space, [1, 2, N, N + 3])
    served = ServedSpace(database, builds, space)
    assert (served.build, served.warnings) == ("000001", [])
    assert check_database(database, builds) == ()


def test_a_row_that_was_changed_is_neither_built_nor_served(home: tuple[Database, Any, Path]) -> None:
    database, space, builds = home
    with closing(sqlite3.connect(builds.parent / "spinecho.sqlite")) as connection, connection:
        connection.execute("UPDATE vectors SET data = zeroblob(32) WHERE id = 700")
    with pytest.raises(Damaged, match="700"):
        build_index(database, builds, space)
    shutil.rmtree(builds)
    with pytest.raises(Damaged, match="status --check"):
        ServedSpace(database, builds, space)
    found = check_database(database)
    assert ("rows of vectors are not what was written", 1) in [(one.what, one.count) for one in found]
    assert any("vectors 700" in text for one in found for text in one.examples)


@pytest.mark.parametrize("damage", ["flip", "empty digests", "missing", "extra", "manifest", "another study"])
def test_a_snapshot_that_the_database_does_not_bear_out_does_not_answer(
    indexed: Home, tmp_path: Path, damage: str
) -> None:
    home = copy_of(indexed, tmp_path / "home")
    database = Database.open(home.database)
    builds = home.folder / "builds"
    name = make_snapshot(database, builds).snapshot
    shutil.rmtree(builds / "facts", ignore_errors=True)
    name = make_snapshot(database, builds).snapshot
    folder = builds / "facts" / name
    if damage == "flip":
        path = folder / "study_of.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    elif damage == "empty digests":
        forged(folder, lambda manifest: manifest.update(sha256={}))
    elif damage == "missing":
        (folder / "first.npy").unlink()
    elif damage == "extra":
        (folder / "more.npy").write_bytes(b"")
    elif damage == "manifest":
        path = folder / "manifest.json"
        path.write_text(path.read_text().replace('"studies": 5', '"studies": 6'))
    else:
        values = json.loads((folder / "values.json").read_text())
        values["sex"] = [{"F": "M", "M": "F"}.get(value, value) for value in values["sex"]]
        (folder / "values.json").write_text(json.dumps(values))
        forged(folder)
        open_snapshot(builds, name)
    selection = Selection(database, builds)
    selection.refresh()
    assert selection.source == "SQL"
    assert any("does not answer" in warning for warning in selection.warnings)
    make_snapshot(database, builds)
    again = Selection(database, builds)
    again.refresh()
    assert again.source == "snapshot 000002"
    database.close()
