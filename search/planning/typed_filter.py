"""Filters as people type them: findings by every name, sides and places as clauses tell them. Every door reads so."""

from __future__ import annotations

from spinecho.db.filters.algebra import Filter, parse_filter
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.situated import situated


def typed_filter(text: str) -> Filter:
    """Raises `FilterSyntaxError`, which tells the place; `FilterError` for an unknown field or an impossible value."""
    return parse_filter(text, expand=names_of, situate=situated)
