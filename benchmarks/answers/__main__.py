"""How right answers are: questions as radiologists type them, over open texts, graded by rules that anybody can read.

    SPINECHO_TESTDATA=FOLDER python -m benchmarks.answers [--home DIR] [--without roco ...] [--kinds side place]
        [--show 3] [--question WORDS] [--json FILE] [--by words|everything] [--verdicts FILE]

Every text is the report of a study of its own without pixels, so that words are what is measured. Beside the engine,
in the same run: BM25 on whole texts, and the text encoder's cosine sentence by sentence. Questions, rules and engine
have the same makers: the figures say what changed from one version to the next, not how well others' questions do.
Chance is the mean nDCG@10 of all orders of the pool; the interval is a bootstrap over questions.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers import facts
from benchmarks.answers.corpus import SOURCES, Text, load_texts
from benchmarks.answers.home import Entry, entries, open_home
from benchmarks.answers.identifiers import identifier_questions, is_right
from benchmarks.answers.judge import APART, NOTHING, QUESTIONS, Question, Verdict, judge, load_questions
from benchmarks.answers.measure import K, chance, interval, ndcg
from benchmarks.answers.systems import Answer, Bm25, BySentence, EngineSystem, System
from benchmarks.common import machine
from spinecho.encoders.registry import open_encoder
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence

_WRONG = {
    "deny what was asked for": ("denied",),
    "affirm what was to be absent": ("affirmed",),
    "wrong side or place": ("wrong side", "wrong place"),
}


@dataclass(frozen=True)
class Asked:
    """A question, the verdict on every text, and what each system answered."""

    question: Question
    verdicts: dict[str, Verdict]
    answers: dict[str, Answer]

    @property
    def pool(self) -> list[int]:
        """The grades of all texts."""
        return [verdict.grade for verdict in self.verdicts.values()]

    def grades(self, system: str) -> list[int]:
        """Of a system's list, in its order."""
        return [self.verdicts[key].grade for key in self.answers[system].keys]

    def flags(self, system: str) -> list[str]:
        """Of a system's list, '' for most."""
        return [self.verdicts[key].flag for key in self.answers[system].keys]


def main() -> None:
    given = _arguments()
    folder = given.data or Path(os.environ.get("SPINECHO_TESTDATA", "../shared/data"))
    if not (folder / "text").is_dir():
        raise SystemExit(f"no open texts below {folder}; set SPINECHO_TESTDATA to a folder that has them")
    texts = load_texts(folder, without=given.without)
    questions = [
        one for one in load_questions(APART if given.apart else QUESTIONS) if not given.kinds or one.kind in given.kinds
    ]
    if given.question:
        questions = [one for one in questions if given.question.casefold() in one.text.casefold()]
    print(machine())
    _tell_corpus(texts, questions)
    dual, known = open_encoder(), entries(texts)
    with tempfile.TemporaryDirectory() as temporary:
        began = time.perf_counter()
        database, builds = open_home(given.home or Path(temporary), texts, dual)
        engine = Engine(database, builds, dual)
        engine.calibrate()
        print(f"archive stored or found again in {time.perf_counter() - began:.0f} s\n")
        system = EngineSystem(engine, known, by=Evidence(given.by))
        systems: list[System] = [system, Bm25(texts), BySentence(texts, dual)]
        gc.collect()
        gc.freeze()
        asked = [_ask(question, texts, systems) for question in questions]
        again = [system.ask(question.text).seconds for question in questions]
        named = [] if given.question else identifier_questions(known)
        found = [(one, system.ask(one.text)) for one in named]
        by_facts = [] if given.question or given.kinds or given.apart else facts.QUESTIONS
        of_facts = [{one.name: one.ask(asking.text) for one in systems} for asking in by_facts]
        database.close()
    names = [one.name for one in systems]
    good = [one for one in asked if one.question.kind != NOTHING]
    figures: dict[str, Any] = {"machine": machine(), "texts": len(texts), "by": given.by}
    figures["ndcg"] = _tell_ndcg(good, names)
    figures["wrong"] = _print_wrong(good, names)
    figures["identifiers"] = _print_identifiers([(one, is_right(one, answer.keys)) for one, answer in found])
    figures["facts"] = _print_facts(by_facts, of_facts, known, names)
    figures["nothing"] = _tell_nothing(asked)
    figures["seconds"] = _print_seconds([one.answers["engine"].seconds for one in asked], again)
    by_key = {one.key: one for one in texts}
    if given.question or given.show:
        _show(good if given.show and not given.question else asked, names, by_key, most=given.show or len(asked))
        for one, answer in found if given.show else ():
            if not is_right(one, answer.keys):
                print(f"identifier, {one.kind}: {one.text!r} -> {len(answer.keys)} answers, {len(one.keys)} right")
    if given.json:
        figures["questions"] = [_plain(one, names) for one in asked]
        given.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.verdicts:
        _write_verdicts(given.verdicts, asked, by_key)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of real data, else SPINECHO_TESTDATA")
    parser.add_argument("--home", type=Path, help="keep the archive in this folder, and use it again")
    parser.add_argument("--without", nargs="*", default=[], choices=list(SOURCES), help="leave these sources out")
    parser.add_argument("--kinds", nargs="*", default=[], help="only questions of these kinds")
    parser.add_argument("--apart", action="store_true", help="ask the questions that nothing is fitted to")
    parser.add_argument("--question", help="only questions that hold these words, each with its lists")
    parser.add_argument("--show", type=int, default=0, help="print so many of the worst questions with their lists")
    parser.add_argument("--by", default="words", choices=["words", "everything"], help="what words are compared with")
    parser.add_argument("--json", type=Path, help="write all figures and lists to this file")
    parser.add_argument("--verdicts", type=Path, help="write every listed text with its verdict, to be read by hand")
    given: argparse.Namespace = parser.parse_args()
    return given


