"""A de-identified archive holds no identifier in any byte of its files, goes on as others do, and never mixes."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from archives import Home, copy_of_home
from hl7_messages import oru
from parts_encoder import parts_dual
from small_studies import small_study, study_uid

import spinecho
from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.headers import Header
from spinecho.indexer import discovery
from spinecho.indexer.deidentifying.begun import MixedArchive, warnings_of
from spinecho.indexer.deidentifying.keyed import Keyed
from spinecho.indexer.deidentifying.profile import Options as How
from spinecho.indexer.pipeline import Options, Summary, index_archive
from spinecho.pseudonyms.identities import identity_key, open_door, open_identities
from spinecho.search.access.objects import Objects
from spinecho.search.access.personal_archive import Person, PersonalArchive, Refused, Role
from spinecho.setup.settings import Settings

BORN, PHONE = "19560312", "089 5551234"
REPORT = """Patient: Hanna Quillfeather   DOB: 12.03.1956
Accession Number: ACC{n}
Referring physician: Dr. Otto Zwiebelmann

FINDINGS: Mrs. Quillfeather was seen on 03.01.2024. Dr. Zwiebelmann asks for a lesion. Call 089 5551234.
Frau Quillfeather, geb. 12.3.1956, wohnhaft Rosenstraße 12. No acute infarct of SAMPLE{n}.
"""
SECRETS = ("Quillfeather", "Hanna", "Zwiebelmann", "SAMPLE", "ACC0", "ACC1", "ACC2", BORN, "12.03.1956", "12.3.1956",
           PHONE, "Rosenstra", "Krautwickel", "Nussbaum",
           "1.2.826.0.1.3680043.10.1.77")  # fmt: skip


def fill(folder: Path, numbers: range) -> Path:
    """Studies of patients with names, and a report for each."""
    for number in numbers:
        for path in small_study(folder, number, series=1, slices=2):
            one = pydicom.dcmread(path)
            one.PatientName, one.PatientBirthDate = "Quillfeather^Hanna", BORN
            one.ReferringPhysicianName, one.StudyDescription = "Zwiebelmann^Otto", f"MR head Quillfeather ACC{number}"
            one.PatientTelephoneNumbers, one.FrameOfReferenceUID = PHONE, f"1.2.826.0.1.3680043.10.1.77.{number}.3"
            one.save_as(path)
        (folder / f"report{number}.txt").write_text(REPORT.format(n=number), encoding="utf-8")
    message = oru(
        "Krautwickel is well. No lesion. Told to Rosa Nussbaum.", number="ACC1", more=("NK1|1|Nussbaum^Rosa",)
    )
    message = message.replace("DOE^JANE", "Krautwickel^Jane").replace("4711", "SAMPLE1")
    (folder / "more.hl7").write_text(message, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Hidden:
    """A home whose archive is de-identified."""

    home: Home

    @property
    def settings(self) -> Settings:
        return Settings(self.home.folder)

    def index(self, *roots: Path, how: How | None = How(), **options: Any) -> Summary:  # noqa: B008
        with closing(Database.open(self.home.database)) as held, open_door(self.settings, how, held) as door:
            return index_archive(
                held, self.home.folder / "builds", list(roots), parts_dual, door=door,
                options=Options(workers=1, **options),
            )  # fmt: skip

    def everything(self) -> bytes:
        """Every byte of the home's files, but those of the identities, and paths, which are the archive's own."""
        files = [path for path in self.home.folder.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files if not path.name.startswith("identities"))

    def facts(self) -> list[tuple[Any, ...]]:
        return self.home.query("SELECT uid, accession_number, patient_id, date, description FROM studies ORDER BY uid")

    def reports(self) -> list[tuple[Any, ...]]:
        return self.home.query(
            "SELECT r.accession_number, r.patient_id, r.text, t.uid FROM reports r LEFT JOIN studies t ON"
            " t.id = r.study_id ORDER BY 1"
        )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("door") / "files", range(2))


@pytest.fixture(scope="module")
def hidden(files: Path) -> Hidden:
    found = Hidden(Home(files.parent / "home", encoders=parts_dual))
    summary = found.index(files)
    assert (summary.counts["series"], summary.counts["reports"], summary.counts["reports_matched"]) == (2, 3, 3)
    assert any("3 reports were scrubbed by rules" in one for one in summary.warnings)
    assert not any("paths of" in one for one in summary.warnings)
    return found


def copied(hidden: Hidden, folder: Path) -> Hidden:
    return Hidden(Home(copy_of_home(hidden.home.folder, folder / "home"), encoders=parts_dual))


def test_no_byte_of_the_index_names_anybody(hidden: Hidden) -> None:
    held = hidden.everything()
    assert b"lesion" in held
    for secret in SECRETS:
        assert secret.encode() not in held, secret
    sealed = (hidden.home.folder / "identities.sqlite").read_bytes()
    assert not any(secret.encode() in sealed for secret in SECRETS)


def test_studies_and_reports_are_joined_by_pseudonyms_and_days_agree(hidden: Hidden) -> None:
    key = identity_key(hidden.settings)
    keyed = Keyed(key.pseudonyms)
    expected = {keyed.uid(study_uid(number)): number for number in range(2)}
    for uid, accession, patient, day, description in hidden.facts():
        number = expected.pop(uid)
        assert (accession, patient) == (keyed.accession(f"ACC{number}"), keyed.patient(f"SAMPLE{number}"))
        assert description == "MR head"
        assert day != f"2024-01-0{number + 1}"
    assert not expected
    for accession, _, text, uid in hidden.reports():
        assert accession
        if "No lesion" in text:
            assert "is well" in text
            continue
        patients = {row[0]: row[2] for row in hidden.facts()}
        seen = date(2024, 1, 3) + timedelta(keyed.days(patients[uid]))
        assert f"{seen:%d.%m.%Y}" in text
        assert "No acute infarct" in text
    with open_identities(hidden.settings, key) as identities:
        (one,) = identities.find(keyed.accession("ACC1"))
        assert (one.value, one.patient) == ("ACC1", keyed.patient("SAMPLE1"))


def test_later_runs_do_nothing_and_what_moved_is_not_read_again(hidden: Hidden, files: Path, tmp_path: Path) -> None:
    mine = copied(hidden, tmp_path)
    first = mine.index(files)
    assert first.counts["unchanged"] == first.counts["files"]
    before = mine.facts(), mine.reports()
    moved = tmp_path / "elsewhere"
    shutil.copytree(files, moved)
    shutil.move(files, tmp_path / "away")
    try:
        files.mkdir()
        again = mine.index(files, moved)
    finally:
        files.rmdir()
        shutil.move(tmp_path / "away", files)
    assert again.counts["moved"] == first.counts["files"]
    assert not again.counts.get("series")
    assert (mine.facts(), mine.reports()) == before
    assert not any(secret.encode() in mine.everything() for secret in SECRETS)


def test_a_report_that_came_before_its_study_is_scrubbed_again(tmp_path: Path) -> None:
    mine = Hidden(Home(tmp_path / "home", encoders=parts_dual))
    mine.home.folder.mkdir()
    files = tmp_path / "files"
    files.mkdir()
    (files / "report.txt").write_text("Accession Number: ACC0\n\nFINDINGS: Quillfeather has a lesion.\n")
    mine.index(files)
    assert "Quillfeather" in mine.reports()[0][2]
    fill(files, range(1))
    (files / "report0.txt").unlink()
    (files / "more.hl7").unlink()
    mine.index(files)
    assert [row[2] for row in mine.reports()] == ["Accession Number: [removed]\n\nFINDINGS: [removed] has a lesion.\n"]
    assert b"Quillfeather" not in mine.everything()


def test_archives_are_never_mixed(hidden: Hidden, files: Path, tmp_path: Path) -> None:
    mine = copied(hidden, tmp_path)
    before = mine.facts()
    with pytest.raises(MixedArchive, match="with --deidentify --dates shifted --descriptors cleaned"):
        mine.index(files, how=None)
    with pytest.raises(MixedArchive, match="give these"):
        mine.index(files, how=How(dates="removed"))
    (mine.home.folder / "identities.key").unlink()
    with pytest.raises(StoreError, match="put back the copy"):
        mine.index(files)
    (mine.home.folder / "identities.sqlite").unlink()
    with pytest.raises(StoreError, match="put back the copy"):
        mine.index(files)
    assert mine.facts() == before
    plain = Hidden(Home(tmp_path / "plain", encoders=parts_dual))
    plain.home.folder.mkdir()
    (tmp_path / "empty").mkdir()
    plain.index(tmp_path / "empty", how=None)
    with pytest.raises(MixedArchive, match="indexed without --deidentify"):
        plain.index(files)
    assert not (plain.home.folder / "identities.key").exists()


def test_copies_of_a_de_identified_archive_have_the_uids_of_its_index(hidden: Hidden, tmp_path: Path) -> None:
    mine = copied(hidden, tmp_path)
    uid = mine.facts()[0][0]
    (tmp_path / "one.toml").write_text(f'name = "one"\n[[include]]\nstudies = ["{uid}"]\n')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a home of tests is open to others
        archive = spinecho.open(mine.home.folder, device="cpu")
    with archive:
        archive.cohort(tmp_path / "one.toml").freeze()
        made = archive.copy_cohort("one", tmp_path / "copies", workers=1)
    assert (made.studies, made.files) == (1, 2)
    read = [pydicom.dcmread(path) for path in (tmp_path / "copies").rglob("*.dcm")]
    series = mine.home.query(
        "SELECT s.uid FROM series s JOIN studies t ON t.id = s.study_id WHERE t.uid = '" + uid + "'"
    )
    assert {(one.StudyInstanceUID, one.SeriesInstanceUID) for one in read} == {(uid, series[0][0])}
    kept = mine.home.query("SELECT patient_id, accession_number, date FROM studies WHERE uid = '" + uid + "'")
    day = kept[0][2].replace("-", "")
    assert {(one.PatientID, one.AccessionNumber, one.StudyDate) for one in read} == {(*kept[0][:2], day)}


def test_files_of_a_de_identified_archive_are_not_given(hidden: Hidden) -> None:
    engine = hidden.home.engine()
    try:
        objects = Objects(PersonalArchive(engine, Person("ada", Role.MANAGER)))
        with pytest.raises(Refused, match="its files are not"):
            objects.files(hidden.facts()[0][0], action="dicom-object")
    finally:
        engine.database.close()


def test_a_run_that_was_stopped_goes_on_in_another_home_with_the_same_key_and_ends_the_same(
    hidden: Hidden, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Hidden(Home(tmp_path / "home", encoders=parts_dual))
    mine.home.folder.mkdir()
    for name in ("identities.key", "identities.sqlite"):
        shutil.copy2(hidden.home.folder / name, mine.home.folder / name)

    def keep(*given: Any) -> None:
        kept(*given)
        raise KeyboardInterrupt

    kept = discovery.keep
    monkeypatch.setattr(discovery, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        mine.index(files)
    monkeypatch.undo()
    with closing(sqlite3.connect(mine.home.folder / "spinecho.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM files WHERE state = 'pending'").fetchone()[0] == 4
    with pytest.raises(MixedArchive):
        mine.index(files, how=None)
    mine.index(files)
    assert (mine.facts(), mine.reports()) == (hidden.facts(), hidden.reports())
    assert not any(secret.encode() in mine.everything() for secret in SECRETS)


def test_paths_that_name_a_patient_are_counted(hidden: Hidden) -> None:
    header = Header("/data/QUILLFEATHER_H/1.dcm", "dicom", "1.2.3", "1.2.4", "1.2.5", {"facts": {"patient_id": "PX77"}})
    with closing(Database.open(hidden.home.database)) as database, open_door(hidden.settings, How(), database) as door:
        assert door is not None
        changed = door.header(header, [("name", "Quillfeather^Hanna")])
        assert changed.detail["facts"]["patient_id"] == door.keyed.patient("px77")
        assert door.counts["paths_that_name"] == 1
        assert any("paths of 1 files" in one for one in warnings_of(door))
