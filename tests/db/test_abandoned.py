"""What is still written is never taken for what a killed run left, whenever somebody looks."""

from __future__ import annotations

import fcntl
from pathlib import Path

from spinecho.db.durable import drop_abandoned, hold


def test_what_is_held_stays_and_what_nobody_holds_goes(tmp_path: Path) -> None:
    with (tmp_path / "a.partial").open("wb") as held:
        (tmp_path / "b.partial").touch()
        assert hold(held.fileno())
        assert drop_abandoned(tmp_path, "*.partial") == (tmp_path / "b.partial",)
    assert drop_abandoned(tmp_path, "*.partial") == (tmp_path / "a.partial",)


def test_who_was_not_in_time_is_told(tmp_path: Path) -> None:
    with (tmp_path / "a.partial").open("wb") as late:
        drop_abandoned(tmp_path, "*.partial")
        assert not hold(late.fileno())


def test_what_is_being_dropped_is_not_held(tmp_path: Path) -> None:
    with (tmp_path / "a.partial").open("wb") as late, (tmp_path / "a.partial").open("rb") as dropping:
        fcntl.flock(dropping.fileno(), fcntl.LOCK_EX)  # where `drop_abandoned` stands before it removes
        assert not hold(late.fileno())
