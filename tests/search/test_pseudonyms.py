"""An export with pseudonyms: no word that names a patient is in any file, file name, or the zip around them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cohort_archive import CohortArchive, no_likeness
from filter_archive import FilterArchive
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.people.cohorts import CohortError, Frozen, Member, members_of
from spinecho.db.queries.selection import Selection
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Person, PersonalArchive, Role
from spinecho.search.cohorts.attrition import evaluate
from spinecho.search.cohorts.export import FORMATS, export
from spinecho.search.cohorts.freezing import keep
from spinecho.search.cohorts.pseudonyms import KNOWN, Pseudonyms, days_since_first, redacted_manifest, whole_years

PATIENTS = ("CANARY-PAT-1", "CANARY-PAT-2", "canary-pat-1 ")
RULES = """
name = "CANARY-NAME of Jane Roe"
description = "CANARY-DESCRIPTION, asked for by Dr CANARY-PHYSICIAN"
[[include]]
what = "CANARY-LABEL 1954-03-02"
any = [ { filter = "patient_id~canary and sequence=T2" }, { filter = "sequence=T2" }, { filter = "date>=1999-12-31" } ]
[[include]]
filter = "sequence=T2 and body_region=brain"
[[exclude]]
filter = 'accession_number=CANARY-ACC-9 or description~"CANARY-TYPED"'
[[exclude]]
what = "CANARY 'quoted' \\" label"
filter = 'model~"CANARY-TYPED" and says:present("CANARY-SAID")'
[[exclude]]
filter = 'description~"CANARY-REGION"'
[[exclude]]
studies = ["1.2.999.666.1"]
[split]
train = 0.5
validation = 0.25
test = 0.25
seed = 3
"""
SECRETS = ("canary", "jane", "roe", "1.2.999", "2021-05-0", "2021-05-1", "1999-12-31", "1954-03-02", "/data")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[CohortArchive]:
    facts = FilterArchive(tmp_path / "home")
    for number, patient in enumerate(PATIENTS):
        uid = f"1.2.999.{number}"
        study = {
            "uid": uid, "accession_number": f"CANARY-ACC-{number}", "patient_id": patient, "sex": "F",
            "date": date(2021, 5, 5) + timedelta(days=7 * number), "description": "CANARY-STUDY of Jane Roe",
            "age_years": 96.4 if number == 1 else 41.7,
        }  # fmt: skip
        volumes = [{
            "body_region": "brain", "sequence": "T2", "plane": "axial", "contrast": "no", "field_strength_t": 1.5,
            "vendor": "GE", "model": "CANARY-MODEL", "derived": False,
        }]  # fmt: skip
        facts.store(study, f"{uid}.1", volumes, root=f"/data/CANARY-FOLDER-{number}")
        facts.report(number, [("CANARY-SENTENCE of Jane Roe.", "present")], study_uid=uid)
    yield CohortArchive(facts, tmp_path)
    facts.close()


@pytest.fixture
def version(archive: CohortArchive) -> Frozen:
    database, builds = archive.facts.database, archive.facts.builds
    selection = Selection(database, builds)
    found = evaluate(archive.read(RULES), database, selection, no_likeness)
    notes = (*found.notes, ("studies without a date, which so fall at 'CANARY \"x\" label': {count}", 7, 9))
    made = keep(database, builds, dataclasses.replace(found, notes=notes), owner="CANARY-OWNER")
    with_balance = [{"fact": "model", "value": "CANARY-MODEL", "cases": 1.0, "before": 0.1, "after": 0.1, "few": 9},
                    {"fact": "sex", "value": "F", "cases": 1.0, "before": 0.1, "after": 0.1, "few": 9}]  # fmt: skip
    image = {**made.made_with["image"], "encoder": "vit:/home/CANARY/x", "model": "/home/CANARY/model"}
    return dataclasses.replace(made, made_with={**made.made_with, "balance": with_balance, "image": image})


def leaked(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace").casefold()
    return [secret for secret in SECRETS if secret in text]


def test_no_canary_is_in_any_file_or_name(archive: CohortArchive, version: Frozen, tmp_path: Path) -> None:
    members = [
        *members_of(archive.facts.database, version.name, 1),
        Member("1.2.999.GONE", "CANARY-PAT-GONE", "train", {"similarity": {"CANARY-LABEL": 0.5}}),
    ]
    assert len(members) == 4
    made = export(archive.facts.database, version, members, tmp_path / "out", pseudonyms=True)
    assert not {"files.csv", "copy_files.py"} & set(made.files)
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in made.files:
        path = tmp_path / "out" / name
        assert not leaked(name.encode()), name
        assert not leaked(path.read_bytes()), name
        assert path.stat().st_mode & 0o077 == 0
        if name.endswith(".parquet"):
            table = parquet.read_table(path)
            assert not leaked(json.dumps(table.to_pydict(), default=str).encode() + str(table.schema).encode())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["definition"]["include"][1] == {"kind": "filter", "filter": "sequence=T2 and body_region=brain"}
    assert manifest["definition"]["split"] == {"seed": 3, "train": 0.5, "validation": 0.25, "test": 0.25}
    assert [row["fact"] for row in manifest["balance"]] == ["sex"]
    assert [row["what"] for row in manifest["attrition"]][:3] == ["every study", "include 1", "include 2"]


def test_what_is_left_is_worth_having(archive: CohortArchive, version: Frozen, tmp_path: Path) -> None:
    members = members_of(archive.facts.database, version.name, 1)
    export(archive.facts.database, version, members, tmp_path / "out", pseudonyms=True)
    with (tmp_path / "out" / "studies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["age_years"] for row in rows] == ["41", "90", "41"]
    assert rows[0]["patient"] == rows[2]["patient"] != rows[1]["patient"], "an ID in another case is the same patient"
    assert [row["day"] for row in rows] == ["0", "0", "14"]
    assert len({row["study_uid"] for row in rows}) == 3
    with (tmp_path / "out" / "series.csv").open(newline="") as file:
        series = list(csv.DictReader(file))
    assert {row["study_uid"] for row in series} == {row["study_uid"] for row in rows}, "tables can be joined"
    assert {row["series_uid"] for row in series} == {row["series_uids"] for row in rows}
    assert len((tmp_path / "out" / "participants.tsv").read_text().splitlines()) == 3


def test_the_zip_of_the_page_names_nobody(archive: CohortArchive, version: Frozen) -> None:
    class _Engine:
        database = archive.facts.database

    cohorts = PersonalCohorts(PersonalArchive(_Engine(), Person("CANARY-OWNER", Role.RESEARCHER)), archive.facts.builds)  # type: ignore[arg-type]
    name, packed = cohorts.take(version.name, 1)
    assert not leaked(name.encode())
    assert not leaked(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        for one in opened.infolist():
            assert not leaked(one.filename.encode() + one.comment + one.extra)
            assert not leaked(opened.read(one))
        assert not leaked(opened.comment)


def test_codes_are_the_cohorts_own(version: Frozen) -> None:
    names, again = Pseudonyms(version), Pseudonyms(version)
    other = Pseudonyms(dataclasses.replace(version, made_with={**version.made_with, "salt": "another"}))
    assert names.study("1.2") == again.study("1.2") != other.study("1.2")
    assert len({names.study("1.2"), names.series("1.2"), names.patient(Member("x", "1.2"))}) == 3
    with pytest.raises(CohortError, match="freeze it again"):
        Pseudonyms(dataclasses.replace(version, made_with={}))


def test_a_list_of_files_does_not_go_with_pseudonyms(archive: CohortArchive, version: Frozen, tmp_path: Path) -> None:
    members = members_of(archive.facts.database, version.name, 1)
    with pytest.raises(CohortError, match="take csv"):
        export(archive.facts.database, version, members, tmp_path / "out", formats=["copy"], pseudonyms=True)
    assert set(FORMATS) - {"copy"} == {"csv", "parquet", "bids"}


WORDS = st.text(alphabet="CANRY-_ é'\"=()~<>,.", min_size=1, max_size=20).map(lambda text: f"CANARY{text}")


@given(WORDS, WORDS, st.dictionaries(st.sampled_from(["sequence", "sex", "vendor", "model", "age"]), WORDS, max_size=2))
def test_whatever_is_typed_stays_inside(what: str, text: str, filters: dict[str, str]) -> None:
    typed = " and ".join(f'{name}="{value}"' for name, value in filters.items()) or text
    rules = [{"filter": typed, "what": what}, {"text": text, "at_least": 0.5}, {"like": text}, {"studies": [text]},
             {"any": [{"none": [{"filter": typed}]}], "what": what}]  # fmt: skip
    definition = {
        "include": rules, "exclude": rules, "window": [{"filter": typed, "what": what, "need": text, "from_days": 1}],
        "match": {"cases": rules[0], "by": [text, "sex"], "controls": 2}, "index": {"study": text}, "extra": text,
    }  # fmt: skip
    attrition = [{"what": what, "kind": kind, "studies": 1, "patients": 1} for kind in ("include", "window", text)]
    made_with = {"salt": "s", "spinecho": "0.1", "frozen_by": text, "notes": [[f"fell at {what!r}: {{count}}", 1, 1]],
                 "image": {"encoder": text, "model": text, "revision": text}, "extra": text}  # fmt: skip
    now = datetime(2026, 1, 1)
    version = Frozen(what, 1, text, text, now, definition, attrition, made_with, 1, 1)
    told = json.dumps(redacted_manifest(version, Pseudonyms(version), 0))
    assert "CANARY" not in told


@given(st.floats(0, 150) | st.none())
def test_ages_are_whole_years_and_the_oldest_one_group(age: float | None) -> None:
    years = whole_years(age)
    assert years is None if age is None else years == min(int(age), 90)


def test_days_count_from_a_patients_first_study() -> None:
    members = [
        Member("1", "a", person=1),
        Member("2", "A ", person=1),
        Member("3", "b", person=2),
        Member("4", "a", person=1),
    ]
    days = {"1": date(2020, 3, 1), "2": date(2020, 2, 1), "3": date(2021, 1, 1), "4": None}
    assert days_since_first(members, days) == {"1": 29, "2": 0, "3": 0}


def test_known_values_are_those_that_the_rules_give() -> None:
    assert {"T2", "DWI"} <= KNOWN["sequence"]
    assert KNOWN["sex"] == {"M", "F", "O", ""}
    assert KNOWN["side"] == {"left", "right", "both"}
    assert {"Dixon", "MP2RAGE uniform"} <= KNOWN["technique"]
    assert {"ADC map", "trace"} <= KNOWN["computed"]
    assert ("water" in KNOWN["dixon"], "phase" in KNOWN["component"]) == (True, True)
