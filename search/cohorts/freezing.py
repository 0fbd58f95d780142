"""Freeze an evaluation, and run a frozen definition again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from spinecho.db.people.cohorts import CohortError, Frozen, cohorts, freeze, members_of
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.vectors.manifest import current_build
from spinecho.search.cohorts.attrition import Evaluation, Follow, evaluate, notes_shown
from spinecho.search.cohorts.balance import masked_balance
from spinecho.search.cohorts.definition import Definition, from_plain, to_plain
from spinecho.search.cohorts.list_changes import Changes, since
from spinecho.search.likeness import Likeness


def keep(database: Database, builds: Path, found: Evaluation, *, owner: str) -> Frozen:
    """Keep the list as a new version of the cohort of the definition's name. Raises `CohortError` for an empty list."""
    if not found.members:
        raise CohortError("no study is left, so there is nothing to freeze; see which line leaves none")
    name = found.definition.name
    before = [one for one in cohorts(database) if one.name == name]
    salt = before[-1].made_with.get("salt") if before else None
    return freeze(
        database,
        name=name,
        description=found.definition.description,
        owner=owner,
        definition=to_plain(found.definition),
        attrition=found.attrition,
        made_with={
            **made_with(database, builds),
            "highest_study": int(found.roster.ids.max(initial=0)),  # of when it was counted: later ones are new to it
            **({"balance": [one.plain() for one in found.balance]} if found.balance else {}),
            "notes": [list(note) for note in found.notes],
            "salt": salt or secrets.token_hex(16),
        },
        members=found.members,
    )


def shown_making(version: Frozen, smallest: int) -> dict[str, Any]:
    """What a version was made with, as it may be shown: without its secret, with small counts hidden."""
    making = {key: value for key, value in version.made_with.items() if key not in ("salt", "balance", "notes")}
    if notes := version.made_with.get("notes"):
        making["notes"] = list(notes_shown(notes, smallest))
    return making


def balance_of(version: Frozen, smallest: int) -> list[dict[str, Any]]:
    """How alike cases and controls were, see `masked_balance`; nothing for a version without matching."""
    return masked_balance(version.made_with.get("balance") or [], smallest)


def defined_by(version: Frozen) -> Definition:
    """The definition that a version was counted by."""
    return from_plain(version.definition, name=version.name)


def again(
    database: Database, selection: Selection, version: Frozen, likeness: Callable[[], Likeness],
    follow: Follow | None = None,
) -> tuple[Evaluation, Changes]:  # fmt: skip
    """The definition of a version against the archive as it is now, and what that changes."""
    definition = defined_by(version)
    now = evaluate(definition, database, selection, likeness, follow)
    members = members_of(database, version.name, version.number)
    return now, since(version, members, now, to_plain(definition))


def made_with(database: Database, builds: Path) -> dict[str, Any]:
    """What a list depends on: software, encoders and builds that answer now."""
    found: dict[str, Any] = {"spinecho": installed("spinecho")}
    for role in ("image", "text"):
        record = storing.serving(database, role)
        if record is not None:
            found[role] = {
                "encoder": record.encoder,
                "model": record.model,
                "revision": record.revision,
                "preprocessing": record.preprocessing,
                "build": current_build(builds, record),
            }
    return found
