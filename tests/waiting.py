"""What another process or a browser is to come to is waited for; one limit for all, since no machine is the fastest."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

from benchmarks.browser import PATIENCE_MS, until

_SECONDS = PATIENCE_MS / 1000
Found = TypeVar("Found")


def comes(what: Callable[[], Found], *, every: float = 0.02) -> Found:
    """Wait until what is looked at is there (is true), and give it."""
    end = time.monotonic() + _SECONDS
    while not (found := what()):
        assert time.monotonic() < end, f"it never came to: {inspect.getsource(what).strip()}"
        time.sleep(every)
    return found


def becomes(page: Any, what: Callable[[], object], wanted: object) -> None:
    """Wait until something that is read from a page is as wanted. It is not read again then, as by `eventually`."""
    seen: list[object] = []

    def is_there() -> bool:
        seen[:] = [what()]
        return seen == [wanted]

    assert _came(page, is_there), f"it stayed {seen[0]!r} and never became {wanted!r}"


def eventually(page: Any, condition: Callable[[], object]) -> None:
    """Wait until a condition on a page holds. It is not looked at again then: it may hold for a moment only."""
    assert _came(page, condition), f"it never came to: {inspect.getsource(condition).strip()}"


def settled(page: Any) -> None:
    """Wait until the server has drawn the page to its end: until then what is clicked may be taken away beneath it."""
    page.wait_for_timeout(300)
    until(page, "!document.querySelector('[data-testid=stApp]').dataset.testScriptState?.includes('running')")


def ask(page: Any, words: str) -> None:
    """Search with words, and wait until the list is drawn to its end."""
    page.get_by_label("Search", exact=True).fill(words)
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
    settled(page)


def _came(page: Any, condition: Callable[[], object]) -> bool:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        page.wait_for_timeout(50)
    return False
