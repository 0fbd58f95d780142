"""What status and failures tell, as plain facts for a table or a script."""

from __future__ import annotations

import dataclasses
from typing import Any

from db import archive, ledger, lookup, matching, predictions
from db.build import builds_newest_first
from db.database import HEAD, Database
from encoders.errors import Reason
from encoders.registry import about
from ui.settings import Settings


def status_facts(database: Database, settings: Settings) -> dict[str, Any]:
    """Counts by stage and reason, seconds by stage of the last run, encoders and builds."""
    counts = ledger.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in counts.items() if name.startswith("reason:")}
    spaces = {}
    for role in ("image", "text"):
        space = archive.serving(database, role)
        if space is not None:
            builds = builds_newest_first(settings.builds, space)
            spaces[role] = {
                "encoder": space.encoder,
                "about": about(space.encoder),
                "model": space.model,
                "dim": space.dim,
                "build": builds[0] if builds else None,
            }
    return {
        "home": str(settings.home),
        "schema": HEAD,
        "files": {name: n for name, n in counts.items() if not name.startswith("reason:")},
        "reasons": reasons,
        "not_read": ledger.messages_of(database, Reason.NOT_READ),
        "noise": ledger.messages_of(database, Reason.UNSUPPORTED_TYPE),
        "archive": archive.archive_counts(database),
        "pending_series": ledger.count_pending_series(database),
        "predicted": predictions.prediction_counts(database),
        "facets": lookup.facets(database, ["body_region", "sequence"], smallest=settings.smallest_count),
        "spaces": spaces,
        "last_run": ledger.last_run(database),
    }


def remedy_of(code: str) -> str:
    """What can be done about a reason; '' for one of another version."""
    return Reason(code).remedy if code in set(Reason) else ""


def failure_facts(database: Database, *, reason: str | None, everything: bool) -> dict[str, Any]:
    """Rejections by reason with remedies, each file; reports without a study, out of search, of a guessed charset."""
    found = ledger.failures(database, ignorable=everything or reason is not None, reason=reason)
    by_reason: dict[str, int] = {}
    for failure in found:
        by_reason[failure.reason] = by_reason.get(failure.reason, 0) + 1
    return {
        "by_reason": [
            {"reason": code, "files": n, "remedy": remedy_of(code)}
            for code, n in sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
        ],
        "failures": [dataclasses.asdict(failure) for failure in found],
        "reports_without_study": [dataclasses.asdict(report) for report in matching.unmatched_reports(database)],
        "reports_out_of_search": [dataclasses.asdict(report) for report in matching.withdrawn_reports(database)],
        "reports_charset_guessed": [dataclasses.asdict(report) for report in matching.guessed_reports(database)],
    }
