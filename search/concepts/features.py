"""What a taught head reads of studies: the mean of their scans' stored vectors, part by part where parts are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.db.people.concepts import StudyRows
from spinecho.search.concepts.learning import Rows

REGIONS, SCANS = "regions", "scans"


@dataclass(frozen=True, eq=False)
class Features:
    """Of studies, by id, in one order. read: (n, width); whole: (n, dim) unit rows; patients: numbers; keys: theirs."""

    studies: tuple[int, ...]
    uids: tuple[str, ...]
    patients: tuple[int, ...]
    keys: tuple[str, ...]
    read: Rows
    whole: Rows


def reads_of(rows: Sequence[StudyRows]) -> str:
    """What a head can read of all of these: their parts where every study has them."""
    return REGIONS if rows and all(len(one.regions) for one in rows) else SCANS


def features_of(rows: Sequence[StudyRows], reads: str) -> Features:
    """Those of studies that have what is read; the others are left out."""
    kept = [one for one in rows if len(one.vectors) and (reads == SCANS or len(one.regions))]
    whole = [_unit(one.vectors.mean(axis=0)) for one in kept]
    read = [_parts(one) for one in kept] if reads == REGIONS else whole
    widest = max(map(len, read), default=0)
    if any(len(one) != widest for one in read):  # another grid: of another version of the encoder's table
        return features_of([one for one, row in zip(kept, read, strict=True) if len(row) == widest], reads)
    return Features(
        tuple(one.study for one in kept), tuple(one.uid for one in kept), tuple(one.patient for one in kept),
        tuple(one.key for one in kept),
        np.array(read, np.float32).reshape(len(kept), -1), np.array(whole, np.float32).reshape(len(kept), -1),
    )  # fmt: skip


def _parts(one: StudyRows) -> Rows:
    """The mean of the scans' parts, scaled so that all parts together weigh what one vector does."""
    cells = max(1, one.regions.shape[1] // one.vectors.shape[1])
    out: Rows = (one.regions.mean(axis=0) / np.sqrt(cells)).astype(np.float32)
    return out


def _unit(row: Rows) -> Rows:
    out: Rows = (row / max(float(np.linalg.norm(row)), 1e-12)).astype(np.float32)
    return out
