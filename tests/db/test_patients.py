"""One patient however the ID is written: for masks, splits, lists, evaluation and training alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from changing import home, slices, traces, uid
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.facts.fact_table import read_facts
from spinecho.db.filters.algebra import ALL
from spinecho.db.keys import patient_key
from spinecho.db.people.cohorts import freeze, frozen, members_of, read_roster
from spinecho.db.queries.facets import few_patients
from spinecho.db.queries.learning import evaluating
from spinecho.db.queries.learning.training_rows import training_rows
from spinecho.db.queries.lookup import facets, other_studies, studies_of_patient_of, volume_facts
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.encoders.training.data.shards import held_out
from spinecho.indexer.corpus.from_archive import _facts as facts_of_row
from spinecho.search.cohorts.attrition import evaluate
from spinecho.search.cohorts.definition import Definition, Split
from spinecho.search.cohorts.export import export

SPELLINGS = ("PAT1", "pat1", " PAT1 ", "ＰＡＴ１")
OTHERS = ("PAT2", "pat 1", "")


@given(st.text(max_size=12))
def test_a_key_is_its_own_key(text: str) -> None:
    key = patient_key(text)
    assert patient_key(key) == key
    assert patient_key(f" {text}\t") == key


def test_spellings_have_one_key() -> None:
    assert {patient_key(one) for one in SPELLINGS} == {"PAT1"}
    assert len({patient_key(one) for one in (*OTHERS, "PAT1")}) == 4
    assert patient_key(" \0 ") == ""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory):
    """Seven studies: four of one patient, written in four ways, two of two others, one of nobody."""
    mine, at = tmp_path_factory.mktemp("archive"), home(tmp_path_factory.mktemp("home"))
    for number, patient in enumerate((*SPELLINGS, *OTHERS)):
        slices(mine / str(number), f"s{number}", n=1, PatientID=patient, SpecificCharacterSet="ISO_IR 192", seed=number)
    at.index(mine)
    return at


MINE = [uid(f"s{number}") for number in range(4)]


def test_everybody_takes_them_for_one(people, tmp_path: Path) -> None:
    database = Database.open(people.database)
    ids = dict(people.query("SELECT uid, id FROM studies"))
    mine, everybody = np.array(sorted(ids[one] for one in MINE)), np.array(sorted(ids.values()))
    # masks, in SQL and from the snapshot
    assert few_patients(database, mine, 2)
    assert not few_patients(database, everybody, 4)
    assert few_patients(database, everybody, 5)
    with database.begin() as session:
        table = read_facts(session)
    assert len(set(table.patients.tolist())) == 4
    assert table.most_of_a_patient == 4
    selection = Selection(database, people.folder / "builds")
    assert "<" in str(selection.facets(ALL, ["vendor"], smallest=5)["vendor"][0].shown)
    assert "<" not in str(selection.facets(ALL, ["vendor"], smallest=4)["vendor"][0].shown)
    assert facets(database, ["vendor"], smallest=4) != facets(database, ["vendor"], smallest=5)
    # other studies of a patient
    for one in MINE:
        assert studies_of_patient_of(database, ids[one]) == set(mine.tolist())
        assert {card.uid for card in other_studies(database, [ids[one]])[ids[one]]} == set(MINE) - {one}
    nobody = ids[uid("s6")]
    assert studies_of_patient_of(database, nobody) == {nobody}
    # evaluation
    space = serving(database, "image")
    assert space is not None
    volumes, _ = evaluating.volume_facts(database, space, ALL)
    assert {one.patient_id for one in volumes if one.study_uid in MINE} == {"PAT1"}
    assert len({one.patient_id for one in volumes}) == 4
    assert set(evaluating.known_studies(database, MINE).values()) == {"PAT1"}
    points = volume_facts(database, [one.vector_id for one in volumes])
    assert len({one.patient for one in points.values()}) == 4
    # training
    told = [facts_of_row(row, "here") for row in training_rows(database)]
    assert len({one.patient for one in told}) == 4
    assert len({held_out(one, 0.5) for one in told if one.study in MINE}) == 1
    # lists and their splits
    roster = read_roster(database)
    assert len({roster.key_of(place) for place in range(len(roster.ids))}) == len(set(roster.patients.tolist())) == 4
    for seed in range(12):
        split = Definition(name="x", split=Split(train=0.4, validation=0.3, test=0.3, seed=seed))
        found = evaluate(split, database, selection, lambda *_: pytest.fail("nothing is alike here"))
        assert len({one.part for one in found.members if one.study_uid in MINE}) == 1
    kept = freeze(
        database, name="x", description="", owner="ada", definition={}, attrition=[], made_with={"salt": "s"},
        members=found.members,
    )  # fmt: skip
    assert (kept.studies, kept.patients) == (7, 4)
    export(database, kept, members_of(database, "x", 1), tmp_path / "out", formats=("bids",))
    assert len((tmp_path / "out" / "participants.tsv").read_text(encoding="utf-8").splitlines()) == 1 + 4
    database.close()


def test_a_list_names_its_patients_by_what_they_are_called_now(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    for study, patient in (("a", "SECRET1"), ("b", "secret1"), ("c", "SECRET2")):
        slices(mine / study, study, n=1, PatientID=patient)
    at.index(mine)
    database = Database.open(at.database)
    selection = Selection(database, at.folder / "builds")
    found = evaluate(Definition(name="x"), database, selection, lambda *_: pytest.fail("nothing is alike here"))
    version = freeze(
        database, name="x", description="", owner="ada", definition={}, attrition=[], made_with={"salt": "s"},
        members=found.members,
    )  # fmt: skip
    before = members_of(database, "x", 1)
    assert {one.patient for one in before} == {"SECRET1", "secret1", "SECRET2"}
    export(database, version, before, tmp_path / "before", formats=("bids",), pseudonyms=True)
    for study, patient in (("a", "ANON1"), ("b", "ANON2")):
        slices(mine / study, study, n=1, PatientID=patient)
    (mine / "c" / "1.dcm").unlink()
    at.index(mine, prune=True, yes=True)
    after = members_of(database, "x", 1)
    assert {one.study_uid: one.patient for one in after if one.study_uid != uid("c")} == {
        uid("a"): "ANON1",
        uid("b"): "ANON2",
    }
    assert [one.who for one in after] == [one.who for one in before]
    assert "SECRET" not in "".join(one.patient for one in after)
    assert frozen(database, "x").patients == 2
    export(database, version, after, tmp_path / "after", formats=("bids", "csv"), pseudonyms=True)
    codes = [sorted(line.split("\t")[0] for line in (tmp_path / when / "participants.tsv").read_text().splitlines())
             for when in ("before", "after")]  # fmt: skip
    assert codes[0] == codes[1]  # what was given away goes on meaning the same people
    database.close()
    assert traces(at, "SECRET1", "SECRET2") == []
