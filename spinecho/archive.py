"""The front door: an indexed archive as one object. Every act goes over the person's role and into the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.connection import Where, read_where
from spinecho.db.filters.algebra import write_filter
from spinecho.db.queries import lookup
from spinecho.errors import QueryError
from spinecho.places import place_of
from spinecho.private import private_files
from spinecho.questions import Folder, Questions
from spinecho.search.access.persons import Role, digest_of
from spinecho.settings import read_settings
from spinecho.wiring import read_image_query

if TYPE_CHECKING:
    from spinecho.acts import Acts
    from spinecho.db.people.tokens import Token
    from spinecho.indexer.backfill import Added
    from spinecho.lists import Cohort, FrozenCohort
    from spinecho.outcomes import Failures, OnProgress, Outcome
    from spinecho.search.access.cohorts import CohortDesk
    from spinecho.search.cohorts.definition import Definition
    from spinecho.search.evaluation.evaluate_archive import Evaluation
    from spinecho.thumbs import Judgement, Thumb
    from spinecho.upkeep import Damage
    from spinecho.vector_builds import Builds


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


class Archive(Questions):
    """An archive that is indexed. Safe to use from several threads; close it, or use it in a `with` statement."""

    def status(self) -> dict[str, Any]:
        """What is indexed, what is pending, how the last run went, encoders and builds, as plain values."""
        from spinecho.status_facts import status_facts  # noqa: PLC0415

        self._allow(Role.VIEWER, "see the archive", "see-archive")
        return status_facts(self._database(), self._settings)

    @property
    def builds(self) -> Builds:
        """The vector index's builds: `list`, `make`, `tune`."""
        from spinecho.vector_builds import Builds  # noqa: PLC0415

        return Builds(self._settings, self._database, self._access)

    @property
    def record(self) -> Acts:
        """Who did what: `check` whether it is whole, `entries`, `walk`."""
        from spinecho.acts import Acts  # noqa: PLC0415

        return Acts(self._settings, self._access)

    def check(self) -> tuple[Damage, ...]:
        """Read everything that is stored: what is not what was written, and what helps; nothing where all is well."""
        from spinecho.db.schema.check import check_database  # noqa: PLC0415

        self._allow(Role.VIEWER, "see the archive", "see-archive", check=True)
        return check_database(self._database(), self._settings.builds)

    def failures(self, *, reason: str | None = None, everything: bool = False) -> Failures:
        """What is not in the index, and why. everything: also files that are merely nothing to embed."""
        from spinecho.outcomes import failures  # noqa: PLC0415

        digest = digest_of(reason or "")
        self._allow(Role.MANAGER, "see which files were rejected", "see-failures", digest, everything=everything)
        return failures(self._database(), reason=reason, everything=everything)

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
        on_progress: OnProgress | None = None,
    ) -> Outcome:
        """Index folders of DICOM, NIfTI and reports, or go on with those of the last run. One that was killed goes on.

        workers: reading processes, without it as many as there are cores, four at most. max_volumes: embedded of one
        series, evenly spread. limit: stop after so many series. retry: try rejected files again. again: look at
        unchanged files too. prune: forget files that are gone; yes: even where more than a fifth of an archive is.
        verify: also find files that changed with the same size and time. rebuild: make the vector index anew.
        follow_links: also read what links lead to outside of the folders. memory_mb: of a reading process.
        on_progress: called with (stage, done, known). Raises `StoreError` for a folder that is not there, `Busy` while
        another process indexes, and `PruneRefused`.
        """
        from spinecho.outcomes import index, workers_here  # noqa: PLC0415

        given = [folders] if isinstance(folders, (str, os.PathLike)) else list(folders)
        self._allow(Role.MANAGER, "index the archive", "index", retry=retry, prune=prune, rebuild=rebuild, again=again)
        with private_files():
            return index(
                self._settings, self._database, [place_of(one) for one in given], on_progress,
                workers=workers or workers_here(), max_volumes=max_volumes, limit=limit, retry=retry, again=again,
                prune=prune, yes=yes, verify=verify, rebuild=rebuild, follow_links=follow_links, memory_mb=memory_mb,
            )  # fmt: skip

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
        from spinecho.outcomes import predict, workers_here  # noqa: PLC0415

        self._allow(Role.MANAGER, "add predictions", "predict")
        with private_files():
            return predict(
                self._settings, self._database(), on_progress, workers=workers or workers_here(), limit=limit,
                memory_mb=memory_mb,
            )  # fmt: skip

    def self_test(self, *, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Test anew how well scans know what their own reports say, keep it, and tell what scans count from now on.

        Runs do so by themselves where it is due. Raises `StoreError` where nothing is indexed, or it failed.
        """
        from spinecho.measuring import self_test  # noqa: PLC0415

        self._allow(Role.MANAGER, "test the channels", "self-test")
        return self_test(self._settings, self._database(), on_progress)

    def cohort(self, definition: Folder | Definition | None = None, *, name: str | None = None) -> Cohort:
        """The cohort that a TOML file defines, or a `Definition`, or one of which versions are kept, by its name.

        Raises `ConfigError` for a file that cannot be meant.
        """
        from spinecho.lists import Cohort  # noqa: PLC0415
        from spinecho.search.cohorts.definition import Definition, read_definition  # noqa: PLC0415

        if (definition is None) == (name is None):
            raise QueryError("give the file of a definition, or name= of a cohort that was frozen")
        if definition is None:
            return Cohort(name or "", None, self._cohorts)
        read = definition if isinstance(definition, Definition) else read_definition(place_of(definition))
        return Cohort(read.name, read, self._cohorts)

    def cohorts(self) -> tuple[FrozenCohort, ...]:
        """Every version of every cohort that was frozen, without its members."""
        from spinecho.lists import versions_of  # noqa: PLC0415

        return versions_of(self._cohorts())

    def evaluate(
        self, *, where: Where = "", judgements: Folder | None = None, pairs: Folder | None = None, queries: int = 1000,
        resamples: int = 1000, seed: int = 0, exclude: str = "patient",
        on_progress: Callable[[str], None] | None = None,
    ) -> Evaluation:  # fmt: skip
        """How well the archive is found, every figure with pool, chance and 95 % interval; see docs/evaluation.md.

        judgements, pairs: a file of your own queries, or of texts with their studies, in place of what the archive can
        ask itself. exclude: whose scans never count as neighbours, the same patient's or study's. on_progress: called
        with what is measured now. Raises `EvaluationError` where nothing can be measured.
        """
        from spinecho.measuring import evaluate  # noqa: PLC0415

        return evaluate(
            self._settings, self._database, self._access(), where=read_where(where), judgements=judgements, pairs=pairs,
            queries=queries, resamples=resamples, seed=seed, exclude=exclude, on_progress=on_progress,
        )  # fmt: skip

    def rate(self, words: str, verdicts: Mapping[str, int], *, where: Where = "") -> None:
        """Keep thumbs by study UID for a search of yours: 1 fits, -1 does not, 0 takes it back.

        Raises `QueryError` for another verdict, and for a study that is not in the archive.
        """
        if wrong := [value for value in verdicts.values() if value not in {-1, 0, 1}]:
            raise QueryError(f"{wrong[0]!r} is no verdict: 1 fits, -1 does not, 0 takes it back")
        if unknown := sorted(set(verdicts) - set(lookup.study_ids_by_uid(self._database(), list(verdicts)))):
            raise QueryError(f"no study {unknown[0]!r} in the index")
        typed = where if isinstance(where, str) else write_filter(where)
        self._desk().rate(words, read_where(where), verdicts, asked={"text": words, "where": typed})

    def verdicts(self, words: str, *, where: Where = "") -> dict[str, int]:
        """Your thumbs for a search: 1 or -1 by study UID."""
        return self._desk().verdicts(words, read_where(where))

    def thumbs(self) -> tuple[Thumb, ...]:
        """Every thumb of yours, oldest first."""
        from spinecho.thumbs import thumbs_of  # noqa: PLC0415

        return thumbs_of(self._database(), self._access())

    def forget_thumbs(self, words: str, *, where: Where = "") -> int:
        """Take back every thumb of yours on a search; how many there were."""
        from spinecho.thumbs import forget  # noqa: PLC0415

        return forget(self._database(), self._access(), words, read_where(where))

    def judgements(self, *, everybody: bool = False) -> tuple[Judgement, ...]:
        """Your thumbs as judgements to evaluate by; everybody: those of all, by majority, for researchers."""
        from spinecho.thumbs import judgements_of  # noqa: PLC0415

        return judgements_of(self._database(), self._access(), everybody=everybody)

    def make_token(
        self, label: str, *, scopes: Sequence[str] = ("read",), days: int = 90, role: str | None = None,
        person: str | None = None,
    ) -> tuple[str, Token]:  # fmt: skip
        """(a token, shown this once; what is kept of it), by which a program asks `spinecho serve` for you.

        scopes: of read, write, manage, metrics. role: the most that it may do, never more than its owner may. person:
        whose it is, for managers. Raises `StoreError` for a label, a scope or a time that cannot be.
        """
        from spinecho import tokens  # noqa: PLC0415

        return tokens.make(
            self._database(), self._access(), label, scopes=scopes, days=days, role=role, person=person
        )  # fmt: skip

    def tokens(self, *, everybody: bool = False) -> tuple[Token, ...]:
        """Your tokens, the newest first; everybody: everybody's, for managers."""
        from spinecho import tokens  # noqa: PLC0415

        return tokens.listed(self._database(), self._access(), everybody=everybody)

    def revoke_token(self, number: int) -> Token:
        """End a token now. A manager may end anybody's. Raises `StoreError` where there is none."""
        from spinecho import tokens  # noqa: PLC0415

        return tokens.end(self._database(), self._access(), number)

    def _cohorts(self) -> CohortDesk:
        from spinecho.search.access.cohorts import CohortDesk  # noqa: PLC0415

        return CohortDesk(self._desk(), self._settings.builds, read=lambda path, dual: read_image_query(path, dual)[0])
