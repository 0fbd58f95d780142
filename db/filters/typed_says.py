"""What stands in `says(...)`: names of findings, and on which side, at which place and of what size they must be.

Names apart by commas: any of them will do. A side or a place is part of a name ("left temporal haemorrhage"), or said
for all names (`side=left`, `place="temporal lobe"`); it is compared with what each clause was found to tell, in any
language and word order, and never as words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from spinecho.db.filters.coded import stored_value
from spinecho.db.filters.conditions import SIDES, Asserted, Filter, Or, Says

Expand: TypeAlias = Callable[[str], Sequence[str]]
"""Everything that a finding may be called, itself included."""
Situate: TypeAlias = Callable[[str], tuple[str, frozenset[str], frozenset[str], frozenset[str]]]
"""Of a name as typed: what is found ('' where only sides and places are named), sides of `SIDES`, ids of places,
and ids of findings that are made of several things, which clauses say in words of their own."""

WITHIN = re.compile(r"(?P<key>side|place|finding)\s*=\s*", re.IGNORECASE)
"""Before a side or a place that is said for all names."""
_SIZE = re.compile(
    r"size\s*(?P<sign>>=|<=|>|<|=)\s*(?P<value>\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(?P<unit>mm|cm)?\s*$", re.I
)
_MEASURE = re.compile(r"[<>=≥≤~]{0,2}\s*\d[\d.,]*\s*(?:(?:-|–|x|×|to)\s*\d[\d.,]*\s*)?(?:mm|cm)", re.IGNORECASE)


class Misplaced(ValueError):
    """What is no name of a finding stands where one is expected. The message says what is."""


@dataclass
class Said:
    """What was read of one `says(...)`."""

    labels: list[str] = field(default_factory=list)
    bounds: dict[str, float] = field(default_factory=dict)
    sides: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)

    def sized(self, text: str) -> bool:
        """Whether the text is a condition on the size, which is kept then; sizes are in whole mm unless in cm."""
        size = _SIZE.match(text)
        if size:
            self.bounds |= _bounds(size)
        return size is not None

    def within(self, key: str, value: str, situate: Situate | None) -> None:
        """Keep a side, a place or the id of a finding. Raises `Misplaced`."""
        if key == "side":
            side = stored_value("side", value)
            if side not in SIDES:
                raise Misplaced(f"one of {', '.join(SIDES)}")
            self.sides.add(side)
            return
        if key == "finding":
            self.findings.add(value)
            return
        places = frozenset((value,)) if situate is None or ":" in value else situate(value)[2]
        if not places:
            raise Misplaced('a place that is known, as in place="temporal lobe"')
        self.places |= places

    def _of_one(self, expand: Expand, situate: Situate | None) -> list[str]:
        """The names; where all are of one finding, as they are written of a filter that was read before, that one."""
        if situate is not None and len(self.labels) > 1:
            for one in self.labels:
                if not any(situate(one)[1:3]) and {*self.labels} <= {one, *expand(one)}:
                    return [one]
        return self.labels

    def condition(self, assertion: Asserted, expand: Expand, situate: Situate | None) -> Filter:
        """The filter; one condition where all names are of the same sides and places. Raises `Misplaced`."""
        if forgotten := next((label for label in self.labels if situate and WITHIN.search(label)), ""):
            raise Misplaced(f"names and conditions with commas between, as in (fracture, side=left), not {forgotten!r}")
        read = {label: (situate or _nowhere)(label) for label in self._of_one(expand, situate)}
        bare = [label for label, (rest, sides, places, _) in read.items() if not rest and (sides or places)]
        if situate and len(read) > 1 and (size := next(filter(_MEASURE.fullmatch, read), "")):
            raise Misplaced(f"a size as size>=4mm or size<=4cm in place of {size!r}")
        if 0 < len(bare) < len(read):
            other = next(label for label in read if label not in bare)
            raise Misplaced(
                f"names of findings, any of which will do; {bare[0]!r} belongs to its finding, as in "
                f"says:{assertion}({bare[0]} {other})"
            )
        groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[str, str, frozenset[str]]]] = {}
        for label, (rest, sides, places, findings) in read.items():
            if len(sides) > 1:
                raise Misplaced(f"one side in {label!r}; side=both is left and right")
            where = (sides, places) if rest else (frozenset(), frozenset())
            key = tuple(sorted(self.sides | where[0])), tuple(sorted(self.places | where[1]))
            groups.setdefault(key, []).append((label, rest if any(where) else label, findings))
        parts = [
            Says(
                tuple(dict.fromkeys(name for _, rest, _ in some for name in (rest, *expand(rest)))), assertion,
                ", ".join(label for label, _, _ in some), self.bounds.get("low"), self.bounds.get("high"), *where,
                tuple(sorted(self.findings.union(*(findings for _, _, findings in some)))),
            )
            for where, some in groups.items()
        ]  # fmt: skip
        return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _nowhere(label: str) -> tuple[str, frozenset[str], frozenset[str], frozenset[str]]:
    return label, frozenset(), frozenset(), frozenset()


def _bounds(found: re.Match[str]) -> dict[str, float]:
    """Bounds in mm, both inside: more than 40 mm is the next number above it."""
    value = float(found["value"]) * (10.0 if (found["unit"] or "mm").casefold() == "cm" else 1.0)
    match found["sign"]:
        case ">=":
            return {"low": value}
        case ">":
            return {"low": math.nextafter(value, math.inf)}
        case "<=":
            return {"high": value}
        case "<":
            return {"high": math.nextafter(value, -math.inf)}
        case _:
            return {"low": value, "high": value}
