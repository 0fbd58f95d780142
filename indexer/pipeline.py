"""discover -> group -> read -> encode -> store: from an archive to rows, vectors and an index build.

Reading runs ahead in child processes while this process encodes and stores. Every series is one transaction, so a
run that was killed goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from spinecho.db.errors import PruneRefused, RootMissing
from spinecho.db.files import file_index, not_indexed, runs
from spinecho.db.files.roots import ArchiveName, name_archives
from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.store.erasing import erase_traces
from spinecho.db.store.study_facts import disagreements
from spinecho.db.values import FileRecord, NewPassage, NewSeries, NewVolume, Rejection, Role, SpaceRecord
from spinecho.db.vectors.build import pack
from spinecho.db.vectors.kept_up import refresh_builds, refresh_snapshot
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.dicom.codecs import codecs_at_hand
from spinecho.encoders.reading.headers import FileFailure, Header
from spinecho.encoders.reading.other_files import READER
from spinecho.encoders.sandbox.image_tasks import PreparedVolume, read_task, unpack_digests, unpack_read
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.space import Space, require_stored
from spinecho.indexer.caption import caption
from spinecho.indexer.discovery import Walked, discover, settle_collisions, settle_missing
from spinecho.indexer.facts_again import derive_facts, facts_of
from spinecho.indexer.moves import settle_moves, verify_files
from spinecho.indexer.parts import Parts, parts_of
from spinecho.indexer.progress import Kept, Progress, Silent, Tally
from spinecho.indexer.reports.derive import settle_reports
from spinecho.indexer.reports.parsing.reading_task import report_task
from spinecho.indexer.reports.rereading import read_again
from spinecho.indexer.reports.store import GUESSED, is_long, store_report_file
from spinecho.indexer.sources.folder import outermost
from spinecho.indexer.torn_series import join_torn_series

_IGNORABLE = frozenset(reason for reason in Reason if reason.ignorable)


@dataclass(frozen=True, slots=True)
class Options:
    """How to index; see the command's help."""

    workers: int = 2
    max_volumes: int = 8
    limit: int | None = None
    retry: bool = False
    again: bool = False
    prune: bool = False
    yes: bool = False
    """Prune even where most of an archive is gone."""
    verify: bool = False
    """Look at the bytes of files whose size and time have not changed."""
    rebuild: bool = False
    follow_links: bool = False
    """Go where links lead out of the folders."""
    memory_mb: int | None = None
    """Of a reading process; None for what the environment says."""


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
    with another encoder: nothing is lost, what was found stays pending. Raises `RootMissing` for a root that is not
    there, before anything is done, and `PruneRefused`, see `settle_missing`, once all but the forgetting is done.
    """
    options, progress, tally = options or Options(), progress or Silent(), Tally()
    require_roots(roots)
    archives = name_archives(database, [str(root) for root in roots], is_there=os.path.isdir)
    derive_facts(database)
    read_again(database, lambda: open_dual().text)
    run = runs.start_run(database, [str(root) for root in roots], reader=READER)
    progress = Kept(lambda stages: runs.tell_run(database, run, stages), progress)
    warnings = _check_codecs(database)
    with Sandbox(workers=options.workers, memory_mb=options.memory_mb) as sandbox:
        refused = _find(database, sandbox, outermost(roots), archives, options, run, skip, tally, progress)
        tally.counts["joined"] += join_torn_series(database)
        if file_index.count_pending_series(database) or file_index.pending_reports(database):
            dual = open_dual()
            image = _space(database, "image", dual.image.space, dual.name)
            text = _space(database, "text", dual.text.space, dual.name)
            work = _Work(database, sandbox, dual, image, text, run, options, progress, tally)
            work.index_series()
            while settle_collisions(database, run):
                tally.counts["joined"] += join_torn_series(database)
                work.index_series()
            work.index_reports()
    matched = settle_reports(database)
    tally.counts.update({f"reports_{match}": n for match, n in matched.counts.items()})
    warnings += [*matched.warnings, *_guesses(tally)]
    with tally.timed("build"):
        warnings += refresh_builds(database, builds, force=options.rebuild)
    tally.counts["pending"] += file_index.count_pending_series(database)
    seconds = _seconds(tally)
    runs.finish_run(database, run, counts=tally.counts, seconds=seconds)
    refresh_snapshot(database, builds, force=options.rebuild)
    erase_traces(database)
    if refused is not None:
        raise refused
    warnings += _disagreements(database)
    rejected = not_indexed.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in rejected.items() if name.startswith("reason:")}
    mendable = sum(n for reason, n in reasons.items() if reason not in _IGNORABLE)
    if out_of_reach := tally.counts["out_of_reach"]:
        mendable += out_of_reach
        warnings.append(
            f"{out_of_reach:,} indexed files cannot be reached now (links out or to nothing, rights): what is "
            "stored of them stays. Mount what they lead to, or give --follow-links; take a link that is gone for good "
            "out of its folder"
        )
    return Summary(run, dict(tally.counts), reasons, mendable, seconds, tuple(warnings))


def require_roots(roots: Sequence[Path]) -> None:
    """Raise `RootMissing` where one of them is no folder: an archive that is not mounted is not an empty one."""
    for root in roots:
        if not root.is_dir():
            raise RootMissing(
                f"there is no folder {root}: is it mounted? If it is gone for good, name the folders that there are: "
                "'spinecho index FOLDER ...'"
            )


def _find(
    database: Database,
    sandbox: Sandbox,
    roots: Sequence[Path],
    archives: Sequence[ArchiveName],
    options: Options,
    run: int,
    skip: Path | None,
    tally: Tally,
    progress: Progress,
) -> PruneRefused | None:
    """Bring the ledger up to what lies below the roots; why what is gone was not forgotten, where it was not."""
    walked: list[Walked] = []
    for root in roots:
        if options.verify:
            verify_files(database, sandbox, root, tally=tally)
        found = discover(
            database,
            sandbox,
            root,
            run=run,
            archives=archives,
            retry=options.retry,
            again=options.again,
            skip=skip,
            roots=roots,
            follow_links=options.follow_links,
            tally=tally,
            progress=progress,
        )
        walked.append(found)
    settle_moves(database, sandbox, [path for one in walked for path in one.missing], tally=tally)
    try:
        settle_missing(database, walked, prune=options.prune, yes=options.yes, tally=tally)
    except PruneRefused as error:
        return error
    finally:
        settle_collisions(database, run)
    return None


def _seconds(tally: Tally) -> dict[str, float]:
    return {stage: round(value, 3) for stage, value in tally.seconds.items()} | {"wall": round(tally.wall(), 3)}


def _disagreements(database: Database) -> list[str]:
    """What the series of one study do not agree in, by field."""
    found = disagreements(database)
    if not (studies := found.pop("", 0)):
        return []
    fields = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in sorted(found.items()))
    return [f"{studies:,} studies have series that disagree in a fact of the study, and go by most of them ({fields})"]


_Item: TypeAlias = PreparedVolume | FileFailure


@dataclass(frozen=True, slots=True)
class _Read:
    """A series that was read: its files, what came of them, and the files' digests by path."""

    records: tuple[FileRecord, ...]
    items: list[_Item]
    digests: dict[str, str]


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
        ahead = file_index.count_pending_series(self.database)
        limit = ahead if self.options.limit is None else min(ahead, self.options.limit)
        self.progress.total("read", limit)
        files: dict[int, tuple[FileRecord, ...]] = {}

        def tasks() -> Iterator[Task]:
            for number, key in enumerate(file_index.pending_series(self.database)):
                if number >= limit:
                    return
                files[number] = file_index.series_files(self.database, key)
                yield self._task(files[number])

        waiting: list[_Read] = []
        for number, outcome in enumerate(self.sandbox.map(tasks())):
            self.tally.seconds["read"] += outcome.seconds
            records = files.pop(number)
            waiting.append(_Read(records, *self._items(records, outcome)))
            if sum(len(one.items) for one in waiting) >= self.dual.image.batch:
                self._store(waiting)
                waiting.clear()
        self._store(waiting)

    def index_reports(self) -> None:
        """Read and store every pending report file; a long one as it is read, so that memory stays flat."""
        pending = file_index.pending_reports(self.database)
        self.progress.total("reports", len(pending))
        short = [record for record in pending if not is_long(record.path)]
        for record, outcome in zip(short, self.sandbox.map(report_task(record.path) for record in short), strict=True):
            self._store_reports(record, [*outcome.messages, outcome])
        for record in pending:
            if is_long(record.path):
                self._store_reports(record, self.sandbox.stream(report_task(record.path)))

    def _task(self, records: Sequence[FileRecord]) -> Task:
        headers = [Header.from_json(record.header, path=record.path) for record in records]
        return read_task(
            headers,
            spec=self.dual.image.preparation.spec,
            max_volumes=self.options.max_volumes,
            seconds=120 + 0.5 * len(headers),
            digests=True,
        )

    def _items(self, records: Sequence[FileRecord], outcome: Outcome) -> tuple[list[_Item], dict[str, str]]:
        """(the series' volumes and failures, digests by path); where its process died, without what makes it die."""
        if outcome.failure is None:
            return unpack_read(outcome.messages), unpack_digests(outcome.messages)
        alone = {record.path: self.sandbox.run(self._task([record])) for record in records}
        culprits = {path: each for path, each in alone.items() if each.failure is not None}
        if not culprits:
            culprits = {record.path: outcome for record in records}
        rest = [record for record in records if record.path not in culprits]
        failed: list[_Item] = [
            FileFailure(path, each.failure or Reason.READ_CRASHED, each.detail) for path, each in culprits.items()
        ]
        if not rest:
            return failed, {}
        again = self.sandbox.run(self._task(rest))
        if again.failure is not None:
            return failed + [FileFailure(record.path, again.failure, again.detail) for record in rest], {}
        return failed + unpack_read(again.messages), unpack_digests(again.messages)

    def _store(self, series: Sequence[_Read]) -> None:
        volumes = [item for one in series for item in one.items if isinstance(item, PreparedVolume)]
        with self.tally.timed("encode"):
            parts = iter(parts_of(self.dual, [volume.prepared for volume in volumes]))
            words = [
                clean.text(caption(v.acquisition, series=v.series.description, study=v.study.description))
                for v in volumes
            ]
            meanings = iter(zip(words, self.dual.text.encode(words), strict=True))
        with self.tally.timed("store"):
            for one in series:
                ids = {record.path: record.id for record in one.records}
                read = [item for item in one.items if isinstance(item, PreparedVolume)]
                holders = {item.key: item.paths for item in read}
                new = [
                    _new_volume(item, [ids[path] for path in _paths(item, holders)], next(parts), *next(meanings))
                    for item in read
                ]
                rejected = {
                    ids[item.path]: Rejection(item.reason, item.reason.ignorable, item.message)
                    for item in one.items
                    if isinstance(item, FileFailure)
                }
                held = {path for item in read for path in item.paths}
                study, facts = facts_of([record for record in one.records if record.path in held] or one.records[:1])
                digests = {ids[path]: digest for path, digest in one.digests.items()}
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
                    file_index.reject(
                        self.database, self.run, {file: rejected.get(file, refused) for file in ids.values()}
                    )
                    new = []
                self.tally.counts["series"] += bool(new)
                self.tally.counts["volumes"] += len(new)
                self.progress.advance("read")

    def _store_reports(self, record: FileRecord, read: Iterable[Message | Outcome]) -> None:
        """Store what a report file gave, a page a transaction."""
        with self.tally.timed("reports"):
            stored = store_report_file(self.database, self.run, record, read, self.dual.text, text_space=self.text.id)
        self.tally.counts.update(stored)
        self.progress.advance("reports")


def _check_codecs(database: Database) -> list[str]:
    """Name the codecs that are not installed; what waited for one that now is gets its turn."""
    said = []
    for distribution, present in codecs_at_hand().items():
        if present:
            file_index.reopen_rejected(database, reason=Reason.NEEDS_CODEC, message=distribution)
        else:
            said.append(f"{distribution} is not installed: files that need it will be rejected as NEEDS_CODEC")
    return said


def _space(database: Database, role: Role, space: Space, encoder: str) -> SpaceRecord:
    served = storing.serving(database, role)
    if served is None:
        return storing.serve(database, role, encoder=encoder, **dataclasses.asdict(space))
    require_stored(served, space, role=role)
    return served


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


def _guesses(tally: Tally) -> list[str]:
    """What to say of character sets that were guessed in this run."""
    sets = {name.removeprefix(GUESSED): n for name, n in tally.counts.items() if name.startswith(GUESSED) and n}
    if not sets:
        return []
    listed = ", ".join(f"{name} {n}" for name, n in sorted(sets.items()))
    return [f"the character set of {sum(sets.values())} reports was guessed ({listed}); 'spinecho failures' lists them"]
