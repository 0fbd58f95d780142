"""Conditions on studies as one value, built from small parts. What they mean in SQL stands in `db.filters.sql`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, assert_never

FieldKind: TypeAlias = Literal["text", "number", "date", "flag"]
KINDS: dict[str, FieldKind] = {
    "body_region": "text",
    "sequence": "text",
    "plane": "text",
    "contrast": "text",
    "side": "text",
    "technique": "text",
    "b_value": "number",
    "dixon": "text",
    "component": "text",
    "computed": "text",
    "field_strength": "number",
    "vendor": "text",
    "model": "text",
    "derived": "flag",
    "sex": "text",
    "age": "number",
    "date": "date",
    "description": "text",
    "archive": "text",
    "study_uid": "text",
    "accession_number": "text",
    "patient_id": "text",
}
"""What can be filtered by, and of what kind its values are. `archive` is a root folder."""
FIELDS = tuple(KINDS)
SEVERAL = frozenset({"archive", "technique"})
"""Of these a volume may have several values: a condition is met where one of them meets it."""
PREDICTED = "predicted."
"""What heads said is filtered by `predicted.TASK`, never by the name of a recorded fact."""
LABEL = "label."
"""Further columns of a data set's tables of subjects are filtered by `label.NAME`."""
SCORE = "predicted.score"
"""The least score of every other predicted condition beside it; it stands in no `Not` or `Or`."""

Value: TypeAlias = str | float | bool | date
Asserted: TypeAlias = Literal["present", "absent", "uncertain", "historical", "any"]
ASSERTIONS: tuple[Asserted, ...] = ("present", "absent", "uncertain", "historical", "any")


@dataclass(frozen=True, slots=True)
class All:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Is:
    """The field has one of these values, compared without regard to case."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The field lies between the two bounds, both included; None leaves that side open."""

    field: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True, slots=True)
class Contains:
    """The field contains the text, without regard to case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Says:
    """A clause of a report of the study names the finding with this assertion.

    names: what the finding is called, any of which will do: words, or phrases; stems are compared, and `*` at the end
    of a name stands for any ending. label: what it is called where the filter is shown. low_mm, high_mm: bounds, both
    inside, of the largest size that the same clause gives; None for no bound. sides: of `SIDES`, each of which the
    clause tells ("both" tells left and right); where it tells none, its sentence. places: ids of places, each of which
    the clause names, or one within it. findings: ids, any of which stands for the names: "the medial meniscus shows a
    tear" is a clause of the medial meniscal tear, whatever its words. A denial that tells no side denies each, and one
    that tells no place.
    """

    names: tuple[str, ...]
    assertion: Asserted = "present"
    label: str = ""
    low_mm: float | None = None
    high_mm: float | None = None
    sides: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold. What is unknown does not hold either way: it passes."""

    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds, all of them for one and the same volume."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


Leaf: TypeAlias = Is | Between | Contains | Says
Filter: TypeAlias = All | Leaf | Not | And | Or
ALL = All()
_LOCALIZERS = Is("sequence", ("localizer",))
HIDDEN: Filter = Or((Is("derived", (True,)), _LOCALIZERS))
"""What results leave out unless asked for: computed images and localizers."""
OF_COMPUTED = frozenset({"computed", "dixon"})
"""What says of an image what it was computed to: who asks for a value wants computed images."""
_ASKING_FOR_COMPUTED = OF_COMPUTED | {"derived", "sequence"}


SIDES = ("left", "right", "both")
UNRECORDED = ""
"""As a value of `Is`, of any field but a flag: nothing is recorded, whether the database holds nothing or no text."""
ASKING = ("indication", "technique", "comparison")
"""Sections of a report that ask, or tell of other examinations, and find nothing."""


def both(*parts: Filter) -> Filter:
    """The conjunction, without needless nesting."""
    kept = tuple(part for part in parts if part != ALL)
    return kept[0] if len(kept) == 1 else And(kept) if kept else ALL


def conjuncts(where: Filter) -> tuple[Filter, ...]:
    """The parts that must all hold: those of an `And`, and of every `And` within it."""
    match where:
        case All():
            return ()
        case And(parts):
            return tuple(inner for part in parts for inner in conjuncts(part))
        case _:
            return (where,)


def leaves(where: Filter) -> Iterator[Leaf]:
    """Every condition on one thing, in order."""
    match where:
        case All():
            return
        case Is() | Between() | Contains() | Says():
            yield where
        case Not(part):
            yield from leaves(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case _:
            assert_never(where)


def fields_of(where: Filter) -> frozenset[str]:
    """Every field that the filter speaks of."""
    return frozenset(leaf.field for leaf in leaves(where) if not isinstance(leaf, Says))


COMPUTED_TOO: Filter = Or((Is("derived", (True,)), Is("derived", (False,))))
"""Holds for everything and speaks of `derived`, so that `visible` leaves nothing out."""


def visible(where: Filter, *, computed: bool = False) -> Filter:
    """`where` without computed images and localizers, unless it asks for them: by `derived`, `sequence`, `computed` or
    `dixon`.

    computed: the words beside it ask for computed images, so that localizers alone are left out.
    """
    if fields_of(where) & _ASKING_FOR_COMPUTED:
        return where
    return both(where, Not(_LOCALIZERS if computed else HIDDEN))


def without_field(where: Filter, field: str) -> Filter:
    """`where` without the conditions that speak of this field alone: what the field's own counts are made under."""
    left = both(*(part for part in conjuncts(where) if fields_of(part) != {field} or _says(part)))
    if SCORE in fields_of(left) and not predicted_tasks(left):  # the least score went with what it was of
        return both(*(part for part in conjuncts(left) if fields_of(part) != {SCORE}))
    return left


def predicted_task(field: str) -> str:
    """The task of a predicted field, '' for a recorded one."""
    return field.removeprefix(PREDICTED) if field.startswith(PREDICTED) else ""


def label_name(field: str) -> str:
    """The name of a label's field, '' for another."""
    return field.removeprefix(LABEL) if field.startswith(LABEL) else ""


def by_sql_alone(field: str) -> bool:
    """Whether a field is of no column that a snapshot holds, and is none of the studies' identifiers."""
    return bool(predicted_task(field) or label_name(field))


def predicted_tasks(where: Filter) -> tuple[str, ...]:
    """The tasks whose predictions the filter asks for, in order of name."""
    return tuple(sorted(task for field in fields_of(where) - {SCORE} if (task := predicted_task(field))))


def _says(where: Filter) -> bool:
    return any(isinstance(leaf, Says) for leaf in leaves(where))
