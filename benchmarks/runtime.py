"""Frozen networks by ONNX Runtime and by PyTorch, in one run: the networks alone, indexing, and starting.

    python -m benchmarks.runtime [--data FOLDER] [--reports 1000] [--repeats 5] [--turns 3]

Both runtimes take turns, so that what else runs on the machine meets both. The networks' figures are the median and
the least of the repeats. Indexing (of FOLDER, and of generated reports) and starting run the whole command, a fresh
process and a fresh home each time; `encode` is the run's own figure for the networks, and what is around them.
Reports are plain text files of one report each, so sentences that come in several reports are read once a report.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.common import machine
from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.runtime.frozen import FrozenNetwork, furthest_rows
from spinecho.encoders.runtime.notices import RUNTIMES, SETTING
from spinecho.indexer.phantom import plan_cases
from spinecho.threads import thread_budget

QUESTION = "ring-enhancing lesion in the left temporal lobe"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder to index; left out, none is")
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=15, help="of each network")
    parser.add_argument("--turns", type=int, default=3, help="of each command")
    options = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{machine()}; {thread_budget()} threads; load before {load}\n")
    print(f"{'':44}{'onnx':>16}{'torch':>16}  ratio  furthest")
    networks(options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        commands(options, Path(folder))


def networks(repeats: int) -> None:
    """The networks by themselves, without a tokenizer or a preparation."""
    encoders, slices = {}, {}
    for runtime in RUNTIMES:
        os.environ[SETTING] = runtime
        encoders[runtime], slices[runtime] = SentenceEncoder.default(), FrozenCells()._frozen
        slices[runtime]({"pictures": np.zeros((1, 128, 128), np.uint8)})
    os.environ.pop(SETTING)
    random = np.random.RandomState(0)
    pictures = {"pictures": random.randint(0, 256, (16, 128, 128)).astype(np.uint8)}
    compare("16 slabs of 128 x 128", {name: _asked(one, pictures) for name, one in slices.items()}, repeats)
    for count, length in ((1, 14), (64, 14), (64, 32)):
        ids = random.randint(1000, 20000, (count, length)).astype(np.int64)
        inputs = {"ids": ids, "mask": np.ones_like(ids)}
        asked = {name: _asked(one._network, inputs) for name, one in encoders.items()}
        compare(f"{count} text(s) of {length} tokens", asked, repeats)
    clauses = [
        f"Clause {n}: a lesion of {n} mm" + " in the left frontal lobe with oedema" * (n % 3) + "." for n in range(150)
    ]
    whole = {name: (lambda one=one: one.encode(clauses)) for name, one in encoders.items()}
    compare(f"150 clauses ({sum(map(len, clauses)) / 1000:.0f} kB), one call", whole, max(3, repeats // 5))
    single = {
        name: (lambda one=one: np.concatenate([one.encode([each]) for each in clauses]))
        for name, one in encoders.items()
    }
    compare("the same, a call each", single, max(3, repeats // 5))


def _asked(network: FrozenNetwork, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    return lambda: network(inputs)[0]


def compare(what: str, asked: dict[str, Callable[[], np.ndarray]], repeats: int) -> None:
    """One line: median and least milliseconds of each, how many times faster, and how far the vectors are apart."""
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    found = {name: ask() for name, ask in asked.items()}
    for _ in range(repeats):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            seconds[name].append(time.perf_counter() - began)
    onnx, torch = (seconds[name] for name in RUNTIMES)
    cells = [f"{1e3 * statistics.median(each):.1f} ({1e3 * min(each):.1f}) ms" for each in (onnx, torch)]
    ratio = statistics.median(torch) / statistics.median(onnx)
    print(f"{what:44}{cells[0]:>16}{cells[1]:>16}  {ratio:5.2f}  {furthest_rows(*(found[n] for n in RUNTIMES)):.0e}")


def commands(options: argparse.Namespace, folder: Path) -> None:
    """Indexing and starting, each a process of its own."""
    reports = folder / "reports"
    reports.mkdir()
    for case in plan_cases(options.reports, seed=11):
        (reports / f"{case.accession_number}.txt").write_text(
            f"Accession: {case.accession_number}\n\n{case.report}", encoding="utf-8"
        )
    (folder / "reports.jsonl").write_text(
        "".join(
            json.dumps({"accession_number": case.accession_number, "report": case.report}) + "\n"
            for case in plan_cases(options.reports, seed=11)
        )
    )
    sources = {
        f"index {options.reports:,} reports, a file each": reports,
        f"index {options.reports:,} reports in one file": folder / "reports.jsonl",
    }
    if options.data:
        sources |= {f"index {options.data.name}": options.data}
    for what, source in sources.items():
        together = source.parent / "alone" if source.is_file() else source
        if source.is_file():
            together.mkdir()
            source.rename(together / source.name)
        indexing(what, together, folder / "home", options.turns)
    for what, arguments in (
        ("start: spinecho --help", ["--help"]),
        ("start: spinecho status", ["status"]),
        ("start: first search", ["search", "text", QUESTION]),
    ):
        home = [] if arguments == ["--help"] else ["--home", str(folder / "home")]
        seconds = in_turns(lambda runtime, rest=[*arguments, *home]: command(rest, runtime)[1], options.turns)
        line(what, seconds)


def indexing(what: str, source: Path, home: Path, turns: int) -> None:
    stages: dict[str, list[dict[str, float]]] = {name: [] for name in RUNTIMES}

    def once(runtime: str) -> float:
        subprocess.run(["rm", "-rf", str(home)], check=True)
        printed, seconds = command(["index", str(source), "--home", str(home), "--json"], runtime)
        stages[runtime].append(json.loads(printed)["seconds"])
        return seconds

    line(f"{what}, whole command", in_turns(once, turns))
    for stage in stages[RUNTIMES[0]][0]:
        seconds = {name: [one[stage] for one in stages[name]] for name in RUNTIMES}
        if max(map(max, seconds.values())) >= 0.1:
            line(f"    {stage}", seconds)


def in_turns(once: Callable[[str], float], turns: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in RUNTIMES}
    for _ in range(turns):
        for name in RUNTIMES:
            seconds[name].append(once(name))
    return seconds


def command(arguments: list[str], runtime: str) -> tuple[str, float]:
    """What the command says, and its seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "spinecho.ui.cli.app", *arguments],
        env=os.environ | {SETTING: runtime},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1:
        raise SystemExit(done.stderr)
    return done.stdout, time.perf_counter() - began


def line(what: str, seconds: dict[str, list[float]]) -> None:
    onnx, torch = (statistics.median(seconds[name]) for name in RUNTIMES)
    least = [f"{statistics.median(seconds[n]):.2f} ({min(seconds[n]):.2f}) s" for n in RUNTIMES]
    print(f"{what:44}{least[0]:>16}{least[1]:>16}  {torch / max(onnx, 1e-9):5.2f}", flush=True)


if __name__ == "__main__":
    main()
