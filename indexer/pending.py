"""What is pending, read, encoded and stored: series with their volumes, and report files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from spinecho.db.files import file_index
from spinecho.db.schema import clean
from spinecho.db.schema.claims import Claims
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import FileRecord, NewPassage, NewSeries, NewVolume, Rejection, SpaceRecord
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.tasks.image_tasks import PreparedVolume, read_task
from spinecho.indexer.acquired_again import as_stored
from spinecho.indexer.deidentifying.door import Door
from spinecho.indexer.deidentifying.reports import named_report_task
from spinecho.indexer.executing.jobs import Encoded, Executor, Job, Reading, SeriesDone
from spinecho.indexer.facts_again import facts_of
from spinecho.indexer.progress import Progress, Tally
from spinecho.indexer.reports.parsing.reading_task import report_task
from spinecho.indexer.reports.store import is_long, store_report_file


@dataclass
class PendingFiles:
    """The steps of one run over what is pending, and what they share. `limit`: series to read, None for all."""

    database: Database
    sandbox: Sandbox
    executor: Executor
    """Who reads and encodes series; report files are read in `sandbox`."""
    dual: DualEncoder
    image: SpaceRecord
    text: SpaceRecord
    run: int
    max_volumes: int
    limit: int | None
    progress: Progress
    tally: Tally
    door: Door | None = None
    """What takes out of reports whose they are, in an archive that is de-identified."""
    report_columns: str = ""
    """See `given_columns.read_columns`."""
    claims: Claims = field(default_factory=Claims)
    _stored: dict[tuple[str, str], int] = field(default_factory=dict)
    """Volumes by the (study, series) that this run stored."""

    def index_series(self) -> int:
        """Read, encode and store every pending series, up to the limit; how many that were.

        What other processes have taken is waited for, and done here where they died.
        """
        ahead = file_index.count_pending_series(self.database)
        limit = ahead if self.limit is None else min(ahead, self.limit)
        self.progress.total("read", limit)
        done = 0
        while True:
            taken: list[str] = []
            done += self._take_series(limit - done, taken)
            if not taken or done >= limit:
                break
            self.claims.wait_for(taken[0])
        self.progress.advance("read", limit - done)  # those of others
        return done

    def take_series(self) -> int:
        """The same of those that nobody else has taken, without waiting for any."""
        return self._take_series(file_index.count_pending_series(self.database), [])

    def _take_series(self, limit: int, others: list[str]) -> int:
        """Those that are free; how many. others: gets the studies that somebody else has taken."""
        asked: deque[tuple[str, tuple[FileRecord, ...]]] = deque()
        begun = 0

        def jobs() -> Iterator[Job]:
            nonlocal begun
            for key in file_index.pending_series(self.database):
                if begun >= limit:
                    return
                if not self.claims.take(key[0]):
                    others.append(key[0])
                    continue
                records = file_index.series_files(self.database, key)
                if not any(record.state == "pending" for record in records):  # somebody did it meanwhile
                    self.claims.give_back(key[0])
                    continue
                begun += 1
                asked.append((key[0], records))
                yield self._job(records)

        for done in self.executor.run(jobs()):
            for stage, seconds in done.seconds.items():
                self.tally.seconds[stage] += seconds
            self._store(*asked.popleft(), done.series[0])
        return begun

    def index_reports(self) -> None:
        """Read and store every pending report file; a long one as it is read, so that memory stays flat.

        What other processes have taken is waited for, and done here where they died.
        """
        pending = file_index.pending_reports(self.database)
        self.progress.total("reports", len(pending))
        while pending := self._take_reports(pending):
            self.claims.wait_for(_of_file(pending[0]))

    def take_reports(self) -> int:
        """The same of those that nobody else has taken; how many."""
        pending = file_index.pending_reports(self.database)
        return len(pending) - len(self._take_reports(pending))

    def _take_reports(self, pending: Sequence[FileRecord]) -> tuple[FileRecord, ...]:
        """Those that are free; returns the others."""
        others: list[FileRecord] = []
        short: list[FileRecord] = []

        def taken(records: Iterable[FileRecord]) -> Iterator[FileRecord]:
            for record in records:
                if not self.claims.take(_of_file(record)):
                    others.append(record)
                elif file_index.is_pending(self.database, record.id):
                    yield record
                else:
                    self.claims.give_back(_of_file(record))

        def tasks() -> Iterator[Task]:
            for record in taken(record for record in pending if not is_long(record.path)):
                short.append(record)
                yield self._report_task(record)

        for number, outcome in enumerate(self.sandbox.map(tasks())):
            self._store_reports(short[number], [*outcome.messages, outcome], self.sandbox)
        for record in taken(record for record in pending if is_long(record.path)):
            self._store_reports(record, self.sandbox.stream(self._report_task(record)))
        return tuple(others)

    def _report_task(self, record: FileRecord) -> Task:
        if self.door is not None:
            return named_report_task(record.path, columns=self.report_columns)
        return report_task(record.path, columns=self.report_columns, digests=True)

    def _job(self, records: Sequence[FileRecord]) -> Job:
        headers = [Header.from_json(record.header, path=record.path) for record in records]
        task = read_task(
            headers,
            spec=self.dual.image.preparation.spec,
            max_volumes=self.max_volumes,
            seconds=120 + 0.5 * len(headers),
            digests=True,
        )
        return Job((Reading(task, apart=True),), "captions")

    def _store(self, study_uid: str, records: Sequence[FileRecord], done: SeriesDone) -> None:
        if away := sum(item.reason is Reason.AT_ITS_SOURCE for item in done.failures):
            self.tally.counts["out_of_reach"] += away  # what is stored of the series stays, and it is pending
            self.claims.give_back(study_uid)
            self.progress.advance("read")
            return
        with self.tally.timed("store"):
            ids = {record.path: record.id for record in records}
            read = done.encoded
            holders = {one.volume.key: one.volume.paths for one in read}
            new = [_new_volume(one, [ids[path] for path in _paths(one.volume, holders)]) for one in read]
            rejected = {
                ids[item.path]: Rejection(item.reason, item.reason.ignorable, item.message) for item in done.failures
            }
            if done.failure is not None:
                lost = Rejection(done.failure, done.failure.ignorable, done.detail)
                rejected = dict.fromkeys(ids.values(), lost)
            held = {path for one in read for path in one.volume.paths}
            study, facts = facts_of([record for record in records if record.path in held] or records[:1])
            digests = {ids[path]: digest for path, digest in done.digests.items()}
            try:
                storing.store_series(
                    self.database,
                    self.run,
                    NewSeries(study, facts, new, rejected, digests),
                    image_space=self.image.id,
                    text_space=self.text.id,
                )
            except clean.Unstorable as error:  # else it would stop this run, and every later one, here
                refused = Rejection(Reason.NOT_STORED, Reason.NOT_STORED.ignorable, str(error))
                file_index.reject(self.database, self.run, {file: rejected.get(file, refused) for file in ids.values()})
                new = []
            self.claims.give_back(study_uid)
            self._stored[study["uid"], facts["uid"]] = len(
                new
            )  # one that is read again, since a file of it gets its turn, is one
            self.tally.counts["series"] = sum(map(bool, self._stored.values()))
            self.tally.counts["volumes"] = sum(self._stored.values())
            self.progress.advance("read")

    def _store_reports(
        self, record: FileRecord, read: Iterable[Message | Outcome], free: Sandbox | None = None
    ) -> None:
        """Store what a report file gave, a page a transaction. free: processes that do not wait for it to be taken."""
        with self.tally.timed("reports"):
            through = read if self.door is None else self.door.reports(read, free, path=record.path)
            stored = store_report_file(
                self.database, self.run, record, through, self.dual.text, text_space=self.text.id
            )
        self.claims.give_back(_of_file(record))
        self.tally.counts.update(stored)
        self.progress.advance("reports")


def _of_file(record: FileRecord) -> str:
    """What a report file's claim is called."""
    return f"file {record.id}"


def _paths(item: PreparedVolume, holders: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The volume's files: a file of several volumes is named by the first, to which the others point."""
    return item.paths or holders.get(str(item.notes.get("files_of")), ())


def _new_volume(one: Encoded, files: Sequence[int]) -> NewVolume:
    item, parts = one.volume, one.parts
    described = NewPassage("header", 0, 0, len(one.words), one.words, "present", "", one.meaning)
    return NewVolume(
        key=item.key,
        acquisition=as_stored(item.acquisition),
        shape=item.shape,
        flags=item.flags,
        notes=item.notes,
        file_ids=tuple(sorted(set(files))),
        thumbnail=item.thumbnail,
        vector=parts.vector,
        caption=described,
        regions=parts.regions,
        predicted=parts.predicted,
    )
