"""Files recorded many at a time leave the rows that they leave one at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from spinecho.db.files import file_index, runs
from spinecho.db.schema.database import Database
from spinecho.db.upkeep.check import check_database
from spinecho.db.values import Listing, Rejection, Scanned, Stat
from spinecho.indexer.sources.keeping import keep

_NAMES = st.sampled_from(["a.dcm", "b.dcm", "c\udce4.dcm", "d\\x41.dcm", "e.nii", "g.txt"])
_UIDS = st.sampled_from([None, "1.2", "1.3", "1.2\0", "1.\ud800"])
_SIZES = st.sampled_from([0, 7, (1 << 63) - 1])
_REFUSED: Any = ["no column takes a list"]
_HEADERS = st.sampled_from([None, "{}", '{"a": "\udcff"}'])
_FAILURES = st.none() | st.builds(Rejection, st.sampled_from(["BAD", "ODD\0"]), st.booleans(), st.text(max_size=3))


@st.composite
def _scans(draw: st.DrawFn) -> list[Scanned]:
    """Files of two folders, each path once or, rarely, twice."""
    paths = draw(st.lists(st.tuples(st.sampled_from(["/a", "/b"]), _NAMES), max_size=12))
    sops, companions = _UIDS | st.just(_REFUSED), st.sampled_from(["", "9"])
    return [
        Scanned(
            folder,
            Stat(name, draw(_SIZES), 1, companion=draw(companions)),
            "dicom",
            draw(_UIDS),
            draw(_UIDS),
            draw(sops),
            draw(_HEADERS),
            draw(_FAILURES),
        )
        for folder, name in paths
    ]


def _rows(rounds: list[list[Scanned]], empty: Path, folder: Path, *, at_once: bool) -> tuple[list[Any], list[Any]]:
    database = Database.open(shutil.copy(empty, folder / f"{at_once}.sqlite"))
    run = runs.start_run(database, ["/a"])
    file_index.compare(database, root="/a", run=run, listings=[Listing("/a", []), Listing("/b", [])])
    record = partial(file_index.record, database, run)
    for items in rounds:
        for batch in [items] if at_once else [[item] for item in items]:
            keep(record, batch)
    with database.begin() as session:
        files = session.execute(text("SELECT * FROM files ORDER BY id")).all()
        why = "SELECT file_id, ordinal, reason, ignorable, message, run_id, checksum FROM failures ORDER BY 1, 2"
        failures = session.execute(text(why)).all()
    assert not check_database(database)
    database.close()
    return [tuple(row) for row in files], [tuple(row) for row in failures]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables: making them takes longer than all else."""
    path = tmp_path_factory.mktemp("empty") / "d.sqlite"
    Database.open(path).close()
    return path


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(_scans(), min_size=1, max_size=3))
def test_files_recorded_at_once_leave_the_rows_of_one_at_a_time(empty: Path, rounds: list[list[Scanned]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        at_once = _rows(rounds, empty, Path(folder), at_once=True)
        one_by_one = _rows(rounds, empty, Path(folder), at_once=False)
    assert at_once == one_by_one


def test_a_refused_file_is_found_among_many_by_few_transactions(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "d.sqlite")
    run = runs.start_run(database, ["/a"])
    file_index.compare(database, root="/a", run=run, listings=[Listing("/a", [])])
    items = [Scanned("/a", Stat(f"{n}", 1, 1), "dicom", "1", "1", f"{n}", "{}") for n in range(512)]
    items[300] = Scanned("/a", Stat("300", 1, 1), "dicom", "1", "1", _REFUSED, "{}")
    tried: list[int] = []

    def record(batch: Sequence[Scanned]) -> None:
        tried.append(len(batch))
        file_index.record(database, run, batch)

    keep(record, items)
    with database.begin() as session:
        states = session.execute(text("SELECT state, count(*) FROM files GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(row) for row in states] == [("pending", 511), ("rejected", 1)]
    assert len(tried) == 20  # the batch, two halves of each of nine sizes, and the file once more without its header
    database.close()
