"""Regions and predictions, from the encoder to rows: with the volume, of the volume, gone with the volume."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archives import Home, copy_of
from parts_encoder import Heads, PartsEncoder, Words, brain, parts_dual, plain_dual, write_nifti

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.vectors.stored_rows import unpack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderUnavailable, SpaceMismatch
from spinecho.encoders.networks.parts_of_volumes import GRID, region_vectors
from spinecho.encoders.reading.files import read_path
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.backfill import Added, add_parts

LEFT = (slice(0, 8), slice(8, 16), slice(4, 8))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for number in range(6):
        bright = LEFT if number % 2 else None
        write_nifti(folder / f"sub-{number}" / f"{number}_T1w.nii.gz", brain(number, bright=bright))
    return folder


@pytest.fixture(scope="module")
def home(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home"), parts_dual)
    assert made.index(scans).counts["volumes"] == 6
    return made


def add(home: Home, dual: DualEncoder, limit: int | None = None) -> Added:
    database = Database.open(home.database)
    try:
        return add_parts(database, dual, workers=1, limit=limit)
    finally:
        database.close()


def test_every_volume_has_the_cells_that_the_encoder_describes(home: Home, scans: Path) -> None:
    path = scans / "sub-1" / "1_T1w.nii.gz"
    (volume,) = [item.volume for item in read_path(path) if isinstance(item, VolumeRead)]
    encoder = PartsEncoder()
    (described,) = encoder.describe([encoder.preparation(volume)])
    found = home.query(
        "SELECT r.grid, r.cells, r.data, e.data FROM region_vectors r JOIN vectors e ON e.volume_id = r.volume_id"
        " JOIN volume_files w ON w.volume_id = r.volume_id JOIN files f ON f.id = w.file_id"
        " WHERE f.name = '1_T1w.nii.gz' AND e.space_id = r.space_id"
    )
    ((grid, cells, data, vector),) = found
    assert (grid, cells) == ("[3, 3, 3]", np.prod(GRID))
    np.testing.assert_allclose(unpack(data, 8), region_vectors(described), atol=1e-3)
    np.testing.assert_allclose(unpack(vector, 8)[0], described.vector, atol=1e-3)
    assert len(home.rows()["regions"]) == 6


def test_predictions_are_rows_of_their_own_with_their_head(home: Home) -> None:
    rows = home.query("SELECT task, value, count(*) FROM predictions GROUP BY task, value ORDER BY 1, 2")
    assert ("finding", "unknown", 6) in rows  # what a head would not say is kept too, so that it is not asked again
    assert {task for task, _, _ in rows} == {"age", "brightness", "finding"}
    assert home.query("SELECT DISTINCT head, head_revision FROM predictions") == [(PartsEncoder().space.label, "a")]
    assert home.query("SELECT DISTINCT sex FROM studies") == [(None,)]  # nothing predicted is ever recorded
    assert home.query("SELECT DISTINCT age_years FROM studies") == [(None,)]


def test_an_encoder_that_tells_no_parts_stores_none_and_works_as_before(
    home: Home, scans: Path, tmp_path: Path
) -> None:
    plain = Home(tmp_path / "home", plain_dual)
    plain.index(scans)
    rows, full = plain.rows(), home.rows()
    assert rows["regions"] == rows["predictions"] == []
    assert {**rows, "regions": 0, "predictions": 0} == {**full, "regions": 0, "predictions": 0}


def test_what_is_read_again_or_goes_takes_its_parts_along(scans: Path, tmp_path: Path) -> None:
    mine = tmp_path / "scans"
    for number in range(2):
        write_nifti(mine / f"sub-{number}" / f"{number}_T1w.nii.gz", brain(number))
    home = Home(tmp_path / "home", parts_dual)
    home.index(mine)
    before = home.rows()
    write_nifti(mine / "sub-0" / "0_T1w.nii.gz", brain(9, bright=(slice(0, 16), slice(0, 16), slice(0, 8))))
    home.index(mine)
    after = home.rows()
    for table in ("regions", "predictions"):
        assert len(after[table]) == len(before[table])
        assert after[table] != before[table]
    (mine / "sub-0" / "0_T1w.nii.gz").unlink()
    home.index(mine, prune=True, yes=True)
    assert len(home.rows()["regions"]) == 1
    assert len(home.rows()["predictions"]) == 3
    assert home.query("SELECT count(*) FROM tombstones WHERE space_id = 1") == [(2,)]


def test_predicting_later_gives_what_indexing_would_have(home: Home, scans: Path, tmp_path: Path) -> None:
    late = Home(tmp_path / "home", plain_dual)
    late.index(scans)
    first = add(late, parts_dual(), limit=2)
    assert (first.series, first.volumes, first.ahead, first.left_out) == (2, 2, 4, {})
    assert len(late.rows()["regions"]) == 2
    rest = add(late, parts_dual())  # goes on where it stopped
    assert (rest.series, rest.ahead) == (4, 0)
    assert late.rows() == home.rows()
    assert add(late, parts_dual()).series == 0


def test_a_new_revision_of_one_head_is_asked_again_and_the_others_stay(home: Home, tmp_path: Path) -> None:
    mine = copy_of(home, tmp_path / "home")
    dual = parts_dual()
    newer = replace(dual, predictor=Heads(dual.image.space, {"brightness": "b", "age": "a", "finding": "a"}))
    assert add(mine, newer).volumes == 6
    assert dict(mine.query("SELECT task, max(head_revision) FROM predictions GROUP BY task"))["brightness"] == "b"
    assert mine.query("SELECT count(*) FROM predictions") == [(18,)]
    assert add(mine, newer).volumes == 0


def test_regions_alone_are_added_where_there_are_no_heads(scans: Path, tmp_path: Path) -> None:
    mine = Home(tmp_path / "home", plain_dual)
    mine.index(scans)
    assert add(mine, parts_dual(heads=False)).volumes == 6
    assert len(mine.rows()["regions"]) == 6
    assert mine.rows()["predictions"] == []


def test_what_changed_or_went_since_is_left_out_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    paths = [write_nifti(scans / f"sub-{n}" / f"{n}_T1w.nii.gz", brain(n)) for n in range(3)]
    mine = Home(tmp_path / "home", plain_dual)
    mine.index(scans)
    write_nifti(paths[0], brain(0, bright=(slice(0, 24), slice(0, 24), slice(0, 8))))
    paths[1].write_bytes(b"\x1f\x8b no more")
    done = add(mine, parts_dual())
    assert done.volumes == 1
    assert sum(done.left_out.values()) == 2
    assert any("changed since" in reason for reason in done.left_out)
    assert all("spinecho index" in reason for reason in done.left_out)


def test_there_is_nothing_to_add_from_an_encoder_without_parts(home: Home, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="nothing to add"):
        add(home, plain_dual())
    with pytest.raises(StoreError, match="spinecho index"):
        add(Home(tmp_path / "new"), parts_dual())
    other = PartsEncoder()
    other.space = replace(other.space, revision="2")
    with pytest.raises(SpaceMismatch, match="parts"):
        add(home, DualEncoder("other", other, Words()))


def test_heads_of_another_space_or_without_parts_to_read_are_refused() -> None:
    image = PartsEncoder()
    with pytest.raises(ValueError, match="heads trained on"):
        DualEncoder("x", image, Words(), predictor=Heads(replace(image.space, revision="2")))
    plain = plain_dual()
    with pytest.raises(ValueError, match="tells the parts"):
        replace(plain, predictor=Heads(plain.image.space))
    assert plain.describer is None
    assert parts_dual().describer is not None
    assert open_encoder("slices-minilm").describer is None


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [0, 2, 5])
def test_a_run_killed_anywhere_leaves_no_volume_without_its_parts(
    home: Home, scans: Path, tmp_path: Path, wanted: int
) -> None:
    """Killed when that many volumes are stored; what is there is whole, and the next run ends the same."""
    mine = Home(tmp_path / "home", parts_dual)
    tests = Path(__file__).resolve().parents[1]
    code = (
        f"import sys, time; sys.path[:0] = [{str(tests)!r}, {str(tests.parent)!r}]\n"
        "from pathlib import Path\nimport archives, parts_encoder, spinecho.indexer.pipeline as pipeline\n"
        "real = pipeline.storing.store_series\n"
        "def slow(*a, **k):\n    real(*a, **k)\n    time.sleep(0.1)\n"
        "pipeline.storing.store_series = slow\n"
        f"archives.Home(Path({str(mine.folder)!r}), parts_encoder.parts_dual).index(Path({str(scans)!r}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while process.poll() is None and mine.count("volumes") < wanted:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    stored = mine.count("volumes")
    assert stored < 6
    if stored > 0:
        assert mine.query("SELECT count(*) FROM region_vectors") == [(stored,)]
        assert mine.query("SELECT count(*) FROM predictions") == [(3 * stored,)]
    mine.index(scans)
    assert mine.rows() == home.rows()
