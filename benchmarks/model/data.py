"""The data that the shipped encoder was trained and measured on, and who of it is held out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from spinecho.encoders.training.data.examples import Facts

TRAIN_SEED, TEST_SEED = 4001, 9001
"""Of the generator. The demonstration's seed is 0."""
NOT_SHIPPED = ("msd_task04_hippocampus", "chaos_mr", "ivadomed_testing")
"""Sources whose licence is share-alike or not stated: nothing that ships is trained on them."""
PARTS = ("phantom-train", "phantom-test", "real")


def held_out(facts: Iterable[Facts]) -> set[str]:
    """The subjects that are never trained on: two in five of each body region, at least two where there are three.

    Drawn by the digest of the subject's name. Subjects of the sources in NOT_SHIPPED are always held out.
    """
    regions: dict[str, set[str]] = defaultdict(set)
    barred = set()
    for each in facts:
        regions[each.region].add(each.patient)
        if each.source in NOT_SHIPPED:
            barred.add(each.patient)
    out = set(barred)
    for names in regions.values():
        wanted = max(2, round(0.4 * len(names))) if len(names) >= 3 else 0
        order = sorted(names - barred, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        out.update(order[: max(0, wanted - len(names & barred))])
    return out


def folders(work: Path, kind: str) -> dict[str, Path]:
    """Where the shards or the cached features of each part lie."""
    return {part: work / kind / part for part in PARTS}
