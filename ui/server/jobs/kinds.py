"""What jobs do, in a process of their own, over the access of the person who asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from spinecho.answering.connection import archive_of, read_where
from spinecho.db.durable import write_durably
from spinecho.errors import QueryError
from spinecho.search.access.by_uid import ByUid
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Access, Person, Role
from spinecho.search.answers.archive_map import archive_map as lay_out
from spinecho.search.cohorts.export import FORMATS
from spinecho.search.evidence.heat import Heat
from spinecho.ui.cohort_facts import count_facts, definition_of
from spinecho.ui.server.jobs import cohort_work
from spinecho.ui.server.jobs.cohort_work import be_ready, changes, freeze, shown_count
from spinecho.ui.server.jobs.context import Context
from spinecho.ui.server.jobs.own_files import own_files
from spinecho.ui.server.jobs.queue import Job, Queue
from spinecho.ui.server.jobs.why import why

EVALUATIONS, RESULT = "evaluations", "evaluation.json"
"""The home's folder of evaluations, and what the file of one is called."""
Work: TypeAlias = Callable[["Context", Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """priority: 0 goes first. seconds: a job may run. role: whose jobs these are."""

    work: Work
    priority: int
    seconds: float
    role: Role


def export(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A zip of a version's tables."""
    cohorts = PersonalCohorts(context.archive(), context.settings.builds)
    context.tell("writing tables")
    formats, pseudonyms = asked.get("formats"), bool(asked["pseudonyms"])
    chosen = tuple(formats) if formats else tuple(one for one in FORMATS if not (pseudonyms and one == "copy"))
    name, packed, made = cohorts.packed(asked["name"], int(asked["version"]), formats=chosen, pseudonyms=pseudonyms)
    file = context.queue.write(context.job.id, "zip", packed)
    written = {"studies": made.studies, "missing": list(made.missing)}
    return {"file": file, "file_name": name, "bytes": len(packed), "media": "application/zip"} | written


def count(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What each line of a definition leaves, as `spinecho cohort count --json`."""
    cohorts = PersonalCohorts(context.archive(), context.settings.builds)
    found = cohorts.count(definition_of(asked.get("toml"), asked.get("definition")), follow=context.follow("counting"))
    return {"count": count_facts(found, context.settings.smallest_count)}


def evaluation(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How well the archive is found, as `spinecho evaluate --json`."""
    from spinecho.learning.measuring import evaluate  # noqa: PLC0415

    context.tell("opening")
    opened = context.opened
    with own_files(asked) as files:
        found = evaluate(
            context.settings, lambda: opened.database, Access(context.person, opened.record),
            where=read_where(asked["where"]), judgements=files.get("judgements"), pairs=files.get("pairs"),
            queries=int(asked["queries"]), resamples=int(asked["resamples"]), seed=int(asked["seed"]),
            exclude=asked.get("exclude", "patient"), copies=int(asked.get("copies", 0)), on_progress=context.tell,
            dual=lambda: opened.dual,
        )  # fmt: skip
    return {"evaluation": found.to_json()}


def evidence(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where a series stands out for words: float32 scores (r, a, s) in C order, and the highest of each slice."""
    from spinecho.answering.evidence import read_again  # noqa: PLC0415

    archive = context.archive()
    opened = ByUid(archive).series(asked["series"])
    if opened is None:
        raise QueryError("no series of this UID is in the archive")
    context.tell("comparing")
    return _heat_map(context, archive.evidence(asked["words"], opened, read_again))


def shown_evidence(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a volume that is open on a page, by their ids."""
    from spinecho.answering.evidence import read_again  # noqa: PLC0415

    archive = context.archive()
    context.tell("comparing")
    return _heat_map(
        context, archive.shown_evidence(asked["words"], int(asked["study"]), int(asked["volume"]), read_again)
    )


def archive_map(context: Context, _: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out the map, which is kept beside the builds: whoever shows it reads it there, and is on record then."""
    context.tell("laying out")
    made = lay_out(context.opened.database, context.settings.builds)
    return {"volumes": len(made.ids)}


def kept_evaluation(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How well the archive is found, written into the folder of the home where evaluations are kept."""
    from spinecho.learning.measuring import evaluate  # noqa: PLC0415

    context.tell("opening")
    opened, folder = context.opened, context.settings.home / EVALUATIONS / Path(asked["folder"]).name
    own = {name: folder / Path(asked[name]).name for name in ("judgements", "pairs") if asked.get(name)}
    found = evaluate(
        context.settings, lambda: opened.database, Access(context.person, opened.record), where=read_where(""),
        judgements=own.get("judgements"), pairs=own.get("pairs"), queries=int(asked["queries"]), resamples=1000,
        seed=0, exclude="patient", copies=int(asked.get("copies", 0)), on_progress=context.tell,
        dual=lambda: opened.dual,
    )  # fmt: skip
    write_durably(folder / RESULT, json.dumps(found.to_json(), ensure_ascii=False, indent=1).encode())
    return {"folder": folder.name}


def teach(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Teach a concept, as a page does it by itself: no file is read for who asks."""
    from spinecho.shown import ShownArchive  # noqa: PLC0415

    archive = archive_of(ShownArchive, context.settings, context.archive())
    done = archive.teach(
        asked["name"], sources=list(asked["sources"]), against=asked["against"], again=bool(asked["again"]),
        on_progress=context.tell,
    )  # fmt: skip
    return {"version": None if done.concept is None else done.concept.version, "why": done.why}


def _heat_map(context: Context, heat: Heat) -> dict[str, Any]:
    cells = np.ascontiguousarray(heat.cells, dtype="<f4")
    file = context.queue.write(context.job.id, "f32", cells.tobytes())
    return {
        "file": file, "file_name": "evidence.f32", "bytes": cells.nbytes, "media": "application/octet-stream",
        "shape": list(cells.shape), "cosine": round(float(heat.cosine), 4),
        "score": round(float(heat.hottest), 4), "floor": round(float(heat.floor), 4), "stands_out": heat.stands_out,
        "levels": [round(float(one), 4) for one in heat.levels],
        "along": {axis: [round(float(one), 4) for one in heat.along(number, cells.shape[number])]
                  for number, axis in enumerate("RAS")},
    }  # fmt: skip


KINDS: Mapping[str, Kind] = {
    "evidence": Kind(evidence, 1, 300.0, Role.VIEWER),
    "why": Kind(why, 1, 300.0, Role.VIEWER),
    "shown-evidence": Kind(shown_evidence, 0, 120.0, Role.VIEWER),
    "ready": Kind(be_ready, 2, 120.0, Role.VIEWER),
    "shown-count": Kind(shown_count, 2, 600.0, Role.VIEWER),
    "changes": Kind(changes, 2, 600.0, Role.VIEWER),
    "freeze": Kind(freeze, 2, 1800.0, Role.RESEARCHER),
    "asked-count": Kind(cohort_work.asked_count, 2, 600.0, Role.VIEWER),
    "asked-changes": Kind(cohort_work.asked_changes, 2, 600.0, Role.VIEWER),
    "asked-freeze": Kind(cohort_work.asked_freeze, 2, 1800.0, Role.RESEARCHER),
    "asked-rerun": Kind(cohort_work.asked_rerun, 2, 1800.0, Role.RESEARCHER),
    "teach": Kind(teach, 3, 1800.0, Role.RESEARCHER),
    "map": Kind(archive_map, 3, 1800.0, Role.VIEWER),
    "kept-evaluation": Kind(kept_evaluation, 5, 4 * 3600.0, Role.RESEARCHER),
    "count": Kind(count, 3, 1800.0, Role.VIEWER),
    "export": Kind(export, 4, 3600.0, Role.RESEARCHER),
    "evaluation": Kind(evaluation, 5, 4 * 3600.0, Role.RESEARCHER),
}


def add_job(
    queue: Queue, kind: str, person: Person, arguments: Mapping[str, Any], *, waited: float | None = None
) -> Job:
    """A job of a kind for a person, as `Queue.add`. Raises `QueueFull`."""
    about = KINDS[kind]
    return queue.add(
        kind, owner=person.name, role=str(person.role), arguments=arguments, priority=about.priority,
        seconds=about.seconds, waited=waited,
    )  # fmt: skip
