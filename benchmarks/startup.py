"""Time commands of two versions in turns, each a fresh process: ``spinecho --help``, ``status``, one text query.

    python -m benchmarks.startup --home HOME --before "OTHER/.venv/bin/python -m ui.cli"

Each version needs a home of its own schema: ``--before-home``.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import subprocess
import sys
import time


def main() -> None:
    """Print the median seconds of each command, before and after, and their ratio."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", required=True)
    arguments.add_argument("--before", required=True, help="how the other version is called")
    arguments.add_argument("--before-home", help="its own home, where the schema differs")
    arguments.add_argument("--turns", type=int, default=7)
    given = arguments.parse_args()
    versions = {
        "before": (shlex.split(given.before), given.before_home or given.home),
        "after": ([sys.executable, "-m", "spinecho.ui.cli.app"], given.home),
    }
    commands = {
        "--help": lambda home: ["--help"],
        "status": lambda home: ["status", "--home", home],
        "search": lambda home: ["search", "text", "infarct in the left frontal lobe", "--home", home, "--json"],
    }
    for name, make in commands.items():
        seconds: dict[str, list[float]] = {version: [] for version in versions}
        for _ in range(given.turns):
            for version, (call, home) in versions.items():
                start = time.perf_counter()
                subprocess.run([*call, *make(home)], check=True, capture_output=True)
                seconds[version].append(time.perf_counter() - start)
        before, after = (statistics.median(seconds[version]) for version in ("before", "after"))
        print(f"{name:8} before {before:.2f} s, after {after:.2f} s, ratio {after / before:.2f}")


if __name__ == "__main__":
    main()
