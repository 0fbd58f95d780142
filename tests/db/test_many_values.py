"""No statement carries more values than the oldest stock build of SQLite takes (999), however long a list is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from sqlalchemy import Pool, event

from spinecho.db.files import file_index, runs
from spinecho.db.filters.conditions import ALL, Is
from spinecho.db.filters.sql import compile_filter
from spinecho.db.people import cohorts, feedback
from spinecho.db.queries import lookup
from spinecho.db.queries.facets import few_patients
from spinecho.db.queries.lookup import allowed_volumes
from spinecho.db.schema.database import Database
from spinecho.db.store import part_vectors, predictions, storing
from spinecho.db.values import Listing, NewPassage, NewReport, Rejection, Scanned, Stat

STOCK = 999
MANY = 1_001


@pytest.fixture(autouse=True)
def stock_build() -> Iterator[None]:
    """Every connection that is made has the limit of a stock build."""

    def lower(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, STOCK)

    event.listen(Pool, "connect", lower)
    yield
    event.remove(Pool, "connect", lower)


def test_more_changed_report_files_than_a_statement_takes(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "d.sqlite")
    space = storing.serve(database, "text", model="m", revision="1", preprocessing="1", dim=1, encoder="e")

    def changed(mtime: int) -> None:
        """A run that finds every file changed, and reads some of them."""
        run = runs.start_run(database, ["/a"])
        stats = [Stat(f"ACC{number}.txt", 1, mtime) for number in range(MANY)]
        found = file_index.compare(database, root="/a", run=run, listings=[Listing("/a", stats)])
        assert len(found.fresh) == MANY
        file_index.record(database, run, [Scanned(folder, stat, "report") for folder, stat in found.fresh])
        pending = file_index.pending_reports(database)
        assert len(pending) == MANY
        said = NewPassage("findings", 0, 0, 4, "text", "present", "", b"\0\0")
        many = [NewReport(n, f"A{n}", "", "text", [said]) for n in range(MANY)]
        for file in pending[:1]:
            storing.store_reports(database, run, file.id, many, (), text_space=space.id, first=True, last=True)
        file_index.reject(database, run, {file.id: Rejection("BAD_REPORT", False, "x") for file in pending[1:]})

    changed(1)
    changed(2)
    assert storing.archive_counts(database)["passages"] == MANY
    assert file_index.remove_files(database, [f"/a/ACC{number}.txt" for number in range(MANY)]) == MANY
    assert storing.archive_counts(database)["reports"] == 0
    database.close()


def test_long_lists_of_every_kind(tmp_path: Path) -> None:
    for number in range(2):
        write_nifti(tmp_path / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    home = Home(tmp_path / "home", parts_dual)
    home.index(tmp_path / "scans")
    database = Database.open(home.database)
    space = storing.serving(database, "image")
    assert space is not None
    ids = list(range(3 * MANY))
    uids = [row[0] for row in home.query("SELECT uid FROM studies ORDER BY uid")]
    named = [*(f"1.2.{number}" for number in ids), *uids]
    assert len(lookup.volume_cards(database, ids)) == 2
    assert len(predictions.predictions_of(database, ids)) == 2
    assert len(lookup.series_paths(database, ids)) == 2
    assert len(feedback.scan_vectors(database, space, named)) == 2
    assert len(cohorts.series_of(database, named)) == len(cohorts.study_facts(database, named)) == 2
    assert len(list(cohorts.files_of(database, named))) == 2
    assert len(part_vectors.volume_shapes(database, ids)) == 2
    predictions.store_parts(database, space, [(number, None, ()) for number in ids])
    feedback.put_thumbs(database, user="u", query_key="q", query={}, verdicts=dict.fromkeys(named, 1))
    feedback.put_thumbs(database, user="u", query_key="q", query={}, verdicts=dict.fromkeys(named, -1))
    assert {thumb.verdict for thumb in feedback.thumbs(database)} == {-1}
    strengths = Is("field_strength", tuple(float(number) for number in ids))
    words = Is("study_uid", tuple(named))
    assert len(allowed_volumes(database, space, words)) == 2
    assert len(allowed_volumes(database, space, strengths)) == 0
    assert compile_filter(ALL) is not None
    assert few_patients(database, lookup.allowed_volumes(database, space, words), 10)
    file_index.reject(database, 1, {})
    file_index.remove_files(database, [f"/nowhere/{number}" for number in ids])
    database.close()
