"""Ctrl-C at every line of what waits for a long query: the connection is nobody's before it is closed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import event

from spinecho.db.schema.database import Database
from spinecho.db.upkeep.scrub_steps import Step, steps

WAITS = ("scrub_steps.py", "threading.py", "_base.py", "thread.py")
"""Files in whose lines Ctrl-C comes: ours, and those of what may wait."""


class Pressed:
    """Raises KeyboardInterrupt at the n-th line that this thread executes in `WAITS` from the query's waiting on."""

    def __init__(self, at: int) -> None:
        self.left, self.came = at, False

    def __call__(self, frame: FrameType, what: str, argument: object) -> Any:
        if not frame.f_code.co_filename.endswith(WAITS):
            return None
        if what == "line" and not self.came and _within("_interruptibly", frame):
            self.left -= 1
            if self.left < 0:
                self.came = True
                raise KeyboardInterrupt
        return self


def _within(name: str, frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == name:
            return True
        frame = frame.f_back
    return False


def structure(database: Database, folder: Path) -> Step:
    return next(one for one in steps(database, folder) if one.name == "structure of studies")


def test_wherever_ctrl_c_comes_the_query_has_ended_before_the_connection_is_given_back(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    asking: list[int] = []

    def begun(connection: Any, _: Any, statement: str, *__: Any) -> None:
        asking.extend([1] if "integrity_check" in statement else [])

    def ended(connection: Any, _: Any, statement: str, *__: Any) -> None:
        if "integrity_check" in statement:
            asking.pop()

    def given_back(*_: Any) -> None:
        assert not asking, "closed under a query, it ends the process"

    event.listen(database.engine, "before_cursor_execute", begun)
    event.listen(database.engine, "after_cursor_execute", ended)
    event.listen(database.engine, "handle_error", lambda _: asking.clear())
    event.listen(database.engine.pool, "checkin", given_back)
    step, before = structure(database, tmp_path / "builds"), sys.gettrace()
    n = 0
    while True:
        pressed = Pressed(n)
        sys.settrace(pressed)
        try:
            pieces = list(step.pieces(None))
        except KeyboardInterrupt:
            pieces = []
        finally:
            sys.settrace(before)
        if not pressed.came:
            break
        n += 1
    database.close()
    assert n > 8
    assert [piece.findings for piece in pieces] == [()]
