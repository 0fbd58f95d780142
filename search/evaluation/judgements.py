"""Questions with known answers, as people write them down: CSV or JSON Lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spinecho.db.queries.identifiers import uids_of_studies
from spinecho.db.schema.database import Database
from spinecho.encoders.language.query_words import EmptyQuery, parse_query
from spinecho.encoders.measuring.figures import EvaluationError
from spinecho.encoders.sandbox.limits import table_text
from spinecho.search.given_tables import (
    ACCESSION_COLUMNS,
    STUDY_COLUMNS,
    column_called,
    plain_column,
    studies_named,
    table_cells,
)

_ABOUT = ("set", "topic", "negates")


class JudgementError(EvaluationError):
    """A file of questions or pairs cannot be read; the message names file, line and remedy."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and the studies that answer it, by StudyInstanceUID or accession number."""

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
        for name in _ABOUT:
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


def by_uid(database: Database, queries: Sequence[JudgedQuery]) -> tuple[JudgedQuery, ...]:
    """The queries with every study by its StudyInstanceUID, as `named_by_uid` has it.

    Raises `JudgementError` also where two names of one study have two grades for a query.
    """
    uids = named_by_uid(database, [name for query in queries for name in query.grades])
    found = []
    for query in queries:
        grades: dict[str, float] = {}
        for name, grade in query.grades.items():
            if grades.setdefault(uids[name], grade) != grade:
                raise JudgementError(
                    f"{name!r} is another name of a study that has grade {grades[uids[name]]:g} for "
                    f"{query.text[:40]!r} already; keep one"
                )
        found.append(replace(query, grades=grades))
    return tuple(found)


def pairs_by_uid(database: Database, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with every study by its StudyInstanceUID, as `named_by_uid` has it."""
    uids = named_by_uid(database, [pair.study_uid for pair in pairs])
    return tuple(replace(pair, study_uid=uids[pair.study_uid]) for pair in pairs)


def named_by_uid(database: Database, names: Sequence[str]) -> dict[str, str]:
    """By name (StudyInstanceUID or accession number) the StudyInstanceUID; what no study has stays as it is.

    Raises `JudgementError` for an accession number of several studies.
    """
    known = studies_named(database, dict.fromkeys(names))
    uids = uids_of_studies(database, [study for some in known.values() for study in some])
    for name, studies in known.items():
        if len(studies) > 1:
            raise JudgementError(
                f"{name!r} is the accession number of {len(studies):,} studies; name the one that is meant by its "
                "StudyInstanceUID"
            )
    return {name: uids[studies[0]] if studies else name for name, studies in known.items()}


def table_rows(path: Path, *, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, values by column as `plain_column` has it), every needed one filled.

    A study is named by study_uid, or by what is in a column of accession numbers. Raises `JudgementError`.
    """
    read = _jsonl if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} else _csv
    count, listed = 0, " and ".join(needed)
    for line, row in read(path, needed):
        missing = [name for name in needed if not row.get(name)]
        if missing:
            raise JudgementError(f"{path}, line {line}: {' and '.join(missing)} is empty; fill it in or drop the line")
        count += 1
        yield f"{path}, line {line}", row
    if not count:
        raise JudgementError(f"{path} holds no row{f'; write one line for each {listed}' if needed else ''}")


def _named(row: dict[str, str]) -> dict[str, str]:
    """A row with its study under study_uid, by the surest name that it holds."""
    study = next((row[name] for name in (*STUDY_COLUMNS, *ACCESSION_COLUMNS) if row.get(name)), "")
    return row | {"study_uid": study} if study else row


def _csv(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    rows = table_cells(path, JudgementError, called=str(path))
    names = [plain_column(name) for name in rows[0][1]] if rows else []
    if not set(needed) <= set(_named(dict.fromkeys(names, "x"))):
        raise JudgementError(f"{path}: the first line names the columns {names}; it must have {' and '.join(needed)}")
    for name in (*needed, "grade", *_ABOUT, *STUDY_COLUMNS, *ACCESSION_COLUMNS):
        column_called(names, name, JudgementError, called=str(path))
    for line, row in rows[1:]:
        yield line, _named(dict(zip(names, row, strict=False)))


def _jsonl(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(table_text(path, JudgementError).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise JudgementError(f"{path}, line {number} is no JSON ({error}); write one object a line") from error
        if not isinstance(value, dict):
            example = json.dumps(dict.fromkeys(needed, "..."))
            raise JudgementError(f"{path}, line {number} is no object; write {example}")
        values = {plain_column(str(name)): "" if item is None else str(item).strip() for name, item in value.items()}
        yield number, _named(values)
