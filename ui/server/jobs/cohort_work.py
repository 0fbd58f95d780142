"""What is asked about cohorts and takes long: counts, what changed, freezing, over the access of who asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.searching import SEES_PATIENTS
from spinecho.ui import cohort_answers
from spinecho.ui.cohort_answers import Asks, Begun, changed, counted, frozen_already, frozen_as_seen
from spinecho.ui.cohort_facts import definition_of
from spinecho.ui.server.jobs.context import Context


def shown_count(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `counted`, in a file: it lists every study."""
    definition = definition_of(None, asked["definition"])
    return _as_file(context, counted(_cohorts(context), definition, context.follow("counting")))


def changes(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `changed`, in a file."""
    found = changed(_cohorts(context), asked["name"], int(asked["version"]), context.follow("comparing"))
    return _as_file(context, found)


def freeze(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a list that was looked at; once, though the process that did it died before it could say so."""
    cohorts, definition, begun = _cohorts(context), definition_of(None, asked["definition"]), _begun(context)
    if begun is not None and (done := frozen_already(cohorts, definition.name, asked["digest"], begun)) is not None:
        return {"name": done.name, "number": done.number}
    return frozen_as_seen(cohorts, definition, asked["digest"], context.follow("counting"))


def asked_count(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `cohort_answers.asked_count`, in a file; so are the three below."""
    return _answer(context, asked, cohort_answers.asked_count)


def asked_changes(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `cohort_answers.asked_changes`."""
    return _answer(context, asked, cohort_answers.asked_changes)


def asked_freeze(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `cohort_answers.asked_freeze`. key: of the request, which is answered with the same when it is repeated."""
    return _answer(context, asked, cohort_answers.asked_freeze)


def asked_rerun(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `cohort_answers.asked_rerun`, with a key too."""
    return _answer(context, asked, cohort_answers.asked_rerun)


def be_ready(context: Context, _: Mapping[str, Any]) -> dict[str, Any]:
    """Open what a count needs, so that the first one does not wait for it. Nothing is asked of the archive."""
    context.tell("opening")
    context.opened.engine.selection.refresh()
    return {}


def _answer(context: Context, asked: Mapping[str, Any], answer: Callable[[Asks], dict[str, Any]]) -> dict[str, Any]:
    archive = context.archive()
    cohorts, patients = PersonalCohorts(archive, context.settings.builds), archive.may(SEES_PATIENTS)
    found = answer(Asks(cohorts, asked, patients, context.follow("counting"), _begun(context)))
    if asked.get("key"):
        context.queue.keep(asked["key"], 201, "application/json", json.dumps(found).encode())
    return _as_file(context, found)


def _begun(context: Context) -> Begun | None:
    """Whose work it is and since when, for what is done anew."""
    return Begun(context.job.owner, context.job.created) if context.job.attempts > 1 else None


def _cohorts(context: Context) -> PersonalCohorts:
    return PersonalCohorts(context.archive(), context.settings.builds)


def _as_file(context: Context, found: Mapping[str, Any]) -> dict[str, Any]:
    content = json.dumps(found).encode()
    file = context.queue.write(context.job.id, "json", content)
    return {"file": file, "file_name": "answer.json", "bytes": len(content), "media": "application/json"}
