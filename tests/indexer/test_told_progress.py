"""A run keeps how far it is where others can read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.files import runs
from spinecho.db.schema.database import Database
from spinecho.indexer.pipeline import index_archive
from spinecho.indexer.progress import Kept, Silent


def test_progress_is_kept_at_most_so_often_and_passed_on() -> None:
    kept: list[dict[str, list[int]]] = []
    progress = Kept(
        lambda stages: kept.append({name: list(pair) for name, pair in stages.items()}), Silent(), every=0.0
    )
    progress.total("read", 10)
    progress.advance("read", 3)
    assert kept[-1] == {"read": [3, 10]}


@pytest.mark.parametrize("up_for", [0.0, 12.0, 1e9], ids=["just started", "a moment", "years"])
def test_the_first_step_is_kept_however_long_the_machine_has_been_up(
    up_for: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: up_for)
    seldom: list[object] = []
    progress = Kept(seldom.append, Silent(), every=3600.0)
    for _ in range(100):
        progress.advance("scan")
    assert len(seldom) == 1
    monkeypatch.setattr("time.monotonic", lambda: up_for + 3600.0)
    progress.advance("scan")
    assert len(seldom) == 2


def test_a_clock_may_start_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has just been started its clock is near 0."""
    for now in (0.0, 1e-3, 1e9):
        monkeypatch.setattr("time.monotonic", lambda now=now: now)
        kept: list[object] = []
        progress = Kept(kept.append, Silent(), every=3600.0)
        progress.advance("scan")
        progress.advance("scan")
        assert len(kept) == 1


def test_a_run_tells_while_it_runs_and_ends_with_what_it_did(tmp_path: Path) -> None:
    for number in range(3):
        write_nifti(tmp_path / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    home = Home(tmp_path / "home", parts_dual)
    seen: list[dict[str, object]] = []

    class Looks(Silent):
        def advance(self, stage: str, amount: int = 1) -> None:  # type: ignore[override]
            run = runs.last_run(Database.open(home.database))
            assert run is not None
            seen.append(run)

    database = Database.open(home.database)
    index_archive(database, tmp_path / "home" / "builds", [tmp_path / "scans"], parts_dual, progress=Looks())
    assert any("stages" in run["counts"] for run in seen)  # type: ignore[operator]
    assert all(run["finished_at"] is None for run in seen)
    ended = runs.last_run(Database.open(home.database))
    assert ended is not None
    assert ended["finished_at"]
    assert ended["counts"]["series"] == 3
