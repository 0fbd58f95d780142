"""Stage 1: a network taught by its own running mean what parts of one volume have in common.

DINOv2 (Oquab et al., arXiv 2304.07193) gives, and the paper whose design the network follows (Decipher-MR, arXiv
2509.21249) takes from it: a student and a teacher, which is the student's exponential mean; global crops for both and
local ones for the student; the DINO loss on CLS, the iBOT loss on hidden patches, KoLeo on the student's CLS, and
Sinkhorn-Knopp centring of the teacher's answers. Our choices: 3D crops in millimetres with other scanners' looks
(`crops`, `augment`), one head for each loss, fewer prototypes, momentum and temperature that follow the share of the
run that is done, and cosines rather than weight normalisation in the heads. The head that makes vectors of the shared
space (query, key, project) gets no gradient here and is left as it was.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.networks.vit.network import Features, VisionTransformer
from spinecho.encoders.networks.vit.packing import Packed, pack
from spinecho.encoders.training.data.crops import Crops, Views
from spinecho.encoders.training.objectives.selfsup_losses import Head, cross_entropy, evenness, koleo, sinkhorn, spread


@dataclass(frozen=True, slots=True)
class SelfSupervisionConfig:
    """Sizes of the heads, weights of the losses, and how the teacher follows."""

    crops: Crops = field(default_factory=Crops)
    prototypes: int = 4096
    hidden: int = 1024
    bottleneck: int = 256
    ibot: float = 1.0
    koleo: float = 0.1
    momentum: float = 0.994
    """At the start; rises to 1 along a cosine."""
    temperature: tuple[float, float] = (0.04, 0.07)
    """The teacher's, at the start and from `warm` of the run on."""
    warm: float = 0.1

    def __post_init__(self) -> None:
        if min(self.prototypes, self.hidden, self.bottleneck) < 2 or not 0 <= self.momentum <= 1:
            raise ValueError(f"heads need sizes of at least 2, the momentum must be 0 to 1: {self}")
        if min(self.temperature) <= 0 or not 0 < self.warm <= 1:
            raise ValueError(f"temperatures must be positive, warm a share of the run: {self}")


class Batch(NamedTuple):
    """Views of b volumes, packed view by view: row v * b + i is view v of volume i. hidden (rows, t) bool."""

    whole: Packed
    hidden: Tensor
    local: Packed | None


