"""Keeping what was scanned: a file whose values the database refuses costs itself, not its batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from spinecho.db.schema.clean import Unstorable, storable
from spinecho.db.values import Rejection, Scanned
from spinecho.encoders.errors import Reason


def keep(record: Callable[[Sequence[Scanned]], None], items: Sequence[Scanned]) -> None:
    """Hand the items to `record`, which stores them in one transaction; by halves where that is refused."""
    try:
        with storable():
            record(items)
        return
    except Unstorable:
        if len(items) == 1:
            record([_refused(items[0])])
            return
    half = len(items) // 2
    keep(record, items[:half])
    keep(record, items[half:])


def _refused(item: Scanned) -> Scanned:
    reason = Reason.NOT_STORED
    failure = Rejection(reason, reason.ignorable, "the database refuses a value of its header")
    return dataclasses.replace(
        item, kind="other", study_uid=None, series_uid=None, sop_uid=None, header=None, failure=failure
    )
