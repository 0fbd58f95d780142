"""Storing sends a server as many statements for many volumes or reports as for a few: each is a round trip."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event, text

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.db.values import NewClause, NewPassage, NewRegions, NewReport, NewSeries, NewVolume, PredictedFact
from spinecho.db.vectors.stored_rows import pack

FACTS = {
    "sequence": "T1", "plane": "axial", "body_region": "brain", "contrast": "unknown", "field_strength_t": 3.0,
    "vendor": "GE", "model": "m", "derived": False,
}  # fmt: skip


def row(number: int) -> bytes:
    return pack(np.array([np.cos(number / 100), np.sin(number / 100)], dtype=np.float32))


def passage(number: int, ordinal: int = 0) -> NewPassage:
    clause = NewClause(0, 4, f"clause {number}", "present")
    return NewPassage("findings", ordinal, 0, 4, f"sentence {number}", "present", "", row(number), (clause,))


class Stored:
    """An archive in which the statements are counted."""

    def __init__(self, archive: FilterArchive) -> None:
        self.archive, self.statements = archive, 0
        self.is_file = isinstance(archive.database.location, Path)
        event.listen(archive.database.engine, "before_cursor_execute", self._counted)

    def _counted(self, *_: object) -> None:
        self.statements += 1

    def series(self, uid: str, count: int) -> int:
        """Store a series of so many volumes; how many statements that took."""
        fact = PredictedFact("finding", "yes", 0.9, None, {}, "head", "1")
        volumes = [
            NewVolume(
                str(number), FACTS, (8, 8, 8), (), {}, (self.archive.file("/data"),), b"png", row(number),
                passage(number), NewRegions((1, 1, 1), row(number)), (fact,),
            )
            for number in range(count)
        ]  # fmt: skip
        new = NewSeries({"uid": f"1.{uid}"}, {"uid": uid, "number": 1, "description": "", "protocol": ""}, volumes)
        before = self.statements
        spaces = {"image_space": self.archive.image.id, "text_space": self.archive.text.id}
        storing.store_series(self.archive.database, self.archive.run, new, **spaces)
        return self.statements - before

    def reports(self, name: str, count: int) -> int:
        """Store a file of so many reports of two sentences; how many statements that took."""
        file = self.archive.file("/data", name=name)
        new = [NewReport(n, "", "", f"{name} {n}", [passage(2 * n), passage(2 * n + 1, 1)]) for n in range(count)]
        before = self.statements
        storing.store_reports(
            self.archive.database, self.archive.run, file, new, (), text_space=self.archive.text.id, first=True,
            last=True,
        )  # fmt: skip
        return self.statements - before

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with self.archive.database.begin() as session:
            return [tuple(one) for one in session.execute(text(sql))]


@pytest.fixture
def stored(location: Location, tmp_path: Path) -> Stored:
    return Stored(FilterArchive(tmp_path, location))


def test_more_volumes_take_no_more_statements_and_each_has_what_is_its_own(stored: Stored) -> None:
    few, many = stored.series("1", 3), stored.series("2", 40)
    assert few == many or stored.is_file
    for _ in range(2):
        volumes = "volumes v JOIN series s ON s.id = v.series_id AND s.uid = '2'"
        own = stored.query(f"SELECT v.key, e.data FROM {volumes} JOIN vectors e ON e.volume_id = v.id ORDER BY v.id")
        assert [(key, bytes(data)) for key, data in own] == [(str(n), row(n)) for n in range(40)]
        captions = stored.query(
            f"SELECT v.key, p.text, e.data FROM {volumes} JOIN passages p ON p.volume_id = v.id"
            " JOIN vectors e ON e.passage_id = p.id ORDER BY e.id"
        )
        expected = [(str(n), f"sentence {n}", row(n)) for n in range(40)]
        assert [(key, said, bytes(data)) for key, said, data in captions] == expected
        for table in ("region_vectors", "predictions", "thumbnails", "volume_files"):
            assert stored.query(f"SELECT count(*) FROM {table}") == [(43,)], table
        assert stored.query("SELECT count(*) FROM vectors") == [(86,)]
        stored.series("2", 40)  # again, in place of what was stored


def test_more_reports_take_no_more_statements_and_each_has_what_is_its_own(stored: Stored) -> None:
    few, many = stored.reports("few.csv", 3), stored.reports("many.csv", 40)
    assert few == many or stored.is_file
    found = stored.query(
        "SELECT r.text, p.text, c.text, e.data FROM reports r JOIN passages p ON p.report_id = r.id"
        " JOIN vectors e ON e.passage_id = p.id JOIN clauses c ON c.report_id = r.id AND c.sentence = p.ordinal"
        " WHERE r.text LIKE 'many%' ORDER BY e.id"
    )
    expected = [(f"many.csv {n // 2}", f"sentence {n}", f"clause {n}", row(n)) for n in range(80)]
    assert [(*texts, bytes(data)) for *texts, data in found] == expected
