"""Schema 0016 to 0017: side and technique come from the facts that rows hold, and what was damaged is still told."""

from __future__ import annotations

import sys
from pathlib import Path

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
    {"side": "left", "technique": ["Dixon", "EPI"]},
    {"side": None, "technique": []},
    {},
    {"side": "right", "technique": ["Dixon"]},
)


def at_0016(folder: Path, location: Location, damage: str) -> FilterArchive:
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
        command.downgrade(config, "0016")
        connection.execute(text(f"UPDATE volumes SET {damage} WHERE \"key\" = '3'"))
    engine.dispose()
    return archive


def columns(database: Database) -> list[tuple[str, str]]:
    with database.begin() as session:
        return [(one[0], one[1]) for one in session.execute(text('SELECT side, technique FROM volumes ORDER BY "key"'))]


def test_columns_are_filled_and_damage_is_still_told(tmp_path: Path, location: Location) -> None:
    archive = at_0016(tmp_path, location, "plane = 'oblique'")
    assert upgrade(location, record=tmp_path / "record.sqlite")[0] == "0016"
    database = Database.open(location)
    assert columns(database) == [("left", "Dixon|EPI"), ("", ""), ("", ""), ("right", "Dixon")]
    (found,) = check_database(database)
    assert (found.what, found.count) == ("rows of volumes are not what was written", 1)
    selection = Selection(database, archive.builds)
    assert len(selection.volumes(archive.image, parse_filter("technique=epi and side=left"))) == 1
    database.close()


def test_a_row_that_cannot_be_read_stops_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    at_0016(tmp_path, path, "acquisition = '{'")
    upgrade(path)
    database = Database.open(path)
    assert columns(database) == [("left", "Dixon|EPI"), ("", ""), ("", ""), ("", "")]
    assert any("JSON" in one.what for one in check_database(database))
    database.close()
