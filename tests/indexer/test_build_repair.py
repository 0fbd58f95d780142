"""A run that is killed while it builds leaves nothing that the next one does not make good."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from changing import home, slices, stored

from spinecho.db.facts.snapshots import snapshot_state, snapshots_newest_first
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.db.vectors.manifest import current_build

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal, sys
sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
import {module} as module
from changing import home
original = module.{name}
def then_die(*args, **kwargs):
    if len(seen) == {nth}:
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(1)
    return original(*args, **kwargs)
seen = []
module.{name} = then_die
home(Path({home!r})).index(Path({archive!r}))
"""


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


@pytest.mark.parametrize(
    ("module", "name", "nth"),
    [
        ("spinecho.db.vectors.build", "build_index", 0),  # before the first build
        ("spinecho.db.vectors.build", "build_index", 1),  # between two
        ("spinecho.db.vectors.build", "durable_replace", 0),  # in the midst of one
        ("spinecho.db.vectors.build", "write_durably", 0),  # before it is pointed to
        ("spinecho.db.upkeep.kept_up", "make_snapshot", 0),
        ("spinecho.db.facts.snapshots", "durable_replace", 0),
        ("spinecho.db.facts.snapshots", "write_durably", 0),
        ("spinecho.indexer.pipeline", "erase_traces", 0),
    ],
)
def test_a_run_killed_while_it_builds_is_made_good_by_the_next(
    archive: Path, whole, tmp_path: Path, module: str, name: str, nth: int
) -> None:
    at = home(tmp_path / "home")
    code = KILLED.format(
        tests=str(ROOT / "tests"), root=str(ROOT), module=module, name=name, nth=nth, home=str(at.folder),
        archive=str(archive),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    summary = at.index(archive)
    assert summary.counts["series"] == 0  # nothing of it was left to read
    assert summary.warnings == ()
    assert stored(at) == stored(whole)
    complete(at.folder)


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
