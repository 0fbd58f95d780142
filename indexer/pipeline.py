"""discover -> group -> read -> encode -> store: from an archive to rows, vectors and an index build.

Reading runs ahead in child processes while this process encodes and stores. Every series is one transaction, so a
run that was killed goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

from db import archive, ledger
from db.build import build_index, pack
from db.database import Database
from db.facts.files import make_snapshot
from db.served import ServedSpace
from db.values import FileRecord, NewPassage, NewReport, NewSeries, NewVolume, Rejection, Role, SpaceRecord
from encoders.dual import DualEncoder
from encoders.errors import Reason
from encoders.image.codecs import codecs_at_hand
from encoders.image.series import FileFailure, Header
from encoders.image.tasks import PreparedVolume, read_task, unpack_read
from encoders.sandbox import Outcome, Sandbox, Task
from encoders.space import Space, require_same
from indexer.caption import caption
from indexer.discovery import discover, settle_collisions
from indexer.parts import Parts, parts_of
from indexer.progress import Kept, Progress, Silent, Tally
from indexer.reports.tasks import BadReport, ParsedReport, report_task, unpack_reports
from indexer.torn import join_torn_series

_REPORT_PAGE = 200
_STALE_SHARE, _STALE_LEAST = 0.05, 1000


@dataclass(frozen=True, slots=True)
class Options:
    """How to index; see the command's help."""

    workers: int = 2
    max_volumes: int = 8
    limit: int | None = None
    retry: bool = False
    again: bool = False
    prune: bool = False
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. `mendable` rejections are those that somebody could do something about."""

    run: int
    counts: dict[str, int]
    reasons: dict[str, int]
    mendable: int
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()


def index_archive(
    database: Database,
    builds: Path,
    roots: Sequence[Path],
    open_dual: Callable[[], DualEncoder],
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    skip: Path | None = None,
) -> Summary:
    """Index what lies below the roots; the encoders are opened only when there is something to encode.

    `skip` is a folder below a root that is not part of the archive. Raises `SpaceMismatch` where the database was made
    with another encoder: nothing is lost, what was found stays pending.
    """
    options, progress, tally = options or Options(), progress or Silent(), Tally()
    run = ledger.start_run(database, [str(root) for root in roots])
    progress = Kept(lambda stages: ledger.tell_run(database, run, stages), progress)
    warnings = _check_codecs(database)
    with Sandbox(workers=options.workers) as sandbox:
        for root in roots:
            discover(
                database,
                sandbox,
                root,
                run=run,
                retry=options.retry,
                again=options.again,
                prune=options.prune,
                skip=skip,
                tally=tally,
                progress=progress,
            )
        tally.counts["joined"] += join_torn_series(database)
        if ledger.count_pending_series(database) or ledger.pending_reports(database):
            dual = open_dual()
            image = _space(database, "image", dual.image.space, dual.name)
            text = _space(database, "text", dual.text.space, dual.name)
            work = _Work(database, sandbox, dual, image, text, run, options, progress, tally)
            work.index_series()
            while settle_collisions(database, run):
                work.index_series()
            work.index_reports()
    counts = archive.match_reports(database)
    tally.counts.update({f"reports_{match}": n for match, n in counts.items()})
    if options.rebuild or any(tally.counts[done] for done in ("series", "reports", "pruned")):
        with tally.timed("build"):
            warnings += _refresh_builds(database, builds, force=options.rebuild)
    tally.counts["pending"] += ledger.count_pending_series(database)
    seconds = {stage: round(value, 3) for stage, value in tally.seconds.items()} | {"wall": round(tally.wall(), 3)}
    ledger.finish_run(database, run, counts=tally.counts, seconds=seconds)
    if options.rebuild or any(tally.counts[done] for done in ("series", "reports", "pruned")):
        make_snapshot(database, builds)
    rejected = ledger.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in rejected.items() if name.startswith("reason:")}
    mendable = sum(n for reason, n in reasons.items() if not Reason(reason).ignorable)
    return Summary(run, dict(tally.counts), reasons, mendable, seconds, tuple(warnings))


@dataclass
class _Work:
    """What the steps of one run share."""

    database: Database
    sandbox: Sandbox
    dual: DualEncoder
    image: SpaceRecord
    text: SpaceRecord
    run: int
    options: Options
    progress: Progress
    tally: Tally

    def index_series(self) -> None:
        """Read, encode and store every pending series, up to the limit."""
        ahead = ledger.count_pending_series(self.database)
        limit = ahead if self.options.limit is None else min(ahead, self.options.limit)
        self.progress.total("read", limit)
        files: dict[int, tuple[FileRecord, ...]] = {}

        def tasks() -> Iterator[Task]:
            for number, key in enumerate(ledger.pending_series(self.database)):
                if number >= limit:
                    return
                files[number] = ledger.series_files(self.database, key)
                yield self._task(files[number])

        waiting: list[tuple[tuple[FileRecord, ...], list[PreparedVolume | FileFailure]]] = []
        for number, outcome in enumerate(self.sandbox.map(tasks())):
            self.tally.seconds["read"] += outcome.seconds
            records = files.pop(number)
            waiting.append((records, self._items(records, outcome)))
            if sum(len(items) for _, items in waiting) >= self.dual.image.batch:
                self._store(waiting)
                waiting.clear()
        self._store(waiting)

    def index_reports(self) -> None:
        """Read and store every pending report file."""
        pending = ledger.pending_reports(self.database)
        self.progress.total("reports", len(pending))
        for record, outcome in zip(
            pending, self.sandbox.map(report_task(record.path) for record in pending), strict=True
        ):
            with self.tally.timed("reports"):
                self._store_reports(record, outcome)
            self.progress.advance("reports")

    def _task(self, records: Sequence[FileRecord]) -> Task:
        headers = [Header.from_json(record.header, path=record.path) for record in records]
        return read_task(
            headers,
            spec=self.dual.image.preparation.spec,
            max_volumes=self.options.max_volumes,
            seconds=120 + 0.5 * len(headers),
        )

    def _items(self, records: Sequence[FileRecord], outcome: Outcome) -> list[PreparedVolume | FileFailure]:
        """The series' volumes and failures; where its process died, without the files that make it die."""
        if outcome.failure is None:
            return unpack_read(outcome.messages)
        alone = {record.path: self.sandbox.run(self._task([record])) for record in records}
        culprits = {path: each for path, each in alone.items() if each.failure is not None}
        if not culprits:
            culprits = {record.path: outcome for record in records}
        rest = [record for record in records if record.path not in culprits]
        failed: list[PreparedVolume | FileFailure] = [
            FileFailure(path, each.failure or Reason.READ_CRASHED, each.detail) for path, each in culprits.items()
        ]
        if not rest:
            return failed
        again = self.sandbox.run(self._task(rest))
        if again.failure is not None:
            return failed + [FileFailure(record.path, again.failure, again.detail) for record in rest]
        return failed + unpack_read(again.messages)

    def _store(self, series: Sequence[tuple[tuple[FileRecord, ...], list[PreparedVolume | FileFailure]]]) -> None:
        volumes = [item for _, items in series for item in items if isinstance(item, PreparedVolume)]
        with self.tally.timed("encode"):
            parts = iter(parts_of(self.dual, [volume.prepared for volume in volumes]))
            words = [caption(v.acquisition, series=v.series.description, study=v.study.description) for v in volumes]
            meanings = iter(zip(words, self.dual.text.encode(words), strict=True))
        with self.tally.timed("store"):
            for records, items in series:
                ids = {record.path: record.id for record in records}
                read = [item for item in items if isinstance(item, PreparedVolume)]
                holders = {item.key: item.paths for item in read}
                new = [
                    _new_volume(item, [ids[path] for path in _paths(item, holders)], next(parts), *next(meanings))
                    for item in read
                ]
                rejected = {
                    ids[item.path]: Rejection(item.reason, item.reason.ignorable, item.message)
                    for item in items
                    if isinstance(item, FileFailure)
                }
                study, facts = _facts(read, records)
                archive.store_series(
                    self.database,
                    self.run,
                    NewSeries(study, facts, new, rejected),
                    image_space=self.image.id,
                    text_space=self.text.id,
                )
                self.tally.counts["series"] += bool(new)
                self.tally.counts["volumes"] += len(new)
                self.progress.advance("read")

    def _store_reports(self, record: FileRecord, outcome: Outcome) -> None:
        items = unpack_reports(outcome.messages)
        rejections = [_report_rejection(item) for item in items if isinstance(item, BadReport)]
        if outcome.failure is not None:
            rejections.append(Rejection(outcome.failure, False, outcome.detail))
        elif not items:
            rejections.append(Rejection(Reason.BAD_REPORT, False, "the file holds no report"))
        parsed = [item for item in items if isinstance(item, ParsedReport)]
        pages = [parsed[at : at + _REPORT_PAGE] for at in range(0, len(parsed), _REPORT_PAGE)] or [[]]
        for number, page in enumerate(pages):
            archive.store_reports(
                self.database,
                self.run,
                record.id,
                self._new_reports(page),
                rejections if number == 0 else (),
                text_space=self.text.id,
                first=number == 0,
                last=number == len(pages) - 1,
            )
        self.tally.counts["reports"] += len(parsed)

    def _new_reports(self, page: Sequence[ParsedReport]) -> list[NewReport]:
        sentences = [sentence for report in page for sentence in report.passages]
        vectors = iter(self.dual.text.encode([sentence[4] for sentence in sentences]))
        return [
            NewReport(
                report.ordinal,
                report.accession_number,
                report.study_uid,
                report.text,
                [NewPassage(*sentence, vector=pack(next(vectors))) for sentence in report.passages],
            )
            for report in page
        ]


