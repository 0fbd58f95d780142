"""A run that is killed while it builds leaves nothing that the next one does not make good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from changing import home, slices

from spinecho.db.facts.snapshots import snapshot_state, snapshots_newest_first
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.db.vectors.manifest import current_build


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    slices(folder / "a", "a")
    slices(folder / "b", "b", seed=2)
    (folder / "r.txt").write_text("Accession: A-a\nFINDINGS: A cavernoma.\n")
    return folder


@pytest.fixture(scope="module")
def whole(archive: Path, tmp_path_factory: pytest.TempPathFactory):
    made = home(tmp_path_factory.mktemp("home"))
    made.index(archive)
    return made


def complete(folder: Path) -> None:
    """Both spaces have a build, and the facts a snapshot that answers."""
    database, builds = Database.open(folder / "spinecho.sqlite"), folder / "builds"
    for role in ("image", "text"):
        space = serving(database, role)
        assert space is not None
        assert current_build(builds, space)
    selection = Selection(database, builds)
    selection.refresh()
    assert selection.source.startswith("snapshot")
    assert not list(builds.rglob("*.partial"))
    database.close()


def test_what_is_damaged_is_built_anew_though_nothing_has_changed(archive: Path, whole, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "home")
    at = home(tmp_path / "home")
    builds = at.folder / "builds"
    before = {path: path.stat().st_mtime_ns for path in builds.rglob("*") if path.is_file()}
    at.index(archive)
    assert before == {path: path.stat().st_mtime_ns for path in builds.rglob("*") if path.is_file()}
    file = next(builds.glob("space-*/*/index.faiss"))
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    shutil.rmtree(builds / "facts" / snapshots_newest_first(builds)[0])
    assert snapshot_state(builds) is None
    assert any("it was built anew" in warning for warning in at.index(archive).warnings)
    complete(at.folder)
    shutil.rmtree(builds)
    at.index(archive)
    complete(at.folder)
