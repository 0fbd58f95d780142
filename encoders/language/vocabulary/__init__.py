"""Findings, anatomy and technique by name: one table for search, conditions and places."""

from spinecho.encoders.language.vocabulary.reading import (
    Mention,
    closure,
    concept,
    concepts,
    inner_places,
    looked_for,
    meant,
    names,
    narrower,
    wider,
)
from spinecho.encoders.language.vocabulary.table import Concept, Kind

__all__ = [
    "Concept",
    "Kind",
    "Mention",
    "closure",
    "concept",
    "concepts",
    "inner_places",
    "looked_for",
    "meant",
    "names",
    "narrower",
    "wider",
]
