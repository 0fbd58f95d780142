"""Whether heat maps may be believed on this archive, by a test that is made here, and the scale they are drawn on.

The test asks whether the side lights up on which reports say that something is (`evidence.sides`). Where it was not
made, could not be made, or was not passed there are no heat maps, and whoever asks for one is told why and what helps.
Both are measured from what the index holds, without reading a scan, at the end of a run: when the archive has grown or
shrunk by a fifth, when another space serves, and when the test or the rules of reading change. An encoder that was
adapted here is tested on patients that it did not learn from (`held_out`). It takes as many texts
as there are patients in the test (300 at most) and unrelated questions (48), and the stored parts of 1,600 scans at
most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spinecho.db.errors import StoreError
from spinecho.db.queries.learning.backgrounds import get_background, put_background
from spinecho.db.queries.learning.self_tests import Holdings, holdings
from spinecho.db.queries.learning.sided_findings import scanned_volumes, sided_clauses, some_volumes, volume_vectors
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.store.part_vectors import any_regions, stored_regions
from spinecho.db.values import SpaceRecord
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.language.expand import spelled_out
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.language.query_words import parse_query
from spinecho.encoders.language.scripts import without_other_letters
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.measuring.held_out import measured_on
from spinecho.encoders.networks.parts_of_volumes import added_by_stored
from spinecho.encoders.space import Encoder, require_stored
from spinecho.errors import QueryError
from spinecho.search.channels.background import UNRELATED, changed_much
from spinecho.search.evidence import sides
from spinecho.search.evidence.scale import Floats, Scale, measured, scale_of
from spinecho.search.evidence.sides import Sided
from spinecho.search.query import ONLY_UNWANTED, OTHER_LETTERS

CHANNEL = "parts"
"""Under which it is kept with the space's backgrounds."""
TEST = f"2.{RULES}"
"""The version of the test and of the rules by which clauses are told."""
PATIENTS, SCANS, VOLUMES = 300, 4, 400
"""Patients in the test at most, and scans of each; scans at most whose parts the scale is measured on."""
NO_PARTS, NOT_ALIGNED, TOO_FEW, ALIKE = "NO_PARTS", "NOT_ALIGNED", "TOO_FEW", "ALIKE"
"""Why there is nothing to go by: no parts are stored; an encoder that does not compare words with scans; too few
patients; parts that do not differ."""
_BATCH = 16


@dataclass(frozen=True)
class Tested:
    """What came of the test. reason: '' where it was made. told: patients by the side that their reports name.

    scale: of what parts add to the cosine, on which maps are drawn; cells: of the cosines of the parts themselves, by
    which results tell their best one.
    """

    version: str
    reason: str
    held: Holdings
    told: Mapping[str, int] = field(default_factory=dict)
    figure: Figure | None = None
    scale: Scale | None = None
    cells: Scale | None = None

    @property
    def passed(self) -> bool:
        """Whether heat maps are shown."""
        if self.figure is None or self.figure.ci95 is None or self.scale is None:
            return False
        return self.figure.ci95[0] >= sides.PASSED

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "version": self.version, "reason": self.reason, "reports": self.held.reports, "told": dict(self.told),
            "sides": None if self.figure is None else self.figure.to_json(),
            "scale": None if self.scale is None else self.scale.to_json(),
            "cells": None if self.cells is None else self.cells.to_json(),
        }  # fmt: skip


def wanted_by(words: str) -> str:
    """What of some words a scan could show. Raises `QueryError` where they only say what is not there, and for words in
    letters that no encoder compares with scans."""
    wanted = parse_query(words).wanted
    if not wanted:
        raise QueryError(ONLY_UNWANTED)
    if not (seen := without_other_letters(wanted)):
        raise QueryError(OTHER_LETTERS)
    return seen


