"""An archive of another machine as one object, in a form that waits and one of coroutines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from spinecho.errors import ArchiveClosed, QueryError
from spinecho.remote import asking, calls
from spinecho.remote.answers import study_facts
from spinecho.remote.asking import T
from spinecho.remote.problems import NotFromAfar
from spinecho.remote.wire import Address, drive, drive_async, options_of
from spinecho.studies import Report, Series, Study

if TYPE_CHECKING:
    import httpx

    from spinecho.db.filters.algebra import Filter
    from spinecho.facet_counts import Facets
    from spinecho.outcomes import Failures
    from spinecho.results import Hits
    from spinecho.studies import Volume

_ELSEWHERE = ("index", "predict", "self_test", "check", "builds", "record")


def connect(url: str, *, token: str | None = None, timeout: float = 120.0, insecure: bool = False) -> RemoteArchive:
    """The archive that `spinecho serve` answers for at an address; nothing is asked before the first question.

    token: of `spinecho token create`, without it SPINECHO_TOKEN. timeout: seconds for an answer. insecure: let plain
    http go to another machine. Raises `SettingsError` for an address that cannot be meant.
    """
    import httpx  # noqa: PLC0415  (only where another machine is asked)

    address = Address.of(url, insecure=insecure)
    return RemoteArchive(address, httpx.Client(**options_of(address, token, timeout)))


def connect_async(
    url: str, *, token: str | None = None, timeout: float = 120.0, insecure: bool = False
) -> AsyncRemoteArchive:
    """The same, whose methods are coroutines."""
    import httpx  # noqa: PLC0415

    address = Address.of(url, insecure=insecure)
    return AsyncRemoteArchive(address, httpx.AsyncClient(**options_of(address, token, timeout)))


class _Afar:
    """What both forms have."""

    def __init__(self, address: Address) -> None:
        self._address, self._closed = address, False

    def __repr__(self) -> str:
        return f"<spinecho.{type(self).__name__} {self._address.url}{' (closed)' if self._closed else ''}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name in _ELSEWHERE:
            raise NotFromAfar(f"{name} works on the machine that holds the archive: use spinecho.open there")
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _require_open(self) -> None:
        if self._closed:
            raise ArchiveClosed("this archive was closed; connect again")


class RemoteArchive(_Afar):
    """An archive of another machine. Safe to use from several threads; close it, or use it in a `with` statement."""

    def __init__(self, address: Address, client: httpx.Client) -> None:
        super().__init__(address)
        self._client = client

    def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, one: asking.Asking[T]) -> T:
        self._require_open()
        return drive(self._client, one)

    def search(self, words: str = "", **options: Any) -> Hits:
        """As `Archive.search`; like is a study's UID."""
        return self._run(calls.search(words, **options))

    def similar(self, scan: calls.Folder | None = None, **options: Any) -> Hits:
        """As `Archive.similar`; a scan is sent, and not kept there."""
        return self._run(calls.similar(scan, **options))

    def reports_for(self, scan: calls.Folder | None = None, **options: Any) -> Hits:
        """As `Archive.reports_for`."""
        return self._run(calls.similar(scan, **options, reports=True))

    def study(self, uid: str) -> Study:
        """As `Archive.study`; a series gives its first volume."""
        body, pictures = self._run(asking.study(uid))
        return _study(body, pictures, self.volume)

    def volume(self, series_uid: str) -> Volume:
        """The first volume of a series by its UID."""
        return self._run(asking.volume(series_uid))

    def facets(self, *fields: str, where: str | Filter = "") -> Facets:
        """As `Archive.facets`."""
        return self._run(asking.facets(fields, where))

    def rate(self, words: str, verdicts: Mapping[str, int], *, where: str | Filter = "") -> None:
        """As `Archive.rate`."""
        self._run(calls.rate(words, verdicts, where=where))

    def verdicts(self, words: str, *, where: str | Filter = "") -> dict[str, int]:
        """As `Archive.verdicts`."""
        return self._run(calls.verdicts(words, where=where))

    def status(self) -> dict[str, Any]:
        """As `Archive.status`."""
        return self._run(calls.status())

    def failures(self, *, reason: str | None = None, everything: bool = False) -> Failures:
        """As `Archive.failures`."""
        return self._run(asking.failures(reason, everything))


