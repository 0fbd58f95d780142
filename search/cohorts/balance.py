"""How alike cases and controls are, before matching and after: standardised mean differences.

(mean of the cases - mean of the controls) / standard deviation, the root of the mean of both groups' variances before
matching, for after too, so that only means change it; of a value such as "Siemens" the means are shares. An absolute
value under 0.1 is usually taken for balance (Austin 2009, Statistics in Medicine 28:3083; Stuart 2010, Statistical
Science 25:1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.db.people.masking import few, hidden
from spinecho.search.cohorts.passing import Flags

BALANCED = 0.1
"""The absolute difference under which two groups count as alike."""
SHARES = ("cases", "controls", "matched_cases", "matched_controls")
_FIGURES = (*SHARES, "before", "after")


@dataclass(frozen=True, slots=True)
class Balance:
    """One value of one fact: means (years, or shares) by group and the differences; None where nothing is known."""

    fact: str
    value: str
    cases: float | None
    controls: float | None
    matched_cases: float | None
    matched_controls: float | None
    before: float | None
    after: float | None
    few: int = 0
    """The smallest number of patients behind these figures that is not 0: in a group, with this value, without it."""

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        row: dict[str, Any] = {"fact": self.fact, "value": self.value}
        return row | {name: _rounded(getattr(self, name)) for name in _FIGURES} | {"few": self.few}


@dataclass(frozen=True, eq=False)
class Groups:
    """Who is compared, by place: those there were, and those that are in matched sets."""

    cases: Flags
    controls: Flags
    matched_cases: Flags
    matched_controls: Flags

    @property
    def each(self) -> tuple[Flags, Flags, Flags, Flags]:
        """In the order of `Balance`."""
        return self.cases, self.controls, self.matched_cases, self.matched_controls


def masked_balance(rows: Sequence[Mapping[str, Any]], smallest: int) -> list[dict[str, Any]]:
    """The rows as they may be shown: with small counts hidden the differences alone, and none of what few people have.

    Shares of groups whose sizes are known would be counts. Where nothing is left to tell, which values there are is not
    told either.
    """
    kept = []
    for row in rows:
        shown = {name: value for name, value in row.items() if name != "few"}
        if smallest > 1:
            shown = {name: value for name, value in shown.items() if name not in SHARES}
            shown |= {
                name: hidden(smallest) if few(row["few"], smallest) else shown[name] for name in ("before", "after")
            }
        kept.append(shown)
    nothing = smallest > 1 and all(row["before"] == hidden(smallest) for row in kept)
    return kept[:1] if nothing else kept


def balance(
    groups: Groups, patients: NDArray[np.int64], ages: NDArray[np.float64], facts: Mapping[str, Sequence[str]]
) -> tuple[Balance, ...]:
    """Age first, then each value of each fact, most frequent first. facts: by name, a value for every place."""
    found = [_compared("age", "years", groups, patients, ages)]
    among = groups.cases | groups.controls
    for fact, values in facts.items():
        held = np.array(values, dtype=object)
        names, counts = np.unique(held[among].astype(str), return_counts=True)
        for at in np.lexsort((names, -counts)).tolist():
            has = np.where(held == names[at], 1.0, 0.0)
            found.append(_compared(fact, str(names[at]), groups, patients, has))
    return tuple(found)


def _compared(
    fact: str, value: str, groups: Groups, patients: NDArray[np.int64], numbers: NDArray[np.float64]
) -> Balance:
    some = [numbers[flags][np.isfinite(numbers[flags])] for flags in groups.each]
    cases, controls, in_sets, in_controls = (float(one.mean()) if len(one) else None for one in some)
    spread = float(np.sqrt((some[0].var() + some[1].var()) / 2)) if len(some[0]) and len(some[1]) else 0.0
    behind = [flags & np.isfinite(numbers) for flags in groups.each]
    if fact != "age":  # those without the value too: of two values, one row is the other with its sign turned
        behind += [flags & (numbers == has) for flags in groups.each for has in (0, 1)]
    fewest = min((count for flags in behind if (count := len(np.unique(patients[flags])))), default=0)
    before, after = _difference(cases, controls, spread), _difference(in_sets, in_controls, spread)
    return Balance(fact, value, cases, controls, in_sets, in_controls, before, after, fewest)


def _difference(one: float | None, other: float | None, spread: float) -> float | None:
    if one is None or other is None:
        return None
    if one == other:
        return 0.0
    return (one - other) / spread if spread > 0 else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3) + 0.0
