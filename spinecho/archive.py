"""The front door: an indexed archive as one object. Every act goes over the person's role and into the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.answering.connection import Where, read_where
from spinecho.answering.questions import Folder
from spinecho.db.filters.algebra import write_filter
from spinecho.db.queries import lookup
from spinecho.errors import QueryError
from spinecho.filling.filled import Filled
from spinecho.given import reads_arguments
from spinecho.search.access.persons import Role
from spinecho.setup.places import place_of
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import read_image_query

if TYPE_CHECKING:
    from spinecho.access.acts import Acts
    from spinecho.answering.lists import Cohort, FrozenCohort
    from spinecho.answering.thumbs import Judgement, Thumb
    from spinecho.db.people.tokens import Token
    from spinecho.filling.outcomes import OnProgress
    from spinecho.indexer.deidentifying.profile import Dates, Descriptors
    from spinecho.learning.adapting import Adapted
    from spinecho.learning.encoder_spaces import Encoders
    from spinecho.learning.teaching import Concepts, Taught
    from spinecho.maintaining.upkeep import Damage
    from spinecho.maintaining.vector_builds import Builds
    from spinecho.pseudonyms.deidentified import Copied, Reidentified
    from spinecho.search.access.cohorts import PersonalCohorts
    from spinecho.search.access.concepts import PersonalConcepts
    from spinecho.search.cohorts.definition import Definition
    from spinecho.search.evaluation.values import Evaluation


def open(
    home: Folder | None = None,
    *,
    encoder: str | None = None,
    text_model: str | None = None,
    device: str | None = None,
    create: bool = False,
) -> Archive:
    """Open the archive of a home, or of a PostgreSQL database by its URL; without a name, as SPINECHO_HOME says.

    Where SPINECHO_DATABASE is set the rows of a home are there, as for every command: the file that a move to
    PostgreSQL left in it would answer with what was true then.
    encoder: the one it was indexed with, where that is not the default. device: auto, cpu or cuda. create: make the
    database where there is none, to index into. Raises `StoreError` where there is none, or it is damaged or of another
    version, `Refused` for an account without a role, and `RecordError` where acts cannot be kept.
    """
    environment = dict(os.environ)
    name = home if home is None or isinstance(home, str) else str(place_of(home))
    if name is not None and "://" in name:
        environment["SPINECHO_DATABASE"], name = name, None
    place = None if name is None else place_of(name)
    return Archive(
        read_settings(home=place, encoder=encoder, text_model=text_model, device=device, environment=environment),
        create=create,
    )


@reads_arguments
class Archive(Filled):
    """An archive that is indexed. Safe to use from several threads; close it, or use it in a `with` statement."""

    def status(self) -> dict[str, Any]:
        """What is indexed, what is pending, how the last run went, encoders and builds, as plain values."""
        from spinecho.filling.status_facts import status_facts  # noqa: PLC0415

        self._allow(Role.VIEWER, "see the archive", "see-archive")
        return status_facts(self._database(), self._settings)

    @property
    def builds(self) -> Builds:
        """The vector index's builds: `list`, `make`, `tune`."""
        from spinecho.maintaining.vector_builds import Builds  # noqa: PLC0415

        return Builds(self._settings, self._database, self._access)

    @property
    def encoders(self) -> Encoders:
        """The encoders that are held: `list`, `add`, `compare`, `switch`, ...; of others: `recommend`, `try_out`."""
        from spinecho.learning.encoder_spaces import Encoders  # noqa: PLC0415

        return Encoders(self._settings, self._database, self._access)

    @property
    def record(self) -> Acts:
        """Who did what: `check` whether it is whole, `entries`, `walk`."""
        from spinecho.access.acts import Acts  # noqa: PLC0415

        return Acts(self._settings, self._access)

    def check(self) -> tuple[Damage, ...]:
        """Read everything that is stored: what is not what was written, and what helps; nothing where all is well."""
        from spinecho.db.upkeep.check import check_database  # noqa: PLC0415

        self._allow(Role.VIEWER, "see the archive", "see-archive", check=True)
        return check_database(self._database(), self._settings.builds)

    def adapt(
        self,
        *,
        switch: bool = False,
        minutes: float = 40.0,
        share: float = 1.0,
        on_progress: OnProgress | None = None,
    ) -> Adapted:
        """Make a better encoder of the one that answers, from the archive's own reports; no scan is read.

        Trained on all patients but the fifth that is held out by a digest, and measured on those; what is certainly
        better is embedded beside, and answers from then on with `switch`. A run that was stopped goes on. minutes: of
        training, at most. share: of the time that is worked while embedding. Raises `NotAdaptable` where there is too
        little to learn from, `EvaluationError`, `StorageFailure` without room on the disk, `Busy`.
        """
        from spinecho.learning.adapting import adapt  # noqa: PLC0415

        return adapt(
            self._settings, self._database(), self._access(), self.encoders, switch=switch, minutes=minutes,
            share=share, on_progress=on_progress,
        )  # fmt: skip

    @property
    def concepts(self) -> Concepts:
        """What is taught to it: `list`, `show`, `undo`, `apply`, `next_to_judge`."""
        from spinecho.learning.teaching import Concepts  # noqa: PLC0415

        return Concepts(self._concepts)

    def teach(
        self, name: str, *, sources: Sequence[str] = (), against: str = "", positives: Sequence[str] = (),
        negatives: Sequence[str] = (), again: bool = False, label: str | None = None, positive: str | None = None,
        draft: bool = False, on_progress: OnProgress | None = None,
    ) -> Taught:  # fmt: skip
        """Teach a concept from examples, over the vectors that are stored; what it says becomes `predicted.NAME`.

        sources: cohort:NAME, thumbs:QUESTION, table:FILE, says:present(FINDING) or filter:CONDITION. against: studies
        without it, by a cohort, a filter, or "rest". positives, negatives: studies by UID. again: the sources of its
        newest version too, and your thumbs on its name. label, positive: of a table, the column and the label that
        means it. draft: keep it though it cannot be learned, as a version that never predicts. Measured on held-out
        patients; where chance is within reach nothing is kept, and `learnable` is false. Raises `ConceptError`.
        """
        from spinecho.learning.teaching import Request, teach  # noqa: PLC0415

        asked = Request(tuple(sources), against, tuple(positives), tuple(negatives), again, label, positive)
        return teach(self._concepts(), name, asked, draft=draft, on_progress=on_progress)

    def self_test(self, *, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Test anew how well scans know what their own reports say, keep it, and tell what scans count from now on.

        Runs do so by themselves where it is due. Raises `StoreError` where nothing is indexed, or it failed.
        """
        from spinecho.learning.measuring import self_test  # noqa: PLC0415

        self._allow(Role.MANAGER, "test the channels", "self-test")
        return self_test(self._settings, self._database(), on_progress)

    def cohort(self, definition: Folder | Definition | None = None, *, name: str | None = None) -> Cohort:
        """The cohort that a TOML file defines, or a `Definition`, or one of which versions are kept, by its name.

        Raises `ConfigError` for a file that cannot be meant.
        """
        from spinecho.answering.lists import Cohort  # noqa: PLC0415
        from spinecho.search.cohorts.definition import Definition, read_definition  # noqa: PLC0415

        if (definition is None) == (name is None):
            raise QueryError("give the file of a definition, or name= of a cohort that was frozen")
        if definition is None:
            return Cohort(name or "", None, self._cohorts)
        if not isinstance(definition, str | os.PathLike | Definition):
            raise QueryError(
                f"a cohort is the path of a TOML file or a Definition, not {type(definition).__name__}; "
                "'spinecho cohort new FILE' writes one"
            )
        read = definition if isinstance(definition, Definition) else read_definition(place_of(definition))
        return Cohort(read.name, read, self._cohorts)

    def cohorts(self) -> tuple[FrozenCohort, ...]:
        """Every version of every cohort that was frozen, without its members."""
        from spinecho.answering.lists import versions_of  # noqa: PLC0415

        return versions_of(self._cohorts())

    def copy_cohort(
        self, name: str, folder: Folder, *, version: int | None = None, dates: Dates = "shifted",
        descriptors: Descriptors = "cleaned", burnt_in: str = "hold", workers: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Copied:  # fmt: skip
        """Copy the files of a cohort's version, the latest without a number, without whose they are, into a new folder;
        see docs/deidentification.md. One that was killed goes on.

        dates: shifted by days of each patient's own, or removed. descriptors: what says how a scan was made, cleaned of
        what names somebody, removed, or kept. burnt_in: hold series back whose pictures may have words in them, or copy
        them. on_progress: called with (files done, known). Raises `Refused`, `CohortError`, `KeyTrouble`.
        """
        from spinecho.filling.outcomes import workers_here  # noqa: PLC0415
        from spinecho.pseudonyms.deidentified import copy_cohort  # noqa: PLC0415

        return copy_cohort(
            self._settings, self._database(), self._cohorts(), name, place_of(folder).absolute(), version=version,
            dates=dates, descriptors=descriptors, burnt_in=burnt_in, workers=workers or workers_here(),
            on_progress=on_progress,
        )  # fmt: skip

    def reidentify(self, *codes: str) -> tuple[Reidentified, ...]:
        """Whom pseudonyms of a patient, an exam, a study or a series stand for; nothing for those that are not known.

        For managers; each leaves a row of the record before it is answered. Raises `Refused`, `KeyTrouble`,
        `IdentitiesError`.
        """
        from spinecho.pseudonyms.deidentified import reidentify  # noqa: PLC0415

        return reidentify(self._settings, self._access(), codes)

    def evaluate(
        self, *, where: Where = "", judgements: Folder | None = None, pairs: Folder | None = None, queries: int = 1000,
        resamples: int = 1000, seed: int = 0, exclude: str = "patient", copies: int = 0,
        on_progress: Callable[[str], None] | None = None,
    ) -> Evaluation:  # fmt: skip
        """How well the archive is found, every figure with pool, chance and 95 % interval; see docs/evaluation.md.

        judgements, pairs: a file of your own queries, or of texts with their studies, in place of what the archive can
        ask itself. exclude: whose scans never count as neighbours, the same patient's or study's. copies: so many scans
        are read again and changed, to see whether the copy finds its original; it takes about a second each.
        on_progress: called with what is measured now. Raises `EvaluationError` where nothing can be measured.
        """
        from spinecho.learning.measuring import evaluate  # noqa: PLC0415

        return evaluate(
            self._settings, self._database, self._access(), where=read_where(where), judgements=judgements, pairs=pairs,
            queries=queries, resamples=resamples, seed=seed, exclude=exclude, copies=copies, on_progress=on_progress,
        )  # fmt: skip

    def evaluate_public(
        self, folder: Folder, *, layout: str | None = None, split: str = "test", queries: int = 1000,
        resamples: int = 1000, seed: int = 0, copies: int = 100, on_progress: Callable[[str], None] | None = None,
    ) -> Evaluation:  # fmt: skip
        """How well this archive's encoder does on a public data set that lies in a folder; see docs/evaluation.md.

        layout: how the data set is laid out, told by what lies there where it is not given. split: which part of it,
        "all" for every one. copies: scans that are changed to see whether the copy finds its original. Vectors are kept
        in the home, so that a run that was stopped goes on; the archive itself is not searched. Raises
        `EvaluationError` for a folder that cannot be read as such, and where nothing can be measured.
        """
        from spinecho.learning.public_data import evaluate_public  # noqa: PLC0415

        return evaluate_public(
            self._settings, self._database(), self._access(), folder=folder, layout=layout, split=split,
            queries=queries, resamples=resamples, seed=seed, copies=copies, on_progress=on_progress,
        )  # fmt: skip

    def rate(self, words: str, verdicts: Mapping[str, int], *, where: Where = "") -> None:
        """Keep thumbs by study UID for a search of yours: 1 fits, -1 does not, 0 takes it back.

        At most 1,000. Raises `QueryError` for more, for another verdict, and for a study that is not in the archive.
        """
        from spinecho.search.access.searching import require_few  # noqa: PLC0415

        require_few(verdicts)
        if unknown := sorted(set(verdicts) - set(lookup.study_ids_by_uid(self._database(), list(verdicts)))):
            raise QueryError(f"no study {unknown[0]!r} in the index")
        typed = where if isinstance(where, str) else write_filter(where)
        self._personal().rate(words, read_where(where), verdicts, asked={"text": words, "where": typed})

    def verdicts(self, words: str, *, where: Where = "") -> dict[str, int]:
        """Your thumbs for a search: 1 or -1 by study UID."""
        return self._personal().verdicts(words, read_where(where))

    def thumbs(self) -> tuple[Thumb, ...]:
        """Every thumb of yours, oldest first."""
        from spinecho.answering.thumbs import thumbs_of  # noqa: PLC0415

        return thumbs_of(self._database(), self._access())

    def forget_thumbs(self, words: str, *, where: Where = "") -> int:
        """Take back every thumb of yours on a search; how many there were."""
        from spinecho.answering.thumbs import forget  # noqa: PLC0415

        return forget(self._database(), self._access(), words, read_where(where))

    def judgements(self, *, everybody: bool = False) -> tuple[Judgement, ...]:
        """Your thumbs as judgements to evaluate by; everybody: those of all, by majority, for researchers."""
        from spinecho.answering.thumbs import judgements_of  # noqa: PLC0415

        return judgements_of(self._database(), self._access(), everybody=everybody)

    def make_token(
        self, label: str, *, scopes: Sequence[str] = ("read",), days: int = 90, role: str | None = None,
        person: str | None = None,
    ) -> tuple[str, Token]:  # fmt: skip
        """(a token, shown this once; what is kept of it), by which a program asks `spinecho serve` for you.

        scopes: of read, write, manage, metrics. role: the most that it may do, never more than its owner may. person:
        whose it is, for managers. Raises `StoreError` for a label, a scope or a time that cannot be.
        """
        from spinecho.access import tokens  # noqa: PLC0415

        return tokens.make(
            self._database(), self._access(), label, scopes=scopes, days=days, role=role, person=person
        )  # fmt: skip

    def tokens(self, *, everybody: bool = False) -> tuple[Token, ...]:
        """Your tokens, the newest first; everybody: everybody's, for managers."""
        from spinecho.access import tokens  # noqa: PLC0415

        return tokens.listed(self._database(), self._access(), everybody=everybody)

    def revoke_token(self, number: int) -> Token:
        """End a token now. A manager may end anybody's. Raises `StoreError` where there is none."""
        from spinecho.access import tokens  # noqa: PLC0415

        return tokens.end(self._database(), self._access(), number)

    def _cohorts(self) -> PersonalCohorts:
        from spinecho.search.access.cohorts import PersonalCohorts  # noqa: PLC0415

        return PersonalCohorts(
            self._personal(), self._settings.builds, read=lambda path, dual: read_image_query(path, dual)[0]
        )

    def _concepts(self) -> PersonalConcepts:
        from spinecho.search.access.concepts import PersonalConcepts, Ways  # noqa: PLC0415

        def defined(path: Path) -> list[str]:
            from spinecho.search.cohorts.definition import read_definition  # noqa: PLC0415

            return [one.study_uid for one in self._cohorts().count(read_definition(path)).members]

        ways = Ways(lambda name, number: self._cohorts().version(name, number)[1], defined, read_where, self._file)
        return PersonalConcepts(self._personal(), ways)

    def _file(self, named: str) -> Path:
        """A file of this machine that a person named among other words."""
        return place_of(named)
