"""Frozen cohorts: whole or not at all, what changes afterwards and why, and what exports hold."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cohort_archive import CohortArchive, FilterArchive, no_likeness

from spinecho.db.errors import FilterError
from spinecho.db.people.cohorts import CohortError, Frozen, Member, cohorts, delete_cohort, freeze, frozen, members_of
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import database_bytes
from spinecho.db.schema.engines import Location
from spinecho.encoders.reading.away import write_note
from spinecho.search.cohorts.export import export
from spinecho.search.cohorts.freezing import again, keep
from spinecho.search.cohorts.list_changes import GONE, NEW, OTHER_RULES, PASSES, Changes, between

ROOT = Path(__file__).resolve().parents[2]
RULES = """
name = "lesions"
description = "for a test"
[[include]]
what = "T2"
filter = "sequence=T2"
[[include]]
what = "a lesion"
filter = "says:present(lesion)"
[split]
train = 0.6
validation = 0.2
test = 0.2
"""
LESION = [("A lesion.", "present")]


@pytest.fixture
def archive(tmp_path: Path, location: Location) -> Iterator[CohortArchive]:
    facts = FilterArchive(tmp_path / "home", location)
    made = CohortArchive(facts, tmp_path)
    made.put("1.1", "p1", day="2020-01-01", says=LESION)
    made.put("1.2", "p2", day="2020-01-02", says=LESION, age=None, sex=None)
    made.put("1.3", "p3", day="2020-01-03", says=[("No lesion.", "absent")])
    yield made
    facts.close()


def kept(archive: CohortArchive, rules: str = RULES) -> Frozen:
    return keep(archive.facts.database, archive.facts.builds, archive.run(rules), owner="somebody")


def rerun(archive: CohortArchive, version: Frozen) -> Changes:
    selection = Selection(archive.facts.database, archive.facts.builds)
    return again(archive.facts.database, selection, version, no_likeness)[1]


def test_a_frozen_list_tells_what_made_it(archive: CohortArchive) -> None:
    version = kept(archive)
    assert (version.number, version.studies, version.patients) == (1, 2, 2)
    assert version.made_with["image"]["encoder"] == "test"
    assert version.made_with["frozen_by"] == "somebody"
    assert [step["studies"] for step in version.attrition] == [3, 3, 2]
    members = members_of(archive.facts.database, "lesions", 1)
    assert [(member.study_uid, member.patient) for member in members] == [("1.1", "p1"), ("1.2", "p2")]
    assert members[0].facts["index_date"] == "2020-01-01"
    assert not rerun(archive, version).any
    assert kept(archive).number == 2
    assert [one.number for one in cohorts(archive.facts.database)] == [1, 2]


def test_an_empty_list_and_unknown_names_are_refused(archive: CohortArchive) -> None:
    with pytest.raises(FilterError, match="no study has sequence 'DWI'; the archive has T2"):
        kept(archive, RULES.replace("T2", "DWI"))
    with pytest.raises(CohortError, match="nothing to freeze"):
        kept(archive, RULES.replace("sequence=T2", "age>=120"))
    kept(archive)
    with pytest.raises(CohortError, match="there are: lesions"):
        frozen(archive.facts.database, "lesion")
    with pytest.raises(CohortError, match="no version 7; it has 1"):
        frozen(archive.facts.database, "lesions", 7)


def test_what_changed_is_told_with_its_reason(archive: CohortArchive) -> None:
    version = kept(archive)
    archive.put("1.4", "p4", day="2021-01-01", says=LESION)
    archive.put("1.1", "p1", day="2020-01-01", sequence="DWI")
    archive.facts.store({"uid": "1.2", "accession_number": "", "patient_id": "p2"}, "1.2.1", [])
    archive.put("1.3", "p3", day="2020-01-03", says=LESION)
    changes = rerun(archive, version)
    assert [(one.study_uid, one.why) for one in changes.added] == [("1.3", PASSES), ("1.4", NEW)]
    assert [(one.study_uid, one.why) for one in changes.removed] == [("1.1", "falls at: T2"), ("1.2", GONE)]
    assert changes.kept == 0
    second = kept(archive)
    assert not rerun(archive, second).any
    lists = [members_of(archive.facts.database, "lesions", number) for number in (1, 2)]
    assert len(between(version, second, *lists).added) == 2
    assert members_of(archive.facts.database, "lesions", 1)[0].study_uid == "1.1", "version 1 stays as it was"


def test_a_changed_definition_is_named_line_by_line(archive: CohortArchive) -> None:
    first = kept(archive)
    second = kept(archive, RULES.replace("says:present(lesion)", "says:absent(lesion)"))
    lists = [members_of(archive.facts.database, "lesions", number) for number in (1, 2)]
    changes = between(first, second, *lists)
    assert "include[2].filter: says:present(lesion) -> says:absent(lesion)" in changes.definition
    assert len(changes.added) == 1
    assert len(changes.removed) == 2
    assert OTHER_RULES not in {one.why for one in changes.added}, "two versions are compared, not the archive"


def test_deleting_takes_a_version_or_all(archive: CohortArchive) -> None:
    kept(archive)
    kept(archive)
    database = archive.facts.database
    assert delete_cohort(database, "lesions", 1) == 1
    assert [one.number for one in cohorts(database)] == [2]
    assert kept(archive).number == 3
    assert delete_cohort(database, "lesions") == 2
    assert cohorts(database) == []
    with pytest.raises(CohortError):
        delete_cohort(database, "lesions")
    assert kept(archive).number == 4, "no number is given twice"
    assert delete_cohort(database, "lesions", 4) == 1
    assert freeze(
        database, name="lesions", description="", owner="eve", definition={}, attrition=[], made_with={}, members=[],
    ) == frozen(database, "lesions", 5)  # fmt: skip
    assert frozen(database, "lesions").owner == "eve"


FREEZE = """
import sys
from spinecho.db.people.cohorts import Member, freeze
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import read_location
members = [Member(f"1.{number}", f"p{number}") for number in range(60_000)]
freeze(
    Database.open(read_location(sys.argv[1])), name="large", description="", owner="x", definition={}, attrition=[],
    made_with={}, members=members,
)
"""


def test_a_killed_freeze_leaves_nothing_behind(archive: CohortArchive) -> None:
    database = archive.facts.database
    struck = 0
    for megabytes in (0.3, 1, 3):
        before = database_bytes(database)
        process = subprocess.Popen([sys.executable, "-c", FREEZE, str(database.location)], cwd=ROOT)
        while process.poll() is None:
            if database_bytes(database) > before + megabytes * 1_000_000:  # what is written, committed or not
                process.kill()
                struck += 1
                break
            time.sleep(0.005)
        process.wait()
        for one in cohorts(database):
            assert one.studies == 60_000, "a version is whole"
            delete_cohort(database, "large")
    assert struck


def test_an_export_holds_everything_and_its_digests(archive: CohortArchive, tmp_path: Path) -> None:
    version = kept(archive)
    members = members_of(archive.facts.database, "lesions", 1)
    made = export(archive.facts.database, version, members, tmp_path / "out")
    assert set(made.files) == {
        "studies.csv", "series.csv", "studies.parquet", "series.parquet", "participants.tsv", "participants.json",
        "files.csv", "copy_files.py", "manifest.json",
    }  # fmt: skip
    with (tmp_path / "out" / "studies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["study_uid"] for row in rows] == ["1.1", "1.2"]
    assert rows[0]["accession_number"] == "'=A1.1", "no cell is a formula"
    assert rows[1]["age_years"] == ""
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["studies"] == 2
    assert manifest["definition"]["include"][0]["filter"] == "sequence=T2"
    assert "salt" not in (tmp_path / "out" / "manifest.json").read_text()
    for name, digest in manifest["sha256"].items():
        told = subprocess.run(["sha256sum", tmp_path / "out" / name], capture_output=True, text=True, check=True)
        assert told.stdout.split()[0] == digest
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "out" / "studies.parquet")
    assert table["age_years"].to_pylist() == [50.0, None]
    assert table.schema.metadata[b"spinecho.cohort"] == b"lesions"
    assert b"salt" not in table.schema.metadata[b"spinecho.made_with"]
    participants = (tmp_path / "out" / "participants.tsv").read_text().splitlines()
    assert participants[0].split("\t") == ["participant_id", "age", "sex", "group", "part"]
    assert sorted(line.split("\t")[1] for line in participants[1:]) == ["50.0", "n/a"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "out").iterdir() if path.suffix == ".csv")


def test_pseudonyms_hide_patients_and_stay_the_same(archive: CohortArchive, tmp_path: Path) -> None:
    for number, folder in ((1, "one"), (2, "two")):
        version = kept(archive)
        members = members_of(archive.facts.database, "lesions", number)
        export(archive.facts.database, version, members, tmp_path / folder, pseudonyms=True, formats=["csv", "bids"])
    told = [(tmp_path / folder / "studies.csv").read_text() for folder in ("one", "two")]
    codes = [[row["patient"] for row in csv.DictReader(text.splitlines())] for text in told]
    assert codes[0] == codes[1]
    assert len(set(codes[0])) == 2
    for text in told:
        assert "p1" not in text
        assert "=A1" not in text


def test_an_export_goes_into_a_new_folder_or_nowhere(archive: CohortArchive, tmp_path: Path) -> None:
    version = kept(archive)
    members = members_of(archive.facts.database, "lesions", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(CohortError, match="not empty"):
        export(archive.facts.database, version, members, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    before = set(tmp_path.iterdir())
    broken = [*members, Member("1.9", "p9", facts={"similarity": {"x": object()}})]
    with pytest.raises(Exception):  # noqa: B017, PT011
        export(archive.facts.database, version, broken, tmp_path / "new")
    assert set(tmp_path.iterdir()) == before


def test_the_script_copies_and_goes_on(tmp_path: Path) -> None:
    facts = FilterArchive(tmp_path / "home")
    archive = CohortArchive(facts, tmp_path)
    archive.put("1.1", "p1", says=LESION)
    version = kept(archive)
    export(facts.database, version, members_of(facts.database, "lesions", 1), tmp_path / "out", formats=["copy"])
    facts.close()
    for name, content in (("b c'd\n.dcm", b"12"), ("e.dcm", b"345")):
        (tmp_path / name).write_bytes(content)
    with (tmp_path / "out" / "files.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study_uid", "series_uid", "bytes", "path"])
        writer.writerow(["1.1", "../x", 2, tmp_path / "b c'd\n.dcm"])
        writer.writerow(["1.1", "1.1.1", 3, tmp_path / "e.dcm"])
        writer.writerow(["1.1", "1.1.1", 3, tmp_path / "gone.dcm"])
        writer.writerow(["1.1", "1.1.1", 5430, tmp_path / "away.dcm"])
    (tmp_path / "away.dcm").touch()
    write_note(tmp_path / "away.dcm", size=5430, digests={"sha256": "0"}, times_ns=(0, 0))
    run = [sys.executable, str(tmp_path / "out" / "copy_files.py"), str(tmp_path / "to")]
    dry = subprocess.run([*run, "--dry-run"], capture_output=True, text=True, check=True)
    assert "4 files" in dry.stdout
    assert not (tmp_path / "to").exists()
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 1, "a file is gone"
    assert "gone.dcm" in done.stderr
    assert "stay at the PACS" in done.stderr
    assert not (tmp_path / "to" / "1.1" / "1.1.1" / "away.dcm").exists(), "a note is no copy"
    assert (tmp_path / "to" / "1.1" / ".._x" / "b c'd\n.dcm").read_bytes() == b"12"
    target = tmp_path / "to" / "1.1" / "1.1.1" / "e.dcm"
    then = target.stat().st_mtime_ns
    subprocess.run(run, capture_output=True, check=False)
    assert target.stat().st_mtime_ns == then, "what is there is not copied again"
