"""Sentences of reports and headers with their clauses: by their vectors, by studies and reports, by what they say.

A ranked query reads some hundred sentences and their clauses. SQLite's driver lets other threads in before every row,
and whoever comes in may stay for milliseconds; so what is read by ids comes as one text for all rows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, String, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from spinecho.db.filters.said import passage_matches
from spinecho.db.reports.clauses import CLAUSE_COLUMNS, OF_PASSAGE, clause_card
from spinecho.db.reports.full_text import Match
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, Report, Series, Vector, Volume
from spinecho.db.values import ClauseCard, PassageCard


class _Row(FunctionElement[Any]):
    """Values as one JSON list."""

    inherit_cache = True
    type = String()


class _Rows(FunctionElement[Any]):
    """The JSON values of all rows as one text."""

    inherit_cache = True
    type = String()


@compiles(_Row, "sqlite")
def _row_sqlite(element: _Row, compiler: Any, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(_Row, "postgresql")
def _row_postgresql(element: _Row, compiler: Any, **options: Any) -> str:
    return f"json_build_array({compiler.process(element.clauses, **options)})"


@compiles(_Rows, "sqlite")
def _rows_sqlite(element: _Rows, compiler: Any, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(_Rows, "postgresql")
def _rows_postgresql(element: _Rows, compiler: Any, **options: Any) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


def _as_texts(*queries: Select[*tuple[Any, ...]]) -> Select[Any]:
    """Several as one row, each as one text. For whole numbers, texts and sizes; in no order, so give what orders it."""
    every = [query.subquery() for query in queries]
    return select(*(select(_Rows(_Row(*rows.c))).scalar_subquery() for rows in every))


_GIVEN: BindParameter[Any] = bindparam("ids", expanding=True)
_BY_VECTOR = _as_texts(
    select(
        Vector.id, func.coalesce(Report.study_id, Series.study_id), Passage.report_id, Passage.volume_id, Series.id,
        Passage.section, Passage.text, Passage.assertion, Passage.sides,
    )
    .join(Passage, Passage.id == Vector.passage_id)
    .outerjoin(Report, Report.id == Passage.report_id)
    .outerjoin(Volume, Volume.id == Passage.volume_id)
    .outerjoin(Series, Series.id == Volume.series_id)
    .where(Vector.id.in_(_GIVEN)),
    select(Vector.id, Clause.ordinal, *CLAUSE_COLUMNS)
    .join(Passage, Passage.id == Vector.passage_id)
    .join(Clause, OF_PASSAGE)
    .where(Vector.id.in_(_GIVEN)),
)  # fmt: skip
_OF_REPORTS = (
    select(
        Report.standing, Report.dated, Report.id, Passage.ordinal, Report.study_id, Passage.section, Passage.text,
        Passage.assertion, Passage.sides,
    )
    .join(Passage, Passage.report_id == Report.id)
)  # fmt: skip
_CLAUSES_OF_REPORTS = (
    select(Report.id, Passage.ordinal, Clause.ordinal, *CLAUSE_COLUMNS)
    .join(Passage, Passage.report_id == Report.id)
    .join(Clause, OF_PASSAGE)
)
_BY_OWNER = {
    owner: _as_texts(_OF_REPORTS.where(owner.in_(_GIVEN)), _CLAUSES_OF_REPORTS.where(owner.in_(_GIVEN)))
    for owner in (Report.id, Report.study_id)
}


def passage_cards(database: Database, vector_ids: Sequence[int]) -> dict[int, PassageCard]:
    """By vector id, ascending; ids that were deleted meanwhile are left out. Within one moment none is read twice."""
    known: dict[int, PassageCard | None] = database.remembered("passage cards")
    fresh = [key for key in dict.fromkeys(vector_ids) if key not in known]
    read = _passage_cards(database, fresh)
    known.update((key, read.get(key)) for key in fresh)
    found = ((key, known[key]) for key in sorted(set(vector_ids)))
    return {key: card for key, card in found if card is not None}


def _passage_cards(database: Database, vector_ids: Sequence[int]) -> dict[int, PassageCard]:
    if not vector_ids:
        return {}
    with database.begin() as session:
        rows, parts = _read(session, _BY_VECTOR, vector_ids)
    clauses: dict[int, list[ClauseCard]] = defaultdict(list)
    for row in sorted(parts, key=itemgetter(1)):  # by ordinal, which is all that counts within a sentence
        clauses[row[0]].append(clause_card(row[2:]))
    found: dict[int, PassageCard] = {}
    for vector, study, report, volume, series, section, text, assertion, sides in sorted(rows, key=itemgetter(0)):
        its_clauses = tuple(clauses.get(vector, ()))
        found[vector] = PassageCard(
            vector, study, report, volume, series, section, text, assertion, _sides(sides), its_clauses
        )
    return found


def report_passages(database: Database, ids: Sequence[int], *, by_report: bool = False) -> dict[int, list[PassageCard]]:
    """Every sentence of the reports of these studies, in order, by study; or of these reports, by report.

    Within one moment none is read twice.
    """
    known: dict[int, list[PassageCard]] = database.remembered(f"passages by {'report' if by_report else 'study'}")
    fresh = [key for key in dict.fromkeys(ids) if key not in known]
    if fresh:
        with database.begin() as session:
            query = _BY_OWNER[Report.id if by_report else Report.study_id]
            read = _by_owner(*_read(session, query, fresh), by_report=by_report)
        known.update((key, read.get(key, [])) for key in fresh)
    return {key: list(known[key]) for key in dict.fromkeys(ids) if known[key]}


def passages_saying(database: Database, match: Match, *, by_report: bool = False) -> dict[int, list[PassageCard]]:
    """Sentences of reports that a full-text query finds, in order, by study; or by report."""
    if not match:
        return {}
    says: ColumnElement[bool] = passage_matches(match)
    with database.begin() as session:  # however many those are, so never as one text
        rows, parts = (session.execute(query.where(says)) for query in (_OF_REPORTS, _CLAUSES_OF_REPORTS))
        return _by_owner(rows.all(), parts.all(), by_report=by_report)


def _by_owner(
    rows: Iterable[Sequence[Any]], parts: Iterable[Sequence[Any]], *, by_report: bool
) -> dict[int, list[PassageCard]]:
    """Rows of `_OF_REPORTS` and `_CLAUSES_OF_REPORTS` by study or report; sentences of neither are left out.

    What stands comes before its addenda, and each in the order of its dates.
    """
    clauses: dict[tuple[int, int], list[ClauseCard]] = defaultdict(list)
    for row in sorted(parts, key=itemgetter(2)):
        clauses[row[0], row[1]].append(clause_card(row[3:]))
    ordered = sorted(rows, key=itemgetter(1, 2, 3))
    ordered.sort(key=itemgetter(0), reverse=True)
    found: dict[int, list[PassageCard]] = defaultdict(list)
    for _, _, report, sentence, study, section, text, assertion, sides in ordered:
        owner = report if by_report else study
        if owner is not None:
            its_clauses = tuple(clauses.get((report, sentence), ()))
            found[owner].append(
                PassageCard(0, study, report, None, None, section, text, assertion, _sides(sides), its_clauses)
            )
    return dict(found)


def _read(session: Session, query: Select[Any], ids: Sequence[int]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The rows of both queries of one that `_as_texts` made, for these ids."""
    found: tuple[list[list[Any]], list[list[Any]]] = ([], [])
    for some in chunks(list(dict.fromkeys(ids))):
        for rows, written in zip(found, session.execute(query, {"ids": some}).one(), strict=True):
            rows.extend(json.loads(written or "[]"))
    return found


@lru_cache(maxsize=64)
def _sides(written: str) -> frozenset[str]:
    return frozenset(filter(None, written.split(",")))
