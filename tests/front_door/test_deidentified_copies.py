"""Copies of a cohort's files without whose they are, through the front door and the command line."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pydicom
import pytest
from archives import Home, copy_of_home
from pages import acts
from parts_encoder import parts_dual
from small_studies import small_study, study_uid
from typer.testing import CliRunner

import spinecho
from spinecho.answering.lists import CohortError
from spinecho.db.durable import hold
from spinecho.db.errors import Busy, StoreError
from spinecho.db.identities.key import KeyTrouble
from spinecho.db.identities.mapping import IdentitiesError
from spinecho.pseudonyms.deidentified import MARKER
from spinecho.search.access.persons import Person, Refused, Role
from spinecho.setup.private import private_files
from spinecho.ui.cli.app import app

RULES = 'name = "pair"\n[[include]]\nstudies = ["{uid}"]\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a cohort of one study of two, and its copies beside it."""
    folder = tmp_path_factory.mktemp("copies")
    for number in range(2):
        marked = small_study(folder / "files", number)[0]
        one = pydicom.dcmread(marked)
        one.BurnedInAnnotation = "YES"
        one.save_as(marked)
    with private_files():
        Home(folder / "home", encoders=parts_dual).index(folder / "files")
    with spinecho.open(folder / "home", device="cpu") as archive:
        uid = study_uid(0)
        (folder / "pair.toml").write_text(RULES.format(uid=uid))
        archive.cohort(folder / "pair.toml").freeze()
        copied = archive.copy_cohort("pair", folder / "copies", burnt_in="copy", workers=1)
    assert (copied.studies, copied.held, copied.failed, copied.missing) == (1, {}, {}, 0)
    assert (copied.files, copied.pixels) == (6, {"BURNED_IN": 1})
    return folder


