"""Training examples from the demonstration generator: never written as DICOM, and from other seeds than the demo's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from spinecho.db.keys import patient_key
from spinecho.encoders.reading.volume import to_ras
from spinecho.encoders.training.data.examples import Example, Facts, compact, write_shard
from spinecho.indexer.phantom import plan_case, render_series
from spinecho.indexer.phantom.model import Case, SeriesPlan

_STUDIES_A_SHARD = 20


def write_phantom_shards(
    folder: Path,
    *,
    seed: int,
    first: int,
    last: int,
    series: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw the cases first..last of a seed, at most `series` volumes of each, chosen by the case; no localizers.

    Shards that are there already are kept, so a run that was cut off goes on where it stopped.
    """
    for start in range(first, last, _STUDIES_A_SHARD):
        path = folder / f"phantom-{seed}-{start:06d}.safetensors"
        if not path.exists():
            numbers = range(start, min(start + _STUDIES_A_SHARD, last))
            write_shard(
                path, [example for number in numbers for example in examples_of(number, seed=seed, series=series)]
            )
        if progress is not None:
            progress(min(start + _STUDIES_A_SHARD, last) - first, last - first)


def examples_of(number: int, *, seed: int, series: int) -> list[Example]:
    """The volumes of one case."""
    case = plan_case(number, seed=seed)
    plans = [plan for plan in case.series if plan.sequence != "localizer"]
    chosen = np.random.default_rng((seed, number, 31)).permutation(len(plans))[:series]
    return [_example(case, plans[place]) for place in sorted(chosen)]


def _example(case: Case, plan: SeriesPlan) -> Example:
    voxels, affine, mask = render_series(case, plan)
    grey, spacing = compact(to_ras(voxels, affine))
    seen = to_ras(mask.astype(np.float32), affine).voxels
    return Example(grey, spacing, _facts(case, plan, _box(seen)))


def _box(mask: Any) -> list[float] | None:
    """Low and high corner of what is lesion, as fractions of the volume along R, A and S."""
    if not mask.any():
        return None
    sides = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    low = [float(side[0]) / n for side, n in zip(sides, mask.shape, strict=True)]
    high = [float(side[-1] + 1) / n for side, n in zip(sides, mask.shape, strict=True)]
    return [round(value, 4) for value in (*low, *high)]


def _facts(case: Case, plan: SeriesPlan, box: list[float] | None) -> Facts:
    return Facts(
        key=f"{case.seed}/{case.index}/{plan.number}.{plan.part}",
        study=f"{case.seed}/{case.index}",
        patient=patient_key(case.patient_id),
        source="phantom",
        region="brain",
        sequence=plan.sequence,
        plane=plan.plane,
        contrast="yes" if plan.contrast else "no",
        sex=case.sex,
        age_years=float(case.age_years),
        texts=(("report", case.report),),
        labels={
            "diagnosis": case.diagnosis,
            "lesions": [asdict(lesion) for lesion in case.lesions],
            "lesion_box": box,
            "b_value": plan.b_value,
            "fat_suppressed": plan.fat_suppressed,
            "dimensions": plan.dimensions,
            "field_t": case.field_t,
            "vendor": case.vendor,
            "description": plan.description,
            "atrophy": case.atrophy,
            "wmh_load": case.wmh_load,
        },
    )
