"""The training of one probe from cached features: seeded, stopped early on patients that it does not train on."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.heads.fitting.features import FeatureCache
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.heads.probe import Batch, Probe
from spinecho.encoders.heads.probe_config import ProbeConfig
from spinecho.encoders.networks.parts_of_volumes import Floats


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a head is trained. The defaults take minutes on one core for some thousand volumes.

    network: "auto" trains both and keeps what fits the calibration patients better; a place is always told by patches.
    weighting: "balanced" has every class count the same while training; probabilities are put right afterwards.
    precision: the share that must be right where the head answers; it abstains from the rest.
    least_explained: of the variance, below which a regression abstains.
    most_tokens: drawn anew each time a volume is trained on; at prediction all are seen.
    """

    network: Literal["auto", "mlp", "attention"] = "auto"
    weighting: Literal["balanced", "none"] = "balanced"
    hidden: int = 128
    dropout: float = 0.2
    epochs: int = 40
    patience: int = 8
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    most_tokens: int = 256
    precision: float = 0.9
    least_explained: float = 0.5
    resamples: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.epochs, self.patience, self.batch, self.most_tokens, self.hidden)
        if min(counts) < 1 or not self.learning_rate > 0 or not 0 < self.precision < 1:
            raise ValueError(f"counts must be at least 1, the rate above 0 and the precision in 0..1: {self}")
        if self.network not in ("auto", "mlp", "attention") or self.weighting not in ("balanced", "none"):
            raise ValueError(f"network is auto, mlp or attention, weighting balanced or none: {self}")


@dataclass(frozen=True, slots=True)
class Target:
    """One volume to train or be measured on. values: (outputs,), a label's numbers, or (6,) of a box, or none of it."""

    number: int
    values: Floats


Loss = Callable[[Tensor, Batch, Tensor | list[Floats]], Tensor]
"""Of logits, what they were made from, and the targets of the rows."""


def gather(
    features: FeatureCache,
    pooled: Floats,
    numbers: Sequence[int],
    *,
    kind: str,
    most: int | None,
    random: np.random.Generator | None,
) -> Batch:
    """The features of some volumes, padded to the longest; `most` tokens of each are drawn where there are more."""
    rows = torch.from_numpy(pooled[np.asarray(numbers, np.int64)])
    if kind == "mlp":
        nothing = torch.zeros(len(numbers), 1)
        return Batch(rows, nothing[..., None], torch.zeros(len(numbers), 1, 6), nothing.bool())
    parts = []
    for number in numbers:
        tokens, boxes = features.tokens(number)
        if most is not None and random is not None and len(tokens) > most:
            kept = np.sort(random.permutation(len(tokens))[:most])
            tokens, boxes = tokens[kept], boxes[kept]
        parts.append((tokens, boxes))
    longest = max(1, *(len(tokens) for tokens, _ in parts))
    values = np.zeros((len(parts), longest, features.width), np.float32)
    places = np.zeros((len(parts), longest, 6), np.float32)
    seen = np.zeros((len(parts), longest), bool)
    for row, (tokens, boxes) in enumerate(parts):
        values[row, : len(tokens)], places[row, : len(tokens)], seen[row, : len(tokens)] = tokens, boxes, True
    return Batch(rows, torch.from_numpy(values), torch.from_numpy(places), torch.from_numpy(seen))


