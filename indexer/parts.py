"""What is stored of volumes beside their facts: vectors, and what the encoder tells of parts and predicts from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spinecho.db.values import NewRegions, PredictedFact
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder, Predictor, Revised
from spinecho.encoders.networks.parts_of_volumes import GRID, Described, WithRegions, region_vectors
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.encoders.space import Vectors


@dataclass(frozen=True, slots=True)
class Parts:
    """One volume: its fp16 vector and, where the encoder can tell, its regions and predicted facts."""

    vector: bytes
    regions: NewRegions | None = None
    predicted: tuple[PredictedFact, ...] = ()


def parts_of(dual: DualEncoder, prepared: Sequence[Prepared]) -> list[Parts]:
    """For each volume, in order. An encoder that describes is asked once: its description holds the vector too."""
    describer = dual.describer
    if describer is None:
        return [Parts(pack(row)) for row in dual.image.encode_prepared(prepared)]
    described = describer.describe(prepared) if prepared else []
    predicted = _predicted(dual.predictor, described)
    return [
        Parts(pack(one.vector), NewRegions(GRID, pack(_regions(one))), facts)
        for one, facts in zip(described, predicted, strict=True)
    ]


def _regions(one: Described) -> Vectors:
    """What is stored of a volume's cells: as the encoder has them, else made of its parts."""
    return one.regions if isinstance(one, WithRegions) else region_vectors(one)


def heads_of(predictor: Predictor | None) -> tuple[tuple[str, str, str], ...]:
    """(task, head, revision) of every head: what a stored prediction is known by."""
    if predictor is None:
        return ()
    revisions = predictor.revisions if isinstance(predictor, Revised) else {}
    return tuple((task, predictor.space.label, revisions.get(task, "")) for task in predictor.tasks)


def _predicted(predictor: Predictor | None, described: Sequence[Described]) -> list[tuple[PredictedFact, ...]]:
    if predictor is None or not described:
        return [()] * len(described)
    heads = {task: (head, revision) for task, head, revision in heads_of(predictor)}
    return [
        tuple(
            PredictedFact(
                one.task,
                one.value,
                _rounded(float(one.score)),
                _rounded(one.number),
                _rounded(one.details),
                *heads[one.task],
            )
            for one in answers
        )
        for answers in predictor.predict(described)
    ]


def _rounded(value: Any) -> Any:
    """Three decimals: more differ with the number of threads, and a run that was cut off shall end in the same rows."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: _rounded(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_rounded(inner) for inner in value]
        case _:
            return value
