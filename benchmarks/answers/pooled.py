"""Questions by people who saw neither engine nor texts, answers marked by people who saw neither engine nor ranks.

    SPINECHO_TESTDATA=FOLDER python -m benchmarks.answers.pooled [--home DIR] [--unmarked FILE] [--show 3]
        [--kinds side]

The ten best texts of every system are laid together without order and without a name, and each is marked 0, 1 or 2 by
a reader (`benchmarks/data/pooled_marks.jsonl`); a text that no system lists counts as no answer. `--unmarked` writes
what the systems list by now and nobody has marked. Half of the questions ("read") may be looked at when something is
mended, of the other half ("kept") only figures are. Chance is the mean nDCG@10 of all orders of the marked pool.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.answers.corpus import Text, load_texts
from benchmarks.answers.home import entries, open_home
from benchmarks.answers.measure import K, chance, interval, ndcg
from benchmarks.answers.systems import Answer, Bm25, BySentence, EngineSystem, System
from benchmarks.common import machine
from spinecho.encoders.registry import open_encoder
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence

DATA = Path(__file__).parents[1] / "data"
QUESTIONS, MARKS = DATA / "pooled_questions.jsonl", DATA / "pooled_marks.jsonl"
HALVES = ("read", "kept")
Marks = Mapping[str, Mapping[str, int]]
"""Grades by text by question."""


def main() -> None:
    """Print the table."""
    given = _arguments()
    folder = Path(os.environ.get("SPINECHO_TESTDATA", "../shared/data"))
    if not (folder / "text").is_dir():
        raise SystemExit(f"no open texts below {folder}; set SPINECHO_TESTDATA to a folder that has them")
    questions = [one for one in _lines(QUESTIONS) if not given.kinds or one["kind"] in given.kinds]
    marks: dict[str, dict[str, int]] = defaultdict(dict)
    for one in _lines(MARKS) if MARKS.exists() else ():
        marks[one["question"]][one["text"]] = one["grade"]
    texts, dual = load_texts(folder), open_encoder()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        database, builds = open_home(given.home or Path(temporary), texts, dual)
        engine = Engine(database, builds, dual)
        engine.calibrate()
        systems: list[System] = [
            EngineSystem(engine, entries(texts), by=Evidence("words")), Bm25(texts), BySentence(texts, dual),
        ]  # fmt: skip
        answers = [{system.name: system.ask(one["text"]) for system in systems} for one in questions]
        database.close()
    if given.unmarked:
        _write_unmarked(given.unmarked, questions, answers, marks, texts)
    if any(marks.values()):
        for half in (*HALVES, "all"):
            some = [at for at, one in enumerate(questions) if half in (one["half"], "all") and marks[one["number"]]]
            _tell(half, [questions[at] for at in some], [answers[at] for at in some], marks)
        _show(
            [one for one in zip(questions, answers, strict=True) if one[0]["half"] == "read"], marks, texts, given.show
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="keep the archive in this folder, and use it again")
    parser.add_argument("--unmarked", type=Path, help="write what is listed and not marked, for a reader")
    parser.add_argument("--show", type=int, default=0, help="the worst of the half that may be read, with their lists")
    parser.add_argument("--kinds", nargs="*", default=[], help="only questions of these kinds")
    return parser.parse_args()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _tell(half: str, questions: Sequence[dict[str, Any]], answers: Sequence[dict[str, Answer]], marks: Marks) -> None:
    able = [
        (one["kind"], marks[one["number"]], answer)
        for one, answer in zip(questions, answers, strict=True) if any(marks[one["number"]].values())
    ]  # fmt: skip
    names = list(able[0][2]) if able else []
    print(f"\n{half}: {len(questions)} questions, {len(questions) - len(able)} without an answer among what was marked")
    print(f"nDCG@{K} (95 %)        n  chance" + "".join(f"{name:>24}" for name in names))
    for kind in ("all", *sorted({kind for kind, _, _ in able})):
        of = [(known, answer) for its, known, answer in able if kind in ("all", its)]
        cells = ""
        for name in names:
            values = [_ndcg(answer[name].keys, known) for known, answer in of]
            low, high = interval(values)
            cells += f"     {statistics.mean(values):.3f} ({low:.2f} to {high:.2f})"
        by_chance = statistics.mean(chance(list(known.values())) for known, _ in of)
        print(f"{kind:18} {len(of):4}   {by_chance:.3f} {cells}")
    for name in names[1:]:
        less = [_ndcg(answer[names[0]].keys, known) - _ndcg(answer[name].keys, known) for _, known, answer in able]
        low, high = interval(less)
        print(f"{names[0]} less {name}, question by question: {statistics.mean(less):+.3f} ({low:+.3f} to {high:+.3f})")


def _ndcg(keys: Iterable[str], known: Mapping[str, int]) -> float:
    return ndcg([known.get(key, 0) for key in keys], list(known.values()))


def _write_unmarked(
    path: Path, questions: Sequence[dict[str, Any]], answers: Sequence[dict[str, Answer]], marks: Marks,
    texts: Sequence[Text],
) -> None:  # fmt: skip
    """For a reader: question by question, texts in an order that tells nothing."""
    said = {one.key: one.text for one in texts}
    with path.open("w", encoding="utf-8") as file:
        for one, answer in zip(questions, answers, strict=True):
            listed = {key for system in answer.values() for key in system.keys} - set(marks[one["number"]])
            for key in random.Random(one["number"]).sample(sorted(listed), len(listed)):
                line = {"question": one["number"], "asked": one["text"], "text": key, "says": said[key]}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _show(
    asked: Sequence[tuple[dict[str, Any], dict[str, Answer]]], marks: Marks, texts: Sequence[Text], most: int
) -> None:
    said = {one.key: " ".join(one.text.split()) for one in texts}
    able = [(one, answer) for one, answer in asked if any(marks[one["number"]].values())]
    worst = sorted(able, key=lambda one: _ndcg(one[1]["engine"].keys, marks[one[0]["number"]]))
    for one, answer in worst[:most]:
        known = marks[one["number"]]
        print(f"\n{one['number']} [{one['kind']}] {one['text'][:400]!r}: {sum(map(bool, known.values()))} texts answer")
        for name, given in answer.items():
            print(f"  {name}: nDCG@{K} {_ndcg(given.keys, known):.2f} {' '.join(given.notes)[:200]}")
            for key in given.keys:
                print(f"    {known.get(key, '?')} {key}: {said[key][:170]}")


if __name__ == "__main__":
    main()
