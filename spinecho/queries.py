"""A query as a value, how it was understood, and what its chips stand for."""

from __future__ import annotations

from spinecho.encoders.language.query_words import Chip, parse_query
from spinecho.search.answers.fold import fits_line
from spinecho.search.planning.query_plan import PlanChip, QueryPlan, Way
from spinecho.search.query import BoxError, ImageQuery, Kind, Query, SpotQuery, StudyQuery, TextQuery

__all__ = [
    "BoxError", "Chip", "ImageQuery", "Kind", "PlanChip", "Query", "QueryPlan", "SpotQuery", "StudyQuery", "TextQuery",
    "Way", "fits_line", "parse_query",
]  # fmt: skip
