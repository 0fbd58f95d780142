"""Archives and homes that tests start from, drawn and indexed once a run for all of its processes."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from trusting import trust

import spinecho
from spinecho.db.schema.engines import Location
from spinecho.indexer.phantom import write_archive


def run_folder() -> Path:
    """A folder that every process of this run knows, through the environment; the one that made it takes it away."""
    if "SPINECHO_TEST_RUN" not in os.environ:
        os.environ["SPINECHO_TEST_RUN"] = tempfile.mkdtemp(prefix="spinecho-tests-")
        atexit.register(shutil.rmtree, os.environ["SPINECHO_TEST_RUN"], ignore_errors=True)
    return Path(os.environ["SPINECHO_TEST_RUN"])


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name, which `make` fills in place (homes name their archive's paths); not to be changed."""
    folder = run_folder() / name
    done = folder.with_name(f"{name}.done")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def copied_when_new(migrate: Callable[..., None]) -> Callable[..., None]:
    """What makes new database files by a copy of one that `migrate` made in this run; all else it does itself.

    The steps from the first schema to the newest take a third of a second, and a thousand tests begin with them.
    """

    @functools.wraps(migrate)
    def made(location: Location, **options: Any) -> None:
        if not isinstance(location, Path) or location.exists() or options:
            return migrate(location, **options)
        empty = made_once("empty-database", lambda folder: migrate(folder / "spinecho.sqlite"))
        shutil.copyfile(empty / "spinecho.sqlite", location)
        return None

    return made


def four_studies(folder: Path) -> None:
    """An archive of four whole studies, and the home that it is indexed in by the front door; heat maps are shown."""
    write_archive(folder / "archive", studies=4)
    with spinecho.open(folder / "home", create=True, device="cpu") as archive:
        outcome = archive.index(folder / "archive")
    assert outcome.counts["series"] > 0
    trust(folder / "home" / "spinecho.sqlite")
