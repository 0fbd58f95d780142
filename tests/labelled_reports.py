"""Labelled sentences in German, French and Spanish (`text/labelled/`), and which half of them is held apart.

Beside them whole report sentences with every finding and place (`benchmarks/data/languages_written*.jsonl`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

FOLDER = Path(__file__).parent / "encoders" / "text" / "labelled"
WRITTEN = Path(__file__).parents[1] / "benchmarks" / "data"
LANGUAGES = ("de", "fr", "es")
_MARK = re.compile(r"\{([^{}|]*)\|([pauhf])([LRB]?)(?:\|([^{}|]*))?\}")
_ASSERTIONS = {"p": "present", "a": "absent", "u": "uncertain", "h": "historical", "f": "family"}
_SIDES = {"L": "left", "R": "right", "B": "bilateral"}


@dataclass(frozen=True, slots=True)
class Marked:
    """The finding sentence[start:end], what is said of it, its side and English name where it has them, "" for none."""

    language: str
    sentence: str
    start: int
    end: int
    label: str
    side: str
    name: str
    held_apart: bool

    @property
    def words(self) -> str:
        return self.sentence[self.start : self.end]


def labelled(language: str, fresh: bool = False, further: bool = False) -> list[Marked]:
    """Every mark of a language's file, in its order. fresh, further: of sentences written when there were rules."""
    found = []
    name = f"further_{language}.txt" if further else f"fresh_{language}.txt" if fresh else f"{language}.txt"
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        sentence = _MARK.sub(lambda match: match[1], line)
        apart = crc32(sentence.encode()) % 2 == 1
        removed = 0
        for match in _MARK.finditer(line):
            start = match.start() - removed
            removed += len(match[0]) - len(match[1])
            label, side = _ASSERTIONS[match[2]], _SIDES.get(match[3], "")
            end = start + len(match[1])
            found.append(Marked(language, sentence, start, end, label, side, match[4] or "", apart))
    return found


@dataclass(frozen=True, slots=True)
class Sentence:
    """A report sentence. findings: marks with what is said of them. places: (words, English name) of those named.

    further: names, by concept, that it speaks of too and that its labels leave out, allowed after reading what was
    read.
    """

    language: str
    text: str
    findings: tuple[Marked, ...]
    places: tuple[tuple[str, str], ...]
    further: tuple[str, ...]


def written(name: str) -> list[Sentence]:
    """The sentences of `languages_<name>.jsonl`, in its order."""
    found = []
    for line in (WRITTEN / f"languages_{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        language, text, marks = row["language"], row["sentence"], []
        for one in row["marks"]:
            if one["kind"] == "finding":
                start = text.index(one["words"])
                end = start + len(one["words"])
                marks.append(Marked(language, text, start, end, one["label"], one.get("side", ""), one["name"], False))
        places = tuple((one["words"], one["name"]) for one in row["marks"] if one["kind"] == "place")
        found.append(Sentence(language, text, tuple(marks), places, tuple(row.get("further", ()))))
    return found
