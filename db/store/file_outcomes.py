"""What reading a file came to, kept in the transaction that stores what it held: its digest, or why it is not in."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import Failure, File
from spinecho.db.values import Rejection


def keep_digests(session: Session, digests: Mapping[int, str]) -> None:
    """Keep the digests of files, by id."""
    if digests:
        rows = [{"id": file, "digest": digest} for file, digest in digests.items()]
        session.execute(update(File), rows)


def reject_in(session: Session, run: int, rejections: Mapping[int, Rejection]) -> None:
    """Mark files, by id, as rejected with their reasons."""
    for ids in chunks(list(rejections)):
        session.execute(delete(Failure).where(Failure.file_id.in_(ids)))
        session.execute(update(File).where(File.id.in_(ids)).values(state="rejected"))
    session.add_all(failure_row(file, rejection, run) for file, rejection in rejections.items())


def failure_row(file: int, rejection: Rejection, run: int) -> Failure:
    """The row that says why a file, or one report of it, is not in."""
    return Failure(
        file_id=file,
        ordinal=rejection.ordinal,
        reason=rejection.reason,
        ignorable=rejection.ignorable,
        message=rejection.message,
        run_id=run,
    )
