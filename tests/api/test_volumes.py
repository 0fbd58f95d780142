"""Volumes of a series by their number, ranges of what is kept on disk, and tags that every process gives alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import nibabel
import numpy as np
import pytest
from archives import Home, copy_of
from serving import Served, open_served

import spinecho
from spinecho.ui.server.api.around.kept_volumes import KeptVolumes
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.finding import volumes

Several: TypeAlias = tuple[Served, Served, str, str]


@pytest.fixture(scope="module")
def several(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    """Two servers over one home, and a series of three volumes in it."""
    folder = tmp_path_factory.mktemp("several")
    home = copy_of(indexed, folder / "home")
    rng = np.random.default_rng(3)
    (folder / "more").mkdir()
    voxels = rng.normal(100, 20, (24, 24, 12, 3)).astype(np.float32) * np.array([1, 2, 3], np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2, 4, 1])), folder / "more" / "perfusion.nii.gz")
    home.index(folder / "more")
    uid, study = home.query("SELECT s.uid, t.uid FROM series s JOIN volumes v ON v.series_id = s.id JOIN studies t"
                            " ON t.id = s.study_id GROUP BY s.uid, t.uid HAVING count(*) > 1")[0]  # fmt: skip
    limits = Limits(rate=0)
    with open_served(home, Door(alone=True), limits) as one, open_served(home, Door(alone=True), limits) as other:
        yield one, other, uid, study


def test_each_volume_is_that_of_the_front_door(several: Several) -> None:
    served, _, uid, study = several
    with spinecho.open(served.settings.home, device="cpu") as archive:
        series = next(one for one in archive.study(study).series if one.uid == uid)
        wanted = [series.volume(number) for number in range(series.volume_count)]
    assert len(wanted) > 1
    for number, volume in enumerate(wanted):
        about = served.get(f"/series/{uid}/volume?volume={number}").json()
        assert (about["volume"], about["volumes"]) == (number, len(wanted))
        data = served.client.get(about["data"]["float32"]["url"]).content
        np.testing.assert_array_equal(np.frombuffer(data, "<f4").reshape(about["shape"]), volume.voxels)
        whole = served.get(f"/series/{uid}/volume.nii?volume={number}").content
        np.testing.assert_array_equal(nibabel.Nifti1Image.from_bytes(whole).get_fdata(dtype=np.float32), volume.voxels)
        assert served.get(f"/series/{uid}/frames/0?volume={number}").status_code == 200
    frames = {served.get(f"/series/{uid}/frames/0?volume={number}").headers["etag"] for number in range(len(wanted))}
    assert len(frames) == len(wanted)
    for path in ("volume", "volume/data", "volume.nii", "frames/0"):
        answer = served.get(f"/series/{uid}/{path}?volume={len(wanted)}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:spinecho:problem:unknown")
        assert served.get(f"/series/{uid}/{path}?volume=-1").status_code == 422


@pytest.mark.parametrize("path", ["volume.nii", "volume/data?dtype=float32", "volume/data?dtype=int16"])
def test_a_range_is_read_from_what_is_kept_and_converts_nothing_again(
    several: Several, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, other, uid, _ = several
    address = f"/series/{uid}/{path}"
    whole = served.get(address)

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("made anew")

    monkeypatch.setattr(volumes, "_nifti_bytes", fail)
    monkeypatch.setattr(volumes, "_plain_bytes", fail)
    monkeypatch.setattr(volumes, "read_volume", fail)
    size = len(whole.content)
    for door in (served, other):  # another process of the same home finds it too
        for first, last in ((0, 351), (352, 4000), (size - 7, size - 1)):
            part = door.get(address, headers={"Range": f"bytes={first}-{last}", "If-Range": whole.headers["etag"]})
            assert part.status_code == 206
            assert part.content == whole.content[first : last + 1]
        beyond = door.get(address, headers={"Range": f"bytes={size}-"})
        assert (beyond.status_code, beyond.json()["type"]) == (416, "urn:spinecho:problem:out-of-range")


PATHS = [
    "/studies/{study}", "/studies/{study}/series", "/studies/{study}/reports", "/series/{series}",
    "/series/{series}/thumbnail", "/series/{series}/volume/data", "/series/{series}/volume.nii",
    "/series/{series}/frames/1",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_another_process_and_the_next_one_know_a_tag_that_was_given(several: Several, path: str) -> None:
    one, other, *_ = several
    address = path.format(study=one.study, series=one.series)
    first = one.get(address)
    assert other.get(address).headers["etag"] == first.headers["etag"]
    again = other.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_facets_too_have_one_tag(several: Several) -> None:
    one, other, *_ = several
    tags = {door.post("/facets", {"where": where}).headers["etag"] for door in (one, other) for where in ("", "sex=F")}
    assert len(tags) == 2


def test_a_tag_changes_with_what_is_shown_and_with_nothing_else(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    before = {}
    with open_served(home, Door(alone=True), Limits(rate=0)) as served:
        for path in PATHS:
            before[path] = served.get(path.format(study=served.study, series=served.series)).headers["etag"]
    (tmp_path / "more").mkdir()
    voxels = np.random.default_rng(4).normal(100, 20, (24, 24, 12)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2, 4, 1])), tmp_path / "more" / "another.nii.gz")
    home.index(tmp_path / "more")
    with open_served(home, Door(alone=True), Limits(rate=0)) as served:
        for path in PATHS:
            tag = served.get(path.format(study=served.study, series=served.series)).headers["etag"]
            assert tag == before[path], f"another study came, and {path} shows nothing of it"
        (accession,) = home.query(f"SELECT accession_number FROM studies WHERE uid = '{served.study}'")[0]
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "new.txt").write_text(f"ACCESSION: {accession}\nFINDINGS: A cavernoma on the left.\n")
        home.index(tmp_path / "reports")
        changed = {
            path for path in PATHS
            if served.get(path.format(study=served.study, series=served.series)).headers["etag"] != before[path]
        }  # fmt: skip
        assert changed == {"/studies/{study}", "/studies/{study}/reports"}


def test_what_is_kept_has_a_limit_and_is_the_owners_alone(tmp_path: Path) -> None:
    kept = KeptVolumes(tmp_path, 1000)
    for number in range(10):
        assert bytes(kept.get(f"n{number}", lambda number=number: bytes([number]) * 300)) == bytes([number]) * 300
        (written,) = (tmp_path / "volumes").glob(f"*n{number}")
        os.utime(written, (1e9 + number, 1e9 + number) if number < 7 else None)
    held = sorted((tmp_path / "volumes").iterdir())
    assert sum(one.stat().st_size for one in held) <= 1000
    assert {one.name[-2:] for one in held} == {"n7", "n8", "n9"}
    assert all(one.stat().st_mode & 0o077 == 0 for one in [*held, tmp_path / "volumes"])
    view = kept.get("n9", lambda: b"")
    for one in held:
        os.utime(one, (1e9, 1e9))
    kept.tidy()
    assert not list((tmp_path / "volumes").iterdir()), "nobody asked for a day"
    assert bytes(view[:3]) == b"\t\t\t", "who reads it goes on"
    assert bytes(kept.get("huge", lambda: b"x" * 2000)) == b"x" * 2000
    assert not list((tmp_path / "volumes").iterdir())


def test_what_was_kept_before_the_machine_started_anew_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptVolumes(tmp_path, 1000)
    kept.get("x", lambda: b"whole")
    (written,) = (tmp_path / "volumes").iterdir()
    written.write_bytes(b"who")  # as a power cut may leave it
    monkeypatch.setattr("spinecho.ui.server.api.around.kept_volumes.boot", lambda: "another")
    assert bytes(kept.get("x", lambda: b"whole")) == b"whole"


def test_many_who_want_the_same_have_it_made_once(tmp_path: Path) -> None:
    kept, made = KeptVolumes(tmp_path, 10_000), []

    def make() -> bytes:
        made.append(1)
        return b"abc" * 100

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: bytes(kept.get("same", make)), range(32)))
    assert set(found) == {b"abc" * 100}
    assert len(made) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing_and_gives_all(tmp_path: Path) -> None:
    (tmp_path / "volumes").write_text("in the way")
    assert bytes(KeptVolumes(tmp_path, 1000).get("x", lambda: b"abc")) == b"abc"
    assert bytes(KeptVolumes(tmp_path / "y", 0).get("x", lambda: b"abc")) == b"abc"
    assert not (tmp_path / "y").exists()
