"""Text search over planned studies with generated reports: how fast, and how often right.

    python -m benchmarks.text_search [--studies 9000] [--seed 11] [--home DIR] [--warm]

Speed: whole queries through the engine, encoder included, one at a time, over all report sentences; each question
twice, because what a question touches for the first time has to come from the disk.
Quality: questions "KIND in the SIDE SITE" for every combination of two studies or more. A hit is right when that
study has such a lesion there. The reports are synthetic, written from templates: a real hospital's will be harder.
Chance is the share of right studies in the pool; the interval is a bootstrap over questions.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.common import machine, store_cases
from spinecho.db.schema.database import Database
from spinecho.db.schema.warm import warm
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.phantom import Case, plan_cases
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence, Kind, TextQuery

_OTHER = {"left": "right", "right": "left"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--home", type=Path, help="keep the archive in this folder, and use it again")
    parser.add_argument("--warm", action="store_true", help="read the database ahead, as the reading room does")
    parser.add_argument("--show", type=int, default=0, help="print this many of the worst questions")
    options = parser.parse_args()
    print(machine())
    dual = open_encoder()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.home or Path(temporary)
        if (folder / "spinecho.sqlite").exists():
            database, cases = Database.open(folder / "spinecho.sqlite"), plan_cases(options.studies, seed=options.seed)
        else:
            began = time.perf_counter()
            database, cases = store_cases(folder, dual, options.studies, seed=options.seed)
            print(f"{len(cases)} studies stored in {time.perf_counter() - began:.0f} s")
        if options.warm:
            began = time.perf_counter()
            read = warm(database)
            print(f"{read / 2**30:.1f} GB of the database read ahead in {time.perf_counter() - began:.1f} s")
        engine = Engine(database, folder / "builds", dual)
        gc.collect()
        gc.freeze()  # as the reading room does
        for by in Evidence:
            if by is not Evidence.SCANS:
                ask(engine, cases, by=by, show=options.show)


Question = tuple[str, str, str]
"""(kind of lesion, side, site)"""


def ask(engine: Engine, cases: tuple[Case, ...], *, by: Evidence, show: int) -> None:
    right: dict[Question, set[str]] = defaultdict(set)
    for case in cases:
        for lesion in case.lesions:
            if lesion.side in _OTHER:
                right[lesion.kind, lesion.side, lesion.site].add(case.study_uid)
    questions = sorted(question for question, uids in right.items() if len(uids) > 1)
    scores: dict[str, list[float]] = defaultdict(list)
    steps: dict[str, list[float]] = defaultdict(list)
    asked = []
    for kind, side, site in questions:
        words = f"{kind} in the {side} {site}"
        good = right[kind, side, site]
        mirrored = right.get((kind, _OTHER[side], site), set()) - good
        began = time.perf_counter()
        results = engine.search(TextQuery(words, by), want=Kind.STUDY, k=10)
        steps["whole"].append(time.perf_counter() - began)
        for step, seconds in results.seconds.items():
            steps[step].append(seconds)
        uids = [hit.study.uid for hit in results.hits if hit.study]
        scores["P@5"].append(sum(uid in good for uid in uids[:5]) / min(5, len(good)))
        scores["R@10"].append(sum(uid in good for uid in uids) / min(10, len(good)))
        scores["wrong side in top 5"].append(sum(uid in mirrored for uid in uids[:5]) / 5)
        first_passage = [found.passage.text for hit in results.hits[:1] for found in hit.passages[:1]]
        asked.append((scores["P@5"][-1], words, "".join(first_passage), len(good)))
    chance = statistics.mean(len(right[question]) / len(cases) for question in questions)
    print(
        f"{results.searched:,} sentence vectors of {len(cases):,} studies; {len(questions)} questions, "
        f"chance {chance:.4f}"
    )
    print(f"by {by}" + (" (speed alone: the scans' vectors are drawn at random)" if by is Evidence.EVERYTHING else ""))
    for name, values in scores.items() if by is Evidence.WORDS else ():
        low, high = interval(values)
        print(f"{name:>20} {statistics.mean(values):.3f}  (95 % {low:.3f} to {high:.3f})")
    again = []
    for kind, side, site in questions:
        began = time.perf_counter()
        engine.search(TextQuery(f"{kind} in the {side} {site}", by), want=Kind.STUDY, k=10)
        again.append(time.perf_counter() - began)
    for name, seconds in (("asked first, files not in memory", steps.pop("whole")), ("asked again", again)):
        whole = sorted(seconds)
        p99 = whole[int(0.99 * len(whole))]
        print(f"whole query, {name}: p50 {1000 * statistics.median(whole):.1f} ms, p99 {1000 * p99:.1f} ms")
    print("by step, p50 ms: " + ", ".join(f"{s} {1000 * statistics.median(v):.1f}" for s, v in steps.items()))
    for score, words, sentence, n in sorted(asked)[:show]:
        print(f"  {score:.2f} [{n}] {words} -> {sentence}")


def interval(values: list[float]) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = [random.choice(values, len(values)).mean() for _ in range(1000)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


if __name__ == "__main__":
    main()
