"""Taking reports out of search and back: sentences and vectors exist only for reports that may be found.

No reader of sentences, vectors or full text has to think of versions, and none can forget to. What is taken out is
kept in `withdrawn_passages`; coming back needs neither the file nor an encoder. Everything here runs inside a
transaction that its caller has begun.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import Passage, Vector, WithdrawnPassage
from spinecho.db.vectors.tombstones import remove_vectors

_COLUMNS = ("report_id", "section", "ordinal", "start", "stop", "text", "assertion", "sides")


def withdraw(session: Session, reports: Sequence[int]) -> None:
    """Take the sentences of these reports out of search, by id; their vectors leave tombstones."""
    columns = [getattr(Passage, name) for name in _COLUMNS]
    for some in chunks(reports):
        mine = Passage.report_id.in_(some)
        kept = select(*columns, Vector.space_id, Vector.data).outerjoin(Vector, Vector.passage_id == Passage.id)
        kept = kept.where(mine).order_by(Passage.id)
        session.execute(insert(WithdrawnPassage).from_select([*_COLUMNS, "space_id", "data"], kept))
        remove_vectors(session, Vector.passage_id.in_(select(Passage.id).where(mine)))
        session.execute(delete(Passage).where(mine))


def reinstate(session: Session, reports: Sequence[int]) -> None:
    """Let the sentences of these reports be found again, with new ids, so that every index takes them for new."""
    columns = [getattr(WithdrawnPassage, name) for name in _COLUMNS]
    for some in chunks(reports):
        mine = WithdrawnPassage.report_id.in_(some)
        once = select(*columns).where(mine).distinct().order_by(WithdrawnPassage.report_id, WithdrawnPassage.ordinal)
        session.execute(insert(Passage).from_select(_COLUMNS, once))
        vectors = (
            select(WithdrawnPassage.space_id, Passage.id, WithdrawnPassage.data)
            .join(
                Passage,
                (Passage.report_id == WithdrawnPassage.report_id) & (Passage.ordinal == WithdrawnPassage.ordinal),
            )
            .where(mine, WithdrawnPassage.space_id.is_not(None))
            .order_by(Passage.id, WithdrawnPassage.space_id)
        )
        session.execute(insert(Vector).from_select(["space_id", "passage_id", "data"], vectors))
        session.execute(delete(WithdrawnPassage).where(mine))
