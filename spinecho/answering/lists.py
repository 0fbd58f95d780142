"""Cohorts: lists of studies that the rules of a TOML file choose, see docs/cohorts.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from spinecho.db.durable import make_folder
from spinecho.db.people.cohorts import CohortError, Frozen, Member
from spinecho.db.people.masking import masked_rows, masked_sizes
from spinecho.given import reads_arguments
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.persons import Role
from spinecho.search.cohorts.attrition import Evaluation
from spinecho.search.cohorts.balance import BALANCED, SHARES, masked_balance
from spinecho.search.cohorts.definition import EXAMPLE, FIELDS, Definition, from_plain, to_plain
from spinecho.search.cohorts.export import FORMATS, Exported
from spinecho.search.cohorts.freezing import balance_of, shown_making
from spinecho.search.cohorts.list_changes import Changes
from spinecho.setup.places import place_of
from spinecho.setup.private import write_private

__all__ = [
    "BALANCED", "EXAMPLE", "FIELDS", "FORMATS", "SHARES", "Changes", "Cohort", "CohortCount", "CohortError",
    "CohortRerun", "Definition", "Deleted", "Exported", "FrozenCohort", "Member", "from_plain", "to_plain",
    "versions_of",
]  # fmt: skip


@dataclass(frozen=True)
class CohortCount:
    """What a definition leaves now; small counts are hidden. attrition: a row a line from top to bottom (what, kind,
    studies, patients). parts: studies by part of a split. balance: how alike cases and controls are, a row a fact.
    """

    name: str
    studies: int | str
    patients: int | str
    attrition: tuple[Mapping[str, Any], ...]
    parts: Mapping[str, int | str]
    balance: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]

    @property
    def steps(self) -> tuple[tuple[str, int | str, int | str], ...]:
        """(line, studies, patients) from top to bottom."""
        return tuple((one["what"], one["studies"], one["patients"]) for one in self.attrition)

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        facts = {"cohort": self.name, "attrition": list(self.attrition), "parts": dict(self.parts)}
        facts |= {"balance": list(self.balance)} if self.balance else {}
        return {**facts, "warnings": list(self.warnings)}


@dataclass(frozen=True)
class FrozenCohort:
    """A version that was kept: its list never changes. members: its studies by UID, () where versions are listed.

    definition: its rules as plain values; attrition, balance: as when it was frozen; made_with: software, encoders and
    builds that answered then. count: what the definition left, of one that was frozen now.
    """

    name: str
    version: int
    studies: int | str
    patients: int | str
    members: tuple[Member, ...] = field(default=(), repr=False)
    description: str = ""
    owner: str = ""
    frozen_at: datetime | None = None
    definition: Mapping[str, Any] = field(default_factory=dict, repr=False)
    attrition: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    balance: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    made_with: Mapping[str, Any] = field(default_factory=dict, repr=False)
    count: CohortCount | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """One plain object, without its members and definition."""
        return {
            "cohort": self.name,
            "version": self.version,
            "description": self.description,
            "owner": self.owner,
            "frozen_at": "" if self.frozen_at is None else self.frozen_at.isoformat() + "Z",
            "studies": self.studies,
            "patients": self.patients,
            "attrition": list(self.attrition),
            "balance": list(self.balance),
            "made_with": dict(self.made_with),
        }


@dataclass(frozen=True)
class CohortRerun:
    """A version's definition against the archive as it is now. frozen: the new version, where one was kept."""

    version: int
    count: CohortCount
    changes: Changes
    frozen: FrozenCohort | None = None


@dataclass(frozen=True)
class Deleted:
    """versions: how many are gone, 0 where it was not confirmed; latest: the newest, so that it can be frozen again."""

    versions: int
    latest: FrozenCohort


