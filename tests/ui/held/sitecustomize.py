"""Taken in by a server under test, and by the processes that it starts: every count is a job, and counts and searches
do not go on while the file is there that SPINECHO_TEST_HELD names.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import time
from collections.abc import Callable
from typing import Any

_HELD = os.environ.get("SPINECHO_TEST_HELD", "")


def _wait(follow: Callable[[int, int], None] | None = None) -> None:
    while os.path.exists(_HELD):  # noqa: PTH110  (at the start of every process)
        if follow is not None:
            follow(0, 1)
        time.sleep(0.02)


def _held_searches(module: Any) -> None:
    plain = module.Snapshot.search

    def search(*given: Any, **named: Any) -> Any:
        _wait()
        return plain(*given, **named)

    module.Snapshot.search = search


def _held_counts(module: Any) -> None:
    module.LONG = 0
    plain = module.evaluate

    def evaluate(*given: Any) -> Any:
        _wait(given[-1])
        return plain(*given)

    module.evaluate = evaluate


_CHANGES = {"spinecho.search.snapshot": _held_searches, "spinecho.search.access.cohorts": _held_counts}


class _Finder(importlib.abc.MetaPathFinder):
    """Changes a module once it has been made."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in _CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        made = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            made(module)
            _CHANGES[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if _HELD:
    sys.meta_path.insert(0, _Finder())
