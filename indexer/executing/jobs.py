"""What an executor is asked for, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.tasks.image_tasks import PreparedVolume
from spinecho.indexer.parts import Parts
from spinecho.indexer.progress import Stage

How: TypeAlias = Literal["captions", "parts", "study"]
"""What is encoded: volumes with their captions, volumes alone, or all volumes of a job as one study."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A series to read. only: keys of the volumes to encode, None for all.

    apart: where the process that reads it dies, each file is read alone, and then all but those that make it die.
    """

    task: Task
    only: frozenset[str] | None = None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Series that are asked for, and given back, together."""

    readings: tuple[Reading, ...]
    how: How


@dataclass(frozen=True, slots=True)
class Encoded:
    """A volume, and what the encoder gave of it. words, meaning: its caption and the fp16 vector of that."""

    volume: PreparedVolume
    parts: Parts
    words: str = ""
    meaning: bytes = b""


@dataclass(frozen=True, slots=True)
class SeriesDone:
    """What came of a series: its volumes and failures, and the digests of its files by path where they were asked for.

    failure: why nothing came of it. reasons: of files that were left out, by path, are among the items.
    """

    items: tuple[Encoded | FileFailure, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    failure: Reason | None = None
    detail: str = ""

    @property
    def encoded(self) -> list[Encoded]:
        """The volumes alone."""
        return [item for item in self.items if isinstance(item, Encoded)]

    @property
    def failures(self) -> list[FileFailure]:
        """The files that were left out."""
        return [item for item in self.items if isinstance(item, FileFailure)]


@dataclass(frozen=True, slots=True)
class Done:
    """A job that is done: one `SeriesDone` a reading. seconds: of work, by stage."""

    job: Job
    series: tuple[SeriesDone, ...]
    seconds: Mapping[Stage, float] = field(default_factory=dict)


class Executor(Protocol):
    """Reads and encodes. What it gives depends on the files and the encoder alone, not on who does it, nor on how
    often somebody who did it was lost: rows are written by whoever asks, once a job is given back.
    """

    def run(self, jobs: Iterable[Job], /) -> Iterator[Done]:
        """In the order of the jobs, each exactly once. Jobs are taken as they can be begun: a stated number of them is
        under way or waits to be taken, so memory stays flat.
        """
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be known of how it went, in sentences."""
        ...
