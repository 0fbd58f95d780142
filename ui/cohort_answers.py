"""What pages show of a cohort that is counted, frozen or run again, as JSON values: the same from whichever process."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from spinecho.errors import QueryError
from spinecho.search.access.cohorts import PersonalCohorts, list_digest
from spinecho.search.cohorts.attrition import Follow
from spinecho.search.cohorts.definition import Definition
from spinecho.ui.cohort_facts import count_facts


class ListChanged(QueryError):
    """The archive changed since a list was counted, and the list with it."""


def counted(cohorts: PersonalCohorts, definition: Definition, follow: Follow | None = None) -> dict[str, Any]:
    """count: see `count_facts`; studies: the UIDs that are left; digest: of their list; beside: by fact a row a value
    (value, studies of the cohort, studies of the archive).
    """
    found = cohorts.count(definition, follow=follow)
    beside = cohorts.compared(found) if found.members else {}
    return {
        "count": count_facts(found, cohorts.smallest), "studies": [one.study_uid for one in found.members],
        "digest": list_digest(found.members),
        "beside": {name: [[one.value, one.shown, one.total] for one in some] for name, some in beside.items()},
    }  # fmt: skip


def frozen_as_seen(
    cohorts: PersonalCohorts, definition: Definition, digest: str, follow: Follow | None = None
) -> dict[str, Any]:
    """Keep the list that a definition gives now; digest: of the list that was looked at.

    Raises `ListChanged` where they are not the same, and what freezing raises.
    """
    found = cohorts.count(definition, follow=follow)
    if list_digest(found.members) != digest:
        raise ListChanged(
            "studies came or went since this list was counted, and it is no longer the one that you saw: look at it "
            "again, then freeze it"
        )
    made = cohorts.freeze(found)
    return {"name": made.name, "number": made.number}


def frozen_already(
    cohorts: PersonalCohorts, name: str, digest: str, *, owner: str, since: float
) -> dict[str, Any] | None:
    """The newest version of a name where it is that list and `owner` froze it since then (seconds since 1970)."""
    newest = max((one for one in cohorts.versions() if one.name == name), key=lambda one: one.number, default=None)
    if newest is None or newest.made_with.get("frozen_by") != owner:
        return None
    if newest.created_at.replace(tzinfo=UTC).timestamp() < int(since):  # which is kept in whole seconds
        return None
    same = list_digest(cohorts.members(name, newest.number)) == digest
    return {"name": name, "number": newest.number} if same else None


def changed(cohorts: PersonalCohorts, name: str, number: int, follow: Follow | None = None) -> dict[str, Any]:
    """A version against the archive as it is now: (study UID, why) of each that was added, removed and moved."""
    _, changes = cohorts.rerun(name, number, follow=follow)
    rows = {
        kind: [[one.study_uid, one.why] for one in some]
        for kind, some in (("added", changes.added), ("removed", changes.removed), ("moved", changes.moved))
    }
    return {**rows, "kept": changes.kept, "definition": list(changes.definition)}
