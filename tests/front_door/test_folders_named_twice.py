"""A folder is one, however many paths lead to it: its files are counted once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from spinecho.db.files.runs import start_run
from spinecho.db.files.sources import add_source
from spinecho.db.schema.database import Database
from spinecho.filling.outcomes import roots_of
from spinecho.filling.sources import roots_with
from spinecho.setup.settings import Settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "home" / "spinecho.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive `a` with a folder `b`, and links to both, to what is above, and out of it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    for name, to in (("a2", "a"), ("a3", "a2"), ("b2", "a/b"), ("above", "."), ("a/away", "c")):
        (tmp_path / name).symlink_to(tmp_path / to)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "walked"),
    [
        (["a", "a"], ["a"]), (["a", "a/"], ["a"]), (["a", "a2"], ["a"]), (["a2", "a"], ["a2"]),
        (["a3", "above/a2"], ["a3"]), (["./a", "a/b/.."], ["a"]), (["a", "b2"], ["a"]), (["b2", "a"], ["a"]),
        (["c", "a"], ["c", "a"]), (["a", "a/away"], ["a", "a/away"]), (["b2", "a/b"], ["b2"]),
    ],
)  # fmt: skip
def test_of_the_paths_to_a_folder_the_first_is_walked(
    database: Database, folder: Path, named: list[str], walked: list[str]
) -> None:
    assert roots_of([Path(one) for one in named], database) == [folder / one for one in walked]


@pytest.mark.parametrize("path", ["a2", "a3", "above/a", "a/"])
def test_a_folder_that_was_indexed_is_known_by_its_first_path(database: Database, folder: Path, path: str) -> None:
    start_run(database, [str(folder / "a"), str(folder / "c")])
    assert roots_of([Path(path)], database) == [folder / "a"]
    add_source(database, "share", "folder", {"path": os.fspath(folder / path)})
    settings = Settings(folder / "home")
    assert roots_with(settings, database, [], ["share"]) == [folder / "a", folder / "c"]
    assert roots_with(settings, database, [folder / "c"], ["share"])[0] == folder / "c"