def _check_codecs(database: Database) -> list[str]:
    """Name the codecs that are not installed; what waited for one that now is gets its turn."""
    said = []
    for distribution, present in codecs_at_hand().items():
        if present:
            ledger.reopen_rejected(database, reason=Reason.NEEDS_CODEC, message=distribution)
        else:
            said.append(f"{distribution} is not installed: files that need it will be rejected as NEEDS_CODEC")
    return said


def _space(database: Database, role: Role, space: Space, encoder: str) -> SpaceRecord:
    served = archive.serving(database, role)
    if served is None:
        return archive.serve(database, role, encoder=encoder, **dataclasses.asdict(space))
    stored = Space(served.model, served.revision, served.preprocessing, served.dim)
    require_same(stored, space, role=role, encoder=served.encoder)
    return served


def _refresh_builds(database: Database, builds: Path, *, force: bool) -> list[str]:
    """Build anew where there is no sound build, or where much has changed since the one there is."""
    said: list[str] = []
    for role in get_args(Role):
        space = archive.serving(database, role)
        if space is None:
            continue
        served = ServedSpace(database, builds, space)
        least = max(_STALE_LEAST, int(_STALE_SHARE * len(served)))
        stale = served.build is None or served.newer_than_build + served.dropped > least
        if len(served) and (force or stale or served.warnings):
            build_index(database, builds, space)
            said += [f"{warning}; it was built anew" for warning in served.warnings]
    return said


