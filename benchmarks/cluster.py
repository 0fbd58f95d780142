"""How much of two machines a Ray cluster of two nodes uses: `spinecho index --ray` beside two separate runs.

    ray start --head --num-cpus 1 ... && ray start --address ... --num-cpus 1
    python -m benchmarks.cluster --ray 127.0.0.1:6379 [--studies 60] [--rounds 3]

An archive is written in two halves. Two separate runs: `spinecho index --workers 1` over each half at once, each with a
home of its own and one thread. The cluster: one run over both halves, on two nodes of one processor. Both take the same
cores of one machine, in turns. Efficiency is the time of the two runs over the time of the cluster, whole commands.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import machine
from spinecho.indexer.phantom import write_archive

ENVIRONMENT = {**os.environ, "SPINECHO_THREADS": "1", "OMP_NUM_THREADS": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", required=True)
    parser.add_argument("--studies", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f} at the beginning")
    with tempfile.TemporaryDirectory() as folder:
        halves = [Path(folder) / name for name in ("one", "two")]
        for seed, half in enumerate(halves):
            write_archive(half, studies=options.studies // 2, seed=seed)
        shares = []
        for number in range(options.rounds):
            apart, series = separately(Path(folder), halves)
            together, found, most = clustered(Path(folder), halves, options.ray)
            if found["counts"]["series"] != series:
                raise SystemExit(f"{found['counts']['series']} series, not {series}: {found['warnings']}")
            shares.append(apart / together)
            print(
                f"round {number + 1}: {series} series; two runs {apart:.1f} s, cluster {together:.1f} s, "
                f"efficiency {shares[-1]:.2f}; at most {most / 1e9:.2f} GB resident in Ray's processes and the driver; "
                f"load {os.getloadavg()[0]:.1f}"
            )
        print(f"efficiency: {statistics.median(shares):.2f} (from {min(shares):.2f} to {max(shares):.2f})")


def command(folders: list[Path], home: Path, *words: str) -> list[str]:
    shutil.rmtree(home, ignore_errors=True)
    paths = [str(one) for one in folders]
    return [sys.executable, "-m", "spinecho.ui.cli.app", "index", *paths, "--home", str(home), "--json", *words]


def separately(folder: Path, halves: list[Path]) -> tuple[float, int]:
    """(seconds until both have ended, series)"""
    words = [command([half], folder / f"home-{half.name}", "--workers", "1") for half in halves]
    began = time.monotonic()
    runs = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) for one in words]
    said = [run.communicate()[0] for run in runs]
    return time.monotonic() - began, sum(json.loads(one)["counts"]["series"] for one in said)


def clustered(folder: Path, halves: list[Path], address: str) -> tuple[float, dict[str, Any], int]:
    """(seconds, what the run says, the most bytes that were resident)"""
    words = command(halves, folder / "home-cluster", "--workers", "2", "--ray", address)
    most, over = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(1.0):
            most = max(most, resident())

    began = time.monotonic()
    looks = threading.Thread(target=look)
    looks.start()
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False).stdout
    seconds = time.monotonic() - began
    over.set()
    looks.join()
    return seconds, json.loads(said), most


def resident() -> int:
    found = 0
    for one in psutil.process_iter(["cmdline", "memory_info"]):
        words = " ".join(one.info["cmdline"] or ())
        if one.info["memory_info"] and (words.startswith("ray::") or "--ray" in words or "sandbox.worker" in words):
            found += one.info["memory_info"].rss
    return found


if __name__ == "__main__":
    main()
