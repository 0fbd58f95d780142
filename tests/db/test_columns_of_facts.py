"""Schemas 0016 and 0017 to now: columns come from the facts that rows hold, and what was damaged is still told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.filters.algebra import parse_filter
from spinecho.db.queries.selection import Selection
from spinecho.db.schema import database as opening
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location, make_engine
from spinecho.db.upkeep.check import check_database
from spinecho.db.upkeep.upgrading import upgrade

PLAIN = {
    "sequence": "T1", "plane": "axial", "contrast": "no", "body_region": "knee", "field_strength_t": 3.0,
    "vendor": "GE", "model": "", "derived": False,
}  # fmt: skip
SAID = (
    {"side": "left", "technique": ["Dixon", "EPI"], "dixon": "water", "component": "phase", "b_value": 929.75},
    {"side": None, "technique": [], "dixon": None, "component": None, "computed": None, "b_value": None},
    {},
    {"side": "right", "technique": ["Dixon"], "computed": "ADC map", "b_value": 0.0},
)
FILLED = [
    ("left", "Dixon|EPI", "water", "phase", "", 930.0),
    ("", "", "", "", "", None),
    ("", "", "", "", "", None),
    ("right", "Dixon", "", "", "ADC map", 0.0),
]


def at(schema: str, folder: Path, location: Location, damage: str) -> FilterArchive:
    """A closed archive of that schema, one of whose volumes is not what was written."""
    archive = FilterArchive(folder, location)
    study = {"uid": "1.1", "accession_number": "", "patient_id": "", "date": None, "description": "", "sex": None,
             "age_years": None}  # fmt: skip
    archive.store(study, "1.1.1", [{**PLAIN, **said} for said in SAID])
    archive.close()
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    engine = make_engine(location)
    with engine.begin() as connection:
        config.attributes.update(connection=connection, carry=None)
        command.downgrade(config, schema)
        connection.execute(text(f"UPDATE volumes SET {damage} WHERE \"key\" = '3'"))
    engine.dispose()
    return archive


def columns(database: Database) -> list[tuple[object, ...]]:
    names = "side, technique, dixon, component, computed, b_value"
    with database.begin() as session:
        return [tuple(one) for one in session.execute(text(f'SELECT {names} FROM volumes ORDER BY "key"'))]


@pytest.mark.parametrize("schema", ["0016", "0017"])
def test_columns_are_filled_and_damage_is_still_told(tmp_path: Path, location: Location, schema: str) -> None:
    archive = at(schema, tmp_path, location, "plane = 'oblique'")
    assert upgrade(location, record=tmp_path / "record.sqlite")[0] == schema
    database = Database.open(location)
    assert columns(database) == FILLED
    (found,) = check_database(database)
    assert (found.what, found.count) == ("rows of volumes are not what was written", 1)
    selection = Selection(database, archive.builds)
    for where in ("technique=epi and side=left", "dixon=water and b_value>900 and component=phase", "computed=adc"):
        assert len(selection.volumes(archive.image, parse_filter(where))) == 1
    database.close()


def test_a_row_that_cannot_be_read_stops_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    at("0016", tmp_path, path, "acquisition = '{'")
    upgrade(path)
    database = Database.open(path)
    assert columns(database) == [*FILLED[:3], ("", "", "", "", "", None)]
    assert any("JSON" in one.what for one in check_database(database))
    database.close()