def trained(
    config: ProbeConfig,
    features: FeatureCache,
    pooled: Floats,
    train: Sequence[Target],
    held_out: Sequence[Target],
    loss: Loss,
    *,
    options: FitOptions,
    device: str,
) -> tuple[Probe, float]:
    """(the probe as it was best on held-out volumes, its mean loss there). Raises HeadError where it diverges."""
    random = np.random.default_rng((options.seed, 11))
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(options.seed)
        probe = Probe(config)
        _standardise(probe, features, pooled, train, random)
        probe.to(device)
        optimiser = torch.optim.AdamW(probe.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        steps = options.epochs * math.ceil(len(train) / options.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=options.learning_rate, total_steps=steps + 1, pct_start=0.1
        )
        best, kept, waited = math.inf, copy.deepcopy(probe.state_dict()), 0
        for _ in range(options.epochs):
            probe.train()
            order = random.permutation(len(train))
            for start in range(0, len(order), options.batch):
                rows = [train[place] for place in order[start : start + options.batch]]
                value = _loss(probe, features, pooled, rows, loss, most=options.most_tokens, random=random)
                optimiser.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(probe.parameters(), 1.0)
                optimiser.step()
                schedule.step()
            now = held_out_loss(probe, features, pooled, held_out, loss, batch=options.batch)
            if now < best - 1e-4:
                best, kept, waited = now, copy.deepcopy(probe.state_dict()), 0
            elif (waited := waited + 1) >= options.patience:
                break
    if not math.isfinite(best):
        raise HeadError(
            f"training of a {config.kind} probe diverged; take a learning rate below {options.learning_rate}"
        )
    probe.load_state_dict(kept)
    return probe.eval().cpu(), best


def held_out_loss(
    probe: Probe, features: FeatureCache, pooled: Floats, rows: Sequence[Target], loss: Loss, *, batch: int
) -> float:
    """The mean over volumes, with all their tokens."""
    probe.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            total += float(_loss(probe, features, pooled, part, loss, most=None, random=None)) * len(part)
    return total / max(len(rows), 1)


def _loss(
    probe: Probe,
    features: FeatureCache,
    pooled: Floats,
    rows: Sequence[Target],
    loss: Loss,
    *,
    most: int | None,
    random: np.random.Generator | None,
) -> Tensor:
    device = next(probe.parameters()).device
    kind = probe.config.kind
    numbers = [row.number for row in rows]
    batch = Batch(*(part.to(device) for part in gather(features, pooled, numbers, kind=kind, most=most, random=random)))
    values: Tensor | list[Floats] = [row.values for row in rows]
    if kind != "patch":
        values = torch.from_numpy(np.stack([row.values for row in rows])).to(device)
    return loss(probe(batch), batch, values)


def _standardise(
    probe: Probe, features: FeatureCache, pooled: Floats, train: Sequence[Target], random: np.random.Generator
) -> None:
    """From the pooled features of all training volumes, or the tokens of at most 200 of them."""
    numbers = [row.number for row in train]
    if probe.config.kind == "mlp":
        probe.standard.learn(torch.from_numpy(pooled[np.array(numbers)]))
        return
    some = [numbers[place] for place in np.sort(random.permutation(len(numbers))[:200])]
    probe.standard.learn(torch.from_numpy(np.concatenate([features.tokens(one)[0] for one in some]).astype(np.float32)))


def class_loss(weights: Tensor) -> Loss:
    """Cross-entropy with a weight a class; targets are (n, classes) of 0 and 1."""

    def loss(logits: Tensor, batch: Batch, targets: Tensor | list[Floats]) -> Tensor:
        assert isinstance(targets, Tensor)  # noqa: S101
        return functional.cross_entropy(logits, targets.argmax(dim=1), weight=weights.to(logits.device))

    return loss


def label_loss(weights: Tensor) -> Loss:
    """Binary cross-entropy with a weight for the positives of each label."""

    def loss(logits: Tensor, batch: Batch, targets: Tensor | list[Floats]) -> Tensor:
        assert isinstance(targets, Tensor)  # noqa: S101
        return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights.to(logits.device))

    return loss


def number_loss(logits: Tensor, batch: Batch, targets: Tensor | list[Floats]) -> Tensor:
    """Gaussian likelihood with its own spread, times the spread itself so that hard cases are still fitted.

    That is beta-NLL with beta 0.5 (Seitzer et al., arXiv 2203.09168). Targets are (n, 1), of mean 0 and spread 1.
    """
    assert isinstance(targets, Tensor)  # noqa: S101
    log_variance = logits[:, 1].clamp(-8.0, 4.0)
    nll = 0.5 * (log_variance + (targets[:, 0] - logits[:, 0]) ** 2 / log_variance.exp())
    return (nll * (0.5 * log_variance).exp().detach()).mean()


def place_loss(weight: float) -> Loss:
    """Binary cross-entropy of tokens against `token_targets`, averaged within each volume."""

    def loss(logits: Tensor, batch: Batch, targets: Tensor | list[Floats]) -> Tensor:
        soft = torch.zeros_like(logits)
        for row, box in enumerate(targets):
            if len(box):
                soft[row] = token_targets(batch.boxes[row], torch.as_tensor(box, device=logits.device))
        each = functional.binary_cross_entropy_with_logits(
            logits, soft, pos_weight=torch.tensor(weight, device=logits.device), reduction="none"
        )
        seen = batch.seen.float()
        return ((each * seen).sum(dim=1) / seen.sum(dim=1).clamp_min(1.0)).mean()

    return loss


def token_targets(boxes: Tensor, box: Tensor) -> Tensor:
    """(t,) how much each token is of a box: what they share, of the smaller of the two, so no box is too small."""
    sides = torch.minimum(boxes[:, 3:], box[3:]) - torch.maximum(boxes[:, :3], box[:3])
    shared = sides.clamp_min(0.0).prod(dim=1)
    smaller = (boxes[:, 3:] - boxes[:, :3]).prod(dim=1).clamp_max(float((box[3:] - box[:3]).prod()))
    return (shared / smaller.clamp_min(1e-9)).clamp(0.0, 1.0)