def read(folder: Path) -> Iterator[tuple[Path, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(folder.rglob("*.dcm")):
            yield path, pydicom.dcmread(path)


def originals(made: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(made / "home" / "spinecho.sqlite") as connection:
        return connection.execute(
            "SELECT DISTINCT t.uid, t.accession_number, t.patient_id, d.path || '/' || f.name FROM studies t"
            " JOIN series s ON s.study_id = t.id JOIN volumes v ON v.series_id = s.id"
            " JOIN volume_files w ON w.volume_id = v.id JOIN files f ON f.id = w.file_id"
            " JOIN folders d ON d.id = f.folder_id ORDER BY t.uid"
        ).fetchall()


def test_copies_name_nobody_and_hang_together(made: Path) -> None:
    found = list(read(made / "copies"))
    uid = study_uid(0)
    mine = [row for row in originals(made) if row[0] == uid]
    assert len(found) == len(mine)
    data = b"".join(path.read_bytes().replace(one.PixelData, b"") for path, one in found)
    for _, accession, patient, path in mine:
        source = pydicom.dcmread(path, stop_before_pixels=True)
        for value in (uid, accession, patient, source.SOPInstanceUID, str(source.PatientName).split("^")[0]):
            assert value.encode() not in data, value
    assert {(one.StudyInstanceUID, path.parent.parent.name) for path, one in found} == {
        (name.parent.parent.name, name.parent.parent.name) for name, _ in found
    }
    assert all(one.SeriesInstanceUID == path.parent.name for path, one in found)
    assert len({one.SOPInstanceUID for _, one in found}) == len(found)
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (made / "copies").rglob("*"))
    told = json.loads((made / "copies" / "manifest.json").read_text())
    assert told["files"] == len(found)
    assert "do not catch everything" in told["notice"]
    plain = (made / "copies" / "studies.csv").read_text() + json.dumps(told)
    assert uid not in plain
    assert "pair" not in plain


@pytest.mark.parametrize("inside", ["files/copies", "files", "home/copies", "home/builds/copies", "link/copies"])
def test_nothing_is_written_where_the_archive_is_read_or_kept(made: Path, tmp_path: Path, inside: str) -> None:
    (tmp_path / "link").symlink_to(made / "files")
    folder = (tmp_path if inside.startswith("link") else made) / inside
    before = sorted(made.rglob("*"))
    with spinecho.open(made / "home", device="cpu") as archive:
        with pytest.raises(StoreError, match="lies in the"):
            archive.copy_cohort("pair", folder, burnt_in="copy", workers=1)
        with pytest.raises(StoreError, match="lies in the"):
            archive.cohort(name="pair").write(folder)
    assert [path for path in sorted(made.rglob("*")) if "sqlite" not in path.name] == [
        path for path in before if "sqlite" not in path.name
    ]


def test_a_copying_that_was_killed_goes_on_and_ends_the_same(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(made / "copies", again)
    series = sorted(path for path in again.glob("2.25.*/*") if path.is_dir())
    lost, whole = series[0], {path.name: path.read_bytes() for path in series[0].iterdir()}
    half = lost.with_name(f".{lost.name}.partial")
    lost.rename(half)
    next(half.iterdir()).write_bytes(b"half a file")
    (again / "manifest.json").unlink()
    kept = {path: path.stat().st_ino for path in series[1].iterdir()}
    with spinecho.open(made / "home", device="cpu") as archive:
        archive.copy_cohort("pair", again, burnt_in="copy", workers=1)
        with pytest.raises(CohortError, match="made in another way"):
            archive.copy_cohort("pair", again, dates="removed")
        with pytest.raises(CohortError, match="not empty"):
            archive.copy_cohort("pair", made)
    assert {path.name: path.read_bytes() for path in lost.iterdir()} == whole
    assert {path: path.stat().st_ino for path in series[1].iterdir()} == kept
    assert not half.exists()
    first, second = ((folder / "manifest.json").read_bytes() for folder in (made / "copies", again))
    assert json.loads(first) == json.loads(second)
    assert (again / MARKER).read_bytes() == (made / "copies" / MARKER).read_bytes()


def test_one_at_a_time_copies_into_a_folder(made: Path, tmp_path: Path) -> None:
    copies = shutil.copytree(made / "copies", tmp_path / "copies")
    before = sorted(copies.rglob("*"))
    handle = os.open(copies, os.O_RDONLY)
    with spinecho.open(made / "home", device="cpu") as archive:
        try:
            assert hold(handle)
            with pytest.raises(Busy, match="another process copies into"):
                archive.copy_cohort("pair", copies, burnt_in="copy", workers=1)
        finally:
            os.close(handle)
        assert sorted(copies.rglob("*")) == before
        assert archive.copy_cohort("pair", copies, burnt_in="copy", workers=1).files == 6


def test_series_with_words_in_their_pictures_are_held_back(made: Path, tmp_path: Path) -> None:
    with spinecho.open(made / "home", device="cpu") as archive:
        held = archive.copy_cohort("pair", tmp_path / "held", workers=1)
    assert (held.series, held.files, held.held, held.pixels) == (1, 3, {"BURNED_IN": 1}, {})
    assert not list((tmp_path / "held").rglob(".*partial*"))


def test_whom_pseudonyms_stand_for_is_for_managers_and_on_record(made: Path) -> None:
    uid, accession, patient, _ = originals(made)[0]
    one = next(read(made / "copies"))[1]
    run = CliRunner()
    home = ["--home", str(made / "home")]
    codes = [one.PatientID, one.AccessionNumber, one.StudyInstanceUID]
    answer = run.invoke(app, ["reidentify", *codes, "P000", *home, "--json"])
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert [(row["kind"], row["value"], row["patient"]) for row in told["found"]] == [
        ("patient", patient, patient), ("accession", accession, patient), ("study", uid, patient),
    ]  # fmt: skip
    assert told["unknown"] == ["P000"]
    with sqlite3.connect(made / "home" / "spinecho.sqlite") as connection:
        (day,) = connection.execute("SELECT date FROM studies WHERE uid = ?", (uid,)).fetchone()
    apart = date(int(one.StudyDate[:4]), int(one.StudyDate[4:6]), int(one.StudyDate[6:])) - date.fromisoformat(day)
    assert apart.days == told["found"][0]["days"]
    shown = run.invoke(app, ["reidentify", one.PatientID, *home])
    assert shown.exit_code == 0
    assert patient in shown.stdout.replace("\n", "")
    kept = [entry for entry in acts(made / "home") if entry.action in ("reidentify", "copy")]
    assert {"reidentify", "copy"} == {entry.action for entry in kept}
    assert not any(secret in repr(kept) for secret in (patient, accession, *codes))
    with spinecho.open(made / "home", device="cpu") as archive:
        archive._person = Person("ada", Role.RESEARCHER)
        with pytest.raises(Refused, match="takes the role manager"):
            archive.reidentify(one.PatientID)


def test_identities_are_sealed_in_files_of_their_owner_alone(made: Path, tmp_path: Path) -> None:
    uid, accession, patient, _ = originals(made)[0]
    home = made / "home"
    for name in ("identities.sqlite", "identities.key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
        held = (home / name).read_bytes()
        assert not any(secret.encode() in held for secret in (uid, accession, patient))
    copy_of_home(home, tmp_path / "home")
    for name in ("identities.sqlite", "identities.key"):
        shutil.copy2(home / name, tmp_path / "home" / name)
    with spinecho.open(tmp_path / "home", device="cpu") as archive:
        key = tmp_path / "home" / "identities.key"
        key.chmod(0o640)
        with pytest.raises(KeyTrouble, match="chmod 600"):
            archive.reidentify("P0")
        key.chmod(0o600)
        whole = key.read_text()
        key.write_text(whole[:-20])
        with pytest.raises(KeyTrouble, match="not all of one"):
            archive.reidentify("P0")
        key.write_text(whole[:-3] + ("0" if whole[-3] != "0" else "1") + whole[-2:])
        with pytest.raises(KeyTrouble, match="not the one"):
            archive.reidentify("P0")
        key.unlink()
        for act in (lambda: archive.reidentify("P0"), lambda: archive.copy_cohort("pair", tmp_path / "new")):
            with pytest.raises(KeyTrouble, match="put back the copy"):
                act()
        assert not key.exists()
        key.write_text(whole)
        key.chmod(0o600)
        (tmp_path / "home" / "identities.sqlite").unlink()
        with pytest.raises(IdentitiesError, match="no database of identities"):
            archive.reidentify("P0")


def test_the_command_says_what_rules_do_not_catch(made: Path) -> None:
    home = ["--home", str(made / "home")]
    answer = CliRunner().invoke(app, ["cohort", "copy", "pair", str(made / "copies"), "--burnt-in", "copy", *home])
    assert answer.exit_code == 0, answer.output
    assert "faces" in answer.output
    wrong = CliRunner().invoke(app, ["cohort", "copy", "pair", str(made / "copies"), "--dates", "kept", *home])
    assert wrong.exit_code == 2
