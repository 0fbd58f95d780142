"""The smallest thing that trains, and everything of it that a resumed run could get wrong."""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.training.loop.data import Data
from spinecho.encoders.training.loop.loop import fit, seed
from spinecho.encoders.training.run_config import TrainConfig


class Points:
    """y = x . (1, 2, 3)."""

    def __init__(self, count: int = 23) -> None:
        self.x = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, number: int) -> np.ndarray:
        return self.x[number]


class Shuffled:
    def __init__(self, count: int = 23, size: int = 4) -> None:
        self.count, self.size = count, size

    def batches(self, epoch: int) -> Sequence[Sequence[int]]:
        order = np.random.default_rng([5, epoch]).permutation(self.count).tolist()
        return [order[at : at + self.size] for at in range(0, self.count - self.size + 1, self.size)]


class Line(nn.Module):
    """Dropout draws from torch's generator, `loss` from Python's and numpy's, `seen` is a buffer with a memory."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.frozen = nn.Linear(1, 1).requires_grad_(False)
        self.register_buffer("seen", torch.zeros(()))
        self.told: list[float] = []

    def views(self, example: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return example + 0.1 * generator.normal(size=3).astype(np.float32)

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        wanted = batch @ torch.tensor([1.0, 2.0, 3.0])
        off = (self.frozen(self.layers(batch)) - wanted[:, None]).square().mean()
        noise = 0.01 * float(np.random.rand())
        return {"loss": off * (1 + noise) + 0.001 * self.seen, "off": off}

    def after_step(self, progress: float) -> None:
        self.seen += 1
        self.told.append(progress)


CONFIG: dict[str, Any] = {
    "steps": 24, "learning_rate": 0.02, "warmup": 2, "ema": 0.9, "accumulate": 2, "save_every": 5, "log_every": 1,
    "accelerator": "cpu", "seed": 3, "weight_decay_end": 0.1, "slower": (("layers.3", 0.5),),
}  # fmt: skip


def made() -> Line:
    seed(1)
    torch.use_deterministic_algorithms(True)
    return Line()


def evaluate(objective: nn.Module, step: int) -> dict[str, float]:
    assert not objective.training
    return {"drawn": float(torch.rand(())), "weight": float(objective.layers[0].weight.sum())}


def main(folder: str, kill_at: str, *more: str) -> None:
    """Train; SIGKILL once that step is done and before it is saved, if it is one that would be."""
    torch.set_num_threads(1)
    values = (
        CONFIG
        | {"evaluate_every": 4}
        | {name: ast.literal_eval(value) for name, value in (one.split("=") for one in more)}
    )

    def stop() -> bool:
        steps = len(objective.told)
        if steps == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    objective = made()
    fit(objective, Data(Points(), Shuffled()), TrainConfig(**values), Path(folder), evaluate=evaluate, stop=stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
