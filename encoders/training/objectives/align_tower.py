"""Report-guided alignment of the 2.5D tower with the text tower, over cached frozen features.

Decipher-MR (arXiv 2509.21249) aligns a 3D encoder and a text encoder by a contrastive loss over studies and sections of
their reports. As there: several series of a study are pooled against its report, and sections are sampled. Ours: short
queries made from facts are matched with every volume of the batch that fits them, so there are no false negatives
among them; two variants of a volume attract each other, which keeps what words do not tell.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.language.passages import passages
from spinecho.encoders.networks.image_tower import Cells, Tower, batch_of
from spinecho.encoders.networks.text_chunks import Chunk, TokenStates, chunks, sentences_of
from spinecho.encoders.networks.text_tower import TextTower, pad
from spinecho.encoders.training.data.cell_cache import CellCache
from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.data.queries import Wanted, lesion_query, mirrored, series_query
from spinecho.encoders.training.objectives.losses import false_negatives, info_nce


@dataclass(frozen=True, slots=True)
class AlignConfig:
    """How studies are seen. `keep`: share of cells that a training pass reads (Li et al., FLIP, arXiv 2212.00794)."""

    series: int = 3
    keep: float = 0.5
    most_cells: int = 288
    """Of a volume in a training pass."""
    temperature: float = 0.05
    reports: float = 1.0
    queries: float = 1.0
    variants: float = 0.2

    def __post_init__(self) -> None:
        if self.series < 1 or self.most_cells < 16 or not 0 < self.keep <= 1 or not 0 < self.temperature <= 1:
            raise ValueError(f"series is at least 1, most_cells 16, keep and temperature are in (0, 1]: {self}")
        if min(self.reports, self.queries, self.variants) < 0:
            raise ValueError(f"weights of losses are at least 0: {self}")


class StateBank:
    """Token states by sentence, computed once: the frozen encoder is the slowest part of the text side."""

    def __init__(self, frozen: TokenStates, *, most: int = 60_000) -> None:
        self.frozen = frozen
        self._kept: OrderedDict[str, NDArray[np.float16]] = OrderedDict()
        self._most = most

    def __call__(self, sentences: Sequence[str]) -> list[NDArray[np.float32]]:
        """The states of each sentence."""
        fresh = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._kept]
        for sentence, states in zip(fresh, self.frozen.token_states(fresh), strict=True):
            self._kept[sentence] = states.astype(np.float16)
        found = [self._kept[sentence].astype(np.float32) for sentence in sentences]
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found


def read_texts(tower: TextTower, bank: StateBank, items: Sequence[str]) -> Tensor:
    """(m, dim), not of unit length: a long text's chunks averaged by their number of tokens."""
    parts: list[Chunk] = []
    owner: list[int] = []
    for number, item in enumerate(items):
        made = chunks(bank(sentences_of(item)), tower.config)
        parts += made
        owner += [number] * len(made)
    device = next(tower.parameters()).device
    read = functional.normalize(tower(*(part.to(device) for part in pad(parts))).float(), dim=1)
    counts = torch.tensor([float(len(part.sentence)) for part in parts], device=device)
    total = torch.zeros(len(items), read.shape[1], device=device)
    return total.index_add(0, torch.tensor(owner, device=device), read * counts[:, None])


class View(NamedTuple):
    """One study as it is seen once: its volumes' cells, a part of its report ('' for none), a query for each volume."""

    cells: list[tuple[Tensor, Tensor]]
    numbers: list[int]
    report: str
    wanted: list[Wanted]


class Batch(NamedTuple):
    """cells (n volumes); owner (n,) their study; volume (n,) their number; report texts by study; queries, who fits.

    Reports and queries of a lesion come with their mirror images, left and right exchanged, as hard negatives.
    fits, open_ (n, q) bool: whether a volume matches a query, and whether that cannot be told.
    """

    cells: Cells
    owner: Tensor
    volume: Tensor
    reports: list[str]
    reported: Tensor
    report_chunks: list[Chunk]
    query_chunks: list[Chunk]
    fits: Tensor
    open_: Tensor


