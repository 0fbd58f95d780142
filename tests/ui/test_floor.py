"""Pages are drawn one at a time, in the order in which they came; one that takes long is overtaken."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from waiting import comes

from spinecho.ui.views.session.floor import Floor

LONG = 3600.0


class Drawing:
    """A page that is drawn until it may end."""

    def __init__(self, floor: Floor, begun: list[int], number: int) -> None:
        self._end = threading.Event()
        self._work = floor, begun, number
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        floor, begun, number = self._work
        with floor.held():
            begun.append(number)
            assert self._end.wait(60)

    def end(self) -> None:
        self._end.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


def waiting(floor: Floor, count: int) -> bool:
    return len(floor._waiting) == count


def test_one_after_the_other_in_the_order_in_which_they_came() -> None:
    floor, begun = Floor(LONG), list[int]()
    drawings = [Drawing(floor, begun, 0)]
    comes(lambda: begun == [0])
    for number in range(1, 5):
        drawings.append(Drawing(floor, begun, number))
        comes(partial(waiting, floor, number))
    for number, one in enumerate(drawings):
        comes(partial(begun.__eq__, list(range(number + 1))))
        one.end()


def test_a_long_one_is_overtaken_and_its_end_wakes_nobody_too_early() -> None:
    floor, begun = Floor(0.05), list[int]()
    slow = Drawing(floor, begun, 0)
    comes(lambda: begun == [0])
    others = [Drawing(floor, begun, number) for number in (1, 2)]
    comes(lambda: sorted(begun) == [0, 1, 2])
    for one in (*others, slow):
        one.end()
    last = Drawing(floor, begun, 3)
    comes(lambda: begun[-1] == 3)
    last.end()


def test_who_fails_leaves_the_floor() -> None:
    floor = Floor(LONG)
    for _ in range(3):
        with pytest.raises(ValueError, match="drawn"), floor.held():
            raise ValueError("cannot be drawn")
    with floor.held():
        pass
