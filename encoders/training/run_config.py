"""How a network is trained: the numbers of one run, checked before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from spinecho.encoders.errors import EncoderError

Precision = Literal["auto", "float32", "bfloat16"]


class TrainError(EncoderError):
    """A run cannot start or go on; the message names the value and the remedy."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run of `fit`. How many examples a step takes is the sampler's affair, times `accumulate`."""

    steps: int
    """Steps of the optimizer in the whole run: the length of its schedules."""
    learning_rate: float = 3e-4
    """At its highest, after the warm-up."""
    warmup: int = 0
    """Steps of linear growth from nothing."""
    final_share: float = 0.01
    """Of the learning rate, what is left at the end of the cosine."""
    slower: tuple[tuple[str, float], ...] = ()
    """(start of parameter names, share of the learning rate), e.g. ("text.", 0.1); the first that fits counts."""
    weight_decay: float = 0.05
    weight_decay_end: float | None = None
    """Where a cosine takes the decay to (as DINO does, arXiv 2104.14294); None keeps it."""
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    """Longest gradient; 0 does not clip."""
    accumulate: int = 1
    """Batches a step. A contrastive loss sees the negatives of one batch, however many are accumulated."""
    ema: float = 0.0
    """Decay of the running mean of the weights, which is evaluated and exported; 0 keeps none."""
    seed: int = 0
    precision: Precision = "auto"
    """`auto`: bfloat16 where the device computes with it natively, else float32."""
    accelerator: str = "auto"
    devices: int = 1
    """In each node; 0 takes every one that is there."""
    nodes: int = 1
    strategy: str = "auto"
    """`ddp`, `fsdp` or what else Lightning Fabric knows; `auto` is one process, or ddp for several."""
    workers: int = 0
    """Processes that read examples; 0 reads in the training process."""
    log_every: int = 10
    evaluate_every: int = 0
    """Steps; 0 evaluates at the end alone."""
    save_every: int = 500
    keep: int = 2
    most_bad: int = 10
    """Steps in a row with a loss or gradient that is no number, after which the run stops."""
    minutes: float | None = None
    """Stop after so long, saved, to go on another time."""
    peak_flops: float | None = None
    """Of one device, for the MFU; None looks it up, and prints no MFU where it is not known."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {getattr(self, name)!r} must be {wanted}"
            for name, (low, high, wanted) in _RANGES.items()
            if not (getattr(self, name) is None or low <= getattr(self, name) <= high)
        ]
        if self.warmup > self.steps:
            problems.append(f"warmup = {self.warmup} must not be longer than steps = {self.steps}")
        if self.precision not in ("auto", "float32", "bfloat16"):
            problems.append(f"precision = {self.precision!r} must be auto, float32 or bfloat16")
        if not all(0.0 <= beta < 1.0 for beta in self.betas):
            problems.append(f"betas = {self.betas} must be from 0 to below 1")
        if not all(math.isfinite(share) and share >= 0 for _, share in self.slower):
            problems.append(f"slower = {self.slower} must hold shares of at least 0")
        if problems:
            raise TrainError("; ".join(problems))


_RANGES: dict[str, tuple[float, float, str]] = {
    "steps": (1, 10**9, "at least 1"),
    "learning_rate": (0.0, 1e3, "at least 0"),
    "warmup": (0, 10**9, "at least 0"),
    "final_share": (0.0, 1.0, "from 0 to 1"),
    "weight_decay": (0.0, 10.0, "from 0 to 10"),
    "weight_decay_end": (0.0, 10.0, "from 0 to 10"),
    "clip": (0.0, 1e9, "at least 0"),
    "accumulate": (1, 10**6, "at least 1"),
    "ema": (0.0, 0.9999999, "from 0 to below 1"),
    "seed": (0, 2**32 - 1, "a whole number from 0 to 4294967295"),
    "devices": (0, 10**4, "at least 0"),
    "nodes": (1, 10**5, "at least 1"),
    "workers": (0, 1024, "from 0 to 1024"),
    "log_every": (1, 10**9, "at least 1"),
    "evaluate_every": (0, 10**9, "at least 0"),
    "save_every": (1, 10**9, "at least 1"),
    "keep": (1, 1000, "at least 1"),
    "most_bad": (1, 10**6, "at least 1"),
    "minutes": (0.0, 1e7, "at least 0"),
    "peak_flops": (1.0, 1e20, "a number of operations a second"),
}

FREE = frozenset(
    {"accelerator", "devices", "nodes", "strategy", "workers", "log_every", "evaluate_every", "save_every", "keep"}
    | {"most_bad", "minutes", "peak_flops"}
)
"""What may differ when a run is resumed: it changes where and how a run goes, not what is learned."""


def changed(saved: dict[str, Any], config: TrainConfig) -> list[str]:
    """What of a saved run's config, as JSON gave it back, differs where it may not: "name: saved, not given"."""
    given = plain(config)
    return [
        f"{name}: {saved.get(name)!r} there, {given[name]!r} here"
        for name in given
        if name not in FREE and saved.get(name) != given[name]
    ]


def plain(config: TrainConfig) -> dict[str, Any]:
    """As JSON gives it back: lists for tuples."""
    return {field.name: _listed(getattr(config, field.name)) for field in fields(config)}


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value
