"""Time commands of two versions in turns, each a fresh process: ``spinecho --help``, ``status``, one text query; with
``--data`` the reading of its DICOM files, with ``--files`` an ``index`` over so many files that have not changed.

    python -m benchmarks.startup --home HOME --before "OTHER/.venv/bin/python -m ui.cli" --before-tree OTHER

Each version needs a home of its own schema: ``--before-home``. Reading is what ``benchmarks.reading`` of each does.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reindex
from benchmarks.common import machine

_READ = "from benchmarks.reading import CHILD; exec(CHILD)"


@dataclass(frozen=True)
class Version:
    """call: how its command is called; home: with an archive of its schema; tree: its checkout."""

    call: list[str]
    home: str | None
    tree: Path


def main() -> None:
    """Print the median seconds of each command, before and after, and their ratio."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", help="for status and a query")
    arguments.add_argument("--before", required=True, help="how the other version is called")
    arguments.add_argument("--before-home", help="its own home, where the schema differs")
    arguments.add_argument("--before-tree", type=Path, help="its checkout, for --data")
    arguments.add_argument("--data", help="a folder of DICOM files to read")
    arguments.add_argument("--files", type=int, default=0, help="so many small files to index, and to index again")
    arguments.add_argument("--turns", type=int, default=7)
    given = arguments.parse_args()
    here = Path(__file__).resolve().parents[1]
    before = Version(shlex.split(given.before), given.before_home or given.home, given.before_tree or here)
    after = Version([sys.executable, "-m", "spinecho.ui.cli.app"], given.home, here)
    print(machine())
    _compare("--help", before, after, lambda one: [*one.call, "--help"], given.turns)
    if given.home:
        query = ["search", "text", "infarct in the left frontal lobe", "--json"]
        _compare("status", before, after, lambda one: [*one.call, "status", "--home", str(one.home)], given.turns)
        _compare("search", before, after, lambda one: [*one.call, *query, "--home", str(one.home)], given.turns)
    if given.data:
        _compare("reading", before, after, lambda one: [one.call[0], "-c", _READ, str(given.data)], given.turns)
    if given.files:
        with _indexed(given.files, before, after) as command:
            _compare("reindex", before, after, command, given.turns)


@contextmanager
def _indexed(files: int, *versions: Version) -> Iterator[Callable[[Version], list[str]]]:
    """How each version indexes an archive that it has indexed before."""
    with tempfile.TemporaryDirectory() as folder:
        archive, homes = Path(folder) / "archive", {}
        reindex.write(archive, files)
        for number, version in enumerate(versions):
            homes[version.tree] = f"{folder}/home-{number}"
            _seconds(version, [*version.call, "index", str(archive), "--home", homes[version.tree], "--json"])
        yield lambda one: [*one.call, "index", str(archive), "--home", homes[one.tree], "--json"]


def _compare(
    name: str, before: Version, after: Version, command: Callable[[Version], list[str]], turns: int
) -> None:  # fmt: skip
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for version, seconds in zip((before, after), taken, strict=True):
            seconds.append(_seconds(version, command(version)))
    old, new = (statistics.median(seconds) for seconds in taken)
    spread = ", ".join(f"{min(seconds):.2f} to {max(seconds):.2f}" for seconds in taken)
    print(f"{name:8} before {old:.2f} s, after {new:.2f} s, ratio {new / old:.2f} ({spread}; {turns} turns)")


def _seconds(version: Version, command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=version.tree)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
