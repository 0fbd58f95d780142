"""A damaged database file gives a right answer or a typed error, and `check_database` misses none of the damage."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from archives import Home

from spinecho.db.errors import Damaged, StoreError
from spinecho.db.schema.damage import first_damage
from spinecho.db.schema.database import Database
from spinecho.db.upkeep.check import check_database
from spinecho.db.upkeep.scrub_steps import steps
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.filling.status_facts import status_facts
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery
from spinecho.setup.settings import Settings

PAGE = 4096
UNCHECKED = {"folders": {"seen_run"}, "audit": None, "sqlite_sequence": None, "tombstones": None}
"""What nothing is over: see docs/reliability.md."""


def zeros(page: bytearray, _: np.random.Generator) -> None:
    page[:] = bytes(len(page))


def noise(page: bytearray, random: np.random.Generator) -> None:
    page[:] = random.bytes(len(page))


def half(page: bytearray, random: np.random.Generator) -> None:
    page[len(page) // 2 :] = random.bytes(len(page) - len(page) // 2)


def bits(page: bytearray, random: np.random.Generator) -> None:
    for at in random.integers(0, len(page), 12):
        page[at] ^= 1 << int(random.integers(0, 8))


def last_bits(page: bytearray, random: np.random.Generator) -> None:
    """Within what rows say, which lies at the end of a page: no structure tells."""
    for at in random.integers(len(page) // 2, len(page), 3):
        page[at] ^= 1 << int(random.integers(0, 8))


DAMAGE: tuple[Callable[[bytearray, np.random.Generator], None], ...] = (zeros, noise, half, bits, last_bits)


@pytest.fixture(scope="module")
def dual() -> DualEncoder:
    return open_encoder()


@pytest.fixture(scope="module")
def sound(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in one file, whose log is brought in."""
    folder = tmp_path_factory.mktemp("sound") / "home"
    shutil.copytree(indexed.folder, folder)
    with closing(sqlite3.connect(folder / "spinecho.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def contents(path: Path) -> dict[str, list[object]] | None:
    """What the tables say, None where that cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '*_fts*'"
            found = {}
            for (name,) in connection.execute(query).fetchall():
                if name in UNCHECKED and UNCHECKED[name] is None:
                    continue
                out = UNCHECKED.get(name) or set()
                rows = connection.execute(f"SELECT * FROM {name} ORDER BY 1")
                names = [one[0] for one in rows.description]
                kept = [at for at, one in enumerate(names) if one not in out]
                found[name] = [tuple(row[at] for at in kept) for row in rows]
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return found


def answers(home: Path, dual: DualEncoder, uid: str) -> list[list[tuple[str, float]]]:
    database = Database.open(home / "spinecho.sqlite", create=False)
    try:
        engine = Engine(database, home / "builds", dual)
        found = [engine.search(query, k=5) for query in (TextQuery("infarct on the left"), StudyQuery(uid))]
        status_facts(database, Settings(home))
        return [[(hit.study.uid, round(hit.score, 3)) for hit in one.hits if hit.study] for one in found]
    finally:
        database.close()


def findings(home: Path) -> list[str]:
    """What the check tells of a home, or what kept it from opening."""
    try:
        database = Database.open(home / "spinecho.sqlite", create=False)
    except StoreError as error:
        return [str(error)]
    try:
        return [one.what for one in check_database(database, home / "builds")]
    finally:
        database.close()


def scrubbed(home: Path) -> list[str]:
    """What a round of `spinecho doctor --scrub` tells of the database, or what kept it from looking."""
    try:
        database = Database.open(home / "spinecho.sqlite", create=False)
    except StoreError as error:
        return [str(error)]
    try:
        found = [piece for step in steps(database, home / "none") for piece in step.pieces(None)]
        return [one.what for piece in found for one in piece.findings]
    except Damaged as error:
        return [str(error)]
    finally:
        database.close()


def test_no_page_can_be_damaged_unnoticed(sound: Path, dual: DualEncoder, tmp_path: Path) -> None:
    file = sound / "spinecho.sqlite"
    whole, before = file.read_bytes(), contents(file)
    assert before is not None
    assert findings(sound) == []
    uid = str(before["studies"][0][1])  # type: ignore[index]
    right = answers(sound, dual, uid)
    random = np.random.default_rng(7)
    pages = len(whole) // PAGE
    chosen = [0, *random.choice(np.arange(1, pages), min(pages - 1, 24), replace=False).tolist()]
    home = tmp_path / "home"
    shutil.copytree(sound, home)
    wrong: list[str] = []
    for number, page in enumerate(chosen):
        damage = DAMAGE[number % len(DAMAGE)]
        content = bytearray(whole)
        part = bytearray(content[page * PAGE : (page + 1) * PAGE])
        damage(part, random)
        content[page * PAGE : (page + 1) * PAGE] = part
        for left in home.glob("spinecho.sqlite-*"):
            left.unlink()
        (home / "spinecho.sqlite").write_bytes(content)
        named = f"{damage.__name__} in page {page + 1}"
        changed = contents(home / "spinecho.sqlite") != before
        found = findings(home)
        if changed and not found:
            wrong.append(f"{named} was not noticed")
        if changed and not scrubbed(home):
            wrong.append(f"{named} was not noticed by a scrub")
        try:
            given = answers(home, dual, uid)
        except StoreError as error:
            if error.exit_status not in (3, 4):
                wrong.append(f"{named}: {error!r}")
        else:
            if given != right and not found:
                wrong.append(f"{named} changed an answer")
    assert not wrong


@pytest.mark.parametrize("left", [0, 1, 100, PAGE, 5 * PAGE, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_noticed(sound: Path, dual: DualEncoder, tmp_path: Path, left: float) -> None:
    home = tmp_path / "home"
    shutil.copytree(sound, home)
    file = home / "spinecho.sqlite"
    whole = file.read_bytes()
    size = int(left * len(whole)) if isinstance(left, float) else left
    file.write_bytes(whole[:size])
    assert findings(home)
    with pytest.raises(Damaged):
        answers(home, dual, "1.2")
    assert file.stat().st_size == size


def test_an_error_that_nobody_can_explain_is_explained_by_damage(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "home")
    path = tmp_path / "home" / "spinecho.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE volumes SET acquisition = '{]' WHERE id = 1")
    database = Database.open(path)
    assert "volumes" in first_damage(database.engine, database.location) or "value" in first_damage(
        database.engine, database.location
    )
    with pytest.raises(Damaged, match="status --check"), database.begin():
        raise ValueError("a value that nothing explains")
    database.close()
