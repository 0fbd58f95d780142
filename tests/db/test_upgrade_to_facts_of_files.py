"""A database of schema 0004: what the upgrade derives from what is stored, and what the next run makes good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from changing import home, nifti, slices, stored, traces, uid
from sqlalchemy import text

from spinecho.db.people.cohorts import cohorts, members_of
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location, make_engine
from spinecho.db.upkeep.upgrading import upgrade
from spinecho.encoders.reading.files import scan_file
from spinecho.indexer.facts_again import derive_facts

MIGRATIONS = Path(__file__).parents[2] / "db" / "schema" / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """A new database of schema 0004."""
    location: Location = tmp_path / "home" / "spinecho.sqlite"
    if request.param == "sqlite":
        (tmp_path / "home").mkdir()
    else:
        location = request.getfixturevalue("postgresql").make("old_facts")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = make_engine(location)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    return location


def put(location: Location, table: str, **values: Any) -> None:
    engine = make_engine(location)
    names = ", ".join(values)
    with engine.begin() as connection:
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
    engine.dispose()


def fill(location: Location, root: Path, paths: list[Path], *, patient: str, study: int = 1) -> None:
    """One study of one series and volume, as 0004 kept it: with the patient that its files had first."""
    headers = [scan_file(path, root=root) for path in paths]
    first = headers[0]
    put(
        location,
        "studies",
        id=study,
        uid=first.study_uid,
        accession_number="OLD",
        patient_id=patient,
        description="",
        sex="M",
    )
    put(location, "series", id=study, study_id=study, uid=first.series_uid, description="old", protocol="old")
    put(
        location, "volumes", id=study, series_id=study, key="", sequence="T1", plane="axial", body_region="brain",
        contrast="unknown", vendor="", model="", derived=False, acquisition="{}", shape="[16, 16, 2]",
        flags="[]", notes="{}",
    )  # fmt: skip
    put(location, "folders", id=study, root=str(root), path=str(paths[0].parent), seen_run=1)
    for number, (path, header) in enumerate(zip(paths, headers, strict=True), start=10 * study):
        stat = path.stat()
        put(
            location, "files", id=number, folder_id=study, name=path.name, size=stat.st_size, mtime_ns=stat.st_mtime_ns,
            kind=header.kind, state="indexed", study_uid=header.study_uid, series_uid=header.series_uid,
            sop_uid=header.sop_uid, header=header.to_json(),
        )  # fmt: skip
        put(location, "volume_files", volume_id=study, file_id=number)


def test_facts_come_from_stored_headers_and_lists_keep_no_id(old: Location, tmp_path: Path) -> None:
    mine = tmp_path / "archive"
    fill(old, mine, slices(mine / "a", "a", PatientID="NEW1"), patient="FIRSTID")
    fill(old, mine, slices(mine / "b", "b", PatientID="new1 "), patient="new1", study=2)
    put(old, "cohorts", id=1, name="c", description="", owner="ada", created_at="2026-01-01 00:00:00")
    put(
        old, "cohort_versions", id=1, cohort_id=1, number=1, created_at="2026-01-01 00:00:00", definition="{}",
        attrition="[]", made_with="{}",
    )  # fmt: skip
    listed = [(uid("a"), "FIRSTID"), (uid("b"), "new1"), ("1.2.3", "GONE77"), ("1.2.4", "gone77"), ("1.2.5", "1.2.5")]
    for study, patient in listed:
        facts = json.dumps({"index_date": "2019-01-01", "similarity": {"x": 0.5}})
        put(old, "cohort_members", version_id=1, study_uid=study, patient_id=patient, part="train", facts=facts)
    for file in (mine / "a").iterdir():
        file.unlink()  # no file is needed
    assert upgrade(old)[0] == "0004"
    database = Database.open(old)
    assert derive_facts(database) == 2
    assert derive_facts(database) == 0
    with database.engine.connect() as connection:
        told = connection.execute(text("SELECT uid, patient_id, accession_number, sex FROM studies")).all()
        assert {tuple(row) for row in told} == {
            (uid(one), "NEW1" if one == "a" else "new1", f"A-{one}", "F") for one in "ab"
        }
        assert connection.execute(text("SELECT count(DISTINCT patient), count(patient) FROM studies")).one() == (1, 2)
        assert [row[0] for row in connection.execute(text("SELECT key FROM patients WHERE key IS NOT NULL"))] == [
            "NEW1"
        ]
        put(old, "patients", key="AFTER")  # numbers go on where the upgrade left off
    members = {member.study_uid: member for member in members_of(database, "c", 1)}
    assert {study: member.patient for study, member in members.items() if study in (uid("a"), uid("b"))} == {
        uid("a"): "NEW1", uid("b"): "new1",
    }  # fmt: skip
    assert members[uid("a")].facts == {"index_date": "2024-01-02", "similarity": {"x": 0.5}}
    assert members["1.2.3"].who == members["1.2.4"].who != members["1.2.5"].who
    assert members["1.2.5"].patient == "1.2.5"
    assert "GONE77" not in members["1.2.3"].patient
    assert cohorts(database)[0].patients == 4  # FIRSTID, new1, GONE77 and one without an ID
    database.close()
    if isinstance(old, Path):
        for copy in old.parent.glob("*.bak"):
            copy.unlink()  # the stated exception
        Database.open(old).close()
        assert traces(home(old.parent), "FIRSTID", "GONE77") == []


def test_the_next_run_makes_good_what_an_upgrade_cannot(tmp_path: Path) -> None:
    """Sidecars that changed before their state was kept, and two roots whose names were taken for one another's."""
    at, old = home(tmp_path / "home"), tmp_path / "home" / "spinecho.sqlite"
    old.parent.mkdir()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = make_engine(old)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    roots = [tmp_path / "siteA", tmp_path / "siteB"]
    scans = [nifti(root / "sub-01" / "sub-01_T1w.nii.gz", seed=number) for number, root in enumerate(roots)]
    fill(old, roots[0], [scans[0]], patient="01")
    stat, header = scans[1].stat(), scan_file(scans[1], root=roots[1])
    put(
        old,
        "runs",
        id=1,
        started_at="2026-01-01 00:00:00",
        roots=json.dumps([str(root) for root in roots]),
        counts="{}",
        seconds="{}",
    )
    put(old, "folders", id=2, root=str(roots[1]), path=str(scans[1].parent), seen_run=1)
    put(
        old, "files", id=90, folder_id=2, name=scans[1].name, size=stat.st_size, mtime_ns=stat.st_mtime_ns,
        kind="nifti", state="rejected", study_uid=header.study_uid, series_uid=header.series_uid,
        sop_uid=header.sop_uid, header=header.to_json(),
    )  # fmt: skip
    put(old, "failures", id=1, file_id=90, ordinal=0, reason="CONFLICT", ignorable=False, message="", run_id=1)
    scans[0].with_name("sub-01_T1w.json").write_text('{"MagneticFieldStrength": 7}')
    upgrade(old)
    at.index(*roots)
    fresh = home(tmp_path / "fresh")
    fresh.index(*roots)
    assert stored(at) == stored(fresh)
    assert at.query("SELECT count(*) FROM studies") == [(2,)]
    assert at.query("SELECT count(*) FROM volumes WHERE field_strength_t = 7") == [(1,)]
