"""What a run counts is what the index has: a series once, and files that are the same in two places are told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from small_studies import small_study

from spinecho.db.files.same_bytes import same_bytes
from spinecho.db.schema.database import Database
from spinecho.filling.run_report import run_report
from spinecho.filling.status_facts import status_facts
from spinecho.maintaining.doctor import doctor
from spinecho.setup.settings import Settings

_TOLD = "1 NIfTI file is byte for byte another one"


def test_a_series_that_is_read_again_in_a_run_is_counted_once(tmp_path: Path) -> None:
    """A slice that cannot be read gives way to its copy elsewhere, and its series is read once more."""
    small_study(tmp_path / "in" / "b", 1, series=1, slices=4)
    bad = small_study(tmp_path / "in" / "a", 1, series=1, slices=4)[1]
    torn = pydicom.dcmread(bad)
    torn.PixelData = torn.PixelData[:100]
    torn.save_as(bad)
    home = Home(tmp_path / "home", encoders=parts_dual)
    summary = home.index(tmp_path / "in")
    held = home.query("SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM volumes)")
    assert held == [(1, 1)]
    assert (summary.counts["series"], summary.counts["volumes"]) == held[0]


def test_a_file_that_is_a_study_in_two_places_is_told(tmp_path: Path) -> None:
    """By the run, its page, status and doctor, for as long as it is so; the same folder under another name does it."""
    one = tmp_path / "one"
    one.mkdir()
    write_nifti(one / "t1.nii.gz", brain(1))
    (tmp_path / "other").symlink_to(one)
    home = Home(tmp_path / "home", encoders=parts_dual)
    assert not any("byte for byte" in said for said in home.index(one).warnings)
    summary = home.index(one, tmp_path / "other")
    assert any(_TOLD in said and "name it once" in said for said in summary.warnings)
    settings = Settings(home.folder)
    database = Database.open(home.database)
    try:
        found = same_bytes(database)
        assert found is not None
        assert (found.files, found.studies) == (1, 2)
        assert [Path(path).parent.name for path in found.examples] == ["one", "other"]
        assert any(_TOLD in said for said in status_facts(database, settings)["warnings"])
        assert run_report(database, settings, pictures=False).did["same bytes"] == 1
    finally:
        database.close()
    [told] = [one for one in doctor(home.folder).findings if _TOLD in one.what]
    assert (told.severity, len(told.examples)) == ("note", 2)
    (tmp_path / "other").unlink()
    shutil.copytree(one, tmp_path / "other")  # a copy is as good a reason
    assert home.index(one, tmp_path / "other").counts["same_bytes"] == 1
