"""A study from afar: its voxels are fetched when they are asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from spinecho.answering.results import StudySummary
from spinecho.answering.studies import Member, OtherStudy, Report, Series, SeriesGroup, Study, Volume
from spinecho.errors import QueryError
from spinecho.given import reads_arguments
from spinecho.remote.asked.answers import study_facts

Fetch = Callable[[str, int], Volume]
"""Gives a volume by the series' UID and its number."""


@reads_arguments
@dataclasses.dataclass(frozen=True)
class _SeriesAfar(Series):
    """A series whose voxels are fetched. `_open` is not asked: it names files."""

    _fetch: Fetch = dataclasses.field(repr=False, compare=False, kw_only=True)

    def volume(self, number: int = 0) -> Volume:
        """A stored volume of it; without a number, the first."""
        if not 0 <= number < self.volume_count:
            raise QueryError(f"volume {number} of a series that has {self.volume_count}, counted from 0")
        return self._fetch(self.uid, number)

    def volumes(self) -> Iterator[Volume]:
        """Every stored volume of it, fetched one at a time as they are asked for."""
        return (self.volume(number) for number in range(self.volume_count))


def study_of(body: Mapping[str, Any], pictures: Mapping[str, bytes], fetch: Fetch) -> Study:
    """A study from its JSON and its pictures by address."""
    series = tuple(
        _SeriesAfar(
            one["uid"], one["number"], one["description"], one["sequence"], one["plane"], one["body_region"],
            one["contrast"], one["field_strength_t"], one["vendor"], one["derived"], tuple(one["flags"]),
            one["volumes"], pictures.get(one["key_image"] or ""), _no_files, _fetch=fetch,
        )
        for one in body["series"]
    )  # fmt: skip
    reports = tuple(Report(one["text"], one["accession_number"], one["match"]) for one in body["reports"])
    groups = tuple(
        SeriesGroup(
            one["kind"], tuple(one["what"]), tuple(one["by"]),
            tuple(Member(member["series_uid"], member["part"]) for member in one["members"]),
        )
        for one in body.get("groups", ())  # a server of an earlier release tells none
    )  # fmt: skip
    others = tuple(
        OtherStudy(StudySummary(*study_facts(one)), one["days"], tuple(one["body_regions"]), one["same_region"])
        for one in body.get("others", ())
        if "days" in one
    )
    return Study(*study_facts(body), series, reports, groups, others)


def awaited(series_uid: str, number: int) -> NoReturn:
    """In the form of coroutines a series cannot wait for its voxels."""
    raise QueryError(f"voxels are awaited here: await archive.volume({series_uid!r}, {number})")


def _no_files() -> NoReturn:
    raise QueryError("the files of a series lie on the machine that holds the archive")
