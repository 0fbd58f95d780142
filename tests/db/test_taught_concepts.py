"""Versions of concepts and their predictions, in a file and on a server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.filters.algebra import parse_filter, without_field
from spinecho.db.people.concepts import (
    ConceptError,
    concepts,
    keep_concept,
    lacking_studies,
    predicted_counts,
    study_rows,
    undo_concept,
    write_predictions,
)
from spinecho.db.queries.selection import Selection
from spinecho.db.schema import database as opening
from spinecho.db.schema.engines import Location, make_engine
from spinecho.db.values import PredictedFact

FACTS = {
    "sequence": "T1", "plane": "axial", "contrast": "no", "body_region": "brain", "field_strength_t": 3.0,
    "vendor": "GE", "model": "", "derived": False,
}  # fmt: skip


def fact(value: str, version: int) -> PredictedFact:
    return PredictedFact("a mass", value, 0.9, None, {}, "head", f"taught {version}")


def test_versions_serve_are_replaced_and_undone_with_what_they_predicted(tmp_path: Path, location: Location) -> None:
    archive = FilterArchive(tmp_path, location)
    database = archive.database
    for n in (1, 2, 3):
        study = {
            "uid": f"1.{n}", "accession_number": "", "patient_id": f"p{n}", "date": None, "description": "",
            "sex": "F", "age_years": None,
        }  # fmt: skip
        archive.store(study, f"2.{n}", [FACTS, {**FACTS, "derived": True}])
    rows = list(study_rows(database, archive.image))
    assert [(one.uid, len(one.vectors), len(one.regions)) for one in rows] == [(f"1.{n}", 1, 0) for n in (1, 2, 3)]
    ids = [one.study for one in rows]
    made = [
        keep_concept(
            database, name="a mass", space=archive.image.id, owner="ada", card={"reads": "scans"},
            weights=bytes(range(256)), draft=draft,
        )
        for draft in (False, True, False)
    ]  # fmt: skip
    assert [(one.version, one.state) for one in concepts(database)] == [(1, "replaced"), (2, "draft"), (3, "serves")]
    assert {one.weights for one in concepts(database)} == {bytes(range(256))}
    write_predictions(database, made[0], "head", {ids[0]: fact("yes", 1)})
    assert predicted_counts(database, "a mass") == {}, "a version that was replaced writes no more"
    write_predictions(
        database, made[2], "head", {ids[0]: fact("yes", 3), ids[1]: fact("no", 3), ids[2]: fact("unknown", 3)}
    )
    assert predicted_counts(database, "a mass") == {"no": (1, 1), "unknown": (1, 1), "yes": (1, 1)}
    assert lacking_studies(database, made[2]) == []
    selection, where = Selection(database, archive.builds), parse_filter("predicted.a mass=yes")
    assert selection.studies(where).tolist() == [ids[0]]
    sure = parse_filter("predicted.a mass=yes and predicted.score>=0.8 and sex=F")
    assert without_field(sure, "predicted.a mass") == parse_filter("sex=F")
    found = selection.facets(sure, ["predicted.a mass"])["predicted.a mass"]
    assert {one.value: (one.shown, one.total) for one in found} == {"yes": (1, 1), "no": (1, 1), "": (1, 1)}
    hidden = selection.facets(sure, ["predicted.a mass"], smallest=5)["predicted.a mass"]
    assert {one.shown for one in hidden} == {"<5"}
    gone, back = undo_concept(database, "a mass")
    assert (gone.version, back and back.version, selection.studies(where).tolist()) == (3, 1, [])
    assert undo_concept(database, "a mass")[1] is None
    assert undo_concept(database, "a mass")[0].state == "undone", "the draft is left, and goes last"
    with pytest.raises(ConceptError, match="nothing to undo"):
        undo_concept(database, "a mass")
    archive.close()


def test_the_schema_before_is_brought_to_this_one_and_keeps_its_rows(tmp_path: Path, location: Location) -> None:
    archive = FilterArchive(tmp_path, location)
    archive.close()
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    engine = make_engine(location)
    for step, revision in ((command.downgrade, "0015"), (command.upgrade, "head")):
        with engine.begin() as connection:
            config.attributes.update(connection=connection, carry=None)
            step(config, revision)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM spaces")) == 2
        assert connection.scalar(text("SELECT count(*) FROM taught_concepts")) == 0
    engine.dispose()
