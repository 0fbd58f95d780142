"""Copies and exports go nowhere that a run may read: not into roots of the newest run, nor of any earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.errors import StoreError
from spinecho.db.files.same_folder import require_outside
from spinecho.db.files.sources import add_source
from spinecho.db.schema.database import Database

ROOTS = ("first", "odd \udcff\\x", "last")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of three folders, each indexed in a run of its own."""
    folder = tmp_path_factory.mktemp("outside")
    home = Home(folder / "home", parts_dual)
    for number, root in enumerate(ROOTS):
        write_nifti(folder / root / "deep" / f"sub-{number}_T1w.nii.gz", brain(number))
        home.index(folder / root)
    return home


@pytest.fixture
def database(indexed: Home) -> Iterator[Database]:
    opened = Database.open(indexed.database)
    yield opened
    opened.close()


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("below", [".", "copies", "deep/copies"])
def test_nothing_is_written_into_a_folder_that_was_ever_indexed(
    database: Database, indexed: Home, root: str, below: str, tmp_path: Path
) -> None:
    above = indexed.folder.parent
    (tmp_path / "link").symlink_to(above / root)
    for place in (above / root / below, tmp_path / "link" / below):
        with pytest.raises(StoreError, match="lies in the archive"):
            require_outside(database, indexed.folder, place)


def test_elsewhere_is_free(database: Database, indexed: Home, tmp_path: Path) -> None:
    above = indexed.folder.parent
    for place in (tmp_path, above / "first copies", above):
        require_outside(database, indexed.folder, place)
    with pytest.raises(StoreError, match="lies in the home"):
        require_outside(database, indexed.folder, indexed.folder / "copies")
    add_source(database, "disk", "folder", {"path": str(tmp_path)})
    with pytest.raises(StoreError, match="lies in the archive"):
        require_outside(database, indexed.folder, tmp_path / "copies")


def test_a_folder_of_which_nothing_is_stored_any_more_is_free(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", parts_dual)
    for number in range(2):
        gone = write_nifti(tmp_path / f"root {number}" / f"sub-{number}_T1w.nii.gz", brain(number))
        home.index(gone.parent)
    database = Database.open(home.database)
    with pytest.raises(StoreError, match="lies in the archive"):
        require_outside(database, home.folder, tmp_path / "root 0" / "copies")
    (tmp_path / "root 0" / "sub-0_T1w.nii.gz").unlink()
    home.index(tmp_path / "root 0", prune=True, yes=True)
    home.index(tmp_path / "root 1")
    require_outside(database, home.folder, tmp_path / "root 0" / "copies")
    database.close()
