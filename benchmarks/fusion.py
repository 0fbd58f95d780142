"""How much each channel should count, learned on half of the questions and measured on the other half.

    python -m benchmarks.fusion --work FOLDER --home FOLDER [--studies 1000] [--write]

An archive of generated studies that no tower was trained on, with the features that `benchmarks.model.train` cached.
Half of the studies have no report, as in a real archive, so that only their scans can be found. Questions: the kind of
a lesion with its side and site, in words that differ from the reports'; right is every study with such a lesion.
`--write` stores the best weights in search/fusion.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

import search.fusion
from benchmarks.common import SentenceVectors, machine, report_of, series_of, serve
from benchmarks.model.data import TEST_SEED, folders
from db import archive, ledger, runs
from db.build import build_index, pack
from db.database import Database
from db.filters import ALL, visible
from db.values import Listing, NewRegions, Scanned, Stat
from encoders.dual import DualEncoder
from encoders.image.describe import GRID, region_vectors
from encoders.image.tower import TowerEncoder
from encoders.registry import open_encoder
from encoders.training.cell_cache import CellCache
from encoders.training.queries import KIND
from indexer.phantom import Case, plan_case
from search.engine import Engine
from search.found import Found
from search.fusion import NAME, Weights, fused
from search.query import Kind, TextQuery

_SIDES = ("left", "right")
_RANKS, _SCANS, _WORDS = (3.0, 5.0, 10.0, 20.0, 60.0), (0.5, 1.0, 1.5, 2.0), (0.5, 1.0, 1.5, 2.0)
_SENTENCES = 2.0
"""Scans never count more than sentences: what they know of lesions they know from generated ones, which these
questions are about. Words never count less than a quarter: rare names, which these questions lack, are found by them.
"""
_K = 10

Question = tuple[str, frozenset[str]]
"""(words, UIDs of the studies that answer them)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True, help="kept, and used again")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help="store the best weights in search/fusion.json")
    given = parser.parse_args()
    dual, cases = open_encoder(), [plan_case(number, seed=TEST_SEED) for number in range(given.studies)]
    if not (given.home / "spinecho.sqlite").exists():
        store(given.home, dual, cases, CellCache([folders(given.work, "cells")["phantom-test"]]))
    database = Database.open(given.home / "spinecho.sqlite")
    engine = Engine(database, given.home / "builds", dual)
    asked = questions(cases)
    found = [_channels(engine, words) for words, _ in asked]
    with database.begin() as session:
        rows = session.connection().exec_driver_sql("SELECT id, uid FROM studies").all()
    uids = {int(row[0]): str(row[1]) for row in rows}
    halves = [[n for n in range(len(asked)) if n % 2 == half] for half in (0, 1)]
    tried = {
        (scans, words, rank): _score(found, asked, uids, halves[0], Weights(_SENTENCES, scans, words, rank=rank))
        for scans, words, rank in itertools.product(_SCANS, _WORDS, _RANKS)
    }
    best = max(tried, key=lambda three: tried[three])
    print(machine())
    chance = float(np.mean([len(right) for _, right in asked])) / len(cases)
    print(
        f"{len(asked)} questions, half to learn on; pool {len(cases)} studies, half without report; chance {chance:.3f}"
    )
    print("| channels | nDCG@10, learned on | nDCG@10, held out |\n|---|---|---|")
    learned = Weights(_SENTENCES, best[0], best[1], rank=best[2])
    rows_of = {
        "sentences alone": Weights(1, 0, 0), "scans alone": Weights(0, 1, 0), "words alone": Weights(0, 0, 1),
        "equal, rank + 60": Weights(1, 1, 1, rank=60.0), "as shipped": Weights.load(), "learned": learned,
    }  # fmt: skip
    for name, weights in rows_of.items():
        values = [_score(found, asked, uids, half, weights) for half in halves]
        told = ", ".join(f"{name} {weight:g}" for name, weight in asdict(weights).items() if name != "like")
        print(f"| {name} ({told}) | {values[0]:.3f} | {values[1]:.3f} |")
    if given.write:
        path = Path(search.fusion.__file__).with_name(NAME)
        path.write_text(json.dumps({"weights": asdict(learned)}, indent=1) + "\n", encoding="utf-8")
        print(f"written to {path}")