def require_evidence(database: Database, words: str) -> None:
    """Raise what `Engine.compared` raises, as far as it is known without the encoder."""
    wanted_by(words)
    space = storing.serving(database, "image")
    if space is not None:
        trusted_scale(database, space)


def trusted_scale(database: Database, space: SpaceRecord) -> Scale:
    """The scale of heat maps. Raises `QueryError` where the encoder has not passed on this archive."""
    tested = kept(database, space)
    if tested is None or not tested.passed or tested.scale is None:
        raise QueryError(f"no evidence is shown here: {why(tested)}")
    return tested.scale


def kept(database: Database, space: SpaceRecord) -> Tested | None:
    """What the last test told; None where there was none, or none that can be read."""
    stored = get_background(database, space, CHANNEL)
    if stored is None:
        return None
    vectors, plain = stored
    try:
        return Tested(
            str(plain["version"]), str(plain["reason"]), Holdings(int(plain["reports"]), vectors),
            {str(side): int(count) for side, count in plain["told"].items()},
            None if plain["sides"] is None else _figure(plain["sides"]),
            *(None if plain[name] is None else scale_of(plain[name]) for name in ("scale", "cells")),
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def keep(database: Database, space: SpaceRecord, tested: Tested) -> None:
    """Keep what came of a test in place of the one before."""
    put_background(database, space, CHANNEL, count=tested.held.vectors, figures=tested.to_json())


def look_after(database: Database, open_dual: Callable[[], DualEncoder], *, again: bool = False) -> str:
    """Test the space that serves where that is due, or `again`; what went wrong, '' where nothing did.

    The encoder is opened only where there are patients enough. Of a test that failed nothing is kept.
    """
    try:
        space = storing.serving(database, "image")
        if space is None or database.read_only:
            return ""
        before, held = kept(database, space), holdings(database, space)
        if again or before is None or _due(before, held):
            keep(database, space, _tested(database, space, held, open_dual))
    except (EncoderError, StoreError) as error:
        return _failed(str(error))
    except Exception as error:
        return _failed(type(error).__name__)
    return ""


def why(tested: Tested | None) -> str:
    """In a sentence: what the test told, and what helps where heat maps are not shown."""
    if tested is None:
        return "whether this encoder points at what words say was not tested yet; the next 'spinecho index' tests it"
    if tested.reason == NO_PARTS:
        return "the parts of no scan are stored; 'spinecho predict' adds them where the encoder tells parts apart"
    if tested.reason == NOT_ALIGNED:
        return "the encoder does not compare words with scans; 'spinecho encoders recommend' names some that do"
    if tested.reason == ALIKE:
        return "the encoder tells the parts of these scans apart by nothing; 'spinecho encoders recommend' names others"
    if tested.figure is None:
        left, right = (tested.told.get(side, 0) for side in ("left", "right"))
        return (
            "whether this encoder points at what words say is tested by findings that reports affirm on one side: "
            f"{left:,} patients of the left and {right:,} of the right have a scan with both sides in it, and it takes "
            f"{sides.LEAST}, at least {sides.LEAST_OF_A_SIDE} of each; more reports make it possible"
        )
    low, high = tested.figure.ci95 or (0.0, 1.0)
    told = (
        f"the side that a report names was the hotter one in {100 * tested.figure.value:.0f} % of "
        f"{tested.figure.queries:,} patients ({100 * low:.0f} to {100 * high:.0f}; chance 50)"
    )
    if tested.passed:
        return f"shown: {told}"
    return (
        f"{told}, and heat maps take {100 * sides.PASSED:.0f} at the lower end: this encoder does not know where "
        "findings are on these scans; 'spinecho adapt' teaches it from this archive's reports, 'spinecho encoders "
        "recommend' names others"
    )


def trust_json(tested: Tested | None) -> dict[str, Any]:
    """For scripts: whether heat maps are shown, by which figures, and why."""
    plain = tested.to_json() if tested is not None else {}
    scale = plain.get("scale") or {}
    return {
        "shown": tested is not None and tested.passed, "why": why(tested), "sides": plain.get("sides"),
        "patients": dict(plain.get("told", {})), "needed": sides.LEAST, "floor": scale.get("floor"),
    }  # fmt: skip


def _tested(database: Database, space: SpaceRecord, held: Holdings, open_dual: Callable[[], DualEncoder]) -> Tested:
    none = Tested(TEST, TOO_FEW, held)
    if not any_regions(database, space):
        return replace(none, reason=NO_PARTS)
    may_ask = measured_on(space.encoder)
    clauses = (one for one in sided_clauses(database, space, sides.REGIONS) if may_ask(one.patient))
    found = sides.sided(clauses, PATIENTS)
    none = replace(none, told=sides.told(found))
    if not sides.enough(found):
        return none
    dual = open_dual()
    require_stored(space, dual.image.space, role="image")
    if dual.aligned_text is None:
        return replace(none, reason=NOT_ALIGNED)
    some, unrelated = some_volumes(database, space, VOLUMES), _encoded(dual.aligned_text, UNRELATED)
    scale = measured([rows for rows, _ in _added(database, space, some).values()], unrelated)
    cells = measured([one.rows for one in stored_regions(database, space, some).values()], unrelated)
    if scale is None or cells is None:
        return replace(none, reason=ALIKE)
    figure = _figure_of(database, space, dual.aligned_text, found, scale)
    return none if figure is None else replace(none, reason="", figure=figure, scale=scale, cells=cells)


def _added(
    database: Database, space: SpaceRecord, volumes: Sequence[int]
) -> dict[int, tuple[Floats, tuple[int, int, int]]]:
    """By volume id what its parts add to its vector, and their grid."""
    vectors = volume_vectors(database, space, volumes)
    return {
        volume: (added_by_stored(vectors[volume], parts.rows), parts.grid)
        for volume, parts in stored_regions(database, space, volumes).items()
        if volume in vectors
    }


def _figure_of(
    database: Database, space: SpaceRecord, encoder: Encoder[str], found: Sequence[Sided], scale: Scale
) -> Figure | None:
    """How often the side that a report names is the hotter one; of a study the mean over its scans. None of no scan."""
    texts = _encoded(encoder, [spelled_out(one.words) for one in found])
    volumes = scanned_volumes(database, space, sides.REGIONS, [one.study_uid for one in found])
    values, of_side = [], []
    for row, one in zip(texts, found, strict=True):
        parts = _added(database, space, volumes.get(one.study_uid, [])[:SCANS])
        right = [
            sides.on_its_side(scale.scores(rows, row).reshape(grid), one.side)
            for rows, grid in parts.values()
            if grid[0] > 1
        ]
        if right:
            values.append(float(np.mean(right)))
            of_side.append(one.side)
    return sides.figure(values, of_side) if values else None


def _encoded(encoder: Encoder[str], texts: Sequence[str]) -> Floats:
    parts = [encoder.encode(list(texts[at : at + _BATCH])) for at in range(0, len(texts), _BATCH)]
    return np.concatenate(parts).astype(np.float32)


def _due(before: Tested, held: Holdings) -> bool:
    if before.version != TEST:
        return True
    if before.reason == NOT_ALIGNED:
        return False
    if before.reason:  # counting costs little
        return before.held != held
    return changed_much(before.held.reports, held.reports) or changed_much(before.held.vectors, held.vectors)


def _figure(plain: Mapping[str, Any]) -> Figure:
    interval = plain["ci95"]
    return Figure(
        float(plain["value"]), float(plain["chance"]),
        None if interval is None else (float(interval[0]), float(interval[1])), float(plain["pool"]),
        int(plain["queries"]),
    )  # fmt: skip


def _failed(reason: str) -> str:
    return f"EVIDENCE_TEST_FAILED: {reason}; heat maps stay as they were, and the next run tries again"
