"""Text search over planned studies with generated reports: how fast, and how often right.

    python benchmarks/text_search.py [--studies 8000] [--seed 11]

Speed: whole queries through the engine, encoder included, one at a time, over all report sentences.
Quality: questions "KIND in the SIDE SITE" for every combination that 2 to 40 studies have. A hit is right when that
study has such a lesion there. The reports are synthetic, written from templates: a real hospital's will be harder.
Chance is the share of right studies in the pool; the interval is a bootstrap over questions.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import machine, store_cases

from encoders.registry import open_encoder
from search.engine import Engine
from search.query import Kind, TextQuery


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--show", type=int, default=0, help="print this many of the worst questions")
    options = parser.parse_args()
    print(machine())
    dual = open_encoder()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        database, cases = store_cases(Path(folder), dual, options.studies, seed=options.seed)
        print(f"{len(cases)} studies stored in {time.perf_counter() - began:.0f} s")
        engine = Engine(database, Path(folder) / "builds", dual)
        right: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        anywhere: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for case in cases:
            for lesion in case.lesions:
                if lesion.side in {"left", "right"}:
                    right[lesion.kind, lesion.side, lesion.site].add(case.study_uid)
        for (kind, side, site), _ in right.items():
            other = {"left": "right", "right": "left"}[side]
            anywhere[kind, side, site] = right[kind, other, site] - right[kind, side, site] if (kind, other, site) in right else set()
        questions = [key for key, uids in sorted(right.items()) if 2 <= len(uids) <= 40]
        p5, r10, wrong_side, times = [], [], [], []
        steps: dict[str, list[float]] = defaultdict(list)
        worst = []
        for kind, side, site in questions:
            words = f"{kind} in the {side} {site}"
            began = time.perf_counter()
            results = engine.search(TextQuery(words), want=Kind.STUDY, k=10)
            times.append(time.perf_counter() - began)
            for step, seconds in results.seconds.items():
                steps[step].append(seconds)
            uids = [hit.study.uid for hit in results.hits if hit.study]
            good = right[kind, side, site]
            p5.append(sum(uid in good for uid in uids[:5]) / min(5, len(good)))
            r10.append(sum(uid in good for uid in uids) / min(10, len(good)))
            wrong_side.append(sum(uid in anywhere[kind, side, site] for uid in uids[:5]) / 5)
            worst.append((p5[-1], words, results.hits[0].passages[0].passage.text if results.hits else "", len(good)))
        pool = len(cases)
        chance = statistics.mean(len(right[q]) / pool for q in questions)
        print(f"{results.searched:,} sentence vectors, {pool} studies, {len(questions)} questions, chance {chance:.4f}")
        for name, values in (("P@5", p5), ("R@10", r10), ("wrong side in top 5", wrong_side)):
            low, high = interval(values)
            print(f"{name:>22} {statistics.mean(values):.3f}  (95 % {low:.3f} to {high:.3f})")
        again = sorted(times[5:])
        print(f"whole query: p50 {1000 * statistics.median(again):.1f} ms, p99 {1000 * again[int(0.99 * len(again))]:.1f} ms")
        print("by step, p50 ms: " + ", ".join(f"{s} {1000 * statistics.median(v):.1f}" for s, v in steps.items()))
        for score, words, sentence, n in sorted(worst)[: options.show]:
            print(f"  {score:.2f} [{n}] {words} -> {sentence}")


def interval(values: list[float]) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = [random.choice(values, len(values)).mean() for _ in range(1000)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


if __name__ == "__main__":
    main()
