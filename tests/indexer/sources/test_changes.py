"""What changes at a real Orthanc is followed: objects that are added and overwritten, studies that are deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from orthancs import USER, Orthanc, orthanc
from pydicom import dcmread
from small_studies import small_study, study_uid

from spinecho.archive import Archive

STUDIES = 5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Orthanc]:
    """A server of this test's own, with five studies."""
    with orthanc(tmp_path / "orthanc") as started:
        for number in range(STUDIES):
            started.fill(small_study(tmp_path / "sent", number, series=1, slices=2))
        started.wait_stable()
        yield started


def uids(archive: Archive) -> set[str]:
    """The studies that are indexed."""
    return {one.study.uid for one in archive.search("brain", k=50) if one.study}


def test_additions_replacements_and_deletions_are_followed_while_searches_run(
    archive: Archive, server: Orthanc, tmp_path: Path
) -> None:
    archive.sources.add(
        "pacs", "orthanc", url=server.url, user=USER, password_env="TEST_PACS_PASSWORD", attempts=1, grace_days=0
    )
    watch = archive.watch(sources=["pacs"], every=0.1, workers=1).passes()
    first = next(watch)
    assert (first.studies, first.pulled, first.trouble) == (STUDIES, 2 * STUDIES, [])
    everything = {study_uid(number) for number in range(STUDIES)}
    assert uids(archive) == everything

    server.fill(small_study(tmp_path / "more", 0, series=1, slices=2, first=1))
    changed = tmp_path / "sent" / "1" / "0" / "1.dcm"
    other = dcmread(changed)
    other.PixelData = bytes(reversed(other.PixelData))
    other.save_as(changed)
    server.fill([changed])
    server.wait_stable()
    second = next(watch)
    assert (second.studies, second.pulled) == (2, 3)
    folder = archive.sources.list()[0].folder
    held = {hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in folder.glob("[!.]*/*/*.dcm")}
    assert hashlib.md5(changed.read_bytes(), usedforsecurity=False).hexdigest() in held
    assert len(held) == 2 * STUDIES + 2

    server.client.delete(f"/studies/{server.study(study_uid(4))}").raise_for_status()
    assert next(watch).forgotten == 1
    assert uids(archive) == everything - {study_uid(4)}

    for number in range(3):  # so many that somebody should look first
        server.client.delete(f"/studies/{server.study(study_uid(number))}").raise_for_status()
    refused = next(watch)
    assert refused.forgotten == 0
    assert "more than a fifth" in refused.trouble[0]
    server.stop()
    down = next(watch)
    assert down.trouble[0].startswith("pacs: ")
    assert uids(archive) == everything - {study_uid(4)}
    assert len(list(folder.glob("[!.]*/*/*.dcm"))) == 10