def _tell_corpus(texts: Sequence[Text], questions: Sequence[Question]) -> None:
    for source, what in SOURCES.items():
        count = sum(one.source == source for one in texts)
        if count:
            print(f"  {count:4} texts  {what}")
    kinds = len({one.kind for one in questions})
    print(f"{len(questions)} questions in {kinds} kinds over a pool of {len(texts)} texts")


def _ask(question: Question, texts: Sequence[Text], systems: Sequence[System]) -> Asked:
    verdicts = {one.key: judge(question.rule, one.text) for one in texts}
    return Asked(question, verdicts, {system.name: system.ask(question.text) for system in systems})


def _tell_ndcg(asked: Sequence[Asked], names: Sequence[str]) -> dict[str, Any]:
    """The table by kind; questions that no text of this corpus answers are left out, and counted."""
    able = [one for one in asked if any(one.pool)]
    if len(able) < len(asked):
        print(f"{len(asked) - len(able)} questions have no answer in this corpus and are left out")
    if not able:
        return {}
    print(f"nDCG@{K} (95 %)" + " " * 9 + "n  chance  " + "".join(f"{name:>22}" for name in names))
    figures: dict[str, Any] = {}
    for kind in ("all", *dict.fromkeys(one.question.kind for one in able)):
        of = [one for one in able if kind in ("all", one.question.kind)]
        by_chance = statistics.mean(chance(one.pool) for one in of)
        figures[kind] = {"questions": len(of), "chance": round(by_chance, 4)}
        cells = ""
        for name in names:
            values = [ndcg(one.grades(name), one.pool) for one in of]
            low, high = interval(values)
            figures[kind][name] = [round(value, 3) for value in (statistics.mean(values), low, high)]
            cells += f"   {statistics.mean(values):.3f} ({low:.2f} to {high:.2f})"
        print(f"{kind:22} {len(of):3}   {by_chance:.3f}  {cells}")
    base = {name: [ndcg(one.grades(name), one.pool) for one in able] for name in names}
    for name in names[1:]:
        less = [mine - other for mine, other in zip(base[names[0]], base[name], strict=True)]
        low, high = interval(less)
        print(f"{names[0]} less {name}, question by question: {statistics.mean(less):+.3f} ({low:+.3f} to {high:+.3f})")
        figures[f"less {name}"] = [round(value, 3) for value in (statistics.mean(less), low, high)]
    return figures


def _print_wrong(asked: Sequence[Asked], names: Sequence[str]) -> dict[str, Any]:
    """Answers among the first ten that say the contrary, of a hundred that were given."""
    figures: dict[str, Any] = {}
    print(f"\nof 100 answers in the first {K}" + " " * 8 + "".join(f"{name:>14}" for name in names))
    for label, flags in _WRONG.items():
        row = []
        for name in names:
            flags_given = [flag for one in asked for flag in one.flags(name)]
            count = sum(flag in flags for flag in flags_given)
            figures.setdefault(name, {})[label] = {"answers": len(flags_given), "wrong": count}
            row.append(f"{100 * count / max(1, len(flags_given)):.2f} ({count})")
        print(f"{label:31}" + "".join(f"{cell:>14}" for cell in row))
    return figures


