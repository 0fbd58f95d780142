"""Facet counts: of how many studies a value is, shown / total. By SQL; `db.queries.selection` is quicker."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select

from spinecho.db.errors import FilterError
from spinecho.db.facts.counts import labels
from spinecho.db.filters.conditions import FIELDS, SCORE, Filter, by_sql_alone, label_name, predicted_task
from spinecho.db.filters.labelled import label_column
from spinecho.db.filters.sql import COLUMNS, compile_filter
from spinecho.db.people.masking import Count, hidden, masked, number
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Prediction, Series, Study, Volume, VolumeFile
from spinecho.db.store.patients import PERSON
from spinecho.db.store.predictions import UNKNOWN
from spinecho.db.vectors.indexes.protocol import Ids

FACETS = (
    "body_region", "side", "sequence", "technique", "b_value", "dixon", "component", "computed", "plane", "contrast",
    "vendor", "field_strength", "sex", "age",
)  # fmt: skip
"""The fields that are counted where none are named."""
COUNTABLE = tuple(field for field in FIELDS if field not in {"study_uid", "accession_number", "patient_id"})


@dataclass(frozen=True, slots=True)
class Facet:
    """value: '' for what is not recorded, ages by decade, dates by year; shown and total: studies, maybe masked."""

    value: str
    shown: Count
    total: Count


def require_facets(fields: Sequence[str]) -> None:
    """Raise `FilterError` for a field whose values cannot be counted."""
    for field in fields:
        if field not in COUNTABLE and not (by_sql_alone(field) and field != SCORE):
            near = difflib.get_close_matches(field, COUNTABLE, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"countable: {', '.join(COUNTABLE)}"
            raise FilterError(f"the values of {field!r} cannot be counted; {hint}")


def shown_of_total(shown: Mapping[str, int], total: Mapping[str, int]) -> tuple[Facet, ...]:
    """Both counts by value: most studies first, equals by value, what is not recorded last."""
    values = sorted({*shown, *total}, key=lambda value: (value == "", -total.get(value, 0), value))
    return tuple(Facet(value, shown.get(value, 0), total.get(value, 0)) for value in values)


def masked_facets(
    found: Sequence[Facet], smallest: int, *, few_shown: bool = False, few_in_all: bool = False
) -> tuple[Facet, ...]:
    """With small counts hidden, ordered by what is left to see.

    few_shown, few_in_all: what is counted are studies of so few patients that even a 0 beside a hidden count would
    tell what they are, so that every value reads the same.
    """
    if smallest <= 1:
        return tuple(found)
    nothing = hidden(smallest)
    counted = [
        Facet(
            one.value,
            nothing if few_shown else masked(number(one.shown), smallest),
            nothing if few_in_all else masked(number(one.total), smallest),
        )
        for one in found
    ]
    return tuple(sorted(counted, key=lambda one: (one.value == "", -number(one.total), one.value)))


def few_patients(database: Database, studies: Ids, smallest: int) -> bool:
    """Whether these studies are of somebody, but of fewer than `smallest` patients. One without an ID counts alone."""
    known: set[int] = set()
    with database.begin() as session:
        for some in chunks(studies.tolist()):
            known.update(session.scalars(select(PERSON).where(Study.id.in_(some))))
            if len(known) >= smallest:
                return False
    return bool(known)


def predicted_labels(value: str | None) -> tuple[str, ...]:
    """What a prediction is counted under: each of several, '' where a head would rather not say, or was not asked."""
    return ("",) if value in {None, UNKNOWN} else tuple(str(value).split(", "))


def _column(field: str) -> Any:
    if predicted_task(field):
        return Prediction.value
    return label_column(name) if (name := label_name(field)) else COLUMNS[field]


def sql_counts(
    database: Database, field: str, where: Filter, studies: Ids | None = None, *, smallest: int = 0
) -> dict[str, int]:
    """Studies by value of a field, of volumes that pass the filter; of those studies alone where they are given.

    Of a value that fewer than `smallest` patients have, the patients are counted in place of their studies.
    """
    people, task = (PERSON,) if smallest > 1 else (), predicted_task(field)
    query = select(Series.study_id, _column(field), *people)
    query = query.select_from(Volume).join(Series, Series.id == Volume.series_id)
    query = query.join(Study, Study.id == Series.study_id)
    if task:
        query = query.outerjoin(Prediction, and_(Prediction.volume_id == Volume.id, Prediction.task == task))
    if field == "archive":
        query = query.outerjoin(VolumeFile, VolumeFile.volume_id == Volume.id)
        query = query.outerjoin(File, File.id == VolumeFile.file_id).outerjoin(Folder, Folder.id == File.folder_id)
    among = None if studies is None else set(studies.tolist())
    found: set[tuple[str, int]] = set()
    patients: set[tuple[str, int]] = set()
    with database.begin() as session:
        for study, value, *person in session.execute(query.where(compile_filter(where)).distinct()):
            if among is None or study in among:
                several = predicted_labels(value) if task else (value,) if label_name(field) else labels(field, value)
                found.update((label, study) for label in several)
                if person:
                    patients.update((label, person[0]) for label in several)
    counts, known = (Counter(label for label, _ in some) for some in (found, patients))
    return {label: known[label] if people and known[label] < smallest else count for label, count in counts.items()}
