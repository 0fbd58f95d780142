"""Examples of a concept put together: sides of several sources joined, taken down to what is learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.db.people.concepts import StudyRows, study_rows
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.encoders.measuring.held_out import measured_on
from spinecho.search.concepts.features import Features, features_of, reads_of
from spinecho.search.concepts.learning import MOST, Examples, Flags
from spinecho.search.concepts.sources import Sided

_LEAST_REST, _TIMES = 200, 4
"""Of the rest of an archive, so many times as many as there are positives, and so many at least."""


@dataclass(frozen=True)
class Joined:
    """UIDs by side. contradicting: studies that one source counts with it, another without; unmatched, unlabelled,
    by_others: as `Sided` has them.
    """

    positives: frozenset[str]
    negatives: frozenset[str]
    contradicting: int
    unmatched: int
    unlabelled: int = 0
    by_others: int = 0

    @property
    def left_out(self) -> dict[str, int]:
        """What was named and is no example, by why."""
        return {
            "counted both with it and without it": self.contradicting,
            "keys that no study has": self.unmatched,
            "rows without a label": self.unlabelled,
            "judged by other people alone: thumbs count for whoever gave them": self.by_others,
        }


@dataclass(frozen=True)
class Ready:
    """Examples as arrays. sides: studies and patients, of positives, then of negatives; left_out: studies by why."""

    examples: Examples
    features: Features
    reads: str
    sides: tuple[Mapping[str, int], Mapping[str, int]]
    left_out: Mapping[str, int]


def joined(sides: Iterable[Sided]) -> Joined:
    """What somebody judged of a study counts before rules; what else contradicts itself is left out."""
    found = list(sides)
    positives, negatives = (
        frozenset().union(*(getattr(one, side) for one in found if not one.judged))
        for side in ("positives", "negatives")
    )
    good, bad = (
        frozenset().union(*(getattr(one, side) for one in found if one.judged)) for side in ("positives", "negatives")
    )
    torn = ((positives & negatives) - good - bad) | (good & bad)
    return Joined(
        (positives - bad - torn) | (good - torn), (negatives - good - torn) | (bad - torn), len(torn),
        sum(one.unmatched for one in found), sum(one.unlabelled for one in found), sum(one.by_others for one in found),
    )  # fmt: skip


def some_of(uids: Iterable[str], most: int) -> list[str]:
    """The same of them every time: those with the lowest digests."""
    return sorted(uids, key=lambda uid: hashlib.sha256(uid.encode("utf-8", "backslashreplace")).digest())[:most]


def rest_size(positives: int) -> int:
    """How many of the rest of an archive are taken for so many positives."""
    return min(MOST, max(_LEAST_REST, _TIMES * positives))


def ready(database: Database, space: SpaceRecord, studies: Mapping[str, int], both: Joined) -> Ready:
    """The arrays of these examples. studies: ids by UID, of those that the archive has."""
    chosen = [some_of((uid for uid in side if uid in studies), MOST) for side in (both.positives, both.negatives)]
    known = [sum(uid in studies for uid in side) for side in (both.positives, both.negatives)]
    positive = {studies[uid] for uid in chosen[0]}
    rows: Sequence[StudyRows] = list(study_rows(database, space, [studies[uid] for side in chosen for uid in side]))
    reads = reads_of(rows)
    features = features_of(rows, reads)
    labels = np.array([study in positive for study in features.studies], bool)
    patients = np.array(features.patients, np.int64)
    may_ask = measured_on(space.encoder)
    unseen = np.array([may_ask(key) for key in features.keys], bool)
    examples = Examples(features.read, features.whole, labels, patients, unseen)
    sides = [sizes(examples, labels == side) for side in (True, False)]
    left_out = both.left_out | {
        "no longer in the archive": sum(
            uid not in studies for side in (both.positives, both.negatives) for uid in side
        ),
        f"beyond {MOST:,} a side": sum(known) - sum(map(len, chosen)),
        "without a scan that can be read here": sum(map(len, chosen)) - len(features.studies),
    }
    return Ready(examples, features, reads, (sides[0], sides[1]), left_out)


def sizes(examples: Examples, some: Flags) -> dict[str, int]:
    """Of (n,) some of the examples: studies and patients."""
    return {"studies": int(some.sum()), "patients": len(np.unique(examples.patients[some]))}