def study_members(facts: Sequence[Facts]) -> list[list[int]]:
    """Numbers of each study's volumes."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(facts):
        found.setdefault((one.source, one.study), []).append(number)
    return list(found.values())


class Studies:
    """The studies of a cache, each a list of volumes; `views` and `collate` are what the training loop asks for."""

    def __init__(self, cache: CellCache, bank: StateBank, tower: TextTower, config: AlignConfig) -> None:
        self.cache = cache
        self._bank, self._text, self._config = bank, tower.config, config
        self.studies = study_members(cache.facts)

    def __len__(self) -> int:
        return len(self.studies)

    def __getitem__(self, number: int) -> list[int]:
        return self.studies[number]

    def source(self, number: int) -> str:
        """Where a study comes from."""
        return self.cache.facts[self.studies[number][0]].source

    def views(self, study: list[int], rng: np.random.Generator) -> View:
        """A study with some of its volumes (one volume alone is seen in two variants), and words for them."""
        chosen = [study[at] for at in rng.permutation(len(study))[: self._config.series]]
        if len(chosen) == 1 and self.cache.variants[chosen[0]] > 1:
            chosen *= 2
        cells = []
        for number in chosen:
            features, place = self.cache.cells(number, int(rng.integers(self.cache.variants[number])))
            count = min(max(16, int(len(place) * self._config.keep)), self._config.most_cells)
            kept = rng.permutation(len(place))[:count]
            cells.append((features[kept], place[kept]))
        facts = [self.cache.facts[number] for number in chosen]
        wanted = [_query(each, rng) for each in facts]
        report = next((text for kind, text in facts[0].texts if kind == "report"), "")
        return View(cells, chosen, _part(report, rng) if report else "", wanted)

    def collate(self, views: list[View]) -> Batch:
        """Pad cells and find which volume fits which query."""
        numbers = [number for view in views for number in view.numbers]
        facts = [self.cache.facts[number] for number in numbers]
        asked = [each for view in views for each in view.wanted]
        asked += [other for each in asked if (other := each.mirrored()) is not None]
        wanted = list({each.text: each for each in asked}.values())
        fits_of = [[each.fits(fact) for each in wanted] for fact in facts]
        reports = [view.report for view in views if view.report]
        sided = [turned for report in reports if (turned := mirrored(report)) != report]
        return Batch(
            cells=batch_of([pair for view in views for pair in view.cells]),
            owner=torch.tensor([at for at, view in enumerate(views) for _ in view.numbers]),
            volume=torch.tensor(numbers),
            reports=reports,
            reported=torch.tensor([at for at, view in enumerate(views) if view.report], dtype=torch.long),
            report_chunks=[chunks(self._bank(sentences_of(text)), self._text)[0] for text in (*reports, *sided)],
            query_chunks=[chunks(self._bank(sentences_of(each.text)), self._text)[0] for each in wanted],
            fits=torch.tensor([[each is True for each in row] for row in fits_of]),
            open_=torch.tensor([[each is None for each in row] for row in fits_of]),
        )


def _query(facts: Any, rng: np.random.Generator) -> Wanted:
    asked = lesion_query(facts, rng) if rng.random() < 0.7 else None
    return asked or series_query(facts, rng)


def _part(report: str, rng: np.random.Generator) -> str:
    """The whole report, its findings and impression, or some of its findings' sentences."""
    draw = rng.random()
    if draw < 0.4:
        return report
    kept = [passage for passage in passages(report) if passage.section in {"findings", "impression"}]
    if draw < 0.7 and any(passage.section == "impression" for passage in kept):
        kept = [passage for passage in kept if passage.section == "impression" or draw < 0.55]
    elif len(kept) > 2:
        kept = [passage for passage in kept if rng.random() < 0.7] or kept
    return " ".join(" ".join(passage.text.split()) for passage in kept) or report


class Alignment(nn.Module):
    """Both towers and their loss."""

    def __init__(self, image: Tower, text: TextTower, config: AlignConfig) -> None:
        super().__init__()
        self.image, self.text, self.config = image, text, config
        self.log_scale = nn.Parameter(torch.tensor(1.0 / config.temperature).log())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """ "loss", and its parts: "reports", "queries", "variants"."""
        device = self.log_scale.device
        volumes = functional.normalize(self.image(Cells(*(part.to(device) for part in batch.cells))).float(), dim=1)
        scale = self.log_scale.exp().clamp_max(100.0)
        asked = self._texts(batch.query_chunks)
        parts = {
            "queries": info_nce(
                volumes,
                asked,
                batch.fits.to(device),
                scale=scale,
                ignored=batch.open_.to(device) & ~batch.fits.to(device),
            )
        }
        if len(batch.reports) > 1:
            studies = torch.zeros(int(batch.owner.max()) + 1, volumes.shape[1], device=device)
            studies = studies.index_add(0, batch.owner.to(device), volumes)[batch.reported.to(device)]
            same = false_negatives(batch.reports).same.to(device)
            same = functional.pad(same, (0, len(batch.report_chunks) - len(batch.reports)))  # mirror images fit nobody
            parts["reports"] = info_nce(studies, self._texts(batch.report_chunks), same, scale=scale)
        pairs = (batch.volume[:, None] == batch.volume).to(device)
        pairs &= ~torch.eye(len(pairs), dtype=torch.bool, device=device)
        if pairs.any():
            itself = torch.eye(len(pairs), dtype=torch.bool, device=device)
            parts["variants"] = info_nce(volumes, volumes, pairs, scale=scale, ignored=itself)
        total = sum(
            (getattr(self.config, name) * value for name, value in parts.items()), torch.zeros((), device=device)
        )
        return {"loss": total, **{name: value.detach() for name, value in parts.items()}}

    def _texts(self, items: Sequence[Chunk]) -> Tensor:
        states, sentence, filled = (part.to(self.log_scale.device) for part in pad(items))
        read: Tensor = self.text(states, sentence, filled)
        return read
