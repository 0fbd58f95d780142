"""A filter as a value, for callers that build one rather than type it; see docs/filters.md."""

from __future__ import annotations

from spinecho.db.filters.algebra import ALL, COMPUTED_TOO, Between, Contains, Filter, Is, Or, both, write_filter
from spinecho.db.filters.coded import strength_range

__all__ = [
    "ALL", "COMPUTED_TOO", "Between", "Contains", "Filter", "Is", "Or", "both", "strength_range", "write_filter",
]  # fmt: skip
