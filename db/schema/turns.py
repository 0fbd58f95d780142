"""Those who number what they add, as versions of one name, do so one after the other."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from spinecho.db.schema.models.base import Base


def in_turn(session: Session, table: type[Base]) -> None:
    """From here to the end of the transaction nobody else who asks for this table's turn reads or writes it.

    Before anything is read: two who read the same highest number would both give the next one.
    """
    if session.connection().dialect.name == "sqlite":
        session.execute(text(f"UPDATE {table.__tablename__} SET id = id WHERE 0"))  # noqa: S608  (takes the write lock)
    else:
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))
