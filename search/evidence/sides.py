"""Does the side light up on which a report says that something is?

A pointing test that every archive with reports has the answers for, without a box drawn by anybody: a clause that
affirms a finding on one side is put into words without its side ("infarct in the temporal lobe"), and of the scan's
parts the hottest on the left is compared with the hottest on the right. Half is chance. Left and right count alike,
however many there are of each, so that an encoder that favours one side gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.db.queries.learning.sided_findings import SidedClause
from spinecho.encoders.language.findings import findings
from spinecho.encoders.language.laterality import sides, without_sides
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.measuring.resampling import Resamples
from spinecho.search.evidence.scale import Floats

REGIONS = ("brain", "head and neck", "cervical spine", "thoracic spine", "lumbar spine", "spine", "chest", "breast",
           "abdomen", "pelvis", "prostate", "whole body")  # fmt: skip
"""Body regions whose scans hold both sides; of a knee both sides are one side of the body."""
LEAST = 60
"""Patients below which nothing is concluded."""
LEAST_OF_A_SIDE = 20
PASSED = 0.6
"""What the lower end of the 95 % interval has to reach. Chance is 0.5; a map that is right in little more than half of
the cases is no evidence, however certain that is.
"""


@dataclass(frozen=True, slots=True)
class Sided:
    """What the reports of a study affirm on one side, without that side."""

    study_uid: str
    words: str
    side: str


def sided(clauses: Iterable[SidedClause], most: int) -> tuple[Sided, ...]:
    """One of each patient, in the order of the clauses; patients of whom several sides are told are left out."""
    of_patient: dict[str, list[SidedClause]] = {}
    for clause in clauses:
        of_patient.setdefault(clause.patient, []).append(clause)
    found: list[Sided] = []
    for some in of_patient.values():
        if len(found) == most:
            break
        if len({clause.sides for clause in some}) > 1 or some[0].sides not in {"left", "right"}:
            continue
        for clause in some:
            words = without_sides(clause.text)
            if findings(words) and not sides(words):
                found.append(Sided(clause.study_uid, words, clause.sides))
                break
    return tuple(found)


def enough(found: Sequence[Sided]) -> bool:
    """Whether there are so many that something can be concluded."""
    return len(found) >= LEAST and min(told(found).values()) >= LEAST_OF_A_SIDE


def told(found: Sequence[Sided]) -> dict[str, int]:
    """How many are of each side."""
    return {side: sum(one.side == side for one in found) for side in ("left", "right")}


def on_its_side(scores: Floats, side: str) -> float:
    """1 where the hottest of (r, a, s) parts at the one edge is hotter than at the other, a half where both are alike.

    R grows to the right, so that the first parts are the left ones.
    """
    left, right = float(scores[0].max()), float(scores[-1].max())
    if left == right:
        return 0.5
    return float((left > right) == (side == "left"))


def figure(values: Sequence[float], of_side: Sequence[str]) -> Figure:
    """The mean of both sides' shares; patients are drawn for the interval."""
    shares, strata = np.asarray(values, np.float64), np.array([side == "left" for side in of_side], np.int64)
    each = [float(shares[strata == one].mean()) for one in np.unique(strata)]
    drawn = Resamples(np.arange(len(shares), dtype=np.int64))
    return Figure(float(np.mean(each)), 0.5, drawn.macro(shares, strata), 2.0, len(shares))
