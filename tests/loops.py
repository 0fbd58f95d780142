"""Running coroutines in tests, whatever else runs in the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What it gives, run in a thread of its own: a browser that is driven here keeps a loop in the tests' thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(run())).result()
