"""Whether a server kept a transaction whose connection broke at its end: the server knows, and is asked."""

from __future__ import annotations

import time

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from spinecho.db.errors import Unsettled

_PATIENCE, _LOOK = 15.0, 0.1
"""Seconds for which a server that is being started anew is asked, and between two times."""


def number_of(session: Session) -> str:
    """What the server calls the transaction of a session; '' where it has written nothing, and in a file."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return ""
    return connection.scalar(text("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")) or ""


def was_kept(engine: Engine, number: str) -> bool:
    """Whether a transaction was committed. Raises `Unsettled` where nobody has said so after so many seconds."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with engine.connect() as connection:
                asked = text("SELECT pg_xact_status(CAST(:number AS xid8))")
                status = connection.scalar(asked, {"number": number})
            if status != "in progress":  # its process has not noticed yet that nobody is there any more
                return bool(status == "committed")
        except (DBAPIError, PoolTimeout):
            status = "no answer"
        if time.monotonic() >= end:
            raise Unsettled(
                f"the connection to the database broke while a change was being kept, and the server does not tell "
                f"whether it was ({status}): look before you make it again"
            )
        time.sleep(_LOOK)
