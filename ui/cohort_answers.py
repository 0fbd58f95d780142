"""Cohorts that are counted, frozen or run again, as JSON values for pages and the API: the same from any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from spinecho.db.people.cohorts import Frozen
from spinecho.errors import QueryError
from spinecho.search.access.cohorts import PersonalCohorts, list_digest
from spinecho.search.cohorts.attrition import Evaluation, Follow
from spinecho.search.cohorts.definition import Definition
from spinecho.ui.cohort_facts import change_facts, count_facts, definition_of, version_facts


@dataclass(frozen=True)
class Begun:
    """Of work that is begun anew, since its process died: whose it is, since when (seconds since 1970)."""

    owner: str
    since: float


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


def frozen_already(cohorts: PersonalCohorts, name: str, digest: str, begun: Begun) -> Frozen | None:
    """The newest version of a name where it is that list, frozen by the one whose work it was, since it was begun."""
    newest = max((one for one in cohorts.versions() if one.name == name), key=lambda one: one.number, default=None)
    if newest is None or newest.made_with.get("frozen_by") != begun.owner:
        return None
    if newest.created_at.replace(tzinfo=UTC).timestamp() < int(begun.since):  # which is kept in whole seconds
        return None
    same = list_digest(cohorts.members(name, newest.number)) == digest
    return newest if same else None


def changed(cohorts: PersonalCohorts, name: str, number: int, follow: Follow | None = None) -> dict[str, Any]:
    """A version against the archive as it is now: (study UID, why) of each that was added, removed and moved."""
    _, changes = cohorts.rerun(name, number, follow=follow)
    rows = {
        kind: [[one.study_uid, one.why] for one in some]
        for kind, some in (("added", changes.added), ("removed", changes.removed), ("moved", changes.moved))
    }
    return {**rows, "kept": changes.kept, "definition": list(changes.definition)}


@dataclass(frozen=True)
class Asks:
    """A request of the API. arguments: `toml` or `definition` of a cohort, or `name` and `version` of a kept one.

    patients: whether who asks may hear whose studies these are. follow: as for `PersonalCohorts.count`.
    """

    cohorts: PersonalCohorts
    arguments: Mapping[str, Any]
    patients: bool
    follow: Follow | None = None
    begun: Begun | None = None


def asked_count(asks: Asks) -> dict[str, Any]:
    """What each line of a definition leaves."""
    return count_facts(_counted(asks), asks.cohorts.smallest)


def asked_freeze(asks: Asks) -> dict[str, Any]:
    """The version that a definition is kept as."""
    found = _counted(asks)
    return _kept(asks, found) | {"count": count_facts(found, asks.cohorts.smallest)}


def asked_changes(asks: Asks) -> dict[str, Any]:
    """A version's definition against the archive as it is now."""
    return _rerun(asks)[1]


def asked_rerun(asks: Asks) -> dict[str, Any]:
    """The same, kept as the next version."""
    found, facts = _rerun(asks)
    return facts | {"frozen": _kept(asks, found)}


def _counted(asks: Asks) -> Evaluation:
    given = asks.arguments
    return asks.cohorts.count(definition_of(given.get("toml"), given.get("definition")), follow=asks.follow)


def _rerun(asks: Asks) -> tuple[Evaluation, dict[str, Any]]:
    name, number = str(asks.arguments["name"]), int(asks.arguments["version"])
    now, changes = asks.cohorts.rerun(name, number, follow=asks.follow)
    facts = change_facts(changes, patients=asks.patients)
    return now, facts | {"count": count_facts(now, asks.cohorts.smallest)}


def _kept(asks: Asks, found: Evaluation) -> dict[str, Any]:
    """The list as a version: what a process that died kept already, or the next one."""
    cohorts, name, done = asks.cohorts, found.definition.name, None
    if asks.begun is not None:
        digest = list_digest(found.members)
        done = frozen_already(cohorts, name, digest, asks.begun)
    return version_facts(done or cohorts.freeze(found), cohorts.smallest)
