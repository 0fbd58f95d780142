"""Files that are gone are forgotten after a grace period: not before, nor when they came back or most are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spinecho import steady
from spinecho.db.errors import PruneRefused
from spinecho.db.files import file_index, runs
from spinecho.db.schema.database import Database
from spinecho.db.values import Listing, Scanned, Stat
from spinecho.indexer.discovery import Walked, settle_missing
from spinecho.indexer.progress import Tally
from spinecho.steady import Moment

DAY = 86_400.0
ROOT = "/archive"
NAMES = [f"{number}\udcff.dcm" for number in range(6)]
"""No UTF-8: a path is known by its bytes."""


class Passes:
    """A watch's passes over an archive, at times of the test's own."""

    def __init__(self, database: Database, patch: pytest.MonkeyPatch) -> None:
        self.database, self.days = database, 0.0
        patch.setattr(steady, "now", lambda: Moment("a", self.days * DAY, 1_700_000_000.0))
        run = runs.start_run(database, [ROOT])
        rows = [
            Scanned(ROOT, Stat(name, 7, 1), "dicom", "1.2", "1.3", f"1.4.{n}", "{}") for n, name in enumerate(NAMES)
        ]
        listing = Listing(ROOT, [row.stat for row in rows])
        file_index.compare(database, root=ROOT, run=run, listings=[listing])
        file_index.record(database, run, rows)

    def after(self, days: float, *gone: int, watch: bool = True) -> tuple[int, int]:
        """(files that are missing, files that were forgotten) of a pass that finds these gone."""
        self.days += days
        tally, there = Tally(), self.known() - {*gone}
        walked = Walked(Path(ROOT), tuple(f"{ROOT}/{NAMES[number]}" for number in gone), len(there), ())
        settle_missing(self.database, [walked], prune=False, yes=False, tally=tally, grace=7 * DAY if watch else None)
        return tally.counts["missing"], tally.counts["pruned"]

    def known(self) -> set[int]:
        paths = [f"{ROOT}/{name}" for name in NAMES]
        return {paths.index(path) for path in file_index.still_known(self.database, paths)}


@pytest.fixture
def passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Passes]:
    database = Database.open(tmp_path / "spinecho.sqlite")
    yield Passes(database, monkeypatch)
    database.close()


def test_what_is_gone_for_long_is_forgotten(passes: Passes) -> None:
    assert passes.after(0) == (0, 0)
    assert passes.after(0, 0) == (1, 0)
    assert passes.after(6, 0) == (1, 0)
    assert passes.after(9, 0, watch=False) == (1, 0), "a run by hand forgets nothing"
    assert passes.after(0, 0) == (1, 1)
    assert passes.known() == {1, 2, 3, 4, 5}


def test_what_came_back_starts_anew(passes: Passes) -> None:
    assert passes.after(0, 0) == (1, 0)
    assert passes.after(6) == (0, 0)
    assert passes.after(2, 0) == (1, 0)
    assert passes.after(6.9, 0) == (1, 0)
    assert passes.after(0.2, 0) == (1, 1)


def test_where_most_are_gone_nothing_is_forgotten(passes: Passes) -> None:
    assert passes.after(0, 0) == (1, 0)
    with pytest.raises(PruneRefused, match="more than a fifth"):
        passes.after(8, 0, 1)  # the other went only now, and may be of what is not mounted
    assert len(passes.known()) == 6
    with pytest.raises(PruneRefused, match="holds no files"):
        passes.after(8, *range(6))
    assert len(passes.known()) == 6
    assert passes.after(0, 0) == (1, 1), "it has been gone all the time"
