"""Batches in an order that depends on nothing but the seed and the epoch, from any place in it.

A sampler lays out each epoch; a batch is the same list of examples on any number of processes and readers, so a run
goes on where it stopped, on another machine too. What is random about an example (its crops, its noise) is drawn from
a generator that is seeded with its place, never from a global one.
"""

from __future__ import annotations

import multiprocessing.util
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate
from torch.utils.data import Sampler as TorchSampler

from spinecho.encoders.training.run_config import TrainConfig, TrainError


class Examples(Protocol):
    """What can be asked for its examples by number. Equal numbers give equal examples, in any process."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any:
        """One example."""
        ...


class BatchSampler(Protocol):
    """The order of an epoch."""

    def batches(self, epoch: int, /) -> Sequence[Sequence[int]]:
        """Numbers of examples, batch by batch: a pure function of the sampler's own seed and the epoch, never empty.

        With several processes each takes an equal share of every batch, and what cannot be shared is left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Data:
    """What `fit` reads.

    views(example, generator): turns an example into what is collated, drawing from the numpy generator alone; an
    objective's own `views` where None. collate: a list of these into a batch; the objective's own where
    None, else torch's.
    """

    examples: Examples
    sampler: BatchSampler
    views: Callable[[Any, np.random.Generator], Any] | None = None
    collate: Callable[[list[Any]], Any] | None = None


class Place(NamedTuple):
    """An example's place: sampling again with the same place gives the same views."""

    epoch: int
    batch: int
    slot: int
    number: int


class Loaded(NamedTuple):
    """A batch of this process, with where it stood and how many examples all processes have of it."""

    epoch: int
    batch: int
    examples: int
    values: Any


class _Items(Dataset[tuple[Place, Any]]):
    def __init__(self, data: Data, views: Callable[[Any, np.random.Generator], Any] | None, seed: int) -> None:
        self._data, self._views, self._seed = data, views, seed

    def __getitem__(self, place: Place) -> tuple[Place, Any]:
        example = self._data.examples[place.number]
        if self._views is None:
            return place, example
        return place, self._views(example, np.random.default_rng([self._seed, *place]))


class _Plan(TorchSampler[list[Place]]):
    """Without an end: epoch after epoch, from a place on."""

    def __init__(self, sampler: BatchSampler, epoch: int, batch: int, rank: int, processes: int) -> None:
        self._sampler, self._epoch, self._batch = sampler, epoch, batch
        self._rank, self._processes = rank, processes

    def __iter__(self) -> Iterator[list[Place]]:
        epoch, first = self._epoch, self._batch
        while True:
            batches = self._sampler.batches(epoch)
            if not batches:
                raise TrainError("the sampler gives no batch: there are too few examples for one; lower the batch size")
            for at in range(first, len(batches)):
                share = len(batches[at]) // self._processes
                if not share:
                    raise TrainError(
                        f"a batch of {len(batches[at])} cannot be shared by {self._processes} processes; raise its size"
                    )
                start = self._rank * share
                yield [Place(epoch, at, slot, batches[at][slot]) for slot in range(start, start + share)]
            epoch, first = epoch + 1, 0


class _Collate:
    def __init__(self, collate: Callable[[list[Any]], Any] | None, processes: int) -> None:
        self._collate, self._processes = collate or default_collate, processes

    def __call__(self, items: list[tuple[Place, Any]]) -> Loaded:
        place = items[0][0]
        return Loaded(place.epoch, place.batch, len(items) * self._processes, self._collate([one for _, one in items]))


def batches(
    data: Data,
    config: TrainConfig,
    *,
    epoch: int = 0,
    batch: int = 0,
    views: Callable[[Any, np.random.Generator], Any] | None = None,
    collate: Callable[[list[Any]], Any] | None = None,
    rank: int = 0,
    processes: int = 1,
    pinned: bool = False,
) -> Iterator[Loaded]:
    """This process's batches from a place on, without an end."""
    if config.workers:
        _short_paths_for_sockets()
    loader: DataLoader[tuple[Place, Any]] = DataLoader(
        _Items(data, data.views or views, config.seed),
        batch_sampler=_Plan(data.sampler, epoch, batch, rank, processes),
        collate_fn=_Collate(data.collate or collate, processes),
        num_workers=config.workers,
        pin_memory=pinned,
        generator=torch.Generator(),  # else it draws from the global one, and a resumed run would differ
    )
    return iter(loader)


def _short_paths_for_sockets() -> None:
    """Readers hand arrays over by sockets in a temporary folder: beyond 107 bytes of path they would hang."""
    if len(os.fsencode(tempfile.gettempdir())) <= 60:
        return
    before, tempfile.tempdir = tempfile.tempdir, "/tmp"  # noqa: S108  (a folder of ours is made in it)
    try:
        multiprocessing.util.get_temp_dir()  # made once, and kept by the process and those that it starts
    finally:
        tempfile.tempdir = before
