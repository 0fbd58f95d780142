"""The training loop: any objective, one process or many, resumed to the bit after a kill.

Lightning Fabric places the network on its devices and wraps it for DDP or FSDP; the loop is ours, because what must
hold of it is ours: a state after a step is complete (weights, their running mean, the optimizer, random numbers, the
place in the data), so that a run which was killed gives the same losses as one that was not; a step whose loss or
gradient is no number changes nothing; and all that is written is safetensors and JSON.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.training.loop import state as states
from spinecho.encoders.training.loop.data import Data, Loaded, batches
from spinecho.encoders.training.loop.devices import Placed, launch
from spinecho.encoders.training.loop.log import Log, last_metrics
from spinecho.encoders.training.loop.schedule import rate, set_rates
from spinecho.encoders.training.loop.state import Position, StateError
from spinecho.encoders.training.run_config import TrainConfig, TrainError, changed, plain


class Objective(Protocol):
    """What is trained: an `nn.Module` that can tell its loss.

    Also asked for, where it has them: `trainable_parameters()`, else all that require a gradient; `views(example,
    generator)` and `collate(views)`, see `Data`; `after_step(progress)` with the share of the run that is done, after
    each step that was taken; `flops_per_example`, of forward and backward pass together.
    """

    def loss(self, batch: Any, /) -> dict[str, Tensor]:
        """Scalars to log, of which "loss" is minimised."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run goes, for a screen. `mfu`: share of the devices' peak; None where either is not known."""

    step: int
    steps: int
    loss: float
    examples_per_s: float
    left_s: float
    mfu: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """How a run ended. `finished` is False where time ran out or it was stopped; the same call goes on with it."""

    position: Position
    metrics: dict[str, float]
    state: Path
    finished: bool


class NotANumber(TrainError):
    """Too many steps in a row gave no number."""


Evaluate = Callable[[nn.Module, int], Mapping[str, float]]
"""(objective with the mean weights, in eval mode; steps done) to metrics by name. Every process calls it."""


