"""What the methods of a cohort ask of a server."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from spinecho.remote.asked.asking import Asking, Call, T, ask
from spinecho.remote.asked.jobs import answered, file_of, finished
from spinecho.remote.problems import NotFromAfar, UnknownThere, Unreachable

if TYPE_CHECKING:
    from spinecho.answering.lists import Changes, CohortCount, CohortRerun, Deleted, Exported, FrozenCohort
    from spinecho.search.cohorts.definition import Definition

_PLACE = "/api/v1/cohorts"


@dataclasses.dataclass(frozen=True)
class CohortAfar:
    """A cohort of an archive of another machine: a definition, or a name under which versions were kept."""

    name: str
    definition: Definition | None
    _run: Callable[[Asking[Any]], Any] = dataclasses.field(repr=False, compare=False)


def count(cohort: CohortAfar) -> Asking[CohortCount]:
    """As `Cohort.count`."""
    return counted((yield from answered(Call("POST", f"{_PLACE}/count", _defined(cohort)))))


def freeze(cohort: CohortAfar) -> Asking[FrozenCohort]:
    """As `Cohort.freeze`."""
    body = yield from answered(Call("POST", _PLACE, _defined(cohort), reads=False))
    kept = yield from _with_members(body)
    return dataclasses.replace(kept, count=counted(body["count"]))


def versions(cohort: CohortAfar) -> Asking[tuple[FrozenCohort, ...]]:
    """As `Cohort.versions`."""
    found = []
    for one in (yield from _versions_of(cohort)):
        found.append((yield from _with_members(one)))
    return tuple(found)


def version(cohort: CohortAfar, number: int | None = None) -> Asking[FrozenCohort]:
    """As `Cohort.version`."""
    return (yield from _with_members((yield from _version(cohort, number))))


def diff(cohort: CohortAfar, first: int, second: int) -> Asking[Changes]:
    """As `Cohort.diff`."""
    place, versions = f"{_place(cohort.name)}/diff", {"first": first, "second": second}
    return changed((yield from _known(ask(Call("GET", place, params=versions)))).body)


def rerun(cohort: CohortAfar, version: int | None = None, *, freeze: bool = False) -> Asking[CohortRerun]:
    """As `Cohort.rerun`."""
    from spinecho.answering.lists import CohortRerun  # noqa: PLC0415

    number = int((yield from _version(cohort, version))["version"])
    place = f"{_place(cohort.name, number)}/rerun"
    body = yield from _known(answered(Call("POST" if freeze else "GET", place, reads=not freeze)))
    now, kept = counted(body["count"]), None
    if freeze:
        kept = dataclasses.replace((yield from _with_members(body["frozen"])), count=now)
    return CohortRerun(number, now, changed(body), kept)


def export(
    cohort: CohortAfar, version: int, folder: str | Path, *, formats: Sequence[str] | None = None,
    pseudonyms: bool = True,
) -> Asking[Path]:  # fmt: skip
    """As `Cohort.export`, as a job of the server."""
    from spinecho.db.durable import make_folder  # noqa: PLC0415
    from spinecho.setup.places import place_of  # noqa: PLC0415
    from spinecho.setup.private import write_private  # noqa: PLC0415

    name, packed, _ = yield from _exported(cohort, version, formats, pseudonyms=pseudonyms)
    place = place_of(folder)
    make_folder(place)
    write_private(place / name, packed)
    return place / name


def write(
    cohort: CohortAfar, folder: str | Path, *, version: int | None = None, formats: Sequence[str] | None = None,
    pseudonyms: bool = True,
) -> Asking[Exported]:  # fmt: skip
    """As `Cohort.write`, as a job of the server whose tables are put into the folder here."""
    from spinecho.answering.lists import CohortError, Exported  # noqa: PLC0415
    from spinecho.remote.asked.unpacking import unpack_private  # noqa: PLC0415
    from spinecho.setup.places import place_of  # noqa: PLC0415

    place = place_of(folder).absolute()
    if place.exists() and any(place.iterdir()):
        raise CohortError(f"{place} is not empty; export into a new folder")
    number = int((yield from _version(cohort, version))["version"])
    _, packed, result = yield from _exported(cohort, number, formats, pseudonyms=pseudonyms)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = unpack_private(archive, place)
    return Exported(place, files, int(result["studies"]), tuple(result["missing"]))


def codes(cohort: CohortAfar, version: int | None = None) -> Asking[tuple[tuple[str, ...], ...]]:
    """As `Cohort.codes`."""
    number = int((yield from _version(cohort, version))["version"])
    body = (yield from _known(ask(Call("GET", f"{_place(cohort.name, number)}/codes")))).body
    return tuple(tuple(row) for row in body["rows"])


def delete(
    cohort: CohortAfar, version: int | None = None, *, confirm: Callable[[FrozenCohort], bool] | None = None
) -> Asking[Deleted]:
    """As `Cohort.delete`."""
    from spinecho.answering.lists import Deleted  # noqa: PLC0415

    latest = frozen_of((yield from _version(cohort, version)))
    if confirm is not None and not confirm(latest):
        return Deleted(0, latest)
    if version is not None:
        yield from _known(ask(Call("DELETE", _place(cohort.name, version), reads=False)))
        return Deleted(1, latest)
    body = (yield from _known(ask(Call("DELETE", _place(cohort.name), reads=False)))).body
    return Deleted(int(body["forgotten"]), latest)


def listed() -> Asking[tuple[FrozenCohort, ...]]:
    """As `Archive.cohorts`."""
    body = (yield from ask(Call("GET", _PLACE))).body
    return tuple(frozen_of(one) for one in body["cohorts"])


def counted(plain: Mapping[str, Any]) -> CohortCount:
    """What a definition leaves, from its JSON."""
    from spinecho.answering.lists import CohortCount  # noqa: PLC0415

    return CohortCount(
        plain["cohort"], plain["studies"], plain["patients"], tuple(plain["attrition"]), dict(plain["parts"]),
        tuple(plain["balance"]), tuple(plain["warnings"]),
    )  # fmt: skip


def changed(plain: Mapping[str, Any]) -> Changes:
    """What differs between lists, from its JSON; patients are '' for those who may not see them."""
    from spinecho.answering.lists import Changes  # noqa: PLC0415
    from spinecho.search.cohorts.list_changes import Change  # noqa: PLC0415

    kinds = [
        tuple(Change(one["study_uid"], one["patient"] or "", one["why"]) for one in plain[kind])
        for kind in ("added", "removed", "moved")
    ]
    return Changes(kinds[0], kinds[1], kinds[2], plain["kept"], tuple(plain["definition"]))


def frozen_of(plain: Mapping[str, Any], members: Sequence[Mapping[str, Any]] = ()) -> FrozenCohort:
    """A version from its JSON."""
    from spinecho.answering.lists import FrozenCohort, Member  # noqa: PLC0415

    return FrozenCohort(
        plain["name"], plain["version"], plain["studies"], plain["patients"],
        tuple(
            Member(one["study_uid"], one["patient"] or "", one["part"], one["facts"], one["person"]) for one in members
        ),
        plain["description"], plain["owner"], datetime.fromisoformat(plain["frozen_at"]).replace(tzinfo=None),
        plain["definition"], tuple(plain["attrition"]), tuple(plain["balance"]), plain["made_with"],
    )  # fmt: skip


def _with_members(plain: Mapping[str, Any]) -> Asking[FrozenCohort]:
    members: list[Mapping[str, Any]] = []
    asked: dict[str, Any] = {"k": 10_000}
    while True:
        body = (yield from _known(ask(Call("GET", _place(plain["name"], plain["version"]), params=asked)))).body
        members += body["members"]
        if body["next"] is None:
            return frozen_of(plain, members)
        asked |= {"cursor": body["next"]}


def _exported(
    cohort: CohortAfar, version: int, formats: Sequence[str] | None, *, pseudonyms: bool
) -> Asking[tuple[str, bytes, Mapping[str, Any]]]:
    """(file name, zip, what the job said)"""
    from spinecho.answering.lists import FORMATS, CohortError  # noqa: PLC0415

    wanted = [one for one in formats or FORMATS if not (pseudonyms and one == "copy")]
    if unknown := sorted(set(wanted) - set(FORMATS)):
        raise CohortError(f"{unknown[0]!r} is no format; there are {', '.join(FORMATS)}")
    if not wanted:
        raise CohortError("with pseudonyms no list of files can be had; take csv, parquet or bids")
    yield from _version(cohort, version)
    body = {"name": cohort.name, "version": version, "formats": wanted, "pseudonyms": pseudonyms}
    job = yield from finished(Call("POST", "/api/v1/jobs/exports", body, reads=False))
    packed = yield from file_of(job)
    name = str(job["result"]["file_name"])
    if Path(name).name != name or not zipfile.is_zipfile(io.BytesIO(packed)):
        raise Unreachable("the server gave an export that cannot be read; ask again")
    return name, packed, job["result"]


def _versions_of(cohort: CohortAfar) -> Asking[list[Mapping[str, Any]]]:
    body = (yield from ask(Call("GET", _PLACE))).body
    return sorted((one for one in body["cohorts"] if one["name"] == cohort.name), key=lambda one: one["version"])


def _version(cohort: CohortAfar, number: int | None) -> Asking[Mapping[str, Any]]:
    """A version as it is listed, the latest without a number."""
    from spinecho.answering.lists import CohortError  # noqa: PLC0415

    mine = yield from _versions_of(cohort)
    if not mine:
        raise CohortError(f"no cohort {cohort.name!r}; cohorts() and 'spinecho cohort list' name those that there are")
    found = [one for one in mine if number in (None, one["version"])]
    if not found:
        there = ", ".join(str(one["version"]) for one in mine)
        raise CohortError(f"cohort {cohort.name!r} has no version {number}; it has {there}")
    return found[-1]


def _place(name: str, number: int | None = None) -> str:
    if "/" in name:  # servers and proxies take it for the end of a name, however it is written
        raise NotFromAfar(f"{name!r} has a slash in it, which no address can hold: use spinecho.open there")
    return f"{_PLACE}/{quote(name, safe='')}" + ("" if number is None else f"/versions/{int(number)}")


def _known(asked: Asking[T]) -> Asking[T]:
    """What the address names and the server does not know is an error of the cohort, as it is here."""
    from spinecho.answering.lists import CohortError  # noqa: PLC0415

    try:
        return (yield from asked)
    except UnknownThere as error:
        raise CohortError(str(error)) from None


def _defined(cohort: CohortAfar) -> dict[str, Any]:
    from spinecho.answering.lists import CohortError  # noqa: PLC0415
    from spinecho.search.cohorts.definition import to_plain  # noqa: PLC0415

    if cohort.definition is None:
        raise CohortError(f"{cohort.name!r} was opened by its name: give the file with its rules, or use rerun")
    return {"definition": {"name": cohort.name, **to_plain(cohort.definition)}}
