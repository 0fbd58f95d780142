"""What is measured while a network is trained: the evaluator's own figures, on held-out patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from encoders.image.preparation import BlockPreparation, Prepared
from encoders.image.vit_network import VisionTransformer
from encoders.image.vit_packing import by_length, pack, tokens_of
from encoders.training.align_vit import VitAlignment
from encoders.training.loop_shards import Part
from search.evaluation.figures import EmptyPool, Measured
from search.evaluation.labels import by_label
from search.evaluation.pairs import paired

_TOKENS, _ROWS, _RESAMPLES = 8192, 32, 200


def by_neighbours(network: VisionTransformer, preparation: BlockPreparation, held: Part, most: int) -> dict[str, Any]:
    """P@1 of body region and sequence among other patients' scans, by the CLS token."""
    numbers = _spread(len(held), most)
    facts = [held.facts[number] for number in numbers]
    vectors = _vectors(network, preparation, held, numbers, shared=False)
    found: dict[str, Any] = {}
    for name in ("region", "sequence"):
        labels = [getattr(one, name) for one in facts]
        subjects, studies = [one.patient for one in facts], [f"{one.source}/{one.study}" for one in facts]
        try:
            measured = by_label(vectors, labels, subjects=subjects, studies=studies, ks=(1,), resamples=_RESAMPLES)
        except EmptyPool:
            continue
        found |= _named(measured, f"{name} ")
    return found


def by_texts(objective: VitAlignment, held: Part, most: int) -> dict[str, Any]:
    """Report to scan and scan to report over held-out studies with a report; without any, as `by_neighbours`."""
    numbers = _spread(len(held), most)
    vectors = _vectors(objective.image, objective.preparation, held, numbers, shared=True)
    facts = [held.facts[number] for number in numbers]
    reports = {
        f"{one.source}/{one.study}": (text, one.patient)
        for one in facts
        for kind, text in one.texts
        if kind == "report"
    }
    if len(reports) < 2:
        return by_neighbours(objective.image, objective.preparation, held, most)
    uids = list(reports)
    with torch.no_grad():
        parts = [objective.texts([reports[uid][0]]).cpu() for uid in uids]
    texts: NDArray[np.float32] = functional.normalize(torch.cat(parts), dim=1).numpy()
    having = [at for at, one in enumerate(facts) if f"{one.source}/{one.study}" in reports]
    series = [f"{facts[at].source}/{facts[at].study}" for at in having]
    found: dict[str, Any] = {}
    sides = {
        "report to scan ": (texts, uids, vectors[having], series, [reports[uid][1] for uid in uids]),
        "scan to report ": (vectors[having], series, texts, uids, [facts[at].patient for at in having]),
    }
    for name, (queries, asked, gallery, given, patients) in sides.items():
        try:
            measured = paired(
                queries, gallery, query_uids=asked, gallery_uids=given, patients=patients, ks=(1, 10),
                resamples=_RESAMPLES,
            )  # fmt: skip
        except EmptyPool:
            continue
        found |= _named(measured, name)
    return found


def _named(measured: Measured, start: str) -> dict[str, Any]:
    return {start + name: figure.to_json() for name, figure in measured.figures.items()}


def _spread(count: int, most: int) -> list[int]:
    """At most `most` numbers, evenly over all of them."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))}) if count else []


def _vectors(
    network: VisionTransformer, preparation: BlockPreparation, held: Part, numbers: list[int], *, shared: bool
) -> NDArray[np.float32]:
    """(n, dim) unit rows: of the shared space, or the CLS token's."""
    device = network.tokens.device
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(numbers), _ROWS):
        items: list[Prepared] = [preparation(held[number].volume()) for number in numbers[start : start + _ROWS]]
        lengths = [tokens_of(item, preparation.patch) for item in items]
        block: list[NDArray[np.float32] | None] = [None] * len(items)
        for group in by_length(lengths, most=_TOKENS, rows=_ROWS):
            packed = pack([items[at] for at in group], preparation.patch).to(device)
            with torch.no_grad():
                found = network(packed) if shared else network.features(packed).cls
            unit = functional.normalize(found.float(), dim=1).cpu().numpy()
            for at, row in zip(group, unit, strict=True):
                block[at] = row
        rows += [row for row in block if row is not None]
    return np.stack(rows)
