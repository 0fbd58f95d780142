"""Peak memory of indexing an archive, and one four times as large.

    python -m benchmarks.memory [--studies 6]

The resident memory of the indexing process and of its reading processes is sampled together 20 times a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.common import machine
from spinecho.indexer.phantom import write_archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=6)
    options = parser.parse_args()
    print(machine())
    for times in (1, 4):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "archive"
            write_archive(archive, studies=times * options.studies, seed=3)
            size = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
            main_peak, all_peak, seconds = measured(archive, Path(folder) / "home")
        print(
            f"{times}x: {times * options.studies} studies, {size / 1e6:.0f} MB: peak {main_peak / 2**20:.0f} MB in the "
            f"indexing process, {all_peak / 2**20:.0f} MB with its reading processes, {seconds:.0f} s"
        )


def measured(archive: Path, home: Path) -> tuple[int, int, float]:
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "spinecho.ui.cli.app",
        "index",
        str(archive),
        "--home",
        str(home),
        "--workers",
        "2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    main_peak = all_peak = 0
    while process.poll() is None:
        try:
            own = watched.memory_info().rss
            below = sum(child.memory_info().rss for child in watched.children(recursive=True))
        except psutil.NoSuchProcess:
            break
        main_peak, all_peak = max(main_peak, own), max(all_peak, own + below)
        time.sleep(0.05)
    if process.wait() not in (0, 1):
        raise SystemExit("indexing failed")
    return main_peak, all_peak, time.perf_counter() - began


if __name__ == "__main__":
    main()
