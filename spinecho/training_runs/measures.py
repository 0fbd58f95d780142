"""What is measured while a network is trained: the evaluator's own figures, on held-out patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.measuring.figures import EmptyPool, Measured
from spinecho.encoders.measuring.labels import by_label
from spinecho.encoders.measuring.pairs import paired
from spinecho.encoders.networks.image_tower import Cells, batch_of, described
from spinecho.encoders.networks.vit.network import VisionTransformer
from spinecho.encoders.networks.vit.packing import by_length, pack, tokens_of
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared
from spinecho.encoders.training.data.cell_cache import CellCache
from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.data.shards import Part
from spinecho.encoders.training.objectives.align_tower import Alignment, StateBank, read_texts
from spinecho.encoders.training.objectives.align_vit import VitAlignment
from spinecho.encoders.training.objectives.mlm import NOT_ASKED, MlmObjective

_TOKENS, _ROWS, _RESAMPLES = 8192, 32, 200


Read = Callable[[Sequence[str]], Tensor]
"""Texts to rows of the shared space, of any length."""


def by_neighbours(network: VisionTransformer, preparation: BlockPreparation, held: Part, most: int) -> dict[str, Any]:
    """P@1 of body region and sequence among other patients' scans, by the CLS token."""
    numbers = spread(len(held), most)
    vectors = _vectors(network, preparation, held, numbers, shared=False)
    return neighbours(vectors, [held.facts[number] for number in numbers])


def by_texts(objective: VitAlignment, held: Part, most: int) -> dict[str, Any]:
    """Report to scan and scan to report over held-out studies with a report; without any, as `by_neighbours`."""
    numbers = spread(len(held), most)
    vectors = _vectors(objective.image, objective.preparation, held, numbers, shared=True)
    facts = [held.facts[number] for number in numbers]
    return texts_and_scans(vectors, facts, objective.texts) or by_neighbours(
        objective.image, objective.preparation, held, most
    )


def by_tower(objective: Alignment, bank: StateBank, cache: CellCache, most: int) -> dict[str, Any]:
    """The same for the 2.5D tower, over cached features; its neighbours are those of its whole vector."""
    numbers = spread(len(cache), most)
    shared, whole = [], []
    device = objective.log_scale.device
    for number in numbers:
        cells = Cells(*(part.to(device) for part in batch_of([cache.cells(number)])))
        with torch.no_grad():
            read = objective.image.read(cells)
            boxes = np.zeros((cells.filled.shape[1], 6), np.float32)
            whole.append(described(objective.image, cells, read, 0, boxes).vector)
        shared.append(functional.normalize(read.vector[0].float(), dim=0).cpu().numpy())
    facts = [cache.facts[number] for number in numbers]
    found = texts_and_scans(np.stack(shared), facts, lambda texts: read_texts(objective.text, bank, texts))
    return found | neighbours(np.stack(whole), facts)


def neighbours(vectors: NDArray[np.float32], facts: Sequence[Facts]) -> dict[str, Any]:
    """P@1 of body region and sequence among other patients' scans."""
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


def texts_and_scans(vectors: NDArray[np.float32], facts: Sequence[Facts], read: Read) -> dict[str, Any]:
    """Report to scan and scan to report over studies with a report; nothing where there are fewer than two."""
    reports = {
        f"{one.source}/{one.study}": (text, one.patient)
        for one in facts
        for kind, text in one.texts
        if kind == "report"
    }
    if len(reports) < 2:
        return {}
    uids = list(reports)
    with torch.no_grad():
        parts = [read([reports[uid][0]]).cpu() for uid in uids]
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


def by_guesses(objective: MlmObjective, reports: Sequence[str], most: int) -> dict[str, Any]:
    """How many hidden tokens of held-out reports are guessed, and how many nats a token costs; equal in every call."""
    numbers = spread(len(reports), most)
    right = cost = asked = 0.0
    for start in range(0, len(numbers), _ROWS):
        items = [objective.views(reports[at], np.random.default_rng(at)) for at in numbers[start : start + _ROWS]]
        count = sum(int((item.labels != NOT_ASKED).sum()) for item in items)
        with torch.no_grad():
            losses = objective.loss(objective.collate(items))
        right, cost, asked = (
            right + float(losses["accuracy"]) * count,
            cost + float(losses["loss"]) * count,
            asked + count,
        )
    shared = {"chance": None, "ci95": None, "pool": len(numbers), "queries": int(asked), "best": None}
    sums = {"hidden tokens guessed": right, "nats a token": cost} if asked else {}
    return {name: {"value": total / asked, **shared} for name, total in sums.items()}


def _named(measured: Measured, start: str) -> dict[str, Any]:
    return {start + name: figure.to_json() for name, figure in measured.figures.items()}


def spread(count: int, most: int) -> list[int]:
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
