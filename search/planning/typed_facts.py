"""`field:value` in a typed query, as conditions on facts."""

from __future__ import annotations

from collections.abc import Sequence

from spinecho.db.filters.algebra import Filter, Not, both, of_field
from spinecho.encoders.language.query_words import FieldTerm


def filter_of(fields: Sequence[FieldTerm]) -> Filter:
    """All of them together. Raises `FilterError` for a value that the field cannot have.

    `age:40-60`, `age:>60`, `age:60-`, `age:6m-18m`, `b:>=800`, `date:2019-01-01..2020-12-31`, `sequence:flair,t2`,
    `description:knee` (in it).
    """
    return both(
        *(Not(of_field(one.field, one.value)) if one.negated else of_field(one.field, one.value) for one in fields)
    )
