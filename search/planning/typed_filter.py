"""Filters as people type them: findings by every name, sides and places as clauses tell them. Every door reads so."""

from __future__ import annotations

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import Filter, Says, leaves, parse_filter
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.situated import situated
from spinecho.encoders.language.vocabulary import concept


def typed_filter(text: str) -> Filter:
    """Raises `FilterSyntaxError`, which tells the place; `FilterError` for an unknown field or an impossible value."""
    found = parse_filter(text, expand=names_of, situate=situated)
    for one in leaves(found):
        unknown = (
            [name for name in (*one.places, *one.findings) if concept(name) is None] if isinstance(one, Says) else []
        )
        if unknown:
            raise FilterError(
                f'no place or finding {unknown[0]!r} is known; write it in words, as in place="temporal lobe"'
            )
    return found
