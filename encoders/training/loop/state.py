"""A run as it stands after a step: one folder of safetensors and JSON, from which it goes on bit for bit.

`states/00001200/` holds `model`, `optimizer` and, where there is one, `mean` (the running mean of weights) as
safetensors, `rank-0.safetensors` with the random numbers' states of each process, and `state.json` with the step, the
place in the data, and the sha256 of each file. A folder appears complete or not at all; the last few are kept, and
one that was damaged since is passed over.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from spinecho.db.durable import durable_replace, make_folder, sha256_of, sync_file, take
from spinecho.encoders.sandbox.limits import read_small
from spinecho.encoders.training.run_config import TrainError

STATES, STATE = "states", "state.json"
_FORMAT = "spinecho-training-1"


class StateError(TrainError):
    """A run cannot be resumed; the message names the folder and the remedy."""


class RunBusy(StateError):
    """Another process trains in the folder."""

    exit_status = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands: steps done, and the batch of an epoch that comes next."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    examples: int = 0
    skipped: int = 0
    """Steps whose loss or gradient was no number."""


@dataclass(frozen=True, slots=True)
class State:
    """A folder that was read and checked: tensors by part ("model", "optimizer", "mean") and name."""

    folder: Path
    position: Position
    config: dict[str, Any]
    processes: int
    tensors: dict[str, dict[str, Tensor]]

    def random_numbers(self, rank: int) -> dict[str, Tensor] | None:
        """Of a process; None where the saved run had fewer."""
        return self.tensors.get(f"rank-{rank}")


def save(
    folder: Path,
    position: Position,
    config: dict[str, Any],
    tensors: Mapping[str, Mapping[str, Tensor]],
    *,
    rank: int = 0,
    processes: int = 1,
    keep: int = 2,
    barrier: Callable[[], None] = lambda: None,
) -> Path:
    """Write the state of a run's folder after a step. Every process calls it; `tensors` of the first are written.

    `barrier` waits for all processes.
    """
    final = folder / STATES / f"{position.step:08d}"
    unfinished = final.with_name(f".{final.name}.unfinished")
    if rank == 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        make_folder(unfinished)
    barrier()
    _write(unfinished / f"rank-{rank}.safetensors", _bytes(random_numbers()))
    if rank == 0:
        for name, values in tensors.items():
            _write(unfinished / f"{name}.safetensors", _bytes(values))
    barrier()
    if rank == 0:
        files = {path.name: sha256_of(path) for path in sorted(unfinished.glob("*.safetensors"))}
        record = {"format": _FORMAT, "position": asdict(position), "config": config, "processes": processes}
        _write(unfinished / STATE, (json.dumps({**record, "files": files}, indent=2) + "\n").encode())
        if final.exists():  # resumed from an earlier one after this was damaged
            shutil.rmtree(final)
        durable_replace(unfinished, final)
        for old in _numbered(folder)[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
        for left in final.parent.glob(".*.unfinished"):
            shutil.rmtree(left, ignore_errors=True)
    barrier()
    return final


def latest(folder: Path) -> State | None:
    """The newest sound state of a run's folder, None where it has none at all. Raises StateError if all are damaged."""
    problems = []
    for found in reversed(_numbered(folder)):
        try:
            return _load(found)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            problems.append(f"{found}: {error}")
    if problems:
        raise StateError(f"no state of this run can be read ({'; '.join(problems)}); name another folder to start anew")
    return None


def _load(folder: Path) -> State:
    values = json.loads(read_small(folder / STATE, ValueError))
    if values["format"] != _FORMAT:
        raise ValueError(f"written as {values['format']!r}, this version reads {_FORMAT!r}")
    tensors = {}
    for name, sha256 in values["files"].items():
        if sha256_of(folder / name) != sha256:
            raise ValueError(f"{name} is not what was written")
        tensors[name.removesuffix(".safetensors")] = safetensors.torch.load_file(folder / name)
    return State(folder, Position(**values["position"]), values["config"], values["processes"], tensors)


def _numbered(folder: Path) -> list[Path]:
    """Finished states, earliest first."""
    return sorted(path for path in (folder / STATES).glob("*") if path.name.isdigit() and (path / STATE).is_file())


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run's folder; RunBusy where another process trains in it."""
    make_folder(folder)
    with (folder / ".lock").open("w") as lock:
        if not take(lock.fileno()):
            raise RunBusy(f"another process trains in {folder}; wait for it, or name another folder")
        yield


def random_numbers() -> dict[str, Tensor]:
    """The states of this process's generators: Python's, numpy's, torch's, and those of its CUDA devices."""
    version, words, gauss = random.getstate()
    name, keys, at, has_gauss, cached = np.random.get_state(legacy=True)
    if name != "MT19937":
        raise TrainError(f"numpy's global generator is {name}, not MT19937; do not replace it")
    found = {
        "python": _json([version, list(words), gauss]),
        "numpy": _json([[int(key) for key in keys], int(at), int(has_gauss), float(cached)]),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        found |= {f"cuda-{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return found


def set_random_numbers(states: Mapping[str, Tensor]) -> None:
    """Put back what `random_numbers` gave; devices that are not here are passed over."""
    version, words, gauss = _unjson(states["python"])
    random.setstate((version, tuple(words), gauss))
    keys, at, has_gauss, cached = _unjson(states["numpy"])
    np.random.set_state(("MT19937", np.array(keys, np.uint32), at, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda-{number}" in states:
            torch.cuda.set_rng_state(states[f"cuda-{number}"], number)


def _json(value: Any) -> Tensor:
    """JSON as bytes; floats come back bit for bit."""
    return torch.tensor(list(json.dumps(value).encode()), dtype=torch.uint8)


def _unjson(stored: Tensor) -> Any:
    return json.loads(bytes(stored.tolist()))


def _bytes(tensors: Mapping[str, Tensor]) -> bytes:
    # Cloned, as safetensors refuses tied weights, which share their memory.
    return safetensors.torch.save({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()})


def _write(path: Path, content: bytes) -> None:
    """To the disk, by the process that writes it: others may run on other machines."""
    path.write_bytes(content)
    sync_file(path)
