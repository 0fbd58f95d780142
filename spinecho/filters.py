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
    parse_filter,
    write_filter,
)
from spinecho.db.filters.coded import strength_range

__all__ = [
    "ALL", "COMPUTED_TOO", "Between", "Contains", "Filter", "Is", "Or", "both", "parse_filter", "strength_range",
    "write_filter",
]  # fmt: skip
