"""What is still written is never taken for what a killed run left, whenever somebody looks."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

from spinecho.db.durable import drop_abandoned, hold, is_held, take

ROOT = Path(__file__).parents[2]


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


def test_who_looks_whether_something_is_held_does_not_hold_it(tmp_path: Path) -> None:
    """A page that shows whether a run goes on, again and again, keeps none from beginning; nor do two that look."""
    path, over, said = tmp_path / "held", threading.Event(), []
    path.touch()

    def look() -> None:
        while not over.is_set():
            said.append(is_held(path))

    looking = [threading.Thread(target=look) for _ in range(2)]
    for one in looking:
        one.start()
    try:
        while len(said) < 2_000:
            pass
        assert not any(said), "nobody holds it"
        for _ in range(300):
            with path.open("rb") as file:
                assert take(file.fileno())
    finally:
        over.set()
        for one in looking:
            one.join()
    with path.open("rb") as file:
        assert take(file.fileno())
        assert is_held(path)
        with path.open("rb") as other:
            assert not take(other.fileno())


def test_locks_are_taken_at_one_place() -> None:
    """Elsewhere a lock that is tried for once takes those who only look for holders."""
    packages = ("db", "encoders", "indexer", "search", "spinecho", "ui")
    paths = (path for package in packages for path in (ROOT / package).rglob("*.py"))
    assert [path.relative_to(ROOT).as_posix() for path in paths if "LOCK_NB" in path.read_text(encoding="utf-8")] == [
        "db/durable.py"
    ]
