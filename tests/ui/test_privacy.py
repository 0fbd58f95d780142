"""Names, numbers and dates of people driven through what goes well and what goes wrong: where they turn up, and where
they never do. The table of what may be where is in docs/privacy.md. All of it under umask 0."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from typer.testing import CliRunner

from spinecho.db.schema.database import Database
from spinecho.indexer.phantom import write_archive
from spinecho.setup.private import tighten
from spinecho.ui.cli.app import app

NEVER = {
    "PatientName": "NEVERNAME^Jane", "PatientBirthDate": "19470711", "InstitutionName": "NEVERHOSPITAL",
    "InstitutionAddress": "NEVERSTREET 7", "ReferringPhysicianName": "NEVERREFERRER^Ada",
    "PerformingPhysicianName": "NEVERPERFORMER^Bob", "OperatorsName": "NEVEROPERATOR^Cyd",
    "OtherPatientIDs": "NEVEROTHERID", "PatientAddress": "NEVERHOME 9", "StationName": "NEVERSTATION",
    "PatientTelephoneNumbers": "NEVERPHONE", "PatientMotherBirthName": "NEVERMOTHER",
    "DeviceSerialNumber": "NEVERSERIAL",
    "RequestingPhysician": "NEVERREQUESTER", "PatientComments": "NEVERCOMMENT", "MilitaryRank": "NEVERRANK",
}  # fmt: skip
"""By element: what is stored nowhere and shown nowhere."""
FOLDER, FILE, PATIENT, ACCESSION, SENTENCE = "PATHCANARY", "FILECANARY", "IDCANARY77", "ACCCANARY88", "SAIDCANARY"
KEPT = (FOLDER, FILE, PATIENT, ACCESSION, SENTENCE)
"""What the database holds, and is told to those who ask for it."""
RULES = 'name = "c"\n[[include]]\nfilter = "everything"\n[split]\ntrain = 0.7\nvalidation = 0.15\ntest = 0.15\n'


@dataclass
class Driven:
    """A home after many commands, and what each of them printed."""

    home: Path
    folder: Path
    said: dict[str, str] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)

    def run(self, name: str, *arguments: object) -> None:
        given = [*map(str, arguments), "--home", str(self.home)]
        result = CliRunner().invoke(app, given)
        assert result.exception is None or isinstance(result.exception, SystemExit), (name, result.exception)
        self.said[name], self.exits[name] = result.output, result.exit_code


def archive(folder: Path) -> Path:
    """One small series that is sound, and files that are not, all of them of one person."""
    write_archive(folder / "made", studies=1)
    series = sorted({path.parent for path in (folder / "made" / "dicom").rglob("*.dcm")})[0]
    root = folder / "archive"
    person = root / FOLDER
    shutil.copytree(series, person / "good")
    for path in (person / "good").iterdir():
        dataset = pydicom.dcmread(path)
        for name, value in NEVER.items():
            setattr(dataset, name, value)
        request = Dataset()
        request.RequestedProcedureDescription, request.RequestingPhysician = "NEVERPROCEDURE", "NEVERREQUESTER"
        dataset.RequestAttributesSequence = Sequence([request])
        dataset.PatientID, dataset.AccessionNumber = PATIENT, ACCESSION
        dataset.save_as(path)
    sound = sorted((person / "good").iterdir())[0].read_bytes()
    bad = person / f"{FILE}-NEVERFILE"
    bad.mkdir()
    (bad / "cut.dcm").write_bytes(sound[: len(sound) * 2 // 3])
    (bad / "header.dcm").write_bytes(sound[:700])
    (bad / "scan.nii").write_bytes(b"\x5c\x01\x00\x00" + b"NEVERNAME" * 60)
    (bad / "scan.nii.gz").write_bytes(b"\x1f\x8b" + b"NEVERNAME" * 60)
    (bad / "table.csv").write_text("name,birth,report\nNEVERNAME,19470711,NEVERTEXT\n")
    (bad / "rows.jsonl").write_text('{"patient": "NEVERNAME", "report": 7}\n{"broken": "NEVERNAME"\n')
    (bad / "latin.txt").write_bytes(b"NEVERNAM\xc9\xff\xfe\x00 NEVERNAME 19470711")
    (person / "report.txt").write_text(f"Accession: {ACCESSION}\n\nFINDINGS:\n{SENTENCE} lesion of the left side.\n")
    return root


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    folder = tmp_path_factory.mktemp("privacy")
    root = archive(folder)
    made = Driven(folder / "home", folder)
    rules = folder / "c.toml"
    rules.write_text(RULES)
    before, mask = dict(os.environ), os.umask(0)
    os.environ["SPINECHO_DEVICE"] = "cpu"
    try:
        made.run("index", "index", root, "--workers", "1")
        made.run("again", "index", "--retry", "--workers", "1")
        made.run("gone", "index", folder / "nowhere")
        for name in ("status", "failures"):
            made.run(name, name)
            made.run(f"{name} --json", name, "--json")
        made.run("search", "search", "text", "lesion")
        made.run("wrong query", "search", "text", "lesion", "--where", "nosuchfield=1")
        made.run("facets", "facets", "sequence", "--json")
        made.run("count", "cohort", "count", rules)
        made.run("freeze", "cohort", "freeze", rules)
        made.run("list", "cohort", "list", "--json")
        made.run("export", "cohort", "export", "c", folder / "plain")
        made.run("pseudonyms", "cohort", "export", "c", folder / "pseudonyms", "--pseudonyms")
        made.run("codes", "cohort", "codes", "c", folder / "codes.csv")
        made.run("codes again", "cohort", "codes", "c", folder / "codes.csv")
        made.run("unknown cohort", "cohort", "show", "nothing")
        made.run("thumb", "feedback", "export", folder / "thumbs.csv")
        made.run("builds", "builds", "make")
        made.run("upgrade", "db", "upgrade")
        yield made
    finally:
        os.umask(mask)
        os.environ.clear()
        os.environ.update(before)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_the_commands_went_as_they_should(driven: Driven) -> None:
    assert driven.exits["index"] == 1, driven.said["index"]
    for name in ("status", "failures", "search", "facets", "freeze", "export", "pseudonyms", "builds"):
        assert driven.exits[name] == 0, driven.said[name]
    assert driven.exits["wrong query"] == 2
    assert SENTENCE in driven.said["search"]
    assert FILE in driven.said["failures"]


def never(text: str) -> list[str]:
    told = [value.partition("^")[0] for value in NEVER.values()]
    return [value for value in (*told, "1947-07-11", "NEVERPROCEDURE", "NEVERTEXT") if value.upper() in text.upper()]


def test_names_birth_dates_physicians_and_places_are_nowhere(driven: Driven) -> None:
    for name, said in driven.said.items():
        assert not never(said), name
    for folder in (driven.home, driven.folder / "plain", driven.folder / "pseudonyms"):
        for path in files(folder):
            assert not never(path.read_bytes().decode("latin-1")), path
    database = Database.open(driven.home / "spinecho.sqlite")
    with database.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    database.close()
    assert not never(dump.replace(f"{FILE}-NEVERFILE", ""))
    assert all(canary in dump for canary in KEPT), "what the database is for is in it"


def test_numbers_and_paths_are_in_the_database_and_where_they_are_asked_for(driven: Driven) -> None:
    for path in files(driven.home):
        if not path.name.startswith("spinecho.sqlite"):
            content = path.read_bytes().decode("latin-1")
            assert not [canary for canary in (FILE, PATIENT, SENTENCE) if canary in content], path
    quiet = ("index", "again", "gone", "status", "wrong query", "facets", "count", "freeze", "list", "export",
             "pseudonyms", "codes", "unknown cohort", "thumb", "builds", "upgrade")  # fmt: skip
    for name in quiet:
        assert not [canary for canary in KEPT if canary in driven.said[name]], (name, driven.said[name])


def test_an_export_with_pseudonyms_holds_none_of_them(driven: Driven) -> None:
    held = files(driven.folder / "pseudonyms")
    assert {path.name for path in held} >= {"studies.csv", "studies.parquet", "participants.tsv", "manifest.json"}
    for path in held:
        content = path.read_bytes().decode("latin-1") + path.name
        assert not [canary for canary in (*KEPT, "NEVER", str(driven.folder)) if canary in content], path
    plain = "".join(path.read_text() for path in files(driven.folder / "plain") if path.suffix == ".csv")
    assert PATIENT in plain
    assert FOLDER in plain


def test_whom_a_code_stands_for_is_told_in_the_house(driven: Driven) -> None:
    table = (driven.folder / "codes.csv").read_text()
    code = table.splitlines()[1].split(",")[0]
    assert PATIENT in table
    assert code in (driven.folder / "pseudonyms" / "studies.csv").read_text()
    assert stat.S_IMODE((driven.folder / "codes.csv").stat().st_mode) == 0o600
    assert driven.exits["codes again"] == 2


def modes(folder: Path) -> dict[str, str]:
    found = {}
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077 or (path.is_file() and mode & 0o100 and path.suffix != ".py"):
            found[str(path)] = oct(mode)
    return found


def test_everything_that_was_written_is_its_owners(driven: Driven) -> None:
    for folder in (driven.home, driven.folder / "plain", driven.folder / "pseudonyms"):
        assert not modes(folder)
    assert stat.S_IMODE((driven.folder / "thumbs.csv").stat().st_mode) == 0o600


def test_a_home_of_before_is_closed_with_a_word(driven: Driven) -> None:
    unknown = driven.home / "notes.of.somebody"
    try:
        for path in (driven.home, *driven.home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        driven.run("loose", "status")
        assert "yours alone now" in driven.said["loose"]
        assert not modes(driven.home)
        driven.run("closed", "status")
        assert "yours alone" not in driven.said["closed"]
        unknown.write_text("mine")
        unknown.chmod(0o644)
        for path in (driven.home, driven.home / "builds"):
            path.chmod(0o755)
        assert tighten(driven.home) == 1
        assert set(modes(driven.home)) == {str(driven.home), str(unknown)}, "a folder of others' files stays theirs"
    finally:
        unknown.unlink(missing_ok=True)
        driven.home.chmod(0o700)


def test_a_folder_that_is_no_home_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir(mode=0o755)
    (tmp_path / "index.log").touch(mode=0o644)
    tmp_path.chmod(0o755)
    before: dict[str, Any] = modes(tmp_path)
    assert tighten(tmp_path) == 0
    assert modes(tmp_path) == before
