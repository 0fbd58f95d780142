"""What heads are trained to tell: a literal table, each with the way from what is known of a volume to its label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from spinecho.encoders.heads.predictions import Box, HeadError
from spinecho.encoders.training.data.examples import Facts

Kind: TypeAlias = Literal["single", "multi", "ordinal", "regression", "place"]
"""One class; any number of labels; one of ordered classes; a number; where in the volume something is."""

Label: TypeAlias = str | frozenset[str] | float | Box | tuple[()] | None
"""By kind: a class; the labels that apply; a class; a number; a box, or () where it is known to be absent.

None for every kind where it is not known: such volumes are left out, never counted as negative.
"""

_UNKNOWN = frozenset({"", "unknown", "oblique"})


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One thing to be told from a volume.

    classes: None takes them from the data, sorted by name; ordinal tasks name theirs, in order.
    unit: of a regression.
    least: patients that a class must have to be learned (a regression or place: that the task must have). At least 6,
    so that it is seen in training, calibration and test.
    """

    name: str
    kind: Kind
    label: Callable[[Facts], Label]
    classes: tuple[str, ...] | None = None
    unit: str = ""
    least: int = 12

    def __post_init__(self) -> None:
        if self.least < 6:
            raise ValueError(f"{self.name}: a class needs at least 6 patients, not {self.least}")
        if self.kind == "ordinal" and self.classes is None:
            raise ValueError(f"{self.name}: an ordinal task must name its classes, lowest first")


def _fact(name: Literal["sequence", "region", "plane", "contrast", "sex"]) -> Callable[[Facts], Label]:
    def label(facts: Facts) -> Label:
        value: str = getattr(facts, name)
        return None if value in _UNKNOWN else value

    return label


def _sex(facts: Facts) -> Label:
    """F or M; O (PS3.3 C.7.1.1) is neither, and too rare to be learned."""
    return facts.sex if facts.sex in {"F", "M"} else None


def _text(name: str) -> Callable[[Facts], Label]:
    def label(facts: Facts) -> Label:
        value = facts.labels.get(name)
        return value if isinstance(value, str) and value else None

    return label


def _lesion_present(facts: Facts) -> Label:
    lesions = facts.labels.get("lesions")
    return None if lesions is None else "yes" if lesions else "no"


def _lesion_kinds(facts: Facts) -> Label:
    lesions = facts.labels.get("lesions")
    return None if lesions is None else frozenset(str(lesion["kind"]) for lesion in lesions)


def _lesion_side(facts: Facts) -> Label:
    """left, right or both; None without a lesion, or with one that lies in the middle."""
    sides = {lesion["side"] for lesion in facts.labels.get("lesions") or ()} - {"midline"}
    if sides and sides <= {"left", "right", "both"}:
        return "both" if len(sides) > 1 else str(sides.pop())
    return None


def _lesion_number(facts: Facts) -> Label:
    lesions = facts.labels.get("lesions")
    return None if lesions is None else _NUMBERS[min(len(lesions), 2) if len(lesions) < 4 else 3]


def _lesion_place(facts: Facts) -> Label:
    return box_label(facts, "lesion_box")


def _age(facts: Facts) -> Label:
    return facts.age_years


_NUMBERS = ("none", "one", "two or three", "many")

TASKS: dict[str, TaskSpec] = {
    task.name: task
    for task in (
        TaskSpec("sequence", "single", _fact("sequence")),
        TaskSpec("body_region", "single", _fact("region")),
        TaskSpec("plane", "single", _fact("plane"), ("axial", "coronal", "sagittal")),
        TaskSpec("contrast", "single", _fact("contrast"), ("no", "yes")),
        TaskSpec("sex", "single", _sex, ("F", "M")),
        TaskSpec("age", "regression", _age, unit="years"),
        TaskSpec("diagnosis", "single", _text("diagnosis")),
        TaskSpec("lesion_present", "single", _lesion_present, ("no", "yes")),
        TaskSpec("lesion_kinds", "multi", _lesion_kinds),
        TaskSpec("lesion_side", "single", _lesion_side, ("left", "right", "both")),
        TaskSpec("lesion_number", "ordinal", _lesion_number, _NUMBERS),
        TaskSpec("lesion_place", "place", _lesion_place),
    )
}
"""By name. A user's own task is another `TaskSpec`; nothing needs to be listed here to be trained."""


def task_named(name: str) -> TaskSpec:
    """The task of that name; HeadError lists those there are."""
    if name not in TASKS:
        raise HeadError(f"no task is called {name!r}; there are: {', '.join(TASKS)}")
    return TASKS[name]


def box_label(facts: Facts, name: str) -> Label:
    """The box under a key of `Facts.labels`: () for null, None where the key is missing.

    Raises HeadError for one that is no box: six fractions 0..1, low below high.
    """
    if name not in facts.labels:
        return None
    value = facts.labels[name]
    if value is None:
        return ()
    try:
        a, b, c, d, e, f = (float(part) for part in value)
    except (TypeError, ValueError) as error:
        raise HeadError(f"{name} of {facts.key} is no box but {value!r}; give low R, A, S and high R, A, S") from error
    if not all(0.0 <= low < high <= 1.0 for low, high in ((a, d), (b, e), (c, f))):
        raise HeadError(f"{name} of {facts.key} is no box in 0..1 but {value!r}; give low R, A, S and high R, A, S")
    return a, b, c, d, e, f


def classes_of(task: TaskSpec, labels: Sequence[Label]) -> tuple[str, ...]:
    """The classes that a task may have, before those with too few patients are left out.

    Raises HeadError for a label that is none of the classes a task names.
    """
    if task.kind in ("regression", "place"):
        return ()
    found: set[str] = set()
    for label in labels:
        if isinstance(label, frozenset):
            found |= label
        elif isinstance(label, str):
            found.add(label)
    if task.classes is None:
        return tuple(sorted(found))
    if found - set(task.classes):
        raise HeadError(
            f"{task.name}: the label {sorted(found - set(task.classes))[0]!r} is none of {list(task.classes)}; "
            "name it among the task's classes, or let its label give None"
        )
    return task.classes
