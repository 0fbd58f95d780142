"""Questions with known answers, as people write them down: CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.db.csv_files import as_given
from spinecho.encoders.language.query_words import EmptyQuery, parse_query
from spinecho.encoders.measuring.figures import EvaluationError
from spinecho.encoders.sandbox.limits import table_text


class JudgementError(EvaluationError):
    """A file of questions or pairs cannot be read; the message names file, line and remedy."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and the studies that answer it, by StudyInstanceUID."""

    text: str
    grades: Mapping[str, float] = field(default_factory=dict)
    """0: no answer; above: how good an answer."""
    set: str = ""
    """Which part of the list it belongs to, such as "negation"."""
    topic: str = ""
    """Queries of one topic ask the same in other words."""
    negates: str = ""
    """The text of the query whose opposite this one is."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and the study that it was written about."""

    text: str
    study_uid: str


def read_judgements(path: Path) -> tuple[JudgedQuery, ...]:
    """Rows of query, study_uid, grade and, where wanted, set, topic and negates; one row for each judged study.

    A row without a grade has grade 1. Raises `JudgementError`.
    """
    grades: dict[str, dict[str, float]] = {}
    about: dict[str, dict[str, str]] = {}
    for place, row in table_rows(path, needed=("query", "study_uid")):
        text, uid, grade = row["query"], row["study_uid"], _grade(row.get("grade", ""), place)
        try:
            parse_query(text)
        except EmptyQuery as error:
            raise JudgementError(f"{place}: {error}") from error
        mine = grades.setdefault(text, {})
        if mine.setdefault(uid, grade) != grade:
            raise JudgementError(f"{place}: {uid} has grade {mine[uid]:g} for {text[:40]!r} already; keep one")
        facts = about.setdefault(text, {})
        for name in ("set", "topic", "negates"):
            value = row.get(name, "")
            if value and facts.setdefault(name, value) != value:
                raise JudgementError(f"{place}: {name} of {text[:40]!r} is {facts[name]!r} already; keep one")
    for text, facts in about.items():
        if facts.get("negates", text) not in grades:
            raise JudgementError(
                f"{path}: {text[:40]!r} negates {facts['negates'][:40]!r}, which is no query of this file; add its rows"
            )
    return tuple(JudgedQuery(text, grades[text], **about[text]) for text in grades)


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Rows of text and study_uid. Raises `JudgementError`."""
    return tuple(Pair(row["text"], row["study_uid"]) for _, row in table_rows(path, needed=("text", "study_uid")))


def _grade(text: str, place: str) -> float:
    try:
        grade = float(text) if text else 1.0
    except ValueError:
        grade = math.nan
    if not (math.isfinite(grade) and grade >= 0):
        raise JudgementError(f"{place}: the grade {text!r} is no number from 0 up; write 0 (no answer), 1, 2, ...")
    return grade


def table_rows(path: Path, *, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, values by column in lower case), every needed one filled. Raises `JudgementError`."""
    text = table_text(path, JudgementError)
    read = _jsonl if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} else _csv
    count, listed = 0, " and ".join(needed)
    for line, row in read(path, text, needed):
        missing = [name for name in needed if not row.get(name)]
        if missing:
            raise JudgementError(f"{path}, line {line}: {' and '.join(missing)} is empty; fill it in or drop the line")
        count += 1
        yield f"{path}, line {line}", row
    if not count:
        raise JudgementError(f"{path} holds no row{f'; write one line for each {listed}' if needed else ''}")


def _csv(path: Path, text: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if not set(needed) <= set(names):
            raise JudgementError(
                f"{path}: the first line names the columns {names}; it must have {' and '.join(needed)}"
            )
        for row in rows:
            if not any(value.strip() for value in row):
                continue
            if len(row) > len(names):
                raise JudgementError(
                    f"{path}, line {rows.line_num}: {len(row)} values for {len(names)} columns; quote texts with commas"
                )
            yield rows.line_num, {name: as_given(value.strip()) for name, value in zip(names, row, strict=False)}
    except csv.Error as error:
        raise JudgementError(f"{path}, line {rows.line_num}: {error}; check the quotation marks") from error


def _jsonl(path: Path, text: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise JudgementError(f"{path}, line {number} is no JSON ({error}); write one object a line") from error
        if not isinstance(value, dict):
            example = json.dumps(dict.fromkeys(needed, "..."))
            raise JudgementError(f"{path}, line {number} is no object; write {example}")
        yield number, {str(name).lower(): "" if item is None else str(item).strip() for name, item in value.items()}
