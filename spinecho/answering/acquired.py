"""How a series was acquired: facts of its files, and of each the rule that gave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AcquiredSeries:
    """A series of a study and how it was acquired, of its first stored volume.

    facts: by name, None or "unknown" where the files do not say; times in ms, angles in degrees, b-values in s/mm2.
    why: by fact, the `rule` that gave it, its `confidence` between 0 and 1 and, where another source says otherwise,
    `against`: what each of these says. Empty for a series that was indexed before rules were kept.
    """

    uid: str
    number: int | None
    description: str
    facts: Mapping[str, Any]
    why: Mapping[str, Mapping[str, Any]]


def acquired(uid: str, number: int | None, description: str, facts: Mapping[str, Any]) -> AcquiredSeries:
    """From everything that is stored of a volume's acquisition."""
    return AcquiredSeries(
        uid,
        number,
        description,
        {name: value for name, value in facts.items() if name not in ("why", "rules")},
        facts.get("why", {}),
    )


def disputed(why: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each fact that a source speaks against."""
    found = []
    for fact, ground in why.items():
        others = ", ".join(f"{one['rule']} says {one['says']}" for one in ground.get("against", ()))
        if others:
            found.append(f"{fact.replace('_', ' ')} is by {ground['rule']}; {others}")
    return found
