"""A watch that is stopped ends, wherever its thread is when the signal comes."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

import pytest

from spinecho.archive import Archive
from spinecho.filling import watching

FILES = (threading.__file__, watching.__file__)


def stopped_at(archive: Archive, line: int) -> bool:
    """Whether a watch without end ends that is stopped at this line of its own or of the library of threads.

    What a trace function calls runs between two lines of the thread that it traces, as a signal handler does.
    """
    watch = archive.watch(every=0.02, workers=1)
    lines, reached = 0, threading.Lock()

    def trace(frame: FrameType, event: str, given: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            lines += 1
            if lines == line:
                watch.stop()
                reached.acquire()
        return trace

    def follow() -> None:
        passes = watch.passes(3)
        next(passes)
        sys.settrace(trace)
        try:
            list(passes)
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), f"stopped at line {line}, it waits for ever"
    return reached.locked()


def test_a_watch_can_be_stopped_at_every_line(archive: Archive) -> None:
    line = 1
    while stopped_at(archive, line):
        line += 1
    assert line > 20


@pytest.mark.parametrize("kind", [threading.Event, watching.SignalEvent])
def test_the_event_is_one(kind: type[threading.Event]) -> None:
    event, seen = kind(), threading.Semaphore(0)
    assert not event.wait(0.01)
    threads = [threading.Thread(target=lambda: event.wait(60) and seen.release()) for _ in range(3)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join(60)
        assert seen.acquire(blocking=False)
    assert event.wait()
    event.clear()
    assert not event.is_set()
    assert not event.wait(0.01)
