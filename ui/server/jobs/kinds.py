"""What jobs do, in a process of their own, over the access of the person who asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from spinecho.connection import read_where
from spinecho.errors import QueryError
from spinecho.people import open_record
from spinecho.search.access.by_uid import ByUid
from spinecho.search.access.cohorts import CohortDesk
from spinecho.search.access.desk import Access, Desk, Person, Recorder, Role
from spinecho.search.cohorts.export import FORMATS
from spinecho.search.engine import Engine
from spinecho.settings import Settings
from spinecho.ui.server.cohort_facts import count_facts, definition_of
from spinecho.ui.server.jobs.queue import Job, Queue

Work: TypeAlias = Callable[["Context", Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """priority: 0 goes first. seconds: a job may run. role: whose jobs these are."""

    work: Work
    priority: int
    seconds: float
    role: Role


class Opened:
    """What a process keeps from job to job."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def engine(self) -> Engine:
        """The engine, whose networks are loaded when they are first needed."""
        from spinecho.wiring import open_engine  # noqa: PLC0415  (torch is slow to import)

        return open_engine(self.settings)

    @cached_property
    def record(self) -> Recorder:
        """Where acts are kept."""
        return open_record(self.settings)


@dataclass
class Context:
    """What a job works with."""

    opened: Opened
    person: Person
    job: Job
    queue: Queue

    @property
    def settings(self) -> Settings:
        """Of the home."""
        return self.opened.settings

    def tell(self, stage: str, done: int = 0, known: int = 0) -> None:
        """How far it is."""
        self.queue.tell(self.job.id, stage, done, known)

    def desk(self) -> Desk:
        """The person's access, with the encoders loaded."""
        self.tell("opening")
        smallest = self.settings.smallest_count
        return Desk(self.opened.engine, self.person, record=self.opened.record, smallest=smallest)


def export(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A zip of a version's tables."""
    desk = CohortDesk(context.desk(), context.settings.builds)
    context.tell("writing tables")
    formats, pseudonyms = asked.get("formats"), bool(asked["pseudonyms"])
    chosen = tuple(formats) if formats else tuple(one for one in FORMATS if not (pseudonyms and one == "copy"))
    name, packed = desk.take(asked["name"], int(asked["version"]), formats=chosen, pseudonyms=pseudonyms)
    file = context.queue.write(context.job.id, "zip", packed)
    return {"file": file, "file_name": name, "bytes": len(packed), "media": "application/zip"}


def count(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What each line of a definition leaves, as `spinecho cohort count --json`."""
    desk = CohortDesk(context.desk(), context.settings.builds)
    context.tell("counting")
    found = desk.count(definition_of(asked.get("toml"), asked.get("definition")))
    return {"count": count_facts(found, context.settings.smallest_count)}


def evaluation(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How well the archive is found, as `spinecho evaluate --json`."""
    from spinecho.measuring import evaluate  # noqa: PLC0415

    context.tell("opening")
    opened = context.opened
    found = evaluate(
        context.settings, lambda: opened.engine.database, Access(context.person, opened.record),
        where=read_where(asked["where"]), judgements=None, pairs=None, queries=int(asked["queries"]),
        resamples=int(asked["resamples"]), seed=int(asked["seed"]), exclude="patient", on_progress=context.tell,
        dual=lambda: opened.engine.dual,
    )  # fmt: skip
    return {"evaluation": found.to_json()}


def evidence(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where a series speaks for words: float32 cells (r, a, s) in C order, and what each slice adds by axis."""
    from spinecho.evidence import read_again  # noqa: PLC0415

    desk = context.desk()
    opened = ByUid(desk).series(asked["series"])
    if opened is None:
        raise QueryError("no series of this UID is in the archive")
    context.tell("comparing")
    heat = desk.evidence(asked["words"], opened, read_again)
    cells = np.ascontiguousarray(heat.cells, dtype="<f4")
    file = context.queue.write(context.job.id, "f32", cells.tobytes())
    return {
        "file": file, "file_name": "evidence.f32", "bytes": cells.nbytes, "media": "application/octet-stream",
        "shape": list(cells.shape), "cosine": round(float(heat.cosine), 4),
        "along": {axis: [round(float(one), 4) for one in heat.along(number, cells.shape[number])]
                  for number, axis in enumerate("RAS")},
    }  # fmt: skip


KINDS: Mapping[str, Kind] = {
    "evidence": Kind(evidence, 1, 300.0, Role.VIEWER),
    "count": Kind(count, 2, 1800.0, Role.VIEWER),
    "export": Kind(export, 3, 3600.0, Role.RESEARCHER),
    "evaluation": Kind(evaluation, 5, 4 * 3600.0, Role.RESEARCHER),
}