@reads_arguments
@dataclass(frozen=True)
class Cohort:
    """A cohort of an archive: a definition, or a name under which versions were kept (then `definition` is None)."""

    name: str
    definition: Definition | None
    _cohorts: Callable[[], PersonalCohorts] = field(repr=False, compare=False)

    def count(self) -> CohortCount:
        """What each line leaves; nothing is kept. Raises `CohortError` for rules that cannot be met."""
        cohorts = self._cohorts()
        return _counted(cohorts, cohorts.count(self._defined()))

    def freeze(self) -> FrozenCohort:
        """Keep the list as version 1 of its name, or as the next one. Raises `Refused`, `CohortError` when empty."""
        cohorts, definition = self._cohorts(), self._defined()
        cohorts.require(Role.RESEARCHER, "freeze a cohort")  # before the rules are gone through
        return _kept(cohorts, cohorts.count(definition))

    def versions(self) -> tuple[FrozenCohort, ...]:
        """The versions that were kept under its name, the first one first."""
        cohorts = self._cohorts()
        mine = sorted((one for one in cohorts.versions() if one.name == self.name), key=lambda one: one.number)
        return tuple(_frozen(cohorts, one, cohorts.members(one.name, one.number)) for one in mine)

    def version(self, number: int | None = None) -> FrozenCohort:
        """A version, the latest without a number. Raises `CohortError` where there is none."""
        cohorts = self._cohorts()
        return _frozen(cohorts, *cohorts.version(self.name, number))

    def diff(self, first: int, second: int) -> Changes:
        """What came, went and why, between two versions."""
        return self._cohorts().diff(self.name, first, second)

    def rerun(self, version: int | None = None, *, freeze: bool = False) -> CohortRerun:
        """A version's definition against the archive as it is now, and what would change. freeze: keep the new list."""
        cohorts = self._cohorts()
        if freeze:
            cohorts.require(Role.RESEARCHER, "freeze a cohort")
        number = cohorts.version(self.name, version)[0].number
        now, changes = cohorts.rerun(self.name, number)
        return CohortRerun(number, _counted(cohorts, now), changes, _kept(cohorts, now) if freeze else None)

    def export(
        self, version: int, folder: str | Path, *, formats: Sequence[str] | None = None, pseudonyms: bool = True
    ) -> Path:
        """Write a version's tables as a zip into a folder; gives its path. Raises `Refused`, `CohortError`."""
        cohorts = self._cohorts()
        name, packed = cohorts.take(self.name, version, pseudonyms=pseudonyms, formats=tuple(formats or FORMATS))
        place = place_of(folder)
        make_folder(place)
        cohorts.taken(self.name, version, len(packed))
        write_private(place / name, packed)
        return place / name

    def write(
        self,
        folder: str | Path,
        *,
        version: int | None = None,
        formats: Sequence[str] | None = None,
        pseudonyms: bool = True,
    ) -> Exported:
        """Write a version's tables into a new folder: (folder, files, studies, missing). Raises as `export` does."""
        place = place_of(folder).absolute()
        return self._cohorts().write(
            self.name, version, place, formats=tuple(formats or FORMATS), pseudonyms=pseudonyms
        )

    def codes(self, version: int | None = None) -> tuple[tuple[str, ...], ...]:
        """Whom the codes of an export with pseudonyms stand for, under a row of names: for the house alone."""
        return tuple(self._cohorts().codes(self.name, version))

    def delete(self, version: int | None = None, *, confirm: Callable[[FrozenCohort], bool] | None = None) -> Deleted:
        """Forget a version, or the cohort with all of them. confirm: shown the latest first, and may say no.

        Raises `Refused` unless it is yours or you are a manager, `CohortError` where there is none.
        """
        cohorts = self._cohorts()

        def confirmed(one: Frozen) -> bool:
            if confirm is None:
                return True
            cohorts.seen(self.name, version)
            return confirm(_frozen(cohorts, one))

        latest, gone = cohorts.delete_once(self.name, version, confirmed)
        return Deleted(gone, _frozen(cohorts, latest))

    def _defined(self) -> Definition:
        if self.definition is None:
            raise CohortError(f"{self.name!r} was opened by its name: give the file with its rules, or use rerun")
        return self.definition


def versions_of(cohorts: PersonalCohorts) -> tuple[FrozenCohort, ...]:
    """Every version of every cohort, without its members."""
    return tuple(_frozen(cohorts, one) for one in cohorts.versions())


def _kept(cohorts: PersonalCohorts, found: Evaluation) -> FrozenCohort:
    one = cohorts.freeze(found)
    return _frozen(cohorts, one, found.members, _counted(cohorts, found))


def _counted(cohorts: PersonalCohorts, found: Evaluation) -> CohortCount:
    smallest = cohorts.smallest
    studies, patients = found.shown_sizes(smallest)
    return CohortCount(
        found.definition.name, studies, patients, tuple(masked_rows(found.attrition, smallest)),
        found.shown_parts(smallest), tuple(masked_balance([one.plain() for one in found.balance], smallest)),
        found.warnings_shown(smallest),
    )  # fmt: skip


def _frozen(
    cohorts: PersonalCohorts, one: Frozen, members: Sequence[Member] = (), count: CohortCount | None = None
) -> FrozenCohort:
    smallest = cohorts.smallest
    studies, patients = masked_sizes(one.studies, one.patients, smallest)
    return FrozenCohort(
        one.name, one.number, studies, patients, tuple(members), one.description, one.owner, one.created_at,
        one.definition, tuple(masked_rows(list(one.attrition), smallest)), tuple(balance_of(one, smallest)),
        shown_making(one, smallest), count,
    )  # fmt: skip
