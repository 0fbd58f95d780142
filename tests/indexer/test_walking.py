"""What lies in a folder that is no file to read: links, pipes, sockets; and what goes while the walk is under way."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.files import not_indexed
from spinecho.db.schema.database import Database
from spinecho.encoders.errors import Reason
from spinecho.indexer.sources import folder as source
from spinecho.indexer.sources.folder import REST, RootUnreadable, outermost, walk


def rejected(home: Home) -> dict[str, str]:
    database = Database.open(home.database)
    found = {Path(one.path).name: one.reason for one in not_indexed.failures(database)}
    database.close()
    return found


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """An archive with links of every kind; beside it what they lead to."""
    root, outside = tmp_path / "archive", tmp_path / "elsewhere"
    write_nifti(root / "sub-in" / "sub-in_T1w.nii.gz", brain(1))
    write_nifti(outside / "sub-out" / "sub-out_T1w.nii.gz", brain(2))
    write_nifti(outside / "lone_T1w.nii.gz", brain(3))
    write_nifti(root / ".hidden" / "sub-hid" / "sub-hid_T1w.nii.gz", brain(4))
    (root / "study").symlink_to(outside / "sub-out")
    (root / "lone.nii.gz").symlink_to(outside / "lone_T1w.nii.gz")
    (root / "again").symlink_to(root / "sub-in")
    (root / "annexed_T1w.nii.gz").symlink_to(root / ".hidden" / "sub-hid" / "sub-hid_T1w.nii.gz")
    (root / "hidden").symlink_to(root / ".hidden" / "sub-hid")
    (root / "gone.nii.gz").symlink_to(outside / "nothing")
    (root / "circle").symlink_to(root / "circle")
    (root / "up").symlink_to(tmp_path)
    (root / "self").symlink_to(root)
    (outside / "sub-out" / "back").symlink_to(root)
    (outside / "sub-out" / "round").symlink_to(outside / "sub-out")
    os.mkfifo(root / "pipe.dcm")
    with socket.socket(socket.AF_UNIX) as heard:
        here = os.open(root, os.O_RDONLY)
        before = Path.cwd()
        os.fchdir(here)
        heard.bind("s")  # a socket's path is short
        os.chdir(before)
        os.close(here)
    return root


def test_links_out_are_named_and_not_followed(linked: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", parts_dual)
    summary = home.index(linked)
    assert rejected(home) == {
        "study": Reason.LINK_OUTSIDE,
        "lone.nii.gz": Reason.LINK_OUTSIDE,
        "up": Reason.LINK_OUTSIDE,
        "hidden": Reason.LINK_OUTSIDE,
        "again": Reason.LINKED_FOLDER,
        "self": Reason.LINKED_FOLDER,
        "gone.nii.gz": Reason.LINK_BROKEN,
        "circle": Reason.LINK_BROKEN,
        "pipe.dcm": Reason.NOT_A_FILE,
        "s": Reason.NOT_A_FILE,
    }
    assert summary.counts["volumes"] == 2  # of sub-in, and of the link to a file within
    assert summary.mendable == 6
    again = home.index(linked)
    assert again.counts["unchanged"] == again.counts["files"]


def test_links_are_followed_when_asked_for_and_no_folder_twice(linked: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", parts_dual)
    home.index(linked)
    summary = home.index(linked, follow_links=True)
    assert summary.counts["volumes"] == 3
    assert home.query("SELECT count(*) FROM volumes") == [(5,)]
    names = rejected(home)
    assert names["up"] == Reason.LINK_OUTSIDE
    assert names["back"] == names["round"] == names["again"] == Reason.LINKED_FOLDER
    assert not {"study", "lone.nii.gz", "hidden"} & set(names)
    again = home.index(linked, follow_links=True)
    assert again.counts["unchanged"] == again.counts["files"]


def test_a_folder_of_another_root_is_read_there(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_nifti(one / "sub-1" / "sub-1_T1w.nii.gz", brain(1))
    other.mkdir()
    (other / "there").symlink_to(one / "sub-1")
    home = Home(tmp_path / "home", parts_dual)
    assert home.index(one, other).mendable == 0
    assert rejected(home) == {"there": Reason.LINKED_FOLDER}


def test_a_folder_that_goes_while_the_walk_is_under_way(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x", encoding="utf-8")
    found = []
    for one in walk(tmp_path):
        found.append(Path(one.path).name)
        if one.path == str(tmp_path):
            (tmp_path / "b" / "x").unlink()
            (tmp_path / "b").rmdir()
    assert found == [tmp_path.name, "a", "c"]


def test_a_folder_that_turns_out_to_refuse_us_is_named_in_a_partial_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nifti(tmp_path / "archive" / "good" / "sub-1_T1w.nii.gz", brain(1))
    write_nifti(tmp_path / "archive" / "stale" / "sub-2_T1w.nii.gz", brain(2))
    home = Home(tmp_path / "home", parts_dual)
    home.index(tmp_path / "archive")
    scandir = os.scandir

    def stale(path: str) -> Any:
        if str(path).endswith("stale"):
            raise OSError(116, "Stale file handle")
        return scandir(path)

    monkeypatch.setattr(source.os, "scandir", stale)
    summary = home.index(tmp_path / "archive")
    assert summary.reasons == {"UNREADABLE": 1}
    assert rejected(home) == {"stale": Reason.UNREADABLE}
    partial = [one for one in walk(tmp_path / "archive") if one.partial]
    assert [(one.path, one.unreadable) for one in partial] == [(str(tmp_path / "archive"), ("stale",))]


def test_a_disk_that_fails_in_the_middle_of_a_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "archive"
    write_nifti(archive / "sub-1_T1w.nii.gz", brain(1))
    write_nifti(archive / "sub-2_T1w.nii.gz", brain(2))
    home = Home(tmp_path / "home", parts_dual)
    home.index(archive)
    scandir = os.scandir

    class Failing:
        def __init__(self, path: str) -> None:
            self._inner = scandir(path)

        def __enter__(self) -> Iterator[Any]:
            def entries() -> Iterator[Any]:
                yield min(self._inner, key=lambda entry: str(entry.name))
                raise OSError(5, "Input/output error")

            return entries()

        def __exit__(self, *_: object) -> None:
            self._inner.close()

    with monkeypatch.context() as patched:
        patched.setattr(source.os, "scandir", Failing)
        (only,) = walk(archive)
        assert only.partial
        assert [name for name, *_ in only.files] == ["sub-1_T1w.nii.gz"]
        summary = home.index(archive, prune=True, yes=True)
    assert (summary.mendable, summary.reasons, summary.counts["missing"]) == (1, {"UNREADABLE": 1}, 0)
    assert rejected(home) == {REST: Reason.UNREADABLE}
    assert home.index(archive).mendable == 0
    assert home.query("SELECT count(*) FROM volumes") == [(2,)]


def test_a_folder_within_another_is_walked_once(tmp_path: Path) -> None:
    write_nifti(tmp_path / "archive" / "below" / "sub-1_T1w.nii.gz", brain(1))
    home = Home(tmp_path / "home", parts_dual)
    roots = [tmp_path / "archive" / "below", tmp_path / "archive", tmp_path / "archive"]
    assert home.index(*roots).counts["files"] == 1
    assert outermost([Path("/a/b"), Path("/a"), Path("/ab"), Path("/a")]) == [Path("/a"), Path("/ab")]


def test_a_root_that_cannot_be_listed_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(RootUnreadable, match="mounted"):
        list(walk(tmp_path / "none"))


def test_files_that_go_between_the_listing_and_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "archive"
    write_nifti(root / "sub-1_T1w.nii.gz", brain(1))
    for name in ("going.nii.gz", "going.dcm", "ACC1.txt"):
        (root / name).write_bytes(b"FINDINGS: x")
    original = source.walk

    def then_gone(*arguments: Any, **options: Any) -> Iterator[Any]:
        for found in original(*arguments, **options):
            for name in ("going.nii.gz", "going.dcm", "ACC1.txt"):
                (root / name).unlink()
            yield found

    monkeypatch.setattr("spinecho.indexer.discovery.walk", then_gone)
    home = Home(tmp_path / "home", parts_dual)
    summary = home.index(root)
    assert summary.reasons == {}
    assert home.query("SELECT name, state FROM files") == [("sub-1_T1w.nii.gz", "indexed")]


def test_a_time_before_1970_is_a_time(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    path = write_nifti(root / "sub-1_T1w.nii.gz", brain(1))
    home = Home(tmp_path / "home", parts_dual)
    for when in (-1, 2**63 + 10**9):  # 1969, and the year 2262
        os.utime(path, ns=(when, when))
        assert home.index(root).counts["volumes"] == 1
        assert home.index(root).counts["unchanged"] == 1


@pytest.mark.parametrize("prune", [False, True], ids=["plain", "prune"])
@pytest.mark.parametrize("away", ["target", "option"])
def test_what_links_lead_to_stays_while_it_cannot_be_reached(tmp_path: Path, away: str, prune: bool) -> None:
    """A disk that is not mounted, or an option that was forgotten, takes nothing from the index."""
    root, outside = tmp_path / "archive", tmp_path / "elsewhere"
    for number in range(8):
        write_nifti(root / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    write_nifti(outside / "sub-file_T1w.nii.gz", brain(20))
    write_nifti(outside / "sub-folder" / "sub-folder_T1w.nii.gz", brain(21))
    (root / "sub-file_T1w.nii.gz").symlink_to(outside / "sub-file_T1w.nii.gz")
    (root / "sub-folder").symlink_to(outside / "sub-folder")
    home = Home(tmp_path / "home", parts_dual)
    home.index(root, follow_links=True)
    before = home.rows()["volumes"]
    assert len(before) == 10
    if away == "target":
        outside.rename(tmp_path / "unmounted")
    summary = home.index(root, follow_links=away == "target", prune=prune)
    assert home.rows()["volumes"] == before
    assert summary.mendable
    if away == "target":
        (tmp_path / "unmounted").rename(outside)
    again = home.index(root, follow_links=True)
    assert (again.counts.get("volumes", 0), again.mendable, home.rows()["volumes"]) == (0, 0, before)
    (root / "sub-file_T1w.nii.gz").unlink()
    home.index(root, follow_links=True, prune=True)
    assert len(home.rows()["volumes"]) == 9, "a link that was taken away is gone"