def fit(
    objective: nn.Module,
    data: Data,
    config: TrainConfig,
    folder: Path,
    *,
    evaluate: Evaluate | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Train, from the last state in `folder` if it has one.

    The objective ends on its device with the weights that were evaluated: the running mean, where one is kept. With
    several processes each runs this call. `stop` is asked after each step. Raises TrainError for a run that cannot
    start, StateError for one that cannot be resumed, NotANumber for one that went astray.
    """
    devices = launch(config)
    with states.alone(folder) if devices.rank == 0 else nullcontext():
        saved = states.latest(folder)
        if saved is not None and (differ := changed(saved.config, config)):
            raise StateError(
                f"{folder} was begun with another config ({'; '.join(differ)}); put it back, or name another folder"
            )
        seed(config.seed + devices.rank)
        run = _Run(objective, data, config, folder, Placed(objective, config, devices), saved)
        try:
            return run.go(evaluate, progress, stop)
        finally:
            run.close()


def seed(number: int) -> None:
    """Seed every global generator: Python's, numpy's and torch's."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


class _Run:
    """One call of `fit`."""

    def __init__(
        self,
        objective: nn.Module,
        data: Data,
        config: TrainConfig,
        folder: Path,
        placed: Placed,
        saved: states.State | None,
    ) -> None:
        self.objective, self.data, self.config, self.folder = objective, data, config, folder
        self.placed, self.devices = placed, placed.devices
        self.position = Position() if saved is None else saved.position
        if saved is not None:
            placed.put(saved.tensors)
            own = saved.random_numbers(self.devices.rank)
            if own is not None:
                states.set_random_numbers(own)
        self.saved_step = -1 if saved is None else self.position.step
        self.log = Log(folder, step=self.position.step) if self.devices.rank == 0 else None
        if saved is not None:
            self._tell({"event": "resumed", "processes": self.devices.processes, "processes_before": saved.processes})
        self.meter = _Meter(self.position, config.steps, getattr(objective, "flops_per_example", None),
                            self.devices.peak_flops(config))  # fmt: skip
        self.metrics = last_metrics(folder)

    def go(
        self, evaluate: Evaluate | None, progress: Callable[[Progress], None] | None, stop: Callable[[], bool]
    ) -> Fitted:
        """Step until the end, or until it is time to stop."""
        config, began, bad, ends = self.config, time.monotonic(), 0, False
        loader = self._batches()
        while self.position.step < config.steps and not ends:
            parts, norm = self._step(loader)
            good = _finite(parts, norm)
            bad = 0 if good else bad + 1
            self.meter.add(parts, good)
            step, last = self.position.step, self.position.step == config.steps
            if bad or last or step % config.log_every == 0:
                pace, means = self.meter.measured(self.position)
                self._tell(means | {"grad_norm": norm, "lr": rate(step - 1, config)} | _figures(pace, self.position))
                if progress is not None and self.devices.rank == 0:
                    progress(pace)
            if bad >= config.most_bad:
                raise NotANumber(self._astray(bad))
            every = config.evaluate_every
            if evaluate is not None and not bad and (last or (every and step % every == 0)):
                self._evaluate(evaluate)
            late = config.minutes is not None and time.monotonic() - began > 60 * config.minutes
            ends = self.devices.any_of(late or stop())
            # What a bad step left behind in a buffer would spoil a state.
            if not bad and (last or ends or step % config.save_every == 0):
                self._save()
        finished = self.position.step >= config.steps
        if finished and self.placed.mean is not None:
            self.placed.mean.swap()
        state = self.folder / states.STATES / f"{self.saved_step:08d}"
        return Fitted(self.position, self.metrics, state, finished)

    def _batches(self) -> Iterator[Loaded]:
        return batches(
            self.data,
            self.config,
            epoch=self.position.epoch,
            batch=self.position.batch,
            views=getattr(self.objective, "views", None),
            collate=getattr(self.objective, "collate", None),
            rank=self.devices.rank,
            processes=self.devices.processes,
            pinned=self.devices.device.type == "cuda",
        )

    def _step(self, loader: Iterator[Loaded]) -> tuple[dict[str, float], float]:
        """One step of the optimizer: the loss and its parts, and the gradient's norm."""
        config, placed, fabric = self.config, self.placed, self.devices.fabric
        set_rates(placed.optimizer, self.position.step, config)
        losses: dict[str, list[Tensor]] = {}
        for turn in range(config.accumulate):
            loaded = next(loader)
            with fabric.no_backward_sync(placed.module, enabled=turn < config.accumulate - 1):
                parts = placed.module.loss(fabric.to_device(loaded.values))
                fabric.backward(parts["loss"] / config.accumulate)
            for name, part in parts.items():
                losses.setdefault(name, []).append(part.detach().float().reshape(()))
            examples = self.position.examples + loaded.examples
            self.position = replace(self.position, epoch=loaded.epoch, batch=loaded.batch + 1, examples=examples)
        norm = placed.clip(config.clip)
        means = {name: float(value) for name, value in self._means(losses).items()}
        step, good = self.position.step, _finite(means, norm)
        if good:
            placed.optimizer.step()
            if placed.mean is not None:
                placed.mean.update(step)
            after = getattr(self.objective, "after_step", None)
            if after is not None:
                after((step + 1) / config.steps)
        placed.optimizer.zero_grad(set_to_none=True)
        self.position = replace(self.position, step=step + 1, skipped=self.position.skipped + (not good))
        return means, norm

    def _means(self, parts: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
        """The loss over all processes; its parts over this one's batches that had them, as not every batch has each."""
        means = {name: torch.stack(values).mean() for name, values in parts.items()}
        return means | {"loss": self.devices.mean(means["loss"])}

    def _evaluate(self, evaluate: Evaluate) -> None:
        """Leaves modes and random numbers as they were, so that evaluation changes no loss."""
        mean = self.placed.mean.applied() if self.placed.mean is not None else nullcontext()
        with mean, _aside(self.objective):
            found = evaluate(self.objective, self.position.step)
        self.metrics = {name: float(value) for name, value in found.items()}
        if self.metrics:
            self._tell({f"evaluation/{name}": value for name, value in self.metrics.items()})
        self.devices.barrier()

    def _save(self) -> None:
        states.save(
            self.folder,
            self.position,
            plain(self.config),
            self.placed.tensors(),
            rank=self.devices.rank,
            processes=self.devices.processes,
            keep=self.config.keep,
            barrier=self.devices.barrier,
        )
        self.saved_step = self.position.step

    def _astray(self, bad: int) -> str:
        last = "none was saved" if self.saved_step < 0 else f"the last good state is that of step {self.saved_step}"
        return (
            f"{bad} steps in a row, up to step {self.position.step}, gave a loss or gradient that is no number; "
            f"{last}, in {self.folder}: lower learning_rate or clip, or look at the data"
        )

    def _tell(self, values: Mapping[str, Any]) -> None:
        if self.log is not None:
            self.log.write(self.position.step, values)

    def close(self) -> None:
        """Close the log."""
        if self.log is not None:
            self.log.close()


class _Meter:
    """Means since the last line of the log, and how fast the run goes."""

    def __init__(self, position: Position, steps: int, flops: float | None, peak: float | None) -> None:
        self._steps, self._flops, self._peak = steps, flops, peak
        self._began, self._first = time.monotonic(), position
        self._at, self._position = self._began, position
        self._values: dict[str, list[float]] = {}

    def add(self, parts: Mapping[str, float], good: bool) -> None:
        """A step; one that gave no number does not count."""
        for name, value in parts.items() if good else ():
            self._values.setdefault(name, []).append(value)

    def measured(self, position: Position) -> tuple[Progress, dict[str, float]]:
        """How the run goes, and the means of the losses; begins anew."""
        means = {name: sum(values) / len(values) for name, values in self._values.items()} or {"loss": math.nan}
        now = time.monotonic()
        speed = (position.examples - self._position.examples) / max(now - self._at, 1e-9)
        per_step = (now - self._began) / max(1, position.step - self._first.step)
        mfu = speed * self._flops / self._peak if self._flops and self._peak else None
        left = per_step * (self._steps - position.step)
        self._at, self._position, self._values = now, position, {}
        return Progress(position.step, self._steps, means["loss"], speed, left, mfu), means


def _figures(pace: Progress, position: Position) -> dict[str, Any]:
    speed = {
        "examples": position.examples,
        "skipped": position.skipped,
        "examples_per_s": round(pace.examples_per_s, 3),
    }
    return speed if pace.mfu is None else speed | {"mfu": round(pace.mfu, 4)}


def _finite(parts: Mapping[str, float], norm: float) -> bool:
    return math.isfinite(parts["loss"]) and math.isfinite(norm)


@contextmanager
def _aside(objective: nn.Module) -> Iterator[None]:
    """In eval mode and without gradients; afterwards every mode and random number is as before."""
    modes = [(module, module.training) for module in objective.modules()]
    numbers = states.random_numbers()
    objective.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        states.set_random_numbers(numbers)
