"""Cohorts over a desk: counting is for everybody, keeping and taking away for researchers, each on record."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from db.cohorts import CohortError, Frozen, Member, cohorts, delete_cohort, frozen, members_of
from db.facets import Facet
from db.filters import ALL, visible
from search.cohorts.changes import Changes, between
from search.cohorts.definition import Definition
from search.cohorts.evaluate import Evaluation, evaluate
from search.cohorts.export import FORMATS, export
from search.cohorts.keep import again, keep
from search.cohorts.pseudonyms import Pseudonyms
from search.desk import Desk, Refused, Role

COMPARED = ("sex", "age", "vendor", "field_strength", "sequence", "body_region")
"""The facts that a cohort is held against the whole archive by."""
_UID = re.compile(r"[0-9.]{1,64}")


class CohortDesk:
    """What one person may do with cohorts."""

    def __init__(self, desk: Desk, builds: Path) -> None:
        self._desk, self._builds, self.smallest = desk, builds, desk.smallest

    def versions(self) -> list[Frozen]:
        """Every version of every cohort."""
        self._desk.require(Role.VIEWER, "see cohorts")
        return cohorts(self._desk.database)

    def count(self, definition: Definition) -> Evaluation:
        """Who is in now. Raises `CohortError` for an example that is a file: those are for the command line."""
        self._desk.require(Role.VIEWER, "count a cohort")
        for rule in definition.rules():
            if rule.like and not _UID.fullmatch(rule.like):
                raise CohortError(f"like = {rule.like[:64]!r} is no StudyInstanceUID; give that of a study here")
        engine = self._desk.engine
        return evaluate(definition, engine.database, engine.selection, lambda: engine.likeness(_no_file))

    def compared(self, found: Evaluation) -> dict[str, tuple[Facet, ...]]:
        """By fact: studies by value, shown (of the cohort) and total (of the archive); masked."""
        self._desk.require(Role.VIEWER, "count a cohort")
        studies = found.roster.ids[found.steps[-1].kept]
        everything = visible(ALL)
        return self._desk.engine.selection.facets(
            everything, COMPARED, studies=studies, base=everything, smallest=self.smallest
        )

    def freeze(self, found: Evaluation) -> Frozen:
        """Keep the list as a version. Raises `Refused`, `CohortError` for an empty list."""
        self._desk.require(Role.RESEARCHER, "freeze a cohort")
        made = keep(self._desk.database, self._builds, found, owner=self._desk.person.name)
        self._desk.note("freeze", _digest(made.name), version=made.number, studies=made.studies)
        return made

    def rerun(self, name: str, number: int) -> tuple[Evaluation, Changes]:
        """A version's definition against the archive as it is now."""
        self._desk.require(Role.VIEWER, "count a cohort")
        version = frozen(self._desk.database, name, number)
        self.count_only_uids(version.definition)
        engine = self._desk.engine
        return again(engine.database, engine.selection, version, lambda: engine.likeness(_no_file))

    def diff(self, name: str, first: int, second: int) -> Changes:
        """What differs between two versions."""
        self._desk.require(Role.VIEWER, "compare versions")
        database = self._desk.database
        one, other = (frozen(database, name, number) for number in (first, second))
        return between(one, other, members_of(database, name, first), members_of(database, name, second))

    def members(self, name: str, number: int) -> list[Member]:
        """The studies of a version, by UID."""
        self._desk.require(Role.VIEWER, "see cohorts")
        return members_of(self._desk.database, name, number)

    def take(
        self, name: str, number: int, *, formats: Sequence[str] = FORMATS, pseudonyms: bool = True
    ) -> tuple[str, bytes]:
        """(file name, zip) of a version's tables. Raises `Refused`."""
        self._desk.require(Role.RESEARCHER, "export a cohort")
        database = self._desk.database
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
        self._desk.note(
            "export", _digest(name), version=number, studies=made.studies, pseudonyms=pseudonyms,
            formats=",".join(formats),
        )  # fmt: skip
        called = Pseudonyms(version).cohort if pseudonyms else name
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", called).strip("-.") or "cohort"
        return f"{plain}-v{number}.zip", packed.getvalue()

    def delete(self, name: str, number: int | None = None) -> Frozen:
        """Forget a version, or all; gives back the latest of them, so that it can be frozen again. Raises `Refused`."""
        self._desk.require(Role.RESEARCHER, "delete a cohort")
        version = frozen(self._desk.database, name, number)
        if version.owner != self._desk.person.name and not self._desk.may(Role.MANAGER):
            raise Refused("only the one who froze a cohort, or a manager, can delete it")
        gone = delete_cohort(self._desk.database, name, number)
        self._desk.note("delete", _digest(name), versions=gone)
        return version

    def count_only_uids(self, definition: Mapping[str, object]) -> None:
        """Raise `CohortError` where a kept definition is like a file of the machine that it was frozen on."""
        text = repr(definition)
        for found in re.finditer(r"'like': '([^']*)'", text):
            if not _UID.fullmatch(found[1]):
                raise CohortError("this cohort is like a scan in a file: run it again with 'spinecho cohort rerun'")


def _no_file(path: Path) -> NoReturn:
    raise CohortError("no study of the index has the UID that a rule is to be like")


def _digest(name: str) -> str:
    """What the record calls a cohort: names may say more than they should."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]