def _print_identifiers(found: Sequence[tuple[Any, bool]]) -> dict[str, Any]:
    if not found:
        return {}
    kinds = {
        kind: [right for one, right in found if one.kind == kind] for kind in dict.fromkeys(o.kind for o, _ in found)
    }
    share = sum(right for _, right in found) / len(found)
    by_kind = ", ".join(f"{kind} {sum(of)}/{len(of)}" for kind, of in kinds.items())
    print(f"\nidentifiers answered by exact match alone: {100 * share:.0f} % of {len(found)} ({by_kind})")
    return {"share": share, **{kind: [sum(of), len(of)] for kind, of in kinds.items()}}


def _print_facts(
    questions: Sequence[facts.FactQuestion], answers: Sequence[dict[str, Answer]], known: Sequence[Entry],
    names: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Facts of patient and scan in words; the other systems read texts alone, and cannot know them."""
    if not questions:
        return {}
    grades = [{one.text.key: asking.grade(one) for one in known} for asking in questions]
    holds = [{one.text.key for one in known if asking.has_facts(one)} for asking in questions]
    figures: dict[str, Any] = {"questions": len(questions)}
    cells = []
    for name in names:
        lists = [answer[name].keys for answer in answers]
        values = [ndcg([of[key] for key in keys], list(of.values())) for of, keys in zip(grades, lists, strict=True)]
        low, high = interval(values)
        broken = [key not in of for of, keys in zip(holds, lists, strict=True) for key in keys]
        share = 100 * sum(broken) / max(1, len(broken))
        figures[name] = {"ndcg": [round(one, 3) for one in (statistics.mean(values), low, high)], "broken": share}
        cells.append(f"{name} {statistics.mean(values):.3f} ({low:.2f} to {high:.2f}), {share:.0f} of 100 lack a fact")
    by_chance = statistics.mean(chance(list(of.values())) for of in grades)
    print(f"\nfacts in words, {len(questions)} questions, nDCG@{K} (chance {by_chance:.3f}): " + "; ".join(cells))
    return figures


def _tell_nothing(asked: Sequence[Asked]) -> dict[str, Any]:
    other = [one.answers["engine"].nothing for one in asked if one.question.kind == NOTHING]
    good = [one.answers["engine"].nothing for one in asked if one.question.kind != NOTHING and any(one.pool)]
    if other:
        print(f'"nothing relevant" where nothing answers: {sum(other)} of {len(other)}')
    if good:
        print(f'"nothing relevant" where something answers: {sum(good)} of {len(good)}')
    return {"right": [sum(other), len(other)], "false": [sum(good), len(good)]}


def _print_seconds(first: Sequence[float], again: Sequence[float]) -> dict[str, float]:
    figures = {}
    for label, seconds in (("asked first", first), ("asked again", again)):
        ordered = sorted(seconds)
        p50, p95 = 1000 * statistics.median(ordered), 1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        print(f"whole query, {label}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        figures |= {f"{label} p50 ms": round(p50, 1), f"{label} p95 ms": round(p95, 1)}
    return figures


def _show(asked: Sequence[Asked], names: Sequence[str], texts: dict[str, Text], *, most: int) -> None:
    """The questions that the first system answers worst, with everybody's lists."""
    worst = sorted(asked, key=lambda one: (ndcg(one.grades(names[0]), one.pool), one.question.text))[:most]
    for one in worst:
        print(f"\n[{one.question.kind}] {one.question.text[:200]!r}: {sum(map(bool, one.pool))} texts answer")
        for name in names:
            answer = one.answers[name]
            print(f"  {name}: nDCG@{K} {ndcg(one.grades(name), one.pool):.2f} {' '.join(answer.notes)[:200]}")
            for place, key in enumerate(answer.keys):
                verdict = one.verdicts[key]
                shown = answer.shown[place] if answer.shown else texts[key].text
                print(f"    {verdict.grade} {verdict.flag:11} {key}: {' '.join(shown.split())[:150]}")


def _plain(one: Asked, names: Sequence[str]) -> dict[str, Any]:
    lists = {
        name: {
            "ndcg": round(ndcg(one.grades(name), one.pool), 4),
            "nothing": one.answers[name].nothing,
            "list": [{"text": key, **asdict(one.verdicts[key])} for key in one.answers[name].keys],
        }
        for name in names
    }
    best = [key for key, verdict in one.verdicts.items() if verdict.grade]
    return {"kind": one.question.kind, "question": one.question.text, "answers": best[:50], **lists}


def _write_verdicts(path: Path, asked: Sequence[Asked], texts: dict[str, Text]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "question", "text", "grade", "flag", "says"])
        for one in asked:
            for key in dict.fromkeys(key for answer in one.answers.values() for key in answer.keys):
                verdict = one.verdicts[key]
                writer.writerow(
                    [one.question.kind, one.question.text, key, verdict.grade, verdict.flag, texts[key].text]
                )


if __name__ == "__main__":
    main()
