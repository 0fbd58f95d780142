"""Report-guided alignment of the 3D vision transformer with a text tower: Decipher-MR's second stage.

The paper (Decipher-MR, arXiv 2509.21249) gives: an image encoder pretrained by self-supervision, a BERT-family text
encoder, and a contrastive loss between series and parts of the study's report. Locking one side follows LiT (Zhai et
al., arXiv 2111.07991). Our choices: a choice of InfoNCE or sigmoid loss; all series of a study are positives of each of
its texts, as are studies reported in the same words; texts put together from the header count less than reports, and
those of equal acquisitions are positives of one another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.verbalise import verbalise
from spinecho.encoders.networks.text_chunks import sentences_of
from spinecho.encoders.networks.text_tower import TextTower, save_text_tower
from spinecho.encoders.networks.vit.encoder import save_vit
from spinecho.encoders.networks.vit.network import VisionTransformer
from spinecho.encoders.networks.vit.packing import Packed, pack
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared
from spinecho.encoders.space import Space
from spinecho.encoders.training.data.examples import Example
from spinecho.encoders.training.data.vary import vary
from spinecho.encoders.training.objectives.align_tower import StateBank, read_texts
from spinecho.encoders.training.objectives.losses import Duplicates, false_negatives, info_nce, pairing, sigmoid_loss
from spinecho.encoders.training.objectives.pair_matching import MatchingHead, hard_negatives, matching_loss


@dataclass(frozen=True, slots=True)
class AlignVitConfig:
    """What is trained, and by which loss."""

    loss: Literal["infonce", "sigmoid"] = "infonce"
    image: Literal["trained", "locked"] = "trained"
    """`locked` trains what makes vectors of the shared space alone, as a pretrained network brings none."""
    text: Literal["trained", "locked"] = "trained"
    tokens: int = 256
    """Budget of patches a volume."""
    temperature: float = 0.07
    """At the start; learned from there on."""
    near: float = 0.97
    """Cosine of the frozen encoder from which two texts are suspected to say the same."""
    facts_weight: float = 0.5
    """How much a text made from the header counts beside a report."""
    whole_report: float = 0.5
    """How often a report is read whole; else one of its sections, or a few sentences."""
    matching: float = 0.0
    """Weight of the image-text matching loss; 0 has no such head."""
    vary: bool = True

    def __post_init__(self) -> None:
        if self.loss not in ("infonce", "sigmoid") or {self.image, self.text} - {"trained", "locked"}:
            raise ValueError(f"loss is infonce or sigmoid, image and text are trained or locked: {self}")
        if not 0 < self.temperature <= 1 or min(self.facts_weight, self.matching) < 0 or self.tokens < 1:
            raise ValueError(f"temperature is in (0, 1], weights at least 0, tokens at least 1: {self}")
        if not 0 <= self.whole_report <= 1:
            raise ValueError(f"whole_report is a share from 0 to 1, not {self.whole_report}")


class View(NamedTuple):
    """One volume with one text of its study. group: what its texts have in common with other studies' that say it."""

    prepared: Prepared
    text: str
    study: str
    group: str
    weight: float


class Batch(NamedTuple):
    """n volumes and the m different (study, text) of theirs; owner (n,) and weight (m,)."""

    volumes: Packed
    texts: list[str]
    studies: list[str]
    groups: list[str]
    owner: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True)
class AlignViews:
    """From an example to a `View`; needs no network, so loading processes can run it."""

    preparation: BlockPreparation
    config: AlignVitConfig

    def __call__(self, example: Example, generator: np.random.Generator) -> View:
        """The same for the same example and generator."""
        seen = vary(example, generator) if self.config.vary else example
        facts = example.facts
        reports = [text for kind, text in facts.texts if kind == "report"]
        study = f"{facts.source}/{facts.study}"
        if reports:
            report = reports[int(generator.integers(len(reports)))]
            text = report if generator.random() < self.config.whole_report else part_of(report, generator)
            return View(self.preparation(seen.volume()), text, study, report, 1.0)
        known = {name: getattr(facts, name) for name in ("region", "sequence", "plane", "contrast", "sex", "age_years")}
        text = verbalise(known, generator) or "MRI"
        group = "/".join(("facts", facts.region, facts.sequence, facts.plane, facts.contrast))
        # Series of one study differ in their facts, so each text is its own volume's alone.
        return View(self.preparation(seen.volume()), text, f"{study}/{facts.key}", group, self.config.facts_weight)


def part_of(report: str, generator: np.random.Generator) -> str:
    """One section, or one to four sentences in a row, as often; the report itself where it has no sentence."""
    found = passages(report)
    if not found:
        return report
    if generator.random() < 0.5:
        sections = list(dict.fromkeys(passage.section for passage in found))
        section = sections[int(generator.integers(len(sections)))]
        chosen = [passage for passage in found if passage.section == section]
    else:
        first = int(generator.integers(len(found)))
        chosen = list(found[first : first + int(generator.integers(1, 5))])
    return " ".join(" ".join(passage.text.split()) for passage in chosen)


