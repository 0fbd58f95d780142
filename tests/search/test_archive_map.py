"""The map: the same for the same vectors, apart what is apart, made anew when vectors came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.search.answers.archive_map import archive_map, laid_out


def two_clouds(n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.eye(2, 16, dtype=np.float32)
    rows = np.repeat(centres, n, axis=0) + random.normal(0, 0.05, (2 * n, 16)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize(("n", "method"), [(10, "principal components"), (100, "pacmap")])
@pytest.mark.filterwarnings("ignore")
def test_two_clouds_lie_apart_and_the_same_each_time(n: int, method: str) -> None:
    if method == "pacmap":
        pytest.importorskip("pacmap", reason="the map by PaCMAP needs pacmap: pip install '.[map]'")
    rows = two_clouds(n)
    places, how = laid_out(rows)
    assert how == method
    assert np.abs(places).max() <= 1.0
    middle = [places[:n].mean(axis=0), places[n:].mean(axis=0)]
    spread = max(places[:n].std(), places[n:].std())
    assert np.linalg.norm(middle[0] - middle[1]) > 2 * spread
    np.testing.assert_allclose(laid_out(rows)[0], places, atol=1e-4)


def test_the_map_follows_the_archive_and_says_what_it_is_of(tmp_path: Path) -> None:
    for number in range(4):
        write_nifti(tmp_path / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    home = Home(tmp_path / "home", parts_dual)
    with pytest.raises(StoreError, match="nothing is indexed"):
        archive_map(Database.open(home.database), tmp_path / "home" / "builds")
    home.index(tmp_path / "scans")
    database, builds = Database.open(home.database), tmp_path / "home" / "builds"
    first = archive_map(database, builds)
    assert (len(first.ids), first.of) == (4, 4)
    assert archive_map(database, builds, most=3, seed=1).of == 4
    write_nifti(tmp_path / "scans" / "sub-9" / "sub-9_T1w.nii.gz", brain(9))
    home.index(tmp_path / "scans")
    assert len(archive_map(database, builds).ids) == 5
    made, kept = archive_map(database, builds), next(builds.glob("space-*/map/map.safetensors"))
    whole = kept.read_bytes()
    broken = [whole[:-1] + bytes([whole[-1] ^ 1]), whole[:9] + b"x" + whole[10:], whole[: len(whole) // 2], b""]
    places = whole.index(made.places.tobytes())
    broken.append(whole[:places] + bytes([whole[places] ^ 64]) + whole[places + 1 :])
    for content in broken:
        kept.write_bytes(content)
        assert np.array_equal(archive_map(database, builds).places, made.places), "a broken file is made again"
        assert kept.read_bytes() == whole
    assert [path.name for path in kept.parent.iterdir()] == [kept.name], "one file: no half of another one beside it"
