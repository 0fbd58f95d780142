"""What a person chooses among, told apart by what it is called."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def told_apart(labels: Mapping[T, str] | Iterable[tuple[T, str]]) -> dict[T, str]:
    """Labels by option, no two alike: the second of those that were becomes "LABEL (2)".

    Streamlit knows what was chosen by its label alone, and takes the last option of those that share one. So what
    people name, and words of ours beside it, goes through here.
    """
    found: dict[T, str] = {}
    taken: set[str] = set()
    for option, label in dict(labels).items():
        told, number = label, 1
        while told in taken:
            number += 1
            told = f"{label} ({number})"
        taken.add(told)
        found[option] = told
    return found
