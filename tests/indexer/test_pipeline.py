"""From a folder to rows and vectors, with everything that goes wrong on the way."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archives import Home, copy_of, small_archive
from pydicom import dcmread

from spinecho.db.files import not_indexed
from spinecho.db.schema.database import Database
from spinecho.db.store import storing as stored
from spinecho.encoders.errors import Reason
from spinecho.indexer.progress import STAGES


def failures(home: Home) -> dict[str, str]:
    database = Database.open(home.database)
    found = {Path(failure.path).name: failure.reason for failure in not_indexed.failures(database)}
    database.close()
    return found


def uncompressed_slices(archive: Path) -> list[Path]:
    """The files of a single-frame series whose pixels are plain bytes at the end of the file."""
    for series in sorted({path.parent for path in (archive / "dicom").rglob("*.dcm")}):
        slices = sorted(series.glob("*.dcm"))
        header = dcmread(slices[0], stop_before_pixels=True)
        if not header.file_meta.TransferSyntaxUID.is_compressed and len(slices) > 3 and "ADC" not in header.ImageType:
            return slices
    raise AssertionError("no such series")


def test_every_file_is_embedded_or_listed_with_its_reason(indexed: Home, archive: Path) -> None:
    on_disk = {path.name for path in archive.rglob("*") if path.is_file()}
    states = dict(indexed.query("SELECT state, count(*) FROM files GROUP BY state"))
    assert set(states) == {"indexed", "rejected"}
    assert sum(states.values()) == sum(1 for path in archive.rglob("*") if path.is_file())
    listed = failures(indexed)
    assert set(listed) <= on_disk
    assert len(listed) == states["rejected"]
    assert listed == {"truth.json": Reason.UNSUPPORTED_TYPE}
    embedded = indexed.query("SELECT count(DISTINCT file_id) FROM volume_files")[0][0]
    reports = indexed.query("SELECT count(*) FROM files WHERE kind = 'report' AND state = 'indexed'")[0][0]
    assert embedded + reports == states["indexed"]


def test_facts_and_reports_are_those_of_the_archive(indexed: Home, archive: Path) -> None:
    truth = json.loads((archive / "truth.json").read_text(encoding="utf-8"))
    studies = {study["study_uid"]: study for study in truth["studies"]}
    rows = indexed.query("SELECT uid, accession_number, sex FROM studies")
    assert {(uid, s["accession_number"], s["sex"]) for uid, s in studies.items()} == set(rows)
    matched = indexed.query("SELECT t.uid FROM reports r JOIN studies t ON t.id = r.study_id")
    assert {uid for (uid,) in matched} == set(studies)


def test_a_second_run_reads_nothing_and_changes_nothing(indexed: Home, archive: Path, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    before = home.rows()
    summary = home.index(archive)
    assert summary.counts["unchanged"] == summary.counts["files"]
    assert summary.seconds["scan"] == summary.seconds["read"] == summary.seconds["encode"] == 0
    assert home.rows() == before


def test_a_limit_leaves_the_rest_for_the_next_run(indexed: Home, archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first = home.index(archive, limit=2)
    assert first.counts["series"] == 2
    assert first.counts["pending"] > 0
    assert any("not indexed yet" in warning for warning in home.engine().search(_words("infarct")).warnings)
    home.index(archive)
    assert home.rows() == indexed.rows()


def test_workers_change_nothing(indexed: Home, archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.index(archive, workers=4)
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_run_killed_anywhere_and_started_again_ends_the_same(
    indexed: Home, archive: Path, tmp_path: Path, share: float
) -> None:
    """Killed when that share of the vectors is stored (at 0: while headers are read), and once more a little later."""
    home = Home(tmp_path / "home")
    total = indexed.query("SELECT count(*) FROM vectors")[0][0]
    command = [sys.executable, "-m", "spinecho.ui.cli.app", "index", str(archive), "--home", str(home.folder)]
    root = Path(__file__).resolve().parents[2]
    for wanted in (share * total, (share + 0.08) * total):
        process = subprocess.Popen(
            command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while process.poll() is None and home.count("vectors") < wanted:
            time.sleep(0.005)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert home.count("vectors") < total
    assert subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()


def test_a_changed_slice_is_read_again_and_the_old_vector_is_gone(indexed: Home, archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    shutil.copytree(archive, mine)
    home = Home(tmp_path / "home")
    home.index(mine)
    before = home.rows()
    slices = uncompressed_slices(mine)
    content = bytearray(slices[0].read_bytes())
    content[-2000:] = bytes(2000)
    slices[0].write_bytes(content)
    summary = home.index(mine)
    assert summary.counts["series"] == 1
    after = home.rows()
    assert after["volumes"] == before["volumes"]
    assert sum(a != b for a, b in zip(after["image_vectors"], before["image_vectors"], strict=True)) == 1
    assert after["counts"] == before["counts"]


def test_missing_files_stay_until_pruned(archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    shutil.copytree(archive, mine)
    home = Home(tmp_path / "home")
    home.index(mine)
    study = sorted((mine / "dicom").iterdir())[0]
    n_files = sum(1 for path in study.rglob("*.dcm"))
    shutil.rmtree(study)
    before = home.rows()
    assert home.index(mine).counts["missing"] == n_files
    assert home.rows()["volumes"] == before["volumes"]
    engine = home.engine()
    gone = {row[0] for row in before["studies"]}
    assert home.index(mine, prune=True).counts["pruned"] == n_files
    left = {row[0] for row in home.rows()["studies"]}
    gone -= left
    assert gone
    found = engine.search(_words("brain"), k=50)  # the engine was opened before: deletes take effect at once
    assert not {hit.study.uid for hit in found.hits if hit.study} & gone
    assert home.query("SELECT count(*) FROM reports WHERE match = 'unmatched'")[0][0] >= 1


def test_new_studies_are_found_without_opening_the_engine_again(archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    shutil.copytree(archive, mine)
    last = sorted((mine / "dicom").iterdir())[-1]
    shutil.move(last, tmp_path / "later")
    home = Home(tmp_path / "home")
    home.index(mine)
    engine = home.engine()
    before = len(engine.search(_words("brain"), k=50).hits)
    shutil.move(tmp_path / "later", last)
    home.index(mine)
    results = engine.search(_words("brain"), k=50)
    assert len(results.hits) > before
    assert results.build["image"]["newer_than_build"] > 0


def test_bad_files_are_listed_and_the_rest_goes_on(archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    shutil.copytree(archive, mine)
    slices = uncompressed_slices(mine)
    (mine / "notes.dcm").write_text("not a picture at all, however it is called")
    (mine / "empty.dcm").write_bytes(b"")
    (mine / "copy.dcm").write_bytes(slices[1].read_bytes())
    (mine / "other.dcm").write_bytes(slices[2].read_bytes()[:-2] + b"\x01\x01")
    (mine / "bad.nii.gz").write_bytes(b"\x1f\x8b but then nothing")
    slices[0].write_bytes(slices[0].read_bytes()[:-5000])
    (mine / "reports" / "unknown-accession.txt").write_text("FINDINGS: A report for no study.\n")
    home = Home(tmp_path / "home")
    summary = home.index(mine)
    listed = failures(home)
    assert listed["notes.dcm"] == Reason.NOT_DICOM
    assert listed["empty.dcm"] == Reason.EMPTY_FILE
    assert Reason.DUPLICATE in {listed.get("copy.dcm"), listed.get(slices[1].name)}
    assert Reason.CONFLICT in {listed.get("other.dcm"), listed.get(slices[2].name)}
    assert listed[slices[0].name] == Reason.TRUNCATED
    assert "bad.nii.gz" in listed
    assert summary.mendable >= 5
    assert summary.counts["series"] > 3
    database = Database.open(home.database)
    assert [Path(r.path).name for r in stored.unmatched_reports(database)] == ["unknown-accession.txt"]
    database.close()


def test_the_next_file_gets_its_turn_when_the_owner_of_a_uid_is_broken(archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    mine.mkdir()
    whole = uncompressed_slices(archive)[0].read_bytes()
    (mine / "a-broken.dcm").write_bytes(whole[:-4000])  # the owner: a shorter name goes before a longer one
    (mine / "b-is-whole.dcm").write_bytes(whole)
    home = Home(tmp_path / "home")
    home.index(mine)
    assert failures(home) == {"a-broken.dcm": Reason.TRUNCATED}
    assert home.query("SELECT count(*) FROM volumes") == [(1,)]


def test_reports_are_joined_by_either_key_and_never_guessed(archive: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    shutil.copytree(archive / "dicom", mine / "dicom")
    truth = json.loads((archive / "truth.json").read_text(encoding="utf-8"))["studies"]
    one, two = truth[0], truth[1]
    with (mine / "reports.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["StudyInstanceUID", "accession_number", "report"])
        writer.writerow([one["study_uid"], "", "FINDINGS: Joined by UID."])
        writer.writerow(["", two["accession_number"], "FINDINGS: Joined by accession number."])
        writer.writerow([one["study_uid"], two["accession_number"], "FINDINGS: The keys name two studies."])
        writer.writerow(["1.2.3.4", "", "FINDINGS: Of no study."])
    home = Home(tmp_path / "home")
    home.index(mine)
    rows = home.query("SELECT r.text, r.match, t.uid FROM reports r LEFT JOIN studies t ON t.id = r.study_id")
    found = {text.split(": ")[1]: (match, uid) for text, match, uid in rows}
    assert found == {
        "Joined by UID.": ("matched", one["study_uid"]),
        "Joined by accession number.": ("matched", two["study_uid"]),
        "The keys name two studies.": ("ambiguous", None),
        "Of no study.": ("unmatched", None),
    }


def test_a_report_that_came_first_finds_its_study_later(archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    mine = tmp_path / "archive"
    shutil.copytree(archive / "reports", mine / "reports")
    home.index(mine)
    assert home.query("SELECT DISTINCT match FROM reports") == [("unmatched",)]
    shutil.copytree(archive / "dicom", mine / "dicom")
    home.index(mine)
    assert home.query("SELECT DISTINCT match FROM reports") == [("matched",)]


def test_an_empty_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    summary = Home(tmp_path / "home").index(tmp_path / "archive")
    assert summary.counts.get("files", 0) == 0
    assert set(summary.seconds) == {*STAGES, "wall"}


@pytest.mark.slow
def test_the_real_archive_has_no_file_unaccounted_for(testdata: Path, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    mine.mkdir()
    for source in ("dicom/broken", "dicom/tcia_cmb_crc", "dicom/pydicom_test_files", "nifti/sct_testing"):
        shutil.copytree(testdata / source, mine / source)
    home = Home(tmp_path / "home")
    summary = home.index(mine)
    states = dict(home.query("SELECT state, count(*) FROM files GROUP BY state"))
    assert set(states) == {"indexed", "rejected"}
    assert sum(states.values()) == sum(1 for path in mine.rglob("*") if path.is_file())
    assert sum(summary.reasons.values()) == states["rejected"]
    assert home.query(
        "SELECT count(*) FROM volume_files w LEFT JOIN files f ON f.id = w.file_id WHERE f.id IS NULL"
    ) == [(0,)]


def test_a_missing_codec_is_named_and_its_files_come_in_once_it_is_there(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "archive"
    compressed = next(
        path
        for path in sorted((archive / "dicom").rglob("*.dcm"))
        if dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_compressed
    )
    shutil.copytree(compressed.parent, mine)
    hidden = tmp_path / "hidden"  # modules of these names that cannot be imported, as if nothing were installed
    for module in ("openjpeg", "rle"):
        (hidden / module).mkdir(parents=True)
        (hidden / module / "__init__.py").write_text("raise ImportError")
    home = Home(tmp_path / "home")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(hidden)  # reading processes are given this process's path
        patch.setattr(
            "spinecho.indexer.pipeline.codecs_at_hand", lambda: {"pylibjpeg-openjpeg": False, "pylibjpeg-rle": False}
        )
        summary = home.index(mine)
    assert set(summary.reasons) == {Reason.NEEDS_CODEC}
    assert any("pylibjpeg-openjpeg is not installed" in warning for warning in summary.warnings)
    assert home.query("SELECT count(*) FROM volumes") == [(0,)]
    assert home.index(mine).reasons == {}
    assert home.query("SELECT count(*) > 0 FROM volumes") == [(1,)]


def test_two_archives_live_in_one_home(archive: Path, tmp_path: Path) -> None:
    other = small_archive(tmp_path / "other", studies=1, seed=77)
    home = Home(tmp_path / "home")
    home.index(archive, other)
    assert home.query("SELECT count(*) FROM studies") == [(6,)]
    assert home.index(archive, prune=True).counts["missing"] == 0


def _words(text: str):
    from spinecho.search.query import TextQuery  # noqa: PLC0415

    return TextQuery(text)
