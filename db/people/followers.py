"""What people made of studies follows these when their UIDs change: thumbs, and the members of frozen lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, aliased

from spinecho.db.schema.models import CohortMember, Feedback, File

_KEYS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (CohortMember, ("version_id",)),
    (Feedback, ("user", "query_key")),
)
"""Tables that name a study by its UID, and what a row is of beside it."""


def follow_studies(session: Session, renamed: Mapping[str, str]) -> None:
    """Let them follow, new UID by old one, where no file of the old study is left; what the new one has stays."""
    for old, new in sorted(renamed.items()):
        if session.scalar(select(File.id).where(File.study_uid == old).limit(1)) is not None:
            continue
        for table, key in _KEYS:
            has = aliased(table)
            same = [getattr(has, name) == getattr(table, name) for name in key]
            twice = select(has.study_uid).where(has.study_uid == new, *same).exists()
            mine = table.study_uid == old
            session.execute(delete(table).where(mine, twice).execution_options(synchronize_session=False))
            session.execute(
                update(table).where(mine).values(study_uid=new).execution_options(synchronize_session=False)
            )
