"""Cohorts of a personal archive: counting is for everybody, keeping and taking away for researchers, each on record."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeAlias

from spinecho.db.files.same_folder import require_outside
from spinecho.db.filters.algebra import ALL, visible
from spinecho.db.people.cohorts import (
    CohortError,
    Frozen,
    Member,
    cohorts,
    delete_cohort,
    files_of,
    frozen,
    highest_study,
    members_of,
)
from spinecho.db.queries.facets import Facet
from spinecho.db.schema.database import Database
from spinecho.db.values import Fact
from spinecho.encoders.dual import DualEncoder
from spinecho.search.access.personal_archive import PersonalArchive, Refused, Role, digest_of, needs
from spinecho.search.access.persons import of_one_moment
from spinecho.search.cohorts.attrition import Evaluation, Follow, evaluate
from spinecho.search.cohorts.definition import Definition
from spinecho.search.cohorts.export import FORMATS, Exported, export
from spinecho.search.cohorts.freezing import again, defined_by, keep
from spinecho.search.cohorts.list_changes import Changes, between
from spinecho.search.cohorts.pseudonyms import Pseudonyms
from spinecho.search.likeness import Likeness, ReadScan
from spinecho.search.query import ImageQuery

__all__ = ["COMPARED", "LONG", "Frozen", "PersonalCohorts", "counts_take_long", "is_long", "list_digest"]
COMPARED = ("sex", "age", "vendor", "field_strength", "sequence", "body_region")
"""The facts that a cohort is held against the whole archive by."""
ReadExample: TypeAlias = Callable[[Path, DualEncoder], ImageQuery]
"""Reads a scan that lies on this machine."""
_UID = re.compile(r"[0-9.]{1,64}")
LONG = 20_000
"""Studies times rules and lines from which on a count is better done by another process than the one that searches."""
_MATCHING = 10
"""Rules that matching controls takes as long as."""
_FEW = 4


class PersonalCohorts:
    """What one person may do with cohorts. Each method leaves a row before it gives anything back."""

    def __init__(self, archive: PersonalArchive, builds: Path, *, read: ReadExample | None = None) -> None:
        """read: reads a scan of this machine that a rule is to be like; None where such rules are not for this way."""
        self._archive, self._builds, self.smallest, self._read = archive, builds, archive.smallest, read

    @property
    def _database(self) -> Database:
        return self._archive._database

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._archive.require(role, what)

    @needs(Role.VIEWER, "see cohorts")
    def versions(self) -> list[Frozen]:
        """Every version of every cohort."""
        with self._archive._acting("see-cohorts") as facts:
            known = cohorts(self._archive._database)
            facts["versions"] = len(known)
        return known

    @needs(Role.VIEWER, "count a cohort")
    def count(self, definition: Definition, *, follow: Follow | None = None) -> Evaluation:
        """Who is in now. follow: hears how far it is, and may end it by what it raises.

        Raises `CohortError` for an example that is a file: those are for the command line.
        """
        with self._archive._acting("count-cohort", digest_of(definition.name)) as facts:
            for rule in definition.rules():
                if self._read is None and rule.like and not _UID.fullmatch(rule.like):
                    raise CohortError(f"like = {rule.like[:64]!r} is no StudyInstanceUID; give that of a study here")
            with self._moment(definition) as likeness:
                found = evaluate(definition, self._archive._database, self._archive._selection, likeness, follow)
            facts["studies"] = len(found.members)
        return found

    @needs(Role.VIEWER, "count a cohort")
    def counted_again(self, name: str, studies: int) -> None:
        """Before counts that were kept, or made by another process, are shown."""
        self._archive.note_once("count-cohort", digest_of(name), studies=studies, again=True)

    @needs(Role.VIEWER, "count a cohort")
    def compared(self, found: Evaluation) -> dict[str, tuple[Facet, ...]]:
        """By fact: studies by value, shown (of the cohort) and total (of the archive); masked."""
        studies = found.roster.ids[found.steps[-1].kept]
        everything = visible(ALL)
        with self._archive._acting("compare-cohort", digest_of(found.definition.name)):
            return self._archive._selection.facets(
                everything, COMPARED, studies=studies, base=everything, smallest=self.smallest
            )

    @needs(Role.RESEARCHER, "freeze a cohort")
    def freeze(self, found: Evaluation) -> Frozen:
        """Keep the list as a version. Raises `Refused`, `CohortError` for an empty list."""
        subject = digest_of(found.definition.name)
        self._archive.note(
            "freeze", subject, studies=len(found.members)
        )  # before: nothing is kept that is not on record
        made = keep(self._archive._database, self._builds, found, owner=self._archive.person.name)
        self._archive.note("frozen", subject, version=made.number, studies=made.studies)
        return made

    @needs(Role.VIEWER, "count a cohort")
    def rerun(self, name: str, number: int | None, *, follow: Follow | None = None) -> tuple[Evaluation, Changes]:
        """A version's definition against the archive as it is now. follow: as for `count`."""
        with self._archive._acting("rerun-cohort", digest_of(name), version=number):
            asked = frozen(self._database, name, number)
            self._require_uids(asked.definition)
            with self._moment(defined_by(asked)) as likeness:
                version = frozen(self._database, name, asked.number)  # of the moment: it may have been deleted
                return again(self._database, self._archive._selection, version, likeness, follow)

    @needs(Role.VIEWER, "compare versions")
    @of_one_moment
    def diff(self, name: str, first: int, second: int) -> Changes:
        """What differs between two versions."""
        with self._archive._acting("diff-cohort", digest_of(name), version=first, other=second):
            database = self._archive._database
            one, other = (frozen(database, name, number) for number in (first, second))
            return between(one, other, members_of(database, name, first), members_of(database, name, second))

    @needs(Role.VIEWER, "see cohorts")
    @of_one_moment
    def version(self, name: str, number: int | None = None) -> tuple[Frozen, list[Member]]:
        """A version, the latest without a number, with its studies. Raises `CohortError` where there is none."""
        with self._archive._acting("see-members", digest_of(name), version=number) as facts:
            one = frozen(self._archive._database, name, number)
            members = members_of(self._archive._database, name, one.number)
            facts["studies"] = len(members)
        return one, members

    @needs(Role.VIEWER, "see cohorts")
    def members(self, name: str, number: int) -> list[Member]:
        """The studies of a version, by UID."""
        with self._archive._acting("see-members", digest_of(name), version=number) as facts:
            members = members_of(self._archive._database, name, number)
            facts["studies"] = len(members)
        return members

    @needs(Role.RESEARCHER, "export a cohort")
    def take(
        self, name: str, number: int, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> tuple[str, bytes]:
        """(file name, zip) of a version's tables. Raises `Refused`."""
        return self.packed(name, number, formats=formats, pseudonyms=pseudonyms)[:2]

    @needs(Role.RESEARCHER, "export a cohort")
    @of_one_moment
    def packed(
        self, name: str, number: int, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> tuple[str, bytes, Exported]:
        """The same, and what was written; its folder is gone by then."""
        database = self._archive._database
        facts: dict[str, Fact] = {"version": number, "pseudonyms": pseudonyms, "formats": ",".join(formats)}
        with self._archive._acting("export", digest_of(name), **facts) as counted:
            version = frozen(database, name, number)
            members = members_of(database, name, number)
            packed = io.BytesIO()
            with tempfile.TemporaryDirectory(prefix="spinecho-") as folder:
                made = export(
                    database, version, members, Path(folder) / "cohort", formats=formats, pseudonyms=pseudonyms,
                    smallest=self.smallest,
                )  # fmt: skip
                with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                    for file in made.files:
                        archive.write(made.folder / file, file)
            counted["studies"] = made.studies
        called = Pseudonyms(version).cohort if pseudonyms else name
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", called).strip("-.") or "cohort"
        return f"{plain}-v{number}.zip", packed.getvalue(), made

    @needs(Role.RESEARCHER, "export a cohort")
    def taken(self, name: str, number: int, size: int) -> None:
        """Before an export that was made is handed out. size: its bytes."""
        self._archive.note("download", digest_of(name), version=number, bytes=size)

    @needs(Role.RESEARCHER, "export a cohort")
    @of_one_moment
    def write(
        self, name: str, number: int | None, folder: Path, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> Exported:
        """Write a version's tables into a new folder. Raises `CohortError` for one that holds something, `StoreError`
        for one within the home or the archive.
        """
        self._archive.note("export", digest_of(name), version=number, pseudonyms=pseudonyms, formats=",".join(formats))
        database = self._archive._database
        require_outside(database, self._builds.parent, folder)
        version = frozen(database, name, number)
        members = members_of(database, name, version.number)
        return export(
            database, version, members, folder, formats=formats, pseudonyms=pseudonyms, smallest=self.smallest
        )

    @needs(Role.RESEARCHER, "copy the files of a cohort")
    @of_one_moment
    def files(
        self, name: str, number: int | None = None
    ) -> tuple[Frozen, list[Member], list[tuple[str, str, str, int]]]:
        """A version, its studies, and (study UID, series UID, path, bytes) of their files: to be copied without whose
        they are. Raises `Refused`.
        """
        database = self._archive._database
        with self._archive._acting("copy", digest_of(name), version=number) as facts:
            version = frozen(database, name, number)
            members = members_of(database, name, version.number)
            listed = list(files_of(database, [member.study_uid for member in members]))
            facts.update(studies=len(members), files=len(listed))
        return version, members, listed

    @needs(Role.RESEARCHER, "write whom the codes of a cohort stand for")
    @of_one_moment
    def codes(self, name: str, number: int | None = None) -> list[tuple[str, ...]]:
        """Whom the codes of an export with pseudonyms stand for, under a row of names. Raises `Refused`."""
        self._archive.note("codes", digest_of(name), version=number)
        version = frozen(self._archive._database, name, number)
        members = members_of(self._archive._database, name, version.number)
        return [tuple(map(str, row)) for row in Pseudonyms(version).table(members)]

    @needs(Role.RESEARCHER, "delete a cohort")
    def delete(self, name: str, number: int | None = None) -> Frozen:
        """Forget a version, or all; gives back the latest of them, so that it can be frozen again. Raises `Refused`."""
        return self.delete_once(name, number, lambda _: True)[0]

    @needs(Role.RESEARCHER, "delete a cohort")
    def delete_once(self, name: str, number: int | None, confirm: Callable[[Frozen], bool]) -> tuple[Frozen, int]:
        """The same once it was seen and confirmed: gives how many versions are gone, too, 0 where it was not."""
        version = frozen(self._archive._database, name, number)
        if version.owner != self._archive.person.name and not self._archive.may(Role.MANAGER):
            self._archive.note("refused", digest_of(name), facts_role=str(Role.MANAGER))
            raise Refused("only the one who froze a cohort, or a manager, can delete it")
        if not confirm(version):
            return version, 0
        self._archive.note("delete", digest_of(name), version=number)
        return version, delete_cohort(self._archive._database, name, number)

    @needs(Role.RESEARCHER, "delete a cohort")
    def seen(self, name: str, number: int | None) -> None:
        """Before the definition of a version is shown."""
        self._archive.note("see-cohort", digest_of(name), version=number)

    @contextmanager
    def _moment(self, definition: Definition) -> Iterator[Callable[[], Likeness]]:
        """All that is counted within is of one moment; without rules of likeness no network is loaded."""
        if not any(rule.like or rule.text for rule in definition.rules()):
            with self._archive._database.reading():
                yield self._likeness
            return
        engine = self._archive._engine  # opened before: opening may write
        with engine.reading() as archive:
            yield lambda: archive.likeness(self._reader())

    def _likeness(self) -> Likeness:
        return self._archive._engine.likeness(self._reader())

    def _reader(self) -> ReadScan:
        engine, read = self._archive._engine, self._read
        return _no_file if read is None else lambda path: read(path, engine.dual)

    def _require_uids(self, definition: Mapping[str, object]) -> None:
        """Raise `CohortError` where a kept definition is like a file of the machine that it was frozen on."""
        text = "" if self._read is not None else repr(definition)
        for found in re.finditer(r"'like': '([^']*)'", text):
            if not _UID.fullmatch(found[1]):
                raise CohortError("this cohort is like a scan in a file: run it again with 'spinecho cohort rerun'")


def is_long(cohorts: PersonalCohorts, definition: Definition) -> bool:
    """Whether counting takes so long here that searches beside it would wait. Tells of no study."""
    rules = sum(1 for _ in definition.rules()) + definition.lines + _MATCHING * (definition.match is not None)
    return highest_study(cohorts._archive._database) * rules > LONG


def counts_take_long(database: Database) -> bool:
    """Whether counts of a few rules do, in this archive."""
    return highest_study(database) * _FEW > LONG


def list_digest(members: Sequence[Member]) -> str:
    """The same for lists of the same studies in the same parts."""
    return hashlib.sha256("\n".join(f"{one.study_uid} {one.part}" for one in members).encode()).hexdigest()


def _no_file(path: Path) -> NoReturn:
    raise CohortError("no study of the index has the UID that a rule is to be like")
