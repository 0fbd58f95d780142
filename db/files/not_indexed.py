"""What is told of files that are not in the index, and why."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Failure, File, Folder
from spinecho.db.values import FailureRecord


def failures(database: Database, *, ignorable: bool = True, reason: str | None = None) -> tuple[FailureRecord, ...]:
    """Every rejection by path, with those that need no mending when `ignorable`."""
    query = (
        select(Folder.path, File.name, Failure.ordinal, Failure.reason, Failure.ignorable, Failure.message)
        .join(File, File.id == Failure.file_id)
        .join(Folder, Folder.id == File.folder_id)
        .order_by(Folder.path, File.name, Failure.ordinal)
    )
    if not ignorable:
        query = query.where(Failure.ignorable.is_(False))
    if reason:
        query = query.where(Failure.reason == reason)
    with database.begin() as session:
        return tuple(
            FailureRecord(clean.stored_path(str(Path(row[0]) / row[1])), *row[2:]) for row in session.execute(query)
        )


def file_counts(database: Database) -> dict[str, int]:
    """Files by state and reason: `files`, `pending`, `indexed`, `rejected`, and `reason:CODE` for each code."""
    with database.begin() as session:
        states = {row[0]: row[1] for row in session.execute(select(File.state, func.count()).group_by(File.state))}
        reasons = session.execute(select(Failure.reason, func.count()).group_by(Failure.reason))
        counts = {"files": sum(states.values())}
        counts |= {state: states.get(state, 0) for state in ("pending", "indexed", "rejected")}
        return counts | {f"reason:{reason}": n for reason, n in sorted((row[0], row[1]) for row in reasons)}


def messages_of(database: Database, reason: str) -> dict[str, int]:
    """Files rejected for a reason, by its message: only for reasons whose messages are few."""
    query = select(Failure.message, func.count()).where(Failure.reason == reason).group_by(Failure.message)
    with database.begin() as session:
        found = [(str(message), int(n)) for message, n in session.execute(query)]
    return dict(sorted(found, key=lambda one: (-one[1], one[0])))