def _paths(item: PreparedVolume, holders: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The volume's files: a file of several volumes is named by the first, to which the others point."""
    return item.paths or holders.get(str(item.notes.get("files_of")), ())


def _new_volume(item: PreparedVolume, files: Sequence[int], parts: Parts, words: str, meaning: Any) -> NewVolume:
    told = NewPassage("header", 0, 0, len(words), words, "present", "", pack(meaning))
    acquisition = dataclasses.asdict(item.acquisition)
    if acquisition["spacing_mm"] is not None:
        acquisition["spacing_mm"] = list(acquisition["spacing_mm"])
    return NewVolume(
        key=item.key,
        acquisition=acquisition,
        shape=item.shape,
        flags=item.flags,
        notes=item.notes,
        file_ids=tuple(sorted(set(files))),
        thumbnail=item.thumbnail,
        vector=parts.vector,
        caption=told,
        regions=parts.regions,
        predicted=parts.predicted,
    )


def _facts(read: Sequence[PreparedVolume], records: Sequence[FileRecord]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Study and series as the first volume tells them; where none was read, the UIDs alone."""
    if read:
        study = dataclasses.asdict(read[0].study)
        study["date"] = date.fromisoformat(study["date"]) if study["date"] else None
        return study, dataclasses.asdict(read[0].series)
    header = Header.from_json(records[0].header, path=records[0].path)
    return {"uid": header.study_uid}, {"uid": header.series_uid}


def _report_rejection(item: BadReport) -> Rejection:
    return Rejection(item.reason, item.reason.ignorable, item.message, item.ordinal)
