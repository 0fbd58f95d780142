"""A host that takes a connection and says nothing, hangs up or speaks of something else is told as that."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from waiting import comes

import spinecho
from spinecho.db.schema.database import Database
from spinecho.encoders import hub_repository
from spinecho.encoders.hub_repository import HubRepository
from spinecho.errors import SpinechoError
from spinecho.indexer.sources.pacs.dicomweb import DicomWeb
from spinecho.indexer.sources.pacs.network import Network
from spinecho.indexer.sources.pacs.orthanc import Orthanc
from spinecho.ui.server.api.around import bearer
from spinecho.ui.server.api.around.problems import ProviderAway, Unauthenticated

CLIENTS: dict[str, Callable[[int, float], object]] = {
    "database": lambda port, _: Database.open(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=1", create=False),
    "DICOMweb": lambda port, s: DicomWeb({"url": f"http://127.0.0.1:{port}", "read_timeout": s}, {}).test(),
    "Orthanc": lambda port, s: Orthanc({"url": f"http://127.0.0.1:{port}", "read_timeout": s}, {}).test(),
    "PACS": lambda port, s: Network(
        {"host": "127.0.0.1", "port": port, "ae": "A", "own_ae": "B", "read_timeout": s}, {}
    ).test(),
    "hub of models": lambda port, _: HubRepository("a/b", endpoint=f"http://127.0.0.1:{port}").listing(),
    "keys of sign-in": lambda port, _: keys_at(port).claims("a.b.c"),
    "server": lambda port, s: spinecho.connect(f"http://127.0.0.1:{port}", token="t", timeout=s).status(),
}
SAYS = {"nothing": None, "good-bye": b"", "something else": b"SSH-2.0-OpenSSH_9.6\r\n"}


def keys_at(port: int) -> bearer.Provider:
    return bearer.Provider(f"http://127.0.0.1:{port}/.well-known/openid-configuration", frozenset({"us"}))


class Host:
    """Says this to whoever connects, or nothing for None. called: how often somebody did. seconds: to wait for it."""

    def __init__(self, says: bytes | None) -> None:
        self.seconds = 0.2 if says is None else 60.0
        self.says, self.called, self._held = says, 0, list[socket.socket]()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._held.append(self._listening.accept()[0])
                self.called += 1
                if self.says is not None:
                    with contextlib.suppress(OSError):
                        self._held[-1].sendall(self.says)
                    self._held.pop().close()

    def close(self) -> None:
        for one in (self._listening, *self._held):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture(params=SAYS)
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(SAYS[request.param])
    monkeypatch.setattr(hub_repository, "_ANSWERS_WITHIN", made.seconds)
    monkeypatch.setattr(bearer, "_TIMEOUT", made.seconds)
    monkeypatch.setattr("spinecho.remote.wire.time.sleep", lambda _: None)
    yield made
    made.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_host_that_gives_no_answer_is_waited_for_so_long_and_told_as_that(host: Host, client: str) -> None:
    if client == "PACS" and host.says is not None:
        host.says, host.seconds = (
            None,
            0.2,
        )  # pynetdicom leaves a socket that the other side closed open, which Python warns of
    with pytest.raises((SpinechoError, Unauthenticated)) as told:
        CLIENTS[client](host.port, host.seconds)
    assert comes(lambda: host.called)
    assert len(str(told.value)) > 20


def test_a_server_that_had_its_time_is_not_asked_again(host: Host) -> None:
    with pytest.raises(spinecho.Unreachable):
        CLIENTS["server"](host.port, host.seconds)
    assert comes(lambda: host.called) == (1 if host.says is None else 4)


def test_sign_in_by_a_provider_that_is_silent_is_tried_once_in_a_while(host: Host) -> None:
    """Everybody who asks would wait for it, one after the other."""
    provider = keys_at(host.port)
    for _ in range(5):
        with pytest.raises(ProviderAway, match="keys cannot be fetched"):
            provider.claims("a.b.c")
    assert comes(lambda: host.called) == 1
