"""Of how many studies each value of a fact is, under a filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spinecho.db.filters.algebra import Filter, contradictions, visible, write_filter
from spinecho.db.people.masking import Count, masked, masked_sizes, number, together
from spinecho.db.queries.facets import Facet
from spinecho.db.queries.named import require_named
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.access.persons import asked_again

__all__ = ["Count", "Facet", "Facets", "masked", "masked_sizes", "number", "together"]


@dataclass(frozen=True)
class Facets(Mapping[str, tuple[Facet, ...]]):
    """By field its values, most studies first, each with `value`, `shown` and `total`.

    where: the filter as text. studies: how many pass it, "<5" where that is too few to tell. source: what answered,
    the columnar snapshot or SQL.
    """

    fields: Mapping[str, tuple[Facet, ...]]
    where: str
    studies: int | str
    source: str
    warnings: tuple[str, ...] = ()

    def __getitem__(self, field: str) -> tuple[Facet, ...]:
        return self.fields[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def to_json(self, *, most: int | None = None) -> dict[str, Any]:
        """One plain object. most: values at most of each field; the others are counted."""
        counted = {
            field: [{"value": one.value, "shown": one.shown, "total": one.total} for one in some[:most]]
            for field, some in self.items()
        }
        more = {field: len(some) - most for field, some in self.items() if most is not None and len(some) > most}
        return {
            "where": self.where,
            "studies": self.studies,
            "facets": counted,
            "more": more,
            "source": self.source,
            "warnings": list(self.warnings),
        }


def count(personal: PersonalArchive, where: Filter, fields: Sequence[str]) -> Facets:
    """Count over a person's access. Raises `FilterError` for a field, a value or a task that there is not."""
    database, selection = personal._database, personal._selection

    def counted() -> Facets:
        with database.reading():  # counts and their sum are of one moment
            require_named(database, where)
            found = personal.facets(where, fields)
            studies = selection.size(visible(where), personal.smallest)
            warnings = (*selection.warnings, *(f"nothing can pass: {reason}" for reason in contradictions(where)))
            return Facets(found, write_filter(where), studies, selection.source, warnings)

    return asked_again(database, counted)
