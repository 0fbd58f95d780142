"""Cohorts over a desk: counting is for everybody, keeping and taking away for researchers, each on record."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeAlias

from spinecho.db.filters.algebra import ALL, visible
from spinecho.db.people.cohorts import CohortError, Frozen, Member, cohorts, delete_cohort, frozen, members_of
from spinecho.db.people.record import Fact
from spinecho.db.queries.facets import Facet
from spinecho.encoders.dual import DualEncoder
from spinecho.search.access.desk import Desk, Refused, Role, digest_of, needs
from spinecho.search.cohorts.attrition import Evaluation, evaluate
from spinecho.search.cohorts.definition import Definition
from spinecho.search.cohorts.export import FORMATS, Exported, export
from spinecho.search.cohorts.freezing import again, keep
from spinecho.search.cohorts.list_changes import Changes, between
from spinecho.search.cohorts.pseudonyms import Pseudonyms
from spinecho.search.likeness import Likeness, ReadScan
from spinecho.search.query import ImageQuery

__all__ = ["COMPARED", "CohortDesk", "Frozen"]
COMPARED = ("sex", "age", "vendor", "field_strength", "sequence", "body_region")
"""The facts that a cohort is held against the whole archive by."""
ReadExample: TypeAlias = Callable[[Path, DualEncoder], ImageQuery]
"""Reads a scan that lies on this machine."""
_UID = re.compile(r"[0-9.]{1,64}")


class CohortDesk:
    """What one person may do with cohorts. Each method leaves a row before it gives anything back."""

    def __init__(self, desk: Desk, builds: Path, *, read: ReadExample | None = None) -> None:
        """read: reads a scan of this machine that a rule is to be like; None where such rules are not for this way."""
        self._desk, self._builds, self.smallest, self._read = desk, builds, desk.smallest, read

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._desk.require(role, what)

    @needs(Role.VIEWER, "see cohorts")
    def versions(self) -> list[Frozen]:
        """Every version of every cohort."""
        with self._desk._acting("see-cohorts") as facts:
            known = cohorts(self._desk._database)
            facts["versions"] = len(known)
        return known

    @needs(Role.VIEWER, "count a cohort")
    def count(self, definition: Definition) -> Evaluation:
        """Who is in now. Raises `CohortError` for an example that is a file: those are for the command line."""
        with self._desk._acting("count-cohort", digest_of(definition.name)) as facts:
            for rule in definition.rules():
                if self._read is None and rule.like and not _UID.fullmatch(rule.like):
                    raise CohortError(f"like = {rule.like[:64]!r} is no StudyInstanceUID; give that of a study here")
            with self._moment(definition) as likeness:
                found = evaluate(definition, self._desk._database, self._desk._selection, likeness)
            facts["studies"] = len(found.members)
        return found

    @needs(Role.VIEWER, "count a cohort")
    def counted_again(self, found: Evaluation) -> None:
        """Before counts that were kept are shown once more."""
        self._desk.note_once("count-cohort", digest_of(found.definition.name), studies=len(found.members), again=True)

    @needs(Role.VIEWER, "count a cohort")
    def compared(self, found: Evaluation) -> dict[str, tuple[Facet, ...]]:
        """By fact: studies by value, shown (of the cohort) and total (of the archive); masked."""
        studies = found.roster.ids[found.steps[-1].kept]
        everything = visible(ALL)
        with self._desk._acting("compare-cohort", digest_of(found.definition.name)):
            return self._desk._selection.facets(
                everything, COMPARED, studies=studies, base=everything, smallest=self.smallest
            )

    @needs(Role.RESEARCHER, "freeze a cohort")
    def freeze(self, found: Evaluation) -> Frozen:
        """Keep the list as a version. Raises `Refused`, `CohortError` for an empty list."""
        subject = digest_of(found.definition.name)
        self._desk.note("freeze", subject, studies=len(found.members))  # before: nothing is kept that is not on record
        made = keep(self._desk._database, self._builds, found, owner=self._desk.person.name)
        self._desk.note("frozen", subject, version=made.number, studies=made.studies)
        return made

    @needs(Role.VIEWER, "count a cohort")
    def rerun(self, name: str, number: int | None) -> tuple[Evaluation, Changes]:
        """A version's definition against the archive as it is now."""
        with self._desk._acting("rerun-cohort", digest_of(name), version=number):
            version = frozen(self._desk._database, name, number)
            self._require_uids(version.definition)
            return again(self._desk._database, self._desk._selection, version, self._likeness)

    @needs(Role.VIEWER, "compare versions")
    def diff(self, name: str, first: int, second: int) -> Changes:
        """What differs between two versions."""
        with self._desk._acting("diff-cohort", digest_of(name), version=first, other=second):
            database = self._desk._database
            one, other = (frozen(database, name, number) for number in (first, second))
            return between(one, other, members_of(database, name, first), members_of(database, name, second))

    @needs(Role.VIEWER, "see cohorts")
    def version(self, name: str, number: int | None = None) -> tuple[Frozen, list[Member]]:
        """A version, the latest without a number, with its studies. Raises `CohortError` where there is none."""
        with self._desk._acting("see-members", digest_of(name), version=number) as facts:
            one = frozen(self._desk._database, name, number)
            members = members_of(self._desk._database, name, one.number)
            facts["studies"] = len(members)
        return one, members

    @needs(Role.VIEWER, "see cohorts")
    def members(self, name: str, number: int) -> list[Member]:
        """The studies of a version, by UID."""
        with self._desk._acting("see-members", digest_of(name), version=number) as facts:
            members = members_of(self._desk._database, name, number)
            facts["studies"] = len(members)
        return members

    @needs(Role.RESEARCHER, "export a cohort")
    def take(
        self, name: str, number: int, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> tuple[str, bytes]:
        """(file name, zip) of a version's tables. Raises `Refused`."""
        database = self._desk._database
        facts: dict[str, Fact] = {"version": number, "pseudonyms": pseudonyms, "formats": ",".join(formats)}
        with self._desk._acting("export", digest_of(name), **facts) as counted:
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
        return f"{plain}-v{number}.zip", packed.getvalue()

    @needs(Role.RESEARCHER, "export a cohort")
    def taken(self, name: str, number: int, size: int) -> None:
        """Before an export that was made is handed out. size: its bytes."""
        self._desk.note("download", digest_of(name), version=number, bytes=size)

    @needs(Role.RESEARCHER, "export a cohort")
    def write(
        self, name: str, number: int | None, folder: Path, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> Exported:
        """Write a version's tables into a new folder. Raises `CohortError` for one that holds something."""
        self._desk.note("export", digest_of(name), version=number, pseudonyms=pseudonyms, formats=",".join(formats))
        database = self._desk._database
        version = frozen(database, name, number)
        members = members_of(database, name, version.number)
        return export(
            database, version, members, folder, formats=formats, pseudonyms=pseudonyms, smallest=self.smallest
        )

    @needs(Role.RESEARCHER, "write whom the codes of a cohort stand for")
    def codes(self, name: str, number: int | None = None) -> list[tuple[str, ...]]:
        """Whom the codes of an export with pseudonyms stand for, under a row of names. Raises `Refused`."""
        self._desk.note("codes", digest_of(name), version=number)
        version = frozen(self._desk._database, name, number)
        members = members_of(self._desk._database, name, version.number)
        return [tuple(map(str, row)) for row in Pseudonyms(version).table(members)]

    @needs(Role.RESEARCHER, "delete a cohort")
    def delete(self, name: str, number: int | None = None) -> Frozen:
        """Forget a version, or all; gives back the latest of them, so that it can be frozen again. Raises `Refused`."""
        return self.delete_once(name, number, lambda _: True)[0]

    @needs(Role.RESEARCHER, "delete a cohort")
    def delete_once(self, name: str, number: int | None, confirm: Callable[[Frozen], bool]) -> tuple[Frozen, int]:
        """The same once it was seen and confirmed: gives how many versions are gone, too, 0 where it was not."""
        version = frozen(self._desk._database, name, number)
        if version.owner != self._desk.person.name and not self._desk.may(Role.MANAGER):
            self._desk.note("refused", digest_of(name), facts_role=str(Role.MANAGER))
            raise Refused("only the one who froze a cohort, or a manager, can delete it")
        if not confirm(version):
            return version, 0
        self._desk.note("delete", digest_of(name), version=number)
        return version, delete_cohort(self._desk._database, name, number)

    @needs(Role.RESEARCHER, "delete a cohort")
    def seen(self, name: str, number: int | None) -> None:
        """Before the definition of a version is shown."""
        self._desk.note("see-cohort", digest_of(name), version=number)

    @contextmanager
    def _moment(self, definition: Definition) -> Iterator[Callable[[], Likeness]]:
        """All that is counted within is of one moment; without rules of likeness no network is loaded."""
        if not any(rule.like or rule.text for rule in definition.rules()):
            with self._desk._database.reading():
                yield self._likeness
            return
        engine = self._desk._engine  # opened before: opening may write
        with engine.reading() as archive:
            yield lambda: archive.likeness(self._reader())

    def _likeness(self) -> Likeness:
        return self._desk._engine.likeness(self._reader())

    def _reader(self) -> ReadScan:
        engine, read = self._desk._engine, self._read
        return _no_file if read is None else lambda path: read(path, engine.dual)

    def _require_uids(self, definition: Mapping[str, object]) -> None:
        """Raise `CohortError` where a kept definition is like a file of the machine that it was frozen on."""
        text = "" if self._read is not None else repr(definition)
        for found in re.finditer(r"'like': '([^']*)'", text):
            if not _UID.fullmatch(found[1]):
                raise CohortError("this cohort is like a scan in a file: run it again with 'spinecho cohort rerun'")


def _no_file(path: Path) -> NoReturn:
    raise CohortError("no study of the index has the UID that a rule is to be like")
