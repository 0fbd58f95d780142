"""A filter as a value, built or read; see docs/filters.md."""

from __future__ import annotations

from spinecho.db.filters.algebra import (
    ALL,
    COMPUTED_TOO,
    Between,
    Contains,
    Filter,
    Is,
    Or,
    both,
    write_filter,
)
from spinecho.db.filters.coded import strength_range
from spinecho.search.planning.typed_filter import typed_filter

__all__ = [
    "ALL", "COMPUTED_TOO", "Between", "Contains", "Filter", "Is", "Or", "both", "strength_range",
    "typed_filter", "write_filter",
]  # fmt: skip
