"""What status and failures hold, as plain facts: for scripts, for tables, and for `Archive`."""

from __future__ import annotations

import dataclasses
from typing import Any

from spinecho.db.errors import BuildCorrupt
from spinecho.db.files import file_index, not_indexed, runs
from spinecho.db.files.same_bytes import REMEDY, same_bytes
from spinecho.db.queries import lookup
from spinecho.db.queries.learning.self_tests import get_self_test
from spinecho.db.queries.selection import Selection
from spinecho.db.reports import study_matching
from spinecho.db.schema.copies import copies_of
from spinecho.db.schema.database import HEAD, Database
from spinecho.db.store import predictions, storing
from spinecho.db.upkeep.scrub_state import LOCK, Round, read_state
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.manifest import builds_newest_first, current_build, written_build
from spinecho.db.vectors.sound import require_counted
from spinecho.encoders.errors import Reason
from spinecho.encoders.registry import about
from spinecho.encoders.runtime.notices import notices
from spinecho.encoders.sandbox.how_confined import how_confined
from spinecho.errors import QueryError
from spinecho.search.evidence.trust import kept, trust_json
from spinecho.search.self_test import self_test_json, weighing
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import own_weights, process_at_work


def status_facts(database: Database, settings: Settings) -> dict[str, Any]:
    """Counts by stage and reason, seconds by stage of the last run, encoders and builds."""
    counts = not_indexed.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in counts.items() if name.startswith("reason:")}
    spaces, warnings = {}, []
    for role in ("image", "text"):
        space = storing.serving(database, role)
        if space is not None:
            builds = builds_newest_first(settings.builds, space)
            warnings += _unsound(database, settings, space)
            spaces[role] = {
                "encoder": space.encoder,
                "about": about(space.encoder),
                "model": space.model,
                "dim": space.dim,
                "build": builds[0] if builds else None,
            }
    selection = Selection(database, settings.builds)
    selection.refresh()
    warnings += [f"{warning}; SQL answers. 'spinecho index --rebuild' mends it." for warning in selection.warnings]
    if (same := same_bytes(database)) is not None:
        warnings.append(f"{same.sentence}: {REMEDY}")
    warnings += notices()
    return {
        "home": str(settings.home),
        "schema": HEAD,
        "files": {name: n for name, n in counts.items() if not name.startswith("reason:")},
        "reasons": reasons,
        "not_read": not_indexed.messages_of(database, Reason.NOT_READ),
        "noise": not_indexed.messages_of(database, Reason.UNSUPPORTED_TYPE),
        "archive": storing.archive_counts(database),
        "pending_series": file_index.count_pending_series(database),
        "predicted": predictions.prediction_counts(database),
        "facets": lookup.facets(database, ["body_region", "sequence"], smallest=settings.smallest_count),
        "spaces": spaces,
        "self_test": self_test_facts(database, settings),
        "evidence": evidence_facts(database),
        "last_run": runs.last_run(database),
        "copies": len(copies_of(settings.database)),
        "scrub": scrub_facts(settings),
        "reading": dataclasses.asdict(confined) if (confined := how_confined()) else None,
        "warnings": warnings,
    }


def scrub_facts(settings: Settings) -> dict[str, Any] | None:
    """What `spinecho doctor --scrub` found in its last whole round, and how far this one is; None before the first.

    Of each round: when (UTC), how many bytes were read, what was found with its remedy, and what was left out and why.
    """
    state = read_state(settings.home)
    if state.now is None and state.last is None:
        return None
    process = process_at_work(settings, LOCK)
    last = None
    if state.last is not None:
        last = _of_round(state.last) | {"ended_at": state.last.told_at, "steps": state.last.of}
    now = None
    if state.now is not None:
        now = _of_round(state.now) | {
            "told_at": state.now.told_at, "step": state.now.step, "done": len(state.now.done), "of": state.now.of,
            "process": process,
        }  # fmt: skip
    return {"last": last, "now": now}


def _of_round(one: Round) -> dict[str, Any]:
    return {"started_at": one.started_at, "bytes": one.bytes, "findings": one.findings, "left_out": one.left_out}


def self_test_facts(database: Database, settings: Settings) -> dict[str, Any] | None:
    """What the self-test told and what weights follow; None before anything is indexed."""
    space = storing.serving(database, "image")
    if space is None:
        return None
    return self_test_json(get_self_test(database, space.id), weighing(database, space, own_weights(settings)))


def evidence_facts(database: Database) -> dict[str, Any] | None:
    """Whether heat maps are shown, and why; None before anything is indexed."""
    space = storing.serving(database, "image")
    return None if space is None else trust_json(kept(database, space))


def remedy_of(code: str) -> str:
    """What can be done about a reason; '' for one of another version."""
    return Reason(code).remedy if code in set(Reason) else ""


def is_ignorable(code: str) -> bool:
    """Whether a reason is merely that there is nothing to embed; of one of another version nobody can tell."""
    return code in set(Reason) and Reason(code).ignorable


def _code_of(database: Database, given: str) -> str:
    """A reason's code as it is written; one of another version is known where a file was rejected for it."""
    stored = [name.partition(":")[2] for name in not_indexed.file_counts(database) if name.startswith("reason:")]
    known = sorted({*map(str, Reason), *stored})
    for code in known:
        if code.casefold() == given.strip().casefold():
            return code
    raise QueryError(f"there is no reason {given!r}; there are {', '.join(known)}")


def _unsound(database: Database, settings: Settings, space: SpaceRecord) -> list[str]:
    """What is wrong with the build that is to serve: its files, how many vectors it holds; it is not opened."""
    name = current_build(settings.builds, space)
    if not name:
        return []
    try:
        manifest, _ = written_build(settings.builds, space, name)
        require_counted(
            database, space, name, count=manifest.count, highest=manifest.highest_id, tombstone=manifest.last_tombstone
        )
    except BuildCorrupt as error:
        return [f"{error}, so it is not served; the rows answer. 'spinecho index --rebuild' mends it."]
    return []


def failure_facts(database: Database, *, reason: str | None, everything: bool) -> dict[str, Any]:
    """Rejections by reason with remedies, each file; reports without a study, out of search, of a guessed charset.

    reason: only of this code, in any case. Raises `QueryError` for one that does not exist.
    """
    reason = None if reason is None else _code_of(database, reason)
    found = not_indexed.failures(database, ignorable=everything or reason is not None, reason=reason)
    by_reason: dict[str, int] = {}
    for failure in found:
        by_reason[failure.reason] = by_reason.get(failure.reason, 0) + 1
    return {
        "by_reason": [
            {"reason": code, "files": n, "remedy": remedy_of(code)}
            for code, n in sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
        ],
        "failures": [dataclasses.asdict(failure) for failure in found],
        "reports_without_study": [dataclasses.asdict(report) for report in study_matching.unmatched_reports(database)],
        "reports_out_of_search": [dataclasses.asdict(report) for report in study_matching.withdrawn_reports(database)],
        "reports_charset_guessed": [dataclasses.asdict(report) for report in study_matching.guessed_reports(database)],
    }
