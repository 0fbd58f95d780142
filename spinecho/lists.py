"""Cohorts: lists of studies that the rules of a TOML file choose, see docs/cohorts.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spinecho.db.people.cohorts import Frozen, Member
from spinecho.private import open_private
from spinecho.search.access.cohorts import CohortDesk
from spinecho.search.cohorts.attrition import Evaluation
from spinecho.search.cohorts.definition import Definition
from spinecho.search.cohorts.list_changes import Changes


@dataclass(frozen=True)
class CohortCount:
    """What a definition leaves now. steps: (line, studies, patients) from top to bottom; small counts are hidden."""

    studies: int | str
    patients: int | str
    steps: tuple[tuple[str, int, int], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FrozenCohort:
    """A version that was kept: its list never changes. members: its studies by UID."""

    name: str
    version: int
    studies: int
    patients: int
    members: tuple[Member, ...] = field(repr=False)


@dataclass(frozen=True)
class Cohort:
    """A definition over an archive."""

    definition: Definition
    _desk: Callable[[], CohortDesk] = field(repr=False, compare=False)
    _smallest: int = 0

    def count(self) -> CohortCount:
        """What each line leaves; nothing is kept. Raises `CohortError` for rules that cannot be met."""
        found = self._desk().count(self.definition)
        studies, patients = found.told_sizes(self._smallest)
        steps = tuple((one.what, one.studies, one.patients) for one in found.steps)
        return CohortCount(studies, patients, steps, found.told(self._smallest))

    def freeze(self) -> FrozenCohort:
        """Keep the list as version 1 of its name, or as the next one. Raises `Refused`, `CohortError` when empty."""
        desk = self._desk()
        return _frozen(desk, desk.freeze(desk.count(self.definition)))

    def versions(self) -> tuple[FrozenCohort, ...]:
        """The versions that were kept under its name, the first one first."""
        desk = self._desk()
        mine = [one for one in desk.versions() if one.name == self.definition.name]
        return tuple(_frozen(desk, one) for one in sorted(mine, key=lambda one: one.number))

    def diff(self, first: int, second: int) -> Changes:
        """What came, went and why, between two versions."""
        return self._desk().diff(self.definition.name, first, second)

    def rerun(self, version: int) -> tuple[Evaluation, Changes]:
        """A version's definition against the archive as it is now, and what would change."""
        return self._desk().rerun(self.definition.name, version)

    def export(
        self, version: int, folder: str | Path, *, formats: Sequence[str] | None = None, pseudonyms: bool = True
    ) -> Path:
        """Write a version's tables as a zip into a folder; gives its path. Raises `Refused`, `CohortError`."""
        desk = self._desk()
        given = {} if formats is None else {"formats": tuple(formats)}
        name, packed = desk.take(self.definition.name, version, pseudonyms=pseudonyms, **given)
        place = Path(folder).expanduser()
        place.mkdir(parents=True, exist_ok=True)
        desk.taken(self.definition.name, version, len(packed))
        with open_private(place / name) as file:
            file.write(packed)
        return place / name


def _frozen(desk: CohortDesk, one: Frozen) -> FrozenCohort:
    members = tuple(desk.members(one.name, one.number))
    return FrozenCohort(one.name, one.number, one.studies, one.patients, members)
