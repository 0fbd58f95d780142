"""Facts of studies from headers that are stored, for a database in which series do not say yet what their files say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from spinecho.db.schema.database import Database
from spinecho.db.store import study_facts
from spinecho.db.store.study_facts import SERIES_FIELDS, agree
from spinecho.db.values import FileRecord
from spinecho.encoders.reading.header_facts import series_facts_of, study_facts_of
from spinecho.encoders.reading.headers import Header


def derive_facts(database: Database) -> int:
    """Have every series say what its files say, and every study have its facts from there; how many series it was.

    No file is read. Series whose headers are not stored are pending afterwards, so that the next run reads them.
    """
    done = 0
    while page := study_facts.silent_series(database):
        by_series = {series: facts_of(records) if records else None for series, records in page.items()}
        study_facts.put_facts(database, by_series)
        done += len(page)
    return done


def facts_of(records: Iterable[FileRecord]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(study, series) as most of the files have it, whatever their order; UIDs are those of the first."""
    found = [Header.from_json(record.header, path=record.path) for record in records]
    studies = [dataclasses.asdict(study_facts_of(header)) for header in found]
    series = [dataclasses.asdict(series_facts_of(header)) for header in found]
    return (
        {"uid": found[0].study_uid, **agree(studies).facts},
        {"uid": found[0].series_uid, **agree(series, SERIES_FIELDS).facts},
    )
