"""Since when files are gone, run after run of `watch`: a file that is back starts anew when it goes again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from sqlalchemy import delete, select

from spinecho.db.files.passing import count_minutes
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Upkeep
from spinecho.steady import Moment

_PREFIX = "gone:"
_MINUTE = 60.0


def gone_for(database: Database, paths: Sequence[str], *, now: Moment) -> dict[str, float]:
    """Seconds (whole minutes) since each of these paths was first said to be gone, 0 where it was not said before.

    These are all that are gone now: what was kept of others is dropped.
    """
    names = {_PREFIX + hashlib.sha256(os.fsencode(path)).hexdigest()[:40]: path for path in paths}
    with database.begin() as session:
        minute = count_minutes(session, now)
        query = select(Upkeep.name, Upkeep.number).where(Upkeep.name.startswith(_PREFIX, autoescape=True))
        kept = {str(name): int(since) for name, since in session.execute(query)}
        for some in chunks([name for name in kept if name not in names]):
            session.execute(delete(Upkeep).where(Upkeep.name.in_(some)))
        session.add_all(Upkeep(name=name, number=minute) for name in names if name not in kept)
    return {path: _MINUTE * max(0, minute - kept.get(name, minute)) for name, path in names.items()}
