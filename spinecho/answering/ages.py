"""How old somebody was, as pages and commands show it."""

from __future__ import annotations

from spinecho.db.filters.coded import shown_age

__all__ = ["age_in_words"]


def age_in_words(years: float | None) -> str:
    """As "60 y", of infants "19 months", "6 weeks" or "0 days", which a filter takes; '' for what is not recorded."""
    return "" if years is None else shown_age(years)
