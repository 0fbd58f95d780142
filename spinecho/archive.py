"""The front door: an indexed archive as one object. Every act goes over the person's role and into the record."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from spinecho.db.filters.algebra import ALL, COMPUTED_TOO, Filter, both, parse_filter
from spinecho.db.filters.occurring import occurring_values, require_occurring
from spinecho.db.queries import lookup
from spinecho.db.queries.facets import FACETS, Facet
from spinecho.encoders.language.expand import names_of
from spinecho.errors import ArchiveClosed, QueryError
from spinecho.people import open_record, person_here
from spinecho.private import private_files
from spinecho.search.access.persons import Access, Role, digest_of
from spinecho.settings import Settings, read_settings
from spinecho.wiring import open_database, open_dual, open_engine, read_scan_query, read_spot_query, read_volume

if TYPE_CHECKING:
    from spinecho.lists import Cohort
    from spinecho.outcomes import Failure, OnProgress, Outcome
    from spinecho.results import Hits
    from spinecho.search.access.desk import Desk
    from spinecho.search.evaluation.evaluate_archive import Evaluation
    from spinecho.search.query import Query
    from spinecho.studies import Study

Folder = str | os.PathLike[str]
_PICTURES = 3
"""Series of a hit whose pictures are asked for; the first that has one is the key image."""


def open(
    home: Folder | None = None,
    *,
    encoder: str | None = None,
    text_model: str | None = None,
    device: str | None = None,
    create: bool = False,
) -> Archive:
    """Open the archive of a home, or of a PostgreSQL database by its URL; without a name, as SPINECHO_HOME says.

    encoder: the one it was indexed with, where that is not the default. device: auto, cpu or cuda. create: make the
    database where there is none, to index into. Raises `StoreError` where there is none, or it is damaged or of another
    version, `Refused` for an account without a role, and `RecordError` where acts cannot be kept.
    """
    environment = dict(os.environ)
    name = None if home is None else os.fspath(home)
    if name is not None and "://" in name:
        environment["SPINECHO_DATABASE"], name = name, None
    elif name is not None:
        environment.pop("SPINECHO_DATABASE", None)
    place = None if name is None else Path(name)
    return Archive(
        read_settings(home=place, encoder=encoder, text_model=text_model, device=device, environment=environment),
        create=create,
    )


class Archive:
    """An archive that is indexed. Safe to use from several threads; close it, or use it in a `with` statement."""

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        self._settings, self._lock, self._closed = settings, threading.RLock(), False
        with private_files():
            self._record = open_record(settings)
            self._person = person_here(settings, self._record)
            self._database = open_database(settings, create=create, warn=_warn)
        self._opened: Desk | None = None

    def search(
        self,
        words: str = "",
        *,
        where: str = "",
        k: int = 10,
        by: str = "everything",
        like: Folder | None = None,
        include_derived: bool = False,
    ) -> Hits:
        """Studies that fit words, best first; without words those that pass the filter, newest first.

        "no X" and -X leave out what affirms X; accession numbers, UIDs and dates are answered by exact match.
        where: a filter, such as `sequence=T2,FLAIR and age>=60` (docs/filters.md). by: everything, words or scans.
        like: a study's UID, or a path to a scan, that hits are to resemble too. include_derived: computed images and
        localizers too. Raises `QueryError` (with `FilterError`) for what cannot be asked, and `ReadError` for a scan
        that cannot be read.
        """
        from spinecho.search.query import TextQuery  # noqa: PLC0415

        example = None if like is None else self._example(like)
        return self._search(TextQuery(words, _by(by), like=example), where, k, include_derived=include_derived)

    def similar(
        self,
        scan: Folder | None = None,
        *,
        study: str | None = None,
        box: str | None = None,
        where: str = "",
        k: int = 10,
        other_patients: bool = False,
        reports: bool = False,
    ) -> Hits:
        """Studies that look like a scan, or like a study of the archive by its UID, which is never among them.

        box: a spot in the scan: R0,A0,S0,R1,A1,S1 as fractions, or voxels i0:i1,j0:j1,k0:k1 along R, A, S.
        reports: the reports of such studies in their place. Raises as `search` does.
        """
        return self._search(self._asked(scan, study, box, other_patients), where, k, reports=reports)

    def reports_for(
        self, scan: Folder | None = None, *, study: str | None = None, where: str = "", k: int = 10
    ) -> Hits:
        """The reports that fit a scan, or a study; `hits[0].report` is the text."""
        return self.similar(scan, study=study, where=where, k=k, reports=True)

    def study(self, uid: str) -> Study:
        """A study by its UID, with its series and reports. Raises `QueryError` for one that is not in the archive."""
        from spinecho.studies import study_of  # noqa: PLC0415

        with self._lock:
            desk = self._desk()
            number = lookup.study_ids_by_uid(self._database, [uid]).get(uid)
            opened = None if number is None else desk.open_study(number)
        if opened is None:
            raise QueryError(f"no study {uid!r} in this archive; search gives UIDs as hits[0].study.uid")
        return study_of(opened, lambda card: read_volume(*self._source(card)))

    def facets(self, *fields: str, where: str = "") -> dict[str, tuple[Facet, ...]]:
        """Of how many studies each value is: shown under the filter, of a total. Without fields, the usual ones."""
        asked = _filter(where)
        with self._lock:
            require_occurring(asked, partial(occurring_values, self._database))
            return self._desk().facets(asked, fields or FACETS)

    def status(self) -> dict[str, Any]:
        """What is indexed, what is pending, how the last run went, encoders and builds, as plain values."""
        from spinecho.status_facts import status_facts  # noqa: PLC0415

        self._allow(Role.VIEWER, "see the archive", "see-archive")
        return status_facts(self._database, self._settings)

    def failures(self, *, reason: str | None = None, everything: bool = False) -> tuple[Failure, ...]:
        """What is not in the index, and why. everything: also files that are merely nothing to embed."""
        from spinecho.outcomes import failures  # noqa: PLC0415

        digest = digest_of(reason or "")
        self._allow(Role.MANAGER, "see which files were rejected", "see-failures", digest, everything=everything)
        return failures(self._database, reason=reason, everything=everything)

    def index(
        self, folders: Folder | Sequence[Folder] = (), *, on_progress: OnProgress | None = None, **options: Any
    ) -> Outcome:
        """Index folders of DICOM, NIfTI and reports, or go on with those of the last run.

        on_progress: called with (stage, done, known). options: of `spinecho index`: workers, max_volumes, limit, retry,
        prune, yes, verify, rebuild, again, follow_links, memory_mb. Raises `StoreError` for a folder that is not there,
        `Busy` while another process indexes, and `PruneRefused`.
        """
        from spinecho.outcomes import index  # noqa: PLC0415

        given = [folders] if isinstance(folders, (str, os.PathLike)) else list(folders)
        self._allow(Role.MANAGER, "index the archive", "index", options=",".join(sorted(options)))
        paths = [Path(one).expanduser() for one in given]
        with private_files():
            return index(self._settings, self._database, paths, on_progress, **options)

    def cohort(self, definition: Folder) -> Cohort:
        """The cohort that a TOML file defines. Raises `ConfigError` for a file that cannot be meant."""
        from spinecho.lists import Cohort  # noqa: PLC0415
        from spinecho.search.access.cohorts import CohortDesk  # noqa: PLC0415
        from spinecho.search.cohorts.definition import read_definition  # noqa: PLC0415

        read = read_definition(Path(definition).expanduser())
        return Cohort(read, lambda: CohortDesk(self._desk(), self._settings.builds), self._settings.smallest_count)

    def evaluate(
        self, *, where: str = "", judgements: Folder | None = None, pairs: Folder | None = None, queries: int = 1000,
        resamples: int = 1000, seed: int = 0,
    ) -> Evaluation:  # fmt: skip
        """How well the archive is found, every figure with pool, chance and 95 % interval; see docs/evaluation.md."""
        from spinecho.search.evaluation.evaluate_archive import Evaluator, Options  # noqa: PLC0415
        from spinecho.search.evaluation.judgements import read_judgements, read_pairs  # noqa: PLC0415

        asked = None if judgements is None else read_judgements(Path(judgements))
        texts = None if pairs is None else read_pairs(Path(pairs))
        what = "judgements" if asked is not None else "pairs" if texts is not None else "archive"
        self._allow(Role.RESEARCHER, "evaluate", "evaluate", of=what, queries=queries)
        options = Options(_filter(where), "patient", queries, resamples, seed, self._settings.smallest_count)
        evaluator = Evaluator(self._database, self._settings.builds, open_dual(self._settings), options)
        if asked is not None:
            return evaluator.judgements(asked)
        return evaluator.archive() if texts is None else evaluator.pairs(texts)

    def rate(self, words: str, verdicts: Mapping[str, int], *, where: str = "") -> None:
        """Keep thumbs by study UID for a search of yours: 1 fits, -1 does not, 0 takes it back."""
        if wrong := [value for value in verdicts.values() if value not in {-1, 0, 1}]:
            raise QueryError(f"{wrong[0]!r} is no verdict: 1 fits, -1 does not, 0 takes it back")
        with self._lock:
            self._desk().rate(words, _filter(where), verdicts, asked={"text": words, "where": where})

    def verdicts(self, words: str, *, where: str = "") -> dict[str, int]:
        """Your thumbs for a search: 1 or -1 by study UID."""
        with self._lock:
            return self._desk().verdicts(words, _filter(where))

    def close(self) -> None:
        """Let go of the database; a closed archive answers nothing."""
        with self._lock:
            if not self._closed:
                self._closed, self._opened = True, None
                self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<spinecho.Archive {self._settings.home}{' (closed)' if self._closed else ''}>"

    def _search(
        self, query: Query, where: str, k: int, *, reports: bool = False, include_derived: bool = False
    ) -> Hits:
        from spinecho.results import hits_of  # noqa: PLC0415
        from spinecho.search.query import Kind  # noqa: PLC0415

        chosen = _filter(where, include_derived=include_derived)
        with self._lock:
            desk = self._desk()
            results = desk.search(query, want=Kind.REPORT if reports else Kind.STUDY, k=k, where=chosen)
            return hits_of(results, desk.listed(results, most=_PICTURES))

    def _asked(self, scan: Folder | None, study: str | None, box: str | None, other_patients: bool) -> Query:
        from spinecho.search.query import SpotQuery, StudyQuery  # noqa: PLC0415

        if (scan is None) == (study is None):
            raise QueryError("give a path to a scan, or study= with the UID of one that is indexed")
        if study is not None:
            return StudyQuery(study, other_patients) if box is None else SpotQuery(_box(box), study_uid=study)
        path, spec = Path(os.fspath(scan or "")).expanduser(), self._preparation()
        query, left_out = read_scan_query(path, spec) if box is None else read_spot_query(path, box, spec)
        for failure in left_out:
            _warn(f"left out {Path(failure.path).name}: {failure.reason}")
        return query

    def _example(self, like: Folder) -> Any:
        from spinecho.search.query import StudyQuery  # noqa: PLC0415

        path = Path(os.fspath(like)).expanduser()
        return read_scan_query(path, self._preparation())[0] if path.exists() else StudyQuery(os.fspath(like))

    def _preparation(self) -> dict[str, Any]:
        with self._lock:
            return self._desk().preparation

    def _source(self, card: Any) -> tuple[Any, str]:
        with self._lock:
            opened = self._desk().open_series(card)
        return opened.source, opened.key

    def _desk(self) -> Desk:
        """The person's access to the engine, whose networks are loaded when they are first needed."""
        with self._lock:  # around the question too: two threads would load the networks twice
            self._require_open()
            if self._opened is None:
                from spinecho.search.access.desk import Desk  # noqa: PLC0415

                engine = open_engine(self._settings, database=self._database)
                smallest = self._settings.smallest_count
                self._opened = Desk(engine, self._person, record=self._record, smallest=smallest, lock=self._lock)
            return self._opened

    def _allow(self, role: Role, what: str, action: str, subject: str = "", **facts: Any) -> None:
        self._require_open()
        Access(self._person, self._record).allow(role, what, action, subject, **facts)

    def _require_open(self) -> None:
        if self._closed:
            raise ArchiveClosed("this archive was closed; open it again with spinecho.open")


def _filter(where: str, *, include_derived: bool = False) -> Filter:
    parts = [parse_filter(where, expand=names_of)] if where.strip() else []
    if include_derived:
        parts.append(COMPUTED_TOO)
    return both(*parts) if parts else ALL


def _box(text: str) -> Any:
    from spinecho.boxes import read_box  # noqa: PLC0415

    if ":" in text:
        raise QueryError(
            f"box={text!r} is in voxels: of an indexed study give fractions, as in 0.5,0.4,0.3,0.7,0.6,0.5"
        )
    return read_box(text, (1, 1, 1))


def _by(name: str) -> Any:
    from spinecho.search.query import Evidence  # noqa: PLC0415

    if name not in set(Evidence):
        raise QueryError(f"by={name!r} is none of: {', '.join(Evidence)}")
    return Evidence(name)


_warn = partial(warnings.warn, stacklevel=3)