class SelfSupervision(nn.Module):
    """The objective. `network` itself is the student; `encoder` is what to keep, the teacher."""

    def __init__(self, network: VisionTransformer, config: SelfSupervisionConfig | None = None) -> None:
        super().__init__()
        self.config = config or SelfSupervisionConfig()
        if self.config.crops.patch != network.config.patch:
            raise ValueError(
                f"crops of patches {self.config.crops.patch} do not go with a network for {network.config.patch}"
            )
        sizes = {
            "hidden": self.config.hidden,
            "bottleneck": self.config.bottleneck,
            "prototypes": self.config.prototypes,
        }
        width = network.config.width
        freeze_shared_space(network)
        self.student = nn.ModuleDict({"network": network, "cls": Head(width, **sizes), "patch": Head(width, **sizes)})
        self.instead = nn.Parameter(torch.randn(width) * 0.02)
        """Stands for what a hidden patch holds."""
        self.teacher: nn.ModuleDict = copy.deepcopy(self.student)
        self.teacher.requires_grad_(False)
        self.progress: Tensor
        self.register_buffer("progress", torch.zeros((), dtype=torch.float64))
        self.train()

    @property
    def views(self) -> Crops:
        """(example, numpy generator) to `Views`, on the CPU, without the networks: what loading processes need."""
        return self.config.crops

    @property
    def encoder(self) -> VisionTransformer:
        """The network to keep: the teacher's."""
        return _network(self.teacher)

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """The student's, without the teacher's and the shared space's."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def train(self, mode: bool = True) -> SelfSupervision:
        """The student alone has a training mode: the teacher leaves no layer out."""
        super().train(mode)
        self.teacher.eval()
        return self

    def collate(self, views: Sequence[Views]) -> Batch:
        """What a loader hands to `loss`; `loss` takes the views themselves too."""
        return collate(views, self.config.crops.patch)

    def forward(self, batch: Batch | Sequence[Views]) -> dict[str, Tensor]:
        """As `loss`, for wrappers that know no other door."""
        return self.loss(batch)

    def loss(self, batch: Batch | Sequence[Views]) -> dict[str, Tensor]:
        """Scalars: loss, its parts dino, ibot, koleo; evenness and spread, near 0 only after a collapse."""
        given = batch if isinstance(batch, Batch) else self.collate(batch)
        whole, hidden = given.whole.to(self.instead.device), given.hidden.to(self.instead.device)
        local = None if given.local is None else given.local.to(self.instead.device)
        views = self.config.crops.whole
        targets, patch_targets = self._targets(whole, hidden, views)
        seen = self._features(whole, hidden)
        scores = list(self.student["cls"](seen.cls).chunk(views))
        if local is not None:
            scores += self.student["cls"](self._features(local, None).cls).chunk(self.config.crops.local)
        pairs = [(t, s) for t in range(views) for s in range(len(scores)) if s != t] or [(0, 0)]
        dino = torch.stack([cross_entropy(scores[s], targets[t]).mean() for t, s in pairs]).mean()
        guesses = cross_entropy(self.student["patch"](seen.patches[hidden]), patch_targets)
        weights = (1.0 / hidden.sum(dim=1).clamp_min(1))[:, None].expand_as(hidden)[hidden]
        ibot = (guesses * weights).sum() / hidden.any(dim=1).sum().clamp_min(1)
        apart = torch.stack([koleo(cls) for cls in seen.cls.chunk(views)]).mean()
        loss = dino + self.config.ibot * ibot + self.config.koleo * apart
        found = {"loss": loss, "dino": dino.detach(), "ibot": ibot.detach(), "koleo": apart.detach()}
        first = seen.cls.chunk(views)[0].detach()
        return found | {"evenness": evenness(torch.cat(scores[:views]).detach()), "spread": spread(first)}

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Let the teacher follow; `progress` is the share 0..1 of the run that is done."""
        done = min(1.0, max(0.0, progress))
        momentum = 1.0 - (1.0 - self.config.momentum) * (math.cos(math.pi * done) + 1.0) / 2.0
        for own, learnt in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            own.lerp_(learnt, 1.0 - momentum)
        self.progress.fill_(done)

    def _features(self, packed: Packed, hidden: Tensor | None) -> Features:
        return _network(self.student).features(packed, masked=hidden, instead=self.instead)

    @torch.no_grad()
    def _targets(self, whole: Packed, hidden: Tensor, views: int) -> tuple[list[Tensor], Tensor]:
        """The teacher's answers: for each whole view (b, k), and for hidden patches (hidden, k)."""
        seen = _network(self.teacher).features(whole)
        start, end = self.config.temperature
        temperature = start + (end - start) * (self.progress / self.config.warm).clamp(max=1.0).float()
        answers = sinkhorn(self.teacher["cls"](seen.cls), temperature)
        return list(answers.chunk(views)), sinkhorn(self.teacher["patch"](seen.patches[hidden]), temperature)


def _network(parts: nn.ModuleDict) -> VisionTransformer:
    return cast("VisionTransformer", parts["network"])


def collate(views: Sequence[Views], patch: tuple[int, int, int]) -> Batch:
    """Views of several volumes, packed view by view. Raises ValueError for none."""
    if not views:
        raise ValueError("a batch needs the views of at least one volume")
    whole = pack([view for row in zip(*(item.whole for item in views), strict=True) for view in row], patch)
    masks = [mask for row in zip(*(item.masks for item in views), strict=True) for mask in row]
    hidden = np.zeros(whole.filled.shape, np.bool_)
    for row, mask in zip(hidden, masks, strict=True):
        row[: len(mask)] = mask
    local = [view for row in zip(*(item.local for item in views), strict=True) for view in row]
    return Batch(whole, torch.from_numpy(hidden), pack(local, patch) if local else None)


def freeze_shared_space(network: VisionTransformer) -> None:
    """Let no gradient be expected for what makes vectors of the shared space: stage 2 begins from a fresh network."""
    for part in (network.query, network.key, network.project):
        part.requires_grad_(False)