def store(home: Path, dual: DualEncoder, cases: Sequence[Case], cache: CellCache) -> None:
    """The cases as an archive, every second one with its report."""
    from benchmarks.model.heads import FromCache  # noqa: PLC0415

    if not isinstance(dual.image, TowerEncoder):
        raise SystemExit(f"{dual.name} has no cached features")
    source = FromCache(dual.image, cache)
    database = Database.open(home / "spinecho.sqlite")
    image, text = (
        serve(database, "image", dual.image.space, dual.name),
        serve(database, "text", dual.text.space, dual.name),
    )
    run = runs.start_run(database, [str(home)])
    ledger.compare(database, root=str(home), run=run, listings=[Listing(str(home), ())])
    ledger.record(database, run, [Scanned(str(home), Stat("all.jsonl", 1, 1), "report")])
    file = ledger.pending_reports(database)[0].id
    sentences, by_study = SentenceVectors(dual), defaultdict(list)
    for number, facts in enumerate(cache.facts):
        by_study[facts.study].append(number)
    for at, case in enumerate(cases):
        plans = {f"{case.seed}/{case.index}/{plan.number}.{plan.part}": plan for plan in case.series}
        for number in by_study[f"{case.seed}/{case.index}"]:
            described = source.describe([number])[0]
            regions = NewRegions(GRID, region_vectors(described).astype("<f2").tobytes())
            plan = plans[cache.facts[number].key]
            new = series_of(case, plan, pack(described.vector), sentences, regions=regions)
            archive.store_series(database, run, new, image_space=image.id, text_space=text.id)
        report = [report_of(at, case, sentences)] if at % 2 == 0 else []
        archive.store_reports(
            database, run, file, report, (), text_space=text.id, first=at == 0, last=at == len(cases) - 1
        )
        if at % 100 == 99:
            print(f"{at + 1}/{len(cases)} studies stored", flush=True)
    archive.match_reports(database)
    for space in (image, text):
        build_index(database, home / "builds", space)
    database.close()


def questions(cases: Sequence[Case]) -> list[Question]:
    """Every kind, side and site that two studies or more have, each in one of the wordings for its kind."""
    right: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for case in cases:
        for lesion in case.lesions:
            if lesion.side in _SIDES:
                right[lesion.kind, lesion.side, lesion.site].add(case.study_uid)
    drawn = random.Random(0)
    asked = [
        (f"{drawn.choice(KIND[kind])}, {side} {site}", frozenset(uids))
        for (kind, side, site), uids in sorted(right.items())
        if len(uids) > 1
    ]
    drawn.shuffle(asked)
    return asked


def _channels(engine: Engine, words: str) -> dict[str, Found]:
    return engine.channels(TextQuery(words), want=Kind.STUDY, k=_K, where=visible(ALL))[0]


def _score(
    found: Sequence[Mapping[str, Found]], asked: Sequence[Question], uids: Mapping[int, str], some: Sequence[int],
    weights: Weights,
) -> float:  # fmt: skip
    """Mean nDCG@10."""
    values = []
    for number in some:
        scores, right = fused(found[number], weights).scores, asked[number][1]
        best = sorted(scores, key=lambda key: (-scores[key], key))[:_K]
        gain = sum(1 / np.log2(place + 2) for place, key in enumerate(best) if uids[key] in right)
        values.append(gain / sum(1 / np.log2(place + 2) for place in range(min(_K, len(right)))))
    return float(np.mean(values))


if __name__ == "__main__":
    main()
