"""Learning rate and weight decay over a run, which weights decay, and the running mean of weights.

A linear warm-up and then half a cosine (Loshchilov and Hutter, arXiv 1608.03983); AdamW (arXiv 1711.05101) with no
decay of norms and biases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from spinecho.encoders.training.run_config import TrainConfig


def rate(step: int, config: TrainConfig) -> float:
    """The learning rate of step 0, 1, ... `steps` - 1."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    left = _half_cosine((step - config.warmup) / max(1, config.steps - config.warmup))
    return config.learning_rate * (config.final_share + (1 - config.final_share) * left)


def decay(step: int, config: TrainConfig) -> float:
    """The weight decay of a step."""
    if config.weight_decay_end is None:
        return config.weight_decay
    left = _half_cosine(step / config.steps)
    return config.weight_decay_end + (config.weight_decay - config.weight_decay_end) * left


def _half_cosine(share: float) -> float:
    """1 at the start, 0 at the end."""
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))


def groups(parameters: Sequence[tuple[str, nn.Parameter, int]], config: TrainConfig) -> list[dict[str, Any]]:
    """Groups for an optimizer from (name, parameter, axes before any sharding); see `set_rates`.

    Biases, norms and single numbers, all of one axis at most, do not decay.
    """
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter, axes in parameters:
        share = next((share for start, share in config.slower if name.startswith(start)), 1.0)
        found.setdefault((share, axes > 1), []).append(parameter)
    return [
        {"params": members, "share": share, "decays": decays, "weight_decay": 0.0}
        for (share, decays), members in found.items()
    ]


def set_rates(optimizer: torch.optim.Optimizer, step: int, config: TrainConfig) -> float:
    """Put a step's learning rate and decay into the groups; gives the learning rate."""
    now = rate(step, config)
    for group in optimizer.param_groups:
        group["lr"] = now * group["share"]
        group["weight_decay"] = decay(step, config) if group["decays"] else 0.0
    return now


class RunningMean:
    """The exponential mean of weights: decay is min(`decay`, (1 + t) / (10 + t)), so that it soon forgets the start."""

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self._parameters = list(parameters)
        self.decay = decay
        self.means: list[Tensor] = [parameter.detach().clone() for parameter in parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After the step of that number, counted from 0."""
        weight = 1.0 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.means, [parameter.detach() for parameter in self._parameters], weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the network has the means for its weights; what is put into it there, the means keep."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    @torch.no_grad()
    def swap(self) -> None:
        """Weights and means change places."""
        for parameter, mean in zip(self._parameters, self.means, strict=True):
            kept = parameter.detach().clone()
            parameter.copy_(mean)
            mean.copy_(kept)
