"""How long who took bytes waits, by a clock of the test's own."""

from __future__ import annotations

import threading

import pytest

from spinecho.errors import SettingsError
from spinecho.indexer.sources.kinds import KINDS, read_settings
from spinecho.indexer.sources.pacing import MEGABYTE, SETTING, Pace
from spinecho.indexer.sources.source import Stopped


class Clock(threading.Event):
    """Time passes where somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        self.at += timeout or 0.0
        return self.is_set()


def paced(megabytes: float) -> tuple[Pace, Clock]:
    clock = Clock()
    pace = Pace({SETTING: megabytes} if megabytes else {}, lambda: clock.at)
    pace.stop = clock
    return pace, clock


def test_any_pieces_take_as_long_as_their_bytes_do() -> None:
    for pieces in ([MEGABYTE] * 6, [1] * 10 + [6 * MEGABYTE - 10]):
        pace, clock = paced(2)
        for piece in pieces:
            pace.took(piece)
        assert clock.at - 100 == pytest.approx(3.0)


def test_time_in_which_nothing_came_is_not_made_up_for() -> None:
    pace, clock = paced(1)
    pace.took(MEGABYTE)
    clock.at += 1000
    before = clock.at
    pace.took(MEGABYTE)
    assert clock.at - before == pytest.approx(1.0)


def test_without_a_setting_nothing_waits_and_a_stop_ends_the_wait() -> None:
    pace, clock = paced(0)
    pace.took(1 << 40)
    assert clock.at == 100
    pace, clock = paced(1)
    clock.set()
    with pytest.raises(Stopped):
        pace.took(1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.place], ids=lambda kind: kind.name)
def test_every_kind_that_is_pulled_from_takes_the_setting(kind: object) -> None:
    assert isinstance(kind, type(KINDS[0]))
    needed = {"url": "https://pacs.example", "host": "pacs", "port": "104", "ae": "PACS"}
    given = {name: needed[name] for name in kind.needed}
    assert read_settings("a", kind, {**given, SETTING: "12.5"})[SETTING] == 12.5
    with pytest.raises(SettingsError, match="a number from"):
        read_settings("a", kind, {**given, SETTING: "0"})
