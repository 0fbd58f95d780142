"""How a DICOMweb server is asked: token, patience, asking again, pages; against a server that does as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from spinecho.indexer.sources.pacs import dicomweb
from spinecho.indexer.sources.pacs.dicomweb import PAGE, DicomWeb
from spinecho.indexer.sources.pacs.orthanc import Orthanc
from spinecho.indexer.sources.source import SourceDown

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, object]]


class Server:
    """Answers every GET with what `answer` gives; asked: paths and Authorization of all requests."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: (200, [])
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization", "")))
                status, body = outer.answer(self)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *values: object) -> None:
                """Nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(dicomweb, "_FIRST_WAIT", 0.01)
    started = Server()
    yield started
    started.close()


def study(number: int, instances: int = 3) -> dict[str, object]:
    values = {"0020000D": f"1.2.{number}", "00201206": 1, "00201208": instances}
    return {tag: {"vr": "UI", "Value": [value]} for tag, value in values.items()}


def test_a_token_is_read_where_it_stands_and_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACS_TOKEN", "t0ken")
    DicomWeb({"url": server.url, "token_env": "PACS_TOKEN", "since": "20200101"}, {}).test()
    path, authorization = server.asked[0]
    assert authorization == "Bearer t0ken"
    assert {"ModalitiesInStudy": ["MR"], "StudyDate": ["20200101-"]}.items() <= parse_qs(urlsplit(path).query).items()


def test_a_busy_server_is_asked_again_and_not_for_ever(server: Server) -> None:
    server.answer = lambda _: (200, []) if len(server.asked) == 3 else (503, [])
    assert list(DicomWeb({"url": server.url, "attempts": 3}, {}).listed()) == []
    assert len(server.asked) == 3
    server.answer = lambda _: (503, [])
    with pytest.raises(SourceDown, match="503"):
        list(DicomWeb({"url": server.url, "attempts": 3}, {}).listed())
    assert len(server.asked) == 6


def test_a_refusal_is_not_asked_again(server: Server) -> None:
    server.answer = lambda _: (403, [])
    with pytest.raises(SourceDown, match="token"):
        list(DicomWeb({"url": server.url, "attempts": 3}, {}).listed())
    assert len(server.asked) == 1


def test_a_server_that_never_answers_is_not_waited_for(server: Server) -> None:
    done = threading.Event()

    def silent(_: BaseHTTPRequestHandler) -> tuple[int, object]:
        done.wait(30)
        return 200, []

    server.answer = silent
    with pytest.raises(SourceDown, match="in time"):
        DicomWeb({"url": server.url, "read_timeout": 0.1}, {}).test()
    done.set()


@pytest.mark.parametrize("heeds", [True, False], ids=["pages", "the same page for ever"])
def test_pages_are_followed_to_their_end(server: Server, heeds: bool) -> None:
    everything = [study(number) for number in range(2 * PAGE + 7)]

    def page(request: BaseHTTPRequestHandler) -> tuple[int, object]:
        offset = int(parse_qs(urlsplit(request.path).query).get("offset", ["0"])[0]) if heeds else 0
        return 200, everything[offset : offset + PAGE]

    server.answer = page
    found = [one.study_uid for one in DicomWeb({"url": server.url}, {}).listed()]
    assert found == [f"1.2.{number}" for number in range(len(everything) if heeds else PAGE)]


@pytest.mark.parametrize(
    "body", ["nothing", {"0020000D": {}}, [{}], [{"0020000D": {"Value": []}}], {"Last": 3, "ID": 1}]
)
def test_an_odd_answer_lists_nothing_or_is_told(server: Server, body: object) -> None:
    server.answer = lambda _: (200, body)
    for kind in (DicomWeb, Orthanc):
        with suppress(SourceDown):
            assert list(kind({"url": server.url, "attempts": 1}, {}).listed()) == []