class AsyncRemoteArchive(_Afar):
    """The same with coroutines; use it in an `async with` statement."""

    def __init__(self, address: Address, client: httpx.AsyncClient) -> None:
        super().__init__(address)
        self._client = client

    async def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, one: asking.Asking[T]) -> T:
        self._require_open()
        return await drive_async(self._client, one)

    async def search(self, words: str = "", **options: Any) -> Hits:
        """As `RemoteArchive.search`."""
        return await self._run(calls.search(words, **options))

    async def similar(self, scan: calls.Folder | None = None, **options: Any) -> Hits:
        """As `RemoteArchive.similar`."""
        return await self._run(calls.similar(scan, **options))

    async def reports_for(self, scan: calls.Folder | None = None, **options: Any) -> Hits:
        """As `RemoteArchive.reports_for`."""
        return await self._run(calls.similar(scan, **options, reports=True))

    async def study(self, uid: str) -> Study:
        """As `RemoteArchive.study`; voxels are awaited with `volume`."""
        body, pictures = await self._run(asking.study(uid))
        return _study(body, pictures, _awaited)

    async def volume(self, series_uid: str) -> Volume:
        """As `RemoteArchive.volume`."""
        return await self._run(asking.volume(series_uid))

    async def facets(self, *fields: str, where: str | Filter = "") -> Facets:
        """As `RemoteArchive.facets`."""
        return await self._run(asking.facets(fields, where))

    async def rate(self, words: str, verdicts: Mapping[str, int], *, where: str | Filter = "") -> None:
        """As `RemoteArchive.rate`."""
        await self._run(calls.rate(words, verdicts, where=where))

    async def verdicts(self, words: str, *, where: str | Filter = "") -> dict[str, int]:
        """As `RemoteArchive.verdicts`."""
        return await self._run(calls.verdicts(words, where=where))

    async def status(self) -> dict[str, Any]:
        """As `RemoteArchive.status`."""
        return await self._run(calls.status())

    async def failures(self, *, reason: str | None = None, everything: bool = False) -> Failures:
        """As `RemoteArchive.failures`."""
        return await self._run(asking.failures(reason, everything))


@dataclasses.dataclass(frozen=True)
class _SeriesAfar(Series):
    """A series whose voxels are fetched."""

    def volume(self, number: int = 0) -> Volume:
        """The first volume; others are not sent."""
        if not 0 <= number < self.volume_count:
            raise QueryError(f"volume {number} of a series that has {self.volume_count}, counted from 0")
        if number:
            raise NotFromAfar("a server sends the first volume of a series: use spinecho.open where the archive is")
        found: Any = self._open()
        return found  # type: ignore[no-any-return]

    def volumes(self) -> Iterator[Volume]:
        """The volumes one after the other; raises `NotFromAfar` after the first where there are more."""
        return (self.volume(number) for number in range(self.volume_count))


def _awaited(series_uid: str) -> NoReturn:
    raise QueryError(f"voxels are awaited here: await archive.volume({series_uid!r})")


def _study(body: Mapping[str, Any], pictures: Mapping[str, bytes], fetch: Any) -> Study:
    series = tuple(
        _SeriesAfar(
            one["uid"], one["number"], one["description"], one["sequence"], one["plane"], one["body_region"],
            one["contrast"], one["field_strength_t"], one["vendor"], one["derived"], tuple(one["flags"]),
            one["volumes"], pictures.get(one["key_image"] or ""), partial(fetch, one["uid"]),
        )
        for one in body["series"]
    )  # fmt: skip
    reports = tuple(Report(one["text"], one["accession_number"], one["match"]) for one in body["reports"])
    return Study(*study_facts(body), series, reports)
