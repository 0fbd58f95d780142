"""Looking at a page in a browser: what is expected is waited for, since the server has to answer first."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from benchmarks.browser import until

_SECONDS = 100.0


def becomes(page: Any, what: Callable[[], object], wanted: object) -> None:
    """Wait until something that is read from a page is as wanted."""
    _wait(page, lambda: what() == wanted)
    assert what() == wanted


def eventually(page: Any, condition: Callable[[], object]) -> None:
    """Wait until a condition on a page holds."""
    _wait(page, condition)
    assert condition(), f"it never came to: {inspect.getsource(condition).strip()}"


def settled(page: Any) -> None:
    """Wait until the server has drawn the page to its end: until then what is clicked may be taken away beneath it."""
    page.wait_for_timeout(300)
    until(page, "!document.querySelector('[data-testid=stApp]').dataset.testScriptState?.includes('running')")


def _wait(page: Any, condition: Callable[[], object]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition() and time.monotonic() < end:
        page.wait_for_timeout(50)
