"""Taking vectors out of a space: each leaves a tombstone, so that every build that holds it knows.

Everything here runs inside a transaction that its caller has begun.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from spinecho.db.schema.models import Tombstone, Vector


def remove_vectors(session: Session, where: Any) -> None:
    """Remove the vectors that the condition names, each with a tombstone."""
    doomed = select(Vector.space_id, Vector.id).where(where)
    session.execute(insert(Tombstone).from_select(["space_id", "vector_id"], doomed))
    session.execute(delete(Vector).where(where))
