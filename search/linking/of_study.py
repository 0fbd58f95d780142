"""The groups of a study's series, from what is stored of it; remembered until something changes in the archive."""

from __future__ import annotations

import threading
from collections import OrderedDict

from spinecho.db.errors import Damaged
from spinecho.db.facts.snapshots import State, state_of
from spinecho.db.queries.stored_volumes import stored_volumes
from spinecho.db.schema.database import Database
from spinecho.search.linking.groups import SeriesGroup, groups_of
from spinecho.search.linking.scans import scans_of

MOST_FILES = 3_000
"""Of a study of more files one header a volume is read, so that no time is known: 0.2 ms a header."""
_REMEMBERED = 64
_lock = threading.Lock()
_known: OrderedDict[tuple[str, int, State], tuple[SeriesGroup, ...]] = OrderedDict()


def series_groups(database: Database, study_id: int) -> tuple[SeriesGroup, ...]:
    """Which series of the study belong together; none where a row of it is damaged, which checks tell."""
    with database.begin() as session:
        key = (str(database.location), study_id, state_of(session))
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    try:
        found = tuple(groups_of(scans_of(stored_volumes(database, study_id, most_files=MOST_FILES))))
    except (Damaged, ValueError):
        found = ()
    with _lock:
        _known[key] = found
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return found
