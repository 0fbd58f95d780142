"""Hours of the day in which a watch works: what begins outside waits, what is under way at their end goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spinecho.archive import Archive
from spinecho.errors import SettingsError
from spinecho.filling import watching
from spinecho.setup.hours import Hours, read_hours

NIGHT = datetime(2026, 1, 5, 23, 0)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [("20-6", 1200, 360), ("8-17:30", 480, 1050), ("19:30 - 5:45", 1170, 345), ("0-24", 0, 1440)],
)
def test_hours_are_read(given: str, start: int, end: int) -> None:
    assert read_hours(given) == Hours(start, end)
    assert read_hours(str(read_hours(given))).start == start


@pytest.mark.parametrize("given", ["", "20", "20-", "25-6", "8-8", "8:60-9", "x-y", "-1-5", "1-25"])
def test_what_are_no_hours(given: str) -> None:
    with pytest.raises(SettingsError, match="such as 20-6"):
        read_hours(given)


@pytest.mark.parametrize("given", ["20-6", "8-17:30", "0-24", "23:59-0"])
def test_at_every_minute_it_is_open_or_known_when_it_will_be(given: str) -> None:
    hours = read_hours(given)
    for minute in range(0, 2880):
        at = NIGHT + timedelta(minutes=minute, seconds=13)
        wait = hours.seconds_until_open(at)
        assert (wait == 0) is hours.open_at(at)
        assert 0 <= wait < 86_400
        assert hours.open_at(at + timedelta(seconds=wait))


class Run:
    """A run of the index that takes its time, told how far it is as the real one is."""

    def __init__(self, hours: float) -> None:
        self.hours = hours
        self.clock = NIGHT
        self.roots: list[list[Path]] = []
        self.ended = 0

    def __call__(self, roots: list[Path], *, on_progress: Any, grace_days: float | None) -> Any:
        self.roots.append(roots)
        for step in range(10):
            on_progress("read", step, 10)
            self.clock += timedelta(hours=self.hours / 10)
        self.ended += 1

        class Outcome:
            counts: dict[str, int] = {"series": 3}  # noqa: RUF012

        return Outcome()


@pytest.fixture
def passes(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, Iterator[watching.Pass]]:
    run = Run(hours=10)
    (tmp_path / "in").mkdir()
    database = archive._database()
    watch = watching.Watch(
        archive._settings, database, run, folders=[tmp_path / "in"], every=0, hours=read_hours("20-6"),
        now=lambda: run.clock,
    )  # fmt: skip
    monkeypatch.setattr(watching, "_QUIET", 0.0)

    def waits(seconds: float | None = None) -> bool:
        run.clock += timedelta(seconds=seconds or 0)
        return False

    monkeypatch.setattr(watch._stop, "wait", waits)
    return run, watch.passes()


def test_a_run_ends_with_its_hours_and_goes_on_with_the_next(passes: tuple[Run, Iterator[watching.Pass]]) -> None:
    run, following = passes
    first = next(following)
    assert run.ended == 0
    assert run.clock.hour == 6
    assert "are over" in first.trouble[0]
    assert first.indexed == {}
    run.hours = 1
    second = next(following)
    assert run.clock.day == NIGHT.day + 1
    assert run.clock.hour == 21
    assert (run.ended, second.indexed, second.trouble) == (1, {"series": 3}, [])
    following.close()


def test_a_watch_forgets_what_is_gone_by_itself(archive: Archive, tmp_path: Path) -> None:
    seen: list[float | None] = []

    def run(roots: list[Path], *, grace_days: float | None, on_progress: Any) -> None:
        seen.append(grace_days)

    for given in ({}, {"grace_days": None}):
        watch = archive.watch(tmp_path, **given)  # type: ignore[arg-type]
        watch._index = run  # type: ignore[assignment]
        list(watch.passes(1))
    assert seen == [7.0, None]
