"""Pixels that a PACS keeps: what is looked at comes back, what does not come back takes nothing away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from orthancs import USER, Orthanc, orthanc
from small_studies import small_study

from spinecho.archive import Archive
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.away import noted_digest
from spinecho.setup import at_source

SIGN_IN = {"user": USER, "password_env": "TEST_PACS_PASSWORD", "attempts": 1, "connect_timeout": 2}


@pytest.fixture(autouse=True)
def _asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that did not answer is asked again at once."""
    monkeypatch.setattr(at_source, "_AGAIN", 0.0)


@pytest.fixture
def server(tmp_path: Path, phantoms: list[Path]) -> Iterator[Orthanc]:
    (tmp_path / "orthanc").mkdir()
    with orthanc(tmp_path / "orthanc") as running:
        running.fill(phantoms)
        running.wait_stable()
        yield running


def add(archive: Archive, server: Orthanc, kind: str, **more: object) -> Path:
    url = server.web if kind == "dicomweb" else server.url
    return archive.sources.add("pacs", kind, url=url, pixels="fetched", **{**SIGN_IN, **more}).folder  # type: ignore[arg-type]


def objects(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*/*/*.dcm"))


def away(folder: Path) -> list[bool]:
    return [noted_digest(path) != "" for path in objects(folder)]


def voxels(archive: Archive, folder: Path) -> list[np.ndarray]:
    uids = sorted({path.parent.parent.name for path in objects(folder)})
    return [one.voxels for uid in uids for series in archive.study(uid).series for one in series.volumes()]


@pytest.mark.parametrize("kind", ["dicomweb", "orthanc"])
def test_what_is_let_go_of_comes_back_as_it_was(archive: Archive, server: Orthanc, kind: str) -> None:
    folder = add(archive, server, kind, kept_gb=1)
    archive.index(source="pacs")
    before, stats = voxels(archive, folder), [path.stat() for path in objects(folder)]
    assert len(before) == 6
    assert not any(away(folder))
    archive.sources.remove("pacs")
    add(archive, server, kind, kept_gb=0)
    first = archive.index(source="pacs")
    assert first.counts.get("series", 0) == 0
    assert all(away(folder))
    assert [(one.st_size, one.st_mtime_ns) for one in stats] == [
        (path.stat().st_size, path.stat().st_mtime_ns) for path in objects(folder)
    ]
    assert sum(path.stat().st_blocks for path in objects(folder)) <= sum(one.st_blocks for one in stats) / 2
    after = voxels(archive, folder)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    again = archive.index(source="pacs", verify=True, again=True)  # the pixels of all are fetched once more
    assert (again.counts.get("missing", 0), again.mendable) == (0, 0)
    assert all(away(folder))
    assert all(np.array_equal(one, other) for one, other in zip(before, voxels(archive, folder), strict=True))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".fetched")] == []


@pytest.mark.parametrize("kind", ["dicomweb", "orthanc"])
def test_a_source_that_is_down_takes_nothing_away(archive: Archive, server: Orthanc, kind: str) -> None:
    folder = add(archive, server, kind, kept_gb=0)
    archive.index(source="pacs")
    known = archive.search("normal brain", k=3).hits
    server.stop()
    with pytest.raises(ReadError, match="sources test") as told:
        voxels(archive, folder)
    assert told.value.reason is Reason.AT_ITS_SOURCE
    for run in (archive.index(verify=True), archive.index(again=True), archive.index(retry=True, prune=True)):
        assert run.counts.get("pruned", 0) == 0
    assert "does not answer" in " ".join(archive.index(again=True).warnings)
    assert [one.study.uid for one in archive.search("normal brain", k=3).hits] == [one.study.uid for one in known]
    assert all(away(folder))
    server.start()
    assert len(voxels(archive, folder)) == 6


def test_the_series_that_was_looked_at_last_stays(archive: Archive, server: Orthanc) -> None:
    folder = add(archive, server, "orthanc", kept_gb=1)
    archive.index(source="pacs")
    size = sum(path.stat().st_blocks for path in objects(folder)) * 512
    last = objects(folder)[-1]
    os.utime(last, ns=(last.stat().st_mtime_ns + 10**12, last.stat().st_mtime_ns))
    archive.sources.remove("pacs")
    add(archive, server, "orthanc", kept_gb=0.5 * size / 10**9)
    archive.index(source="pacs")
    told = dict(zip(objects(folder), away(folder), strict=True))
    assert not told[last]
    assert 0 < sum(told.values()) < len(told)
    here = sum(path.stat().st_blocks for path, gone in told.items() if not gone) * 512
    assert here <= 0.5 * size


def test_what_a_source_has_changed_meanwhile_is_read_by_the_next_run(
    archive: Archive, server: Orthanc, tmp_path: Path
) -> None:
    folder = add(archive, server, "dicomweb", kept_gb=0)
    archive.index(source="pacs")
    path = objects(folder)[0]
    content = path.read_bytes()
    path.write_bytes(content[:64] + b"f" * 64 + content[128:])  # a note that knows of other bytes than the server has
    assert len(voxels(archive, folder)) == 6
    assert archive.index().counts["series"] == 1
    assert archive.index().counts.get("series", 0) == 0


def test_many_that_look_at_once_take_nothing_from_one_another(archive: Archive, server: Orthanc) -> None:
    """Nothing may be kept: who has read a series lets go of every other one that nobody reads."""
    folder = add(archive, server, "orthanc", kept_gb=0)
    archive.index(source="pacs")
    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(lambda _: voxels(archive, folder), range(4)))
    assert {len(one) for one in seen} == {6}
    assert all(np.array_equal(one, other) for many in seen[1:] for one, other in zip(seen[0], many, strict=True))


def test_a_source_that_is_gone_leaves_what_is_indexed(archive: Archive, server: Orthanc) -> None:
    folder = add(archive, server, "dicomweb", kept_gb=0)
    archive.index(source="pacs")
    archive.sources.remove("pacs")
    with pytest.raises(ReadError, match="stay at the PACS"):
        voxels(archive, folder)
    assert archive.index().counts.get("pruned", 0) == 0
    add(archive, server, "dicomweb", kept_gb=1)
    assert len(voxels(archive, folder)) == 6


def test_half_a_note_and_half_a_fetch_of_killed_processes_go(archive: Archive, server: Orthanc) -> None:
    folder = add(archive, server, "orthanc", kept_gb=0)
    archive.index(source="pacs")
    (folder / ".incoming").mkdir(exist_ok=True)
    (folder / ".incoming" / ".1.2.dcm.7-8.partial").write_bytes(b"SPINECHO: away\n")
    (folder / ".fetched-killed" / "1.2").mkdir(parents=True)
    assert len(voxels(archive, folder)) == 6
    archive.index()
    assert not (folder / ".incoming" / ".1.2.dcm.7-8.partial").exists()
    assert not (folder / ".fetched-killed").exists()
    shutil.rmtree(folder / ".incoming", ignore_errors=True)


@pytest.mark.parametrize("kind", ["dicomweb", "orthanc"])
def test_an_object_more_brings_itself_alone(archive: Archive, server: Orthanc, kind: str, tmp_path: Path) -> None:
    folder = add(archive, server, kind, kept_gb=0)
    archive.index(source="pacs")
    server.fill(small_study(tmp_path, 0, slices=1, first=7, series=1))
    server.wait_stable()
    pulled = archive.sources.pull("pacs")
    assert (pulled.taken, pulled.instances, pulled.short) == (1, 1, 0)
    assert sum(away(folder)) == len(objects(folder)) - 1
    assert archive.index().counts["series"] == 1
    assert all(away(folder))
