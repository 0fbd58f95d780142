"""An archive of another machine as one object, in a form that waits and one of coroutines."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Never, NoReturn, Self

from spinecho.errors import ArchiveClosed, QueryError
from spinecho.given import read_arguments
from spinecho.remote.asked import asking, calls, cohort_calls, evaluations, people_calls
from spinecho.remote.asked.asking import T
from spinecho.remote.cohorts import AsyncRemoteCohort, RemoteCohort
from spinecho.remote.methods import awaits, waits
from spinecho.remote.problems import NotFromAfar
from spinecho.remote.record import AsyncRemoteActs, RemoteActs
from spinecho.remote.sources import AsyncRemoteSources, RemoteSources
from spinecho.remote.studies import awaited, study_of
from spinecho.remote.wire import Address, drive, drive_async, options_of
from spinecho.setup.places import place_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import httpx

    from spinecho.answering.studies import Study
    from spinecho.remote.asked.scans import Folder
    from spinecho.search.cohorts.definition import Definition

NOT_FROM_AFAR = {
    "index": "reads folders of the machine that holds the archive, and takes hours",
    "join": "reads folders of its own machine beside the one that indexes",
    "predict": "loads networks over every file of the archive",
    "adapt": "trains networks over every report of the archive, and takes up to an hour",
    "teach": "reads tables and definitions of the machine that holds the archive, and changes what it predicts",
    "concepts": "changes what the archive predicts for everybody; what it predicts is found from afar by a filter",
    "self_test": "changes what the scans of everybody's searches count; 'spinecho index' does it by itself",
    "check": "reads the files of the database and of every build",
    "builds": "makes and tunes files of the vector index",
    "encoders": "loads networks over every file of the archive, and changes what answers for everybody",
    "evaluate_public": "reads a folder of the machine that holds the archive, and takes hours",
    "run_report": "shows pictures of the scans, and is for the data team at the machine that holds the archive",
    "copy_cohort": "reads the files of the machine that holds the archive",
    "reidentify": "reads whom pseudonyms stand for, which never leaves the machine that holds the archive",
    "watch": "follows folders and sources of the machine that holds the archive",
}
"""What an archive of another machine has no way to do, and why."""


def connect(url: str, *, token: str | None = None, timeout: float = 120.0, insecure: bool = False) -> RemoteArchive:
    """The archive that `spinecho serve` answers for at an address; nothing is asked before the first question.

    token: of `spinecho token create`, without it SPINECHO_TOKEN, or what stands in the file SPINECHO_TOKEN_FILE.
    timeout: seconds for an answer. insecure: let plain http go to another machine. Raises `SettingsError` for an
    address that cannot be meant, and for a token's file that others may read.
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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name in NOT_FROM_AFAR:
                why = NOT_FROM_AFAR[name]
                raise NotFromAfar(f"{name} {why}: use spinecho.open on the machine that holds the archive")
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _require_open(self) -> None:
        if self._closed:
            raise ArchiveClosed("this archive was closed; connect again")


class RemoteArchive(_Afar):
    """An archive of another machine. Safe to use from several threads; close it, or use it in a `with` statement.

    Its methods take, give and raise what those of `Archive` do.
    """

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

    search = waits(calls.search)
    similar = waits(calls.similar)
    reports_for = waits(calls.reports_for)
    why = waits(evaluations.why)
    acquired = waits(asking.acquired)
    facets = waits(asking.facets)
    status = waits(calls.status)
    failures = waits(asking.failures)
    evaluate = waits(evaluations.evaluate)
    cohorts = waits(cohort_calls.listed)
    rate = waits(calls.rate)
    verdicts = waits(calls.verdicts)
    thumbs = waits(people_calls.thumbs)
    forget_thumbs = waits(people_calls.forget_thumbs)
    judgements = waits(people_calls.judgements)
    make_token = waits(people_calls.make_token)
    tokens = waits(people_calls.tokens)
    revoke_token = waits(people_calls.revoke_token)
    volume = waits(asking.volume)

    def study(self, uid: str) -> Study:
        """As `Archive.study`; voxels are fetched when they are asked for."""
        body, pictures = self._run(asking.study(uid))
        return study_of(body, pictures, self.volume)

    @read_arguments
    def cohort(self, definition: Folder | Definition | None = None, *, name: str | None = None) -> RemoteCohort:
        """As `Archive.cohort`; the file is read here, and a scan that a rule is to be like has to be a study there."""
        known, read = _defined(definition, name)
        return RemoteCohort(known, read, self._run)

    @property
    def record(self) -> RemoteActs:
        """As `Archive.record`."""
        return RemoteActs(self._run)

    @property
    def sources(self) -> RemoteSources:
        """As `Archive.sources`; what is pulled is pulled on the archive's machine."""
        return RemoteSources(self._run)

    @property
    def user(self) -> str:
        """Whose acts these are, as the record there names them; asked for each time."""
        return self._run(people_calls.user())


class AsyncRemoteArchive(_Afar):
    """The same with coroutines, used in an `async with` statement. `cohort`, `record` and `sources` are not awaited."""

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

    search = awaits(calls.search)
    similar = awaits(calls.similar)
    reports_for = awaits(calls.reports_for)
    why = awaits(evaluations.why)
    acquired = awaits(asking.acquired)
    facets = awaits(asking.facets)
    status = awaits(calls.status)
    failures = awaits(asking.failures)
    evaluate = awaits(evaluations.evaluate)
    cohorts = awaits(cohort_calls.listed)
    rate = awaits(calls.rate)
    verdicts = awaits(calls.verdicts)
    thumbs = awaits(people_calls.thumbs)
    forget_thumbs = awaits(people_calls.forget_thumbs)
    judgements = awaits(people_calls.judgements)
    make_token = awaits(people_calls.make_token)
    tokens = awaits(people_calls.tokens)
    revoke_token = awaits(people_calls.revoke_token)
    volume = awaits(asking.volume)

    async def study(self, uid: str) -> Study:
        """As `RemoteArchive.study`; voxels are awaited with `volume`."""
        body, pictures = await self._run(asking.study(uid))
        return study_of(body, pictures, awaited)

    @read_arguments
    def cohort(self, definition: Folder | Definition | None = None, *, name: str | None = None) -> AsyncRemoteCohort:
        """As `RemoteArchive.cohort`; its methods are coroutines."""
        known, read = _defined(definition, name)
        return AsyncRemoteCohort(known, read, self._run)

    @property
    def record(self) -> AsyncRemoteActs:
        """As `RemoteArchive.record`; its methods are coroutines."""
        return AsyncRemoteActs(self._run)

    @property
    def sources(self) -> AsyncRemoteSources:
        """As `RemoteArchive.sources`; its methods are coroutines."""
        return AsyncRemoteSources(self._run)

    @property
    def user(self) -> Coroutine[Any, Never, str]:
        """As `RemoteArchive.user`, awaited."""
        return self._run(people_calls.user())


def _defined(definition: Folder | Definition | None, name: str | None) -> tuple[str, Definition | None]:
    """(name, its rules where they were given)"""
    from spinecho.search.cohorts.definition import Definition, read_definition  # noqa: PLC0415

    if (definition is None) == (name is None):
        raise QueryError("give the file of a definition, or name= of a cohort that was frozen")
    if definition is None:
        return name or "", None
    read = definition if isinstance(definition, Definition) else read_definition(place_of(definition))
    return read.name, read