class VitAlignment(nn.Module):
    """The objective: `image` and `text` end in one space."""

    def __init__(
        self, image: VisionTransformer, text: TextTower, bank: StateBank, config: AlignVitConfig | None = None
    ) -> None:
        """Raises ValueError for towers that end in spaces of another dimension."""
        super().__init__()
        if image.config.projection != text.config.dim:
            raise ValueError(f"images end in {image.config.projection} dimensions, texts in {text.config.dim}")
        self.config = config or AlignVitConfig()
        self.image, self.text, self._bank = image, text, bank
        self.scale = nn.Parameter(torch.tensor(math.log(1.0 / self.config.temperature)))
        self.bias = nn.Parameter(torch.tensor(-10.0)) if self.config.loss == "sigmoid" else None
        self.match = MatchingHead(text=text.config.dim, tokens=image.config.width) if self.config.matching else None
        if self.config.image == "locked":
            image.requires_grad_(False)
            for part in (image.query, image.key, image.project):
                part.requires_grad_(True)
        if self.config.text == "locked":
            text.requires_grad_(False)
        layers = sum(parameter.numel() for parameter in image.layers.parameters())
        backward = 3 if self.config.image == "trained" else 1
        tokens, attended = self.config.tokens, 4 * self.config.tokens * image.config.width * image.config.depth
        self.flops_per_example = float(backward * tokens * (2 * layers + attended))
        """Of the image tower, at the full budget of tokens."""
        self.train()

    @property
    def preparation(self) -> BlockPreparation:
        """What goes before the network."""
        return BlockPreparation(patch=self.image.config.patch, tokens=self.config.tokens)

    @property
    def views(self) -> AlignViews:
        """(example, numpy generator) to a `View`."""
        return AlignViews(self.preparation, self.config)

    def train(self, mode: bool = True) -> VitAlignment:
        """A locked tower leaves nothing out while the other trains."""
        super().train(mode)
        if self.config.image == "locked":
            self.image.eval()
        if self.config.text == "locked":
            self.text.eval()
        return self

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """Without what is locked."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def collate(self, views: Sequence[View]) -> Batch:
        """What `loss` takes."""
        columns: dict[tuple[str, str], View] = {}
        for view in views:
            columns.setdefault((view.study, view.text), view)
        place = {name: number for number, name in enumerate(columns)}
        own = list(columns.values())
        return Batch(
            pack([view.prepared for view in views], self.image.config.patch),
            [view.text for view in own],
            [view.study for view in own],
            [view.group for view in own],
            torch.tensor([place[view.study, view.text] for view in views]),
            torch.tensor([view.weight for view in own]),
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """As `loss`, for wrappers that know no other door."""
        return self.loss(batch)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars: loss, its parts, and how often a volume's nearest text is one of its own."""
        device = self.scale.device
        features = self.image.features(batch.volumes.to(device))
        image = self.image.project(self.image.pool(features)[0])
        text = self.texts(batch.texts)
        owner = batch.owner.to(device)
        positives, ignored = pairing(owner, self._duplicates(batch))
        weights = batch.weight.to(device).expand(len(image), -1)
        scale = self.scale.clamp(max=math.log(100.0)).exp()
        if self.bias is None:
            contrast = info_nce(image, text, positives, scale=scale, weights=weights, ignored=ignored)
        else:
            bias = self.bias
            contrast = sigmoid_loss(image, text, positives, scale=scale, bias=bias, weights=weights, ignored=ignored)
        with torch.no_grad():
            cosines = functional.normalize(image.float(), dim=1) @ functional.normalize(text.float(), dim=1).T
            right = positives[torch.arange(len(image), device=device), cosines.argmax(1)].float().mean()
        found = {"loss": contrast, "contrast": contrast.detach(), "nearest_right": right, "scale": scale.detach()}
        if self.match is not None:
            drawn = hard_negatives(scale * cosines, positives, ignored=ignored)
            matched = matching_loss(
                self.match, text, features.patches, owner=owner, negatives=drawn, seen=features.filled
            )
            found |= {"loss": contrast + self.config.matching * matched, "matching": matched.detach()}
        return found

    def texts(self, items: Sequence[str]) -> Tensor:
        """(m, dim), not of unit length: a long text's chunks averaged by their number of tokens."""
        return read_texts(self.text, self._bank, items)

    def _duplicates(self, batch: Batch) -> Duplicates:
        means = [np.concatenate(self._bank(sentences_of(text))).mean(axis=0) for text in batch.texts]
        vectors = torch.from_numpy(np.stack(means))
        by_text = false_negatives(batch.texts, vectors, self.config.near)
        same = by_text.same | false_negatives(batch.studies).same | false_negatives(batch.groups).same
        return Duplicates(same, by_text.near & ~same)

    def save(self, folder: Path, frozen: Space) -> None:
        """Both towers: `image` as `VitEncoder.load` reads it, `text` as `TextTowerEncoder.load`."""
        save_vit(folder / "image", self.image, self.preparation)
        save_text_tower(folder / "text", self.text, frozen)
