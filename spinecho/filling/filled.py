"""How an archive is filled and followed: folders, sources, what a run did and what it left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from spinecho.answering.questions import Folder, Questions
from spinecho.given import reads_arguments
from spinecho.search.access.persons import Role, digest_of
from spinecho.setup.places import place_of
from spinecho.setup.private import private_files

if TYPE_CHECKING:
    from spinecho.filling.outcomes import Failures, Joined, OnProgress, Outcome
    from spinecho.filling.run_report import RunReport
    from spinecho.filling.sources import Sources
    from spinecho.filling.watching import Watch
    from spinecho.indexer.backfill import Added
    from spinecho.indexer.deidentifying.profile import Dates, Descriptors


@reads_arguments
class Filled(Questions):
    """An archive that takes in what comes."""

    @property
    def sources(self) -> Sources:
        """Where the archive comes from: `add`, `list`, `test`, `pull`, `remove`."""
        from spinecho.filling.sources import Sources  # noqa: PLC0415

        return Sources(self._settings, self._database, self._access)

    def watch(
        self,
        folders: Folder | Sequence[Folder] = (),
        *,
        sources: Sequence[str] = (),
        every: float = 60.0,
        workers: int | None = None,
        memory_mb: int | None = None,
        hours: str | None = None,
        grace_days: float | None = 7.0,
        deidentify: bool = False,
        dates: Dates = "shifted",
        descriptors: Descriptors = "cleaned",
    ) -> Watch:
        """Follow sources (without names all of them) and folders: `passes` of what is given does it until its `stop`.

        every: seconds between two passes. hours: of the day in which it works, such as "20-6"; what is under way at
        their end goes on at their next beginning. grace_days: after which files that are gone from folders are
        forgotten, by the refusals of `prune`; None for never. deidentify, dates, descriptors: as `index` takes them.
        Raises `SourceUnknown`, and `SettingsError` for hours that are none; a source that is down is told in its pass.
        """
        from spinecho.filling.watching import Watch  # noqa: PLC0415
        from spinecho.setup.hours import read_hours  # noqa: PLC0415

        self._allow(Role.MANAGER, "watch the sources", "watch")
        given = [folders] if isinstance(folders, (str, os.PathLike)) else list(folders)
        places = [place_of(one).absolute() for one in given]
        run = partial(
            self.index,
            workers=workers,
            memory_mb=memory_mb,
            deidentify=deidentify,
            dates=dates,
            descriptors=descriptors,
        )
        return Watch(
            self._settings, self._database(), run, names=sources, folders=places, every=every, grace_days=grace_days,
            hours=None if hours is None else read_hours(hours),
        )  # fmt: skip

    def failures(self, *, reason: str | None = None, everything: bool = False) -> Failures:
        """What is not in the index, and why. everything: also files that are merely nothing to embed."""
        from spinecho.filling.outcomes import failures  # noqa: PLC0415

        digest = digest_of(reason or "")
        self._allow(Role.MANAGER, "see which files were rejected", "see-failures", digest, everything=everything)
        return failures(self._database(), reason=reason, everything=everything)

    def run_report(self, *, run: int | None = None, pictures: bool = True) -> RunReport:
        """What a run did, without a number the last that ended: `write` makes a page of it that names nobody.

        pictures: with a middle slice of each sequence. Raises `StoreError` where there is no such run.
        """
        from spinecho.filling.run_report import run_report  # noqa: PLC0415

        self._allow(Role.MANAGER, "see how a run went", "see-run")
        return run_report(self._database(), self._settings, run=run, pictures=pictures)

    def index(
        self,
        folders: Folder | Sequence[Folder] = (),
        *,
        workers: int | None = None,
        max_volumes: int = 8,
        limit: int | None = None,
        retry: bool = False,
        again: bool = False,
        prune: bool = False,
        yes: bool = False,
        verify: bool = False,
        rebuild: bool = False,
        follow_links: bool = False,
        memory_mb: int | None = None,
        report_columns: str | None = None,
        source: str | None = None,
        grace_days: float | None = None,
        deidentify: bool | None = False,
        dates: Dates = "shifted",
        descriptors: Descriptors = "cleaned",
        ray: str | None = None,
        ray_encoders: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Outcome:
        """Index folders of DICOM, NIfTI and reports, or go on with those of the last run. One that was killed goes on.

        workers: reading processes, without it as many as there are cores, four at most. max_volumes: embedded of one
        series, evenly spread. limit: stop after so many series. retry: try rejected files again. again: look at
        unchanged files too. prune: forget files that are gone; yes: even where more than a fifth of an archive is.
        verify: also find files that changed with the same size and time. rebuild: make the vector index anew.
        follow_links: also read what links lead to outside of the folders. memory_mb: of a reading process.
        report_columns: of tables whose names say nothing, as "accession=Auftrag,report=Text"; kept for later runs, ''
        forgets them. source: pull from this one first, and index what came with the folders of the last run.
        grace_days: without `prune`, forget what runs that gave it have found to be gone for so long, as `watch` does.
        deidentify: no identifier comes into the index, see docs/deidentification.md; all runs of an archive are so,
        or none (`MixedArchive`), and with the same dates and descriptors, see `copy_cohort`. None: as it was begun.
        ray: address of a Ray cluster (HOST:PORT, or auto) whose processes read and encode series, docs/ray.md; the rows
        are the same. ray_encoders: processes of it that encode, without it one a card, or one a processor.
        on_progress: called with (stage, done, known). Raises `StoreError` for a folder that is not there, `Busy` while
        another process indexes, `PruneRefused`, `ReportColumnsError`, for a source what `Sources.pull` does, and for a
        cluster `ClusterError` and `ClusterUnfit`.
        """
        from spinecho.filling.outcomes import index, workers_here  # noqa: PLC0415

        given = [folders] if isinstance(folders, (str, os.PathLike)) else list(folders)
        facts: dict[str, Any] = {"deidentify": True} if deidentify else {}
        self._allow(
            Role.MANAGER, "index the archive", "index", retry=retry, prune=prune, rebuild=rebuild, again=again, **facts
        )
        places = [place_of(one) for one in given]
        if source is not None:
            from spinecho.filling.sources import roots_with  # noqa: PLC0415

            self.sources.pull(source)
            places = roots_with(self._settings, self._database(), places, [source])
        chosen = None
        if deidentify:
            from spinecho.indexer.deidentifying.profile import Options  # noqa: PLC0415

            chosen = Options(dates, descriptors)
        with private_files():
            return index(
                self._settings, self._database, places, on_progress,
                workers=workers or workers_here(), max_volumes=max_volumes, limit=limit, retry=retry, again=again,
                prune=prune, yes=yes, verify=verify, rebuild=rebuild, follow_links=follow_links, memory_mb=memory_mb,
                report_columns=report_columns, grace=None if grace_days is None else 86_400 * grace_days,
                deidentified=chosen, as_begun=deidentify is None, ray=ray, ray_encoders=ray_encoders,
            )  # fmt: skip

    def join(
        self, *, workers: int | None = None, memory_mb: int | None = None, on_progress: OnProgress | None = None
    ) -> Joined:
        """Take part in a run of `index` that another process leads over the same PostgreSQL database, until its end.

        The folders have to be at the same paths here. Where the leader dies, this process leads the run to its end.
        Without a run there is nothing to do. Raises `StoreError` where the database is a file, and as `index` does.
        """
        from spinecho.filling.outcomes import join, workers_here  # noqa: PLC0415

        self._allow(Role.MANAGER, "index the archive", "index-joined")
        with private_files():
            return join(
                self._settings, self._database, on_progress, workers=workers or workers_here(), memory_mb=memory_mb
            )

    def predict(
        self,
        *,
        workers: int | None = None,
        limit: int | None = None,
        memory_mb: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Added:
        """Add what the encoder's heads predict, and its regions, to what was indexed without them; it goes on where it
        was stopped. Raises `EncoderUnavailable` for an encoder with nothing to add, and as `index` does.
        """
        from spinecho.filling.outcomes import predict, workers_here  # noqa: PLC0415

        self._allow(Role.MANAGER, "add predictions", "predict")
        with private_files():
            return predict(
                self._settings, self._database(), on_progress, workers=workers or workers_here(), limit=limit,
                memory_mb=memory_mb,
            )  # fmt: skip
