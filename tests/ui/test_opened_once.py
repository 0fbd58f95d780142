"""What a server opened and opens anew, after a switch of the encoder or over a home that was made again, is freed."""

from __future__ import annotations

import gc
import inspect
import weakref
from pathlib import Path

import pytest

from spinecho.ui.views.session import opened


class Opened:
    """Something large that is held by a circle, as an engine is."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_opened_before_does_not_stay_for_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alive: list[weakref.ref[Opened]] = []

    def opens(*_: object, **__: object) -> Opened:
        made = Opened()
        alive.append(weakref.ref(made))
        return made

    monkeypatch.setattr(opened, "open_served", opens)
    monkeypatch.setattr(opened, "leave_what_stays", inspect.unwrap(opened.leave_what_stays))
    opened._open.clear()
    try:
        for number in range(5):
            opened._open(str(tmp_path), "medium", number)
        assert sum(one() is not None for one in alive) <= 2, "the newest, and the one that it took the place of"
    finally:
        opened._open.clear()
        gc.unfreeze()
