"""Training examples streamed from an indexed archive: the database says what there is, its files are read when asked.

There is no second copy of the archive: a volume is read in the sandbox, as indexing reads it, shrunk as training takes
it (half a megabyte at most), and kept in a cache of limited size, so that later epochs seldom touch the files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spinecho.db.files import file_index
from spinecho.db.keys import patient_key
from spinecho.db.queries.learning.training_rows import TrainingRow, training_rows
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.language.verbalise import KIND, verbalise
from spinecho.encoders.preparing.preparation import CompactPreparation, Prepared
from spinecho.encoders.reading.headers import FileFailure, Header
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.image_tasks import PreparedVolume, read_task, unpack_read
from spinecho.encoders.training.data.examples import Example, Facts
from spinecho.indexer.corpus.cache import VolumeCache

_EVERY = 64
"""Volumes read of a series when the sample that was stored of it does not hold the one looked for."""
_TRIES = 16
"""Examples that are tried in place of one that cannot be read, before the archive counts as gone."""
_SPEC = CompactPreparation().spec


@dataclass(frozen=True, slots=True)
class Unread:
    """A volume that could not be read, for people to look at."""

    key: str
    reason: str


class ArchiveExamples:
    """A home's volumes by number, in the order of study, series and volume.

    Safe to hand to reading processes of a loader: each opens the database and a sandbox of its own when it first
    reads. `facts` costs no reading. Where a file cannot be read, the next volume that can is given instead, with its
    own facts; `unread` lists what this process met.
    """

    def __init__(
        self,
        database: Location,
        cache: VolumeCache,
        *,
        source: str = "archive",
        keep: Callable[[Facts], bool] = lambda _: True,
    ) -> None:
        """keep: which volumes there are, by their facts. Raises StoreError for a database that cannot be opened."""
        self._path, self._cache = database, cache
        opened = Database.open(database, create=False)
        try:
            found = [(row, _facts(row, source)) for row in training_rows(opened)]
        finally:
            opened.close()
        chosen = [(row, facts) for row, facts in found if keep(facts)]
        self._rows = [row for row, _ in chosen]
        self.facts: tuple[Facts, ...] = tuple(facts for _, facts in chosen)
        self._series: dict[tuple[str, str], list[TrainingRow]] = defaultdict(list)
        for row in self._rows:
            self._series[row.study_uid, row.series_uid].append(row)
        self.unread: list[Unread] = []
        self._process = -1

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Example:
        """Raises ReadError where neither this volume nor the next ones can be read."""
        for step in range(min(_TRIES, len(self))):
            try:
                return self.read((number + step) % len(self))
            except ReadError as error:
                self.unread.append(Unread(self.facts[(number + step) % len(self)].key, str(error)))
                last = error
        raise ReadError(
            last.reason, f"{_TRIES} volumes in a row cannot be read ({last}); is the archive there? then index again"
        )

    def read(self, number: int) -> Example:
        """This volume and no other. Raises ReadError."""
        row, facts = self._rows[number], self.facts[number]
        prepared = self._cache.get(_cache_key(row)) or self._decoded(row)
        i, j, k = (float(mm) for mm in prepared.geometry)
        return Example(prepared.pixels, (i, j, k), facts)

    def _decoded(self, row: TrainingRow) -> Prepared:
        """From its files. The other volumes of its series, which are decoded along with it, go into the cache too."""
        database, sandbox = self._own()
        records = file_index.series_files(database, (row.study_uid, row.series_uid))
        headers = [Header.from_json(record.header, path=record.path) for record in records]
        if not headers:
            raise ReadError(Reason.UNREADABLE, "its files are gone from the index; run 'spinecho index' again")
        message = "its files no longer hold this volume; run 'spinecho index' again"
        reason = Reason.UNREADABLE
        for most in sorted({row.stored, _EVERY}):
            outcome = sandbox.run(read_task(headers, spec=_SPEC, max_volumes=most, seconds=120 + 0.5 * len(headers)))
            if outcome.failure is not None:
                raise ReadError(outcome.failure, f"{outcome.failure}: {outcome.detail}. {outcome.failure.remedy}")
            found = {}
            for item in unpack_read(outcome.messages):
                if isinstance(item, FileFailure):
                    reason, message = item.reason, f"{item.reason}: {item.message}"
                else:
                    found[item.key] = item
            self._keep(row, found)
            if row.key in found:
                return found[row.key].prepared
        raise ReadError(reason, message)

    def _keep(self, row: TrainingRow, found: dict[str, PreparedVolume]) -> None:
        for other in self._series[row.study_uid, row.series_uid]:
            if other.key in found:
                self._cache.put(_cache_key(other), found[other.key].prepared)

    def _own(self) -> tuple[Database, Sandbox]:
        """This process's own: neither connections nor children survive a fork."""
        if self._process != os.getpid():
            self._database = Database.open(self._path, create=False)
            self._sandbox = Sandbox()
            self._process = os.getpid()
        return self._database, self._sandbox

    def close(self) -> None:
        """End this process's readers."""
        if self._process == os.getpid():
            self._sandbox.close()
            self._database.close()
        self._process = -1


def _cache_key(row: TrainingRow) -> str:
    identity = [row.study_uid, row.series_uid, row.key, row.stamp, _SPEC]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _facts(row: TrainingRow, source: str) -> Facts:
    known = {
        "region": _known(row.region),
        "sequence": _known(row.sequence),
        "plane": _known(row.plane),
        "contrast": _known(row.contrast),
        "sex": row.sex,
    }
    key = f"{row.series_uid}/{row.key}"
    texts = tuple(("report", text) for text in row.reports if text.strip())
    if not texts:
        generator = np.random.default_rng(list(hashlib.sha256(key.encode()).digest()))
        words = verbalise({**known, "age_years": row.age_years}, generator)
        texts = ((KIND, words),) if words else ()
    fields = ("field_strength_t", "vendor", "b_value", "fat_suppressed", "dimensions")
    return Facts(
        key=key,
        study=row.study_uid,
        patient=patient_key(row.patient_id) or row.study_uid,
        source=source,
        age_years=row.age_years,
        texts=texts,
        labels={name: row.acquisition.get(name) for name in fields} | {"description": row.description},
        **known,
    )


def _known(value: str) -> str:
    return "" if value == "unknown" else value
