"""What a similarity means is measured anew as the archive grows, beside the searches, and by every process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from archives import Home, copy_of

from spinecho.db.errors import StorageFailure
from spinecho.search.channels import backgrounds
from spinecho.search.engine import Engine
from spinecho.search.query import TextQuery

WORDS = TextQuery("acute infarct")


def grow(home: Home, folder: Path, *, volumes: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(volumes)
    for number in range(volumes):
        voxels = rng.normal(100, 20 + number, (20, 20, 12)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2, 4, 1])), folder / f"case{number}.nii.gz")
    home.index(folder)


def measured(engine: Engine) -> int:
    with engine.database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count FROM backgrounds WHERE channel = 'image'").scalar_one()
    return int(found)


@pytest.fixture
def home(indexed: Home, tmp_path: Path) -> Home:
    return copy_of(indexed, tmp_path / "home")


def test_it_is_measured_anew_when_a_fifth_has_come(home: Home, tmp_path: Path) -> None:
    engine, other, bare = home.engine(), home.engine(), home.engine()
    engine.calibrate()
    other.calibrate()
    with engine.reading() as snapshot:
        before, held = snapshot.background, measured(engine)
    few = max(1, held // 10)
    grow(home, tmp_path / "few", volumes=few)
    engine.search(WORDS)
    engine.settle()
    with engine.reading() as snapshot:
        assert snapshot.background is before, "a tenth changes nothing"
    generation = engine.generation
    grow(home, tmp_path / "many", volumes=held // 5 + 1)
    engine.search(WORDS)
    engine.settle()
    with engine.reading() as snapshot:
        assert snapshot.background is not before
        fresh = snapshot.background
    assert measured(engine) > held * 1.2
    assert engine.generation > generation
    other.search(WORDS)
    other.settle()
    with other.reading() as snapshot:
        assert snapshot.background.usual("image") == fresh.usual("image"), "another process takes what is stored"
    bare.search(WORDS)
    bare.settle()
    with bare.reading() as snapshot:
        assert snapshot.background.usual("report") is None, "who never asked for one gets none"


def test_a_search_does_not_wait_for_it(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = home.engine()
    engine.calibrate()
    held, begun, may_end = measured(engine), threading.Event(), threading.Event()
    plain = backgrounds.background_of

    def slow(*given: Any) -> Any:
        begun.set()
        assert may_end.wait(60)
        return plain(*given)

    monkeypatch.setattr(backgrounds, "background_of", slow)
    grow(home, tmp_path / "many", volumes=held // 5 + 1)
    with engine.reading() as snapshot:
        before = snapshot.background
    assert begun.wait(60)
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(engine.search(WORDS)))
    asking.start()
    asking.join(60)
    assert found, "it is answered by what was in force while the other is measured"
    with engine.reading() as snapshot:
        assert snapshot.background is before
    may_end.set()
    engine.settle()
    with engine.reading() as snapshot:
        assert snapshot.background is not before


def test_what_was_in_force_stays_where_it_cannot_be_measured(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = home.engine()
    engine.calibrate()
    held, tried = measured(engine), []

    def fail(*_: Any) -> Any:
        tried.append(1)
        raise StorageFailure("the disk is full")

    monkeypatch.setattr(backgrounds, "background_of", fail)
    with engine.reading() as snapshot:
        before = snapshot.background
    grow(home, tmp_path / "many", volumes=held // 5 + 1)
    for _ in range(5):
        assert engine.search(WORDS).hits
        engine.settle()
    with engine.reading() as snapshot:
        assert snapshot.background is before
    assert len(tried) == 1, "and it is not tried at every search"
