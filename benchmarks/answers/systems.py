"""What is compared: the engine as it ships, BM25 on whole texts, and the encoder's cosine sentence by sentence."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.answers.corpus import Text
from benchmarks.answers.home import Entry
from benchmarks.answers.reading import sentences
from spinecho.encoders.dual import DualEncoder
from spinecho.errors import SpinechoError
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence, Kind, TextQuery

_K = 10


@dataclass(frozen=True)
class Answer:
    """Keys of the texts, best first; whether the system says that nothing here answers; what it showed of each."""

    keys: tuple[str, ...]
    nothing: bool = False
    seconds: float = 0.0
    shown: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


class System(Protocol):
    """Answers words with texts."""

    name: str

    def ask(self, words: str) -> Answer:
        """The ten best."""
        ...


class EngineSystem:
    """`Engine.search` over the home; a study stands for its text. A query that it refuses has no answer."""

    def __init__(self, engine: Engine, entries: Sequence[Entry], *, by: Evidence) -> None:
        self.name = "engine"
        self._engine, self._by = engine, by
        self._keys = {entry.uid: entry.text.key for entry in entries}

    def ask(self, words: str) -> Answer:
        """The ten best studies' texts."""
        began = time.perf_counter()
        try:
            results = self._engine.search(TextQuery(words, self._by), want=Kind.STUDY, k=_K, patients=True)
        except SpinechoError as error:  # refused, and told why
            return Answer((), seconds=time.perf_counter() - began, notes=(f"refused: {error}",))
        seconds = time.perf_counter() - began
        hits = [hit for hit in results.hits if hit.study is not None]
        nothing = not hits or any(one.startswith("nothing relevant") for one in results.warnings)
        return Answer(
            tuple(self._keys[hit.study.uid] for hit in hits if hit.study is not None),
            nothing,
            seconds,
            tuple(" / ".join(one.passage.text for one in hit.passages[:2]) for hit in hits),
            results.warnings,
        )


class Bm25:
    """SQLite's FTS5 over whole texts: k1 1.2, b 0.75, Porter stems, any word of the query."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.name = "BM25"
        self._keys = [one.key for one in texts]
        self._tables = sqlite3.connect(":memory:")
        self._tables.execute("CREATE VIRTUAL TABLE t USING fts5(body, tokenize='porter unicode61')")
        self._tables.executemany("INSERT INTO t(rowid, body) VALUES (?, ?)", enumerate(one.text for one in texts))

    def ask(self, words: str) -> Answer:
        """The ten best texts, equals in the corpus's order."""
        terms = dict.fromkeys(re.findall(r"\w+", words.lower()))
        if not terms:
            return Answer((), nothing=True)
        match = " OR ".join(f'"{term}"' for term in terms)
        began = time.perf_counter()
        rows = self._tables.execute(
            "SELECT rowid FROM t WHERE t MATCH ? ORDER BY round(bm25(t), 9), rowid LIMIT ?", (match, _K)
        ).fetchall()
        keys = tuple(self._keys[row[0]] for row in rows)
        return Answer(keys, not keys, time.perf_counter() - began)


class BySentence:
    """The encoder's cosine of the query with the best sentence of each text."""

    def __init__(self, texts: Sequence[Text], dual: DualEncoder) -> None:
        self.name = "sentence"
        self._encoder = dual.text
        parts = [(at, part) for at, one in enumerate(texts) for part in _parts(one)]
        self._of = np.array([at for at, _ in parts])
        self._rows = np.asarray(self._encoder.encode([part for _, part in parts]), np.float32)
        self._keys = [one.key for one in texts]

    def ask(self, words: str) -> Answer:
        """The ten best texts."""
        began = time.perf_counter()
        likeness = self._rows @ np.asarray(self._encoder.encode([words])[0], np.float32)
        best = np.full(len(self._keys), -np.inf)
        np.maximum.at(best, self._of, np.round(likeness, 6))
        order = np.lexsort((np.arange(len(best)), -best))[:_K]
        return Answer(tuple(self._keys[at] for at in order), seconds=time.perf_counter() - began)


def _parts(text: Text) -> list[str]:
    if text.series:
        return [". ".join(part for part in (text.study, one.description) if part) for one in text.series]
    return list(sentences(text.text))
