"""Conditions on a column that holds several names: SQL in which the names are rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, String, column, exists, literal, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from spinecho.db.schema.clean import BETWEEN_NAMES


def any_name(names: Any, condition: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """One of the names in a column of `CleanNames` meets the condition; of a row without names, the empty text."""
    rows = _Names(type_coerce(names, String), literal(BETWEEN_NAMES, literal_execute=True)).table_valued(
        column("value", String)
    )
    return exists().select_from(rows).where(condition(rows.c.value))


class _Names(FunctionElement[Any]):
    """A joined text as rows of `value`."""

    inherit_cache = True


@compiles(_Names, "sqlite")
def _names_sqlite(element: _Names, compiler: Any, **options: Any) -> str:
    joined, sign = (compiler.process(one, **options) for one in element.clauses)
    listed = f"""'["' || replace({joined}, {sign}, '","') || '"]'"""
    return f"json_each(CASE WHEN json_valid({listed}) THEN {listed} ELSE '[]' END)"


@compiles(_Names, "postgresql")
def _names_postgresql(element: _Names, compiler: Any, **options: Any) -> str:
    joined, sign = (compiler.process(one, **options) for one in element.clauses)
    listed = f"CASE WHEN {joined} = '' THEN ARRAY[''] ELSE string_to_array({joined}, {sign}) END"
    return f"(SELECT unnest({listed}) AS value)"
