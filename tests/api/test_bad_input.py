"""Requests that nobody should send: each a typed problem, nothing leaked, nothing lost."""

from __future__ import annotations

import dataclasses
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from serving import UNBOUND, Served, Signed, open_served, settings_of
from starlette.testclient import TestClient
from trusting import FAILED, trust

from spinecho.db.people.record import Record, RecordUnwritable
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.guard import Rules
from spinecho.ui.server.jobs.queue import Queue


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:spinecho:problem:{kind}"
    assert told["status"] == status
    assert told["detail"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return dict(told)


BODIES: list[tuple[str, Any, int, str]] = [
    ("/search", b"{", 400, "invalid"),
    ("/search", b"\xff\xfe", 400, "invalid"),
    ("/search", b"[" * 50_000, 400, "bad-request"),
    ("/search", {"words": 1}, 422, "invalid"),
    ("/search", {"wrds": "x"}, 422, "invalid"),
    ("/search", {"words": "x", "k": 0}, 422, "invalid"),
    ("/search", {"words": "x", "k": 10**9}, 422, "invalid"),
    ("/search", {"words": "x" * 300_000}, 422, "invalid"),
    ("/search", {"words": "x", "where": "sequence"}, 422, "filter-syntax-error"),
    ("/search", {"words": "x", "where": "colour=red"}, 422, "filter-error"),
    ("/search", {"words": "x", "where": "(" * 5000}, 422, "filter-syntax-error"),
    ("/search", {"words": "-- !!"}, 422, "empty-query"),
    ("/search", {"words": "x", "like": "1.2.3"}, 422, "query-error"),
    ("/search", {"words": "x", "cursor": "nonsense"}, 400, "wrong-cursor"),
    ("/search", {"words": "x", "cursor": "W10"}, 400, "wrong-cursor"),
    ("/search", {"words": "x", "cursor": "é"}, 400, "wrong-cursor"),
    ("/similar", {"study": "1.2.3"}, 422, "query-error"),
    ("/similar", {"study": "../../etc"}, 422, "invalid"),
    ("/similar", {"study": "1.2", "box": "0,0,0,2,2,2"}, 422, "box-error"),
    ("/similar", {"study": "1.2", "box": "nan,0,0,1,1,1"}, 422, "box-error"),
    ("/cohorts/count", {}, 422, "query-error"),
    ("/cohorts/count", {"toml": "name = "}, 422, "config-error"),
    ("/cohorts/count", {"definition": {"name": "x", "include": [{"like": "/etc/passwd", "at_least": 0.5}]}}, 422,
     "cohort-error"),
    ("/cohorts/count", {"toml": "a=" + "[" * 100_000}, 422, "config-error"),
    ("/facets", {"fields": ["patient_id"]}, 422, "filter-error"),
    ("/jobs/exports", {"name": "x", "version": 1, "formats": ["copy"]}, 409, "conflict"),
    ("/jobs/evaluations", {"where": "nothing of the kind"}, 422, "filter-syntax-error"),
    ("/jobs/counts", {"toml": "name = "}, 422, "config-error"),
    ("/tokens", {"label": "x", "days": 9999}, 422, "invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "kind"), BODIES, ids=lambda value: str(value)[:40])
def test_a_body_that_cannot_be_meant(served: Served, path: str, body: Any, status: int, kind: str) -> None:
    binary = isinstance(body, bytes)
    sent = {"content": body, "headers": {"content-type": "application/json"}} if binary else {"json": body}
    told = problem(served.client.post(f"/api/v1{path}", **sent), status, kind)
    assert "/etc" not in told["detail"].replace("/etc/passwd", "")


ADDRESSES = [
    ("/studies/1.2.3", 404, "unknown"), ("/studies/%2e%2e%2f", 404, "not-found"), ("/studies/abc", 422, "invalid"),
    ("/series/1.2.3", 404, "unknown"), ("/series/1.2.3/thumbnail", 404, "unknown"),
    ("/series/1.2.3/volume", 404, "unknown"), ("/series/{series}/frames/99999", 404, "unknown"),
    ("/series/{series}/frames/-1", 422, "invalid"), ("/series/{series}/volume/data?dtype=int64", 422, "invalid"),
    ("/cohorts/none/versions/1", 404, "unknown"), ("/cohorts/none/diff?first=1&second=2", 404, "unknown"),
    ("/cohorts/none/versions/99999999999999999999", 422, "invalid"), ("/jobs/none", 404, "unknown"),
    ("/jobs/none/file", 404, "unknown"), ("/jobs/none/events", 404, "unknown"), ("/nothing", 404, "not-found"),
    ("/failures?cursor=xx", 400, "wrong-cursor"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "status", "kind"), ADDRESSES, ids=str)
def test_an_address_of_nothing(served: Served, path: str, status: int, kind: str) -> None:
    problem(served.get(path.format(series=served.series)), status, kind)


def test_a_method_that_is_none(served: Served) -> None:
    problem(served.client.delete("/api/v1/search"), 405, "method-not-allowed")


@pytest.mark.parametrize("given", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
def test_a_range_beyond_the_end(served: Served, given: str) -> None:
    answer = served.get(f"/series/{served.series}/volume/data", headers={"Range": given})
    problem(answer, 416, "out-of-range")


@pytest.mark.parametrize("given", ["bytes=5-2", "bytes=x-y", "lines=1-2", "bytes=0-1,4-5", "bytes=" + "9" * 400 + "-"])
def test_what_is_no_range_is_not_there(served: Served, given: str) -> None:
    assert served.get(f"/series/{served.series}/volume/data", headers={"Range": given}).status_code == 200


def test_a_cursor_of_another_question_and_of_another_person(signed: Signed) -> None:
    def page(token: str, **body: Any) -> Any:
        return signed.post("/search", {"words": "brain", "k": 1, **body}, headers=signed.headers(token))

    cursor = page("viewer").json()["next"]
    assert page("viewer", cursor=cursor).status_code == 200
    problem(page("viewer", cursor=cursor, words="lesion"), 400, "wrong-cursor")
    problem(page("viewer", cursor=cursor, where="sequence=T1"), 400, "wrong-cursor")
    problem(page("manager", cursor=cursor), 400, "wrong-cursor")
    problem(page("viewer", cursor=cursor[:-4]), 400, "wrong-cursor")


def test_patients_are_not_found_by_a_viewer(signed: Signed) -> None:
    body = {"words": "", "where": "patient_id=DEMO00000001"}
    problem(signed.post("/search", body, headers=signed.headers("viewer")), 403, "refused")
    assert signed.post("/search", body, headers=signed.headers("researcher")).status_code == 200


def test_what_may_say_whose_it_is_goes_to_managers_alone(signed: Signed) -> None:
    told = {role: signed.get("/status", headers=signed.headers(role)).json() for role in ("viewer", "manager")}
    assert "home" in told["manager"]
    assert "home" not in told["viewer"]
    assert "roots" not in told["viewer"]["last_run"]


def test_jobs_and_keys_are_ones_own(signed: Signed) -> None:
    body = {"series": signed.series, "words": "lesion"}
    key = {"Idempotency-Key": "shared"}
    mine = signed.post("/jobs/evidence", body, headers=signed.headers("viewer") | key).json()
    assert signed.get(f"/jobs/{mine['id']}", headers=signed.headers("viewer")).status_code == 200
    for path in ("", "/file", "/events"):
        problem(signed.get(f"/jobs/{mine['id']}{path}", headers=signed.headers("manager")), 404, "unknown")
    other = signed.post("/jobs/evidence", body, headers=signed.headers("manager") | key).json()
    assert other["id"] != mine["id"]


def zipped(fill: Callable[[zipfile.ZipFile], None]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return held.getvalue()


def many(archive: zipfile.ZipFile) -> None:
    for number in range(30_000):
        archive.writestr(f"{number}.dcm", b"x")


UPLOADS = {
    "nothing": ("a.dcm", b""),
    "words": ("a.dcm", b"hello"),
    "a cut zip": ("a.zip", b"PK\x03\x04"),
    "an empty zip": ("a.zip", zipped(lambda _: None)),
    "a zip that leads out": ("a.zip", zipped(lambda archive: archive.writestr("../../out.dcm", b"x"))),
    "a bomb": ("a.zip", zipped(lambda archive: archive.writestr("a.dcm", b"\0" * 300_000_000))),
    "many files": ("a.zip", zipped(many)),
    "a name that is a path": ("../../../etc/passwd", b"x"),
    "no name": ("x" * 300, b"x"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(UPLOADS))
def test_a_scan_that_is_none(served: Served, what: str) -> None:
    answer = served.client.post("/api/v1/similar/scan", files=[("files", UPLOADS[what])])
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["type"].rsplit(":", 1)[1] in ("read-error", "no-scan")
    assert "/tmp" not in answer.text
    assert "spinecho-" not in answer.text


def test_no_file_at_all(served: Served) -> None:
    problem(served.client.post("/api/v1/similar/scan", data={"k": "3"}), 415, "unsupported-media-type")
    problem(served.client.post("/api/v1/similar/scan", files={"k": (None, "3")}), 422, "invalid")
    problem(served.client.post("/api/v1/similar/scan", content=b"--x", headers={
        "content-type": "multipart/form-data; boundary=y"}), 400, "bad-request")  # fmt: skip


@pytest.fixture
def small(indexed: Home, tmp_path: Path) -> Iterator[Served]:
    home = copy_of(indexed, tmp_path / "home")
    limits = Limits(rate=60, burst=3, body_mb=1, upload_mb=1, idle_seconds=1)
    with open_served(home, Door(alone=True), limits) as found:
        yield found


def test_limits_of_size_and_rate(small: Served) -> None:
    big = b"x" * 1_000_001
    told = problem(small.client.post("/api/v1/search", content=big), 413, "too-large")
    assert "1,000,000" in told["detail"]
    chunked = small.client.post("/api/v1/search", content=iter([b"x" * 600_000, b"x" * 600_000]))
    problem(chunked, 413, "too-large")
    problem(small.client.post("/api/v1/similar/scan", files=[("files", ("a.dcm", big))]), 413, "too-large")
    answers = [small.get("/me") for _ in range(6)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    problem(refused[0], 429, "too-many")
    assert small.client.get("/healthz").status_code == 200


def test_an_id_of_a_request_is_taken_or_made(served: Served) -> None:
    assert served.get("/me", headers={"X-Request-ID": "a-b.c_1"}).headers["x-request-id"] == "a-b.c_1"
    for bad in ("a b", "x" * 65, "a\tb", "<script>"):
        assert served.get("/me", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_where_nothing_can_be_recorded_nothing_is_answered(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise RecordUnwritable("nothing can be recorded in /secret/place")

    monkeypatch.setattr(Record, "append_all", fail)
    uid, series = served.study, served.series
    studies, files = f"/studies/{uid}", f"/series/{series}"
    paths = (studies, f"{studies}/reports", f"{files}/thumbnail", f"{files}/volume/data")
    for path in (*paths, "/me", "/status", "/cohorts", "/failures", "/tokens", "/jobs", "/runs/last"):
        answer = served.get(path)
        problem(answer, 503, "record-unwritable")
        assert "/secret" not in answer.text
    for path, body in (("/search", {"words": "lesion"}), ("/facets", {}), ("/similar", {"study": uid}),
                       ("/feedback/verdicts", {"words": "x"}), ("/tokens", {"label": "x"}),
                       ("/jobs/evidence", {"series": series, "words": "x"})):  # fmt: skip
        problem(served.post(path, body), 503, "record-unwritable")


def test_names_and_origins_as_the_pages_guard_takes_them(indexed: Home, tmp_path: Path) -> None:
    rules = Rules(frozenset({"testserver"}), 80, secret="s" * 40)
    home = copy_of(indexed, tmp_path / "home")
    with open_served(home, Door(alone=True, secret="s" * 40), UNBOUND, rules=rules) as found:
        mine = {"Authorization": f"Bearer {'s' * 40}"}
        assert found.get("/me", headers=mine).status_code == 200
        problem(found.get("/me"), 401, "unauthenticated")
        problem(found.get("/me", headers={"Authorization": "Bearer " + "t" * 40}), 401, "unauthenticated")
        problem(found.get("/me", headers=mine | {"Host": "evil.example"}), 421, "not-here")
        problem(found.get("/me", headers=mine | {"Origin": "http://evil.example"}), 403, "not-here")
        problem(found.get("/me", headers=mine | {"Sec-Fetch-Site": "cross-site"}), 403, "not-here")


def test_an_index_that_cannot_be_opened_says_so_and_no_more(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    settings = dataclasses.replace(settings_of(home), encoder=f"vit:{tmp_path}/nowhere")
    app = create_api(settings, door=Door(alone=True), limits=UNBOUND, wait=True, jobs_at_once=0)
    with TestClient(app) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["index"] == "failed"
        answer = client.post("/api/v1/search", json={"words": "lesion"})
        problem(answer, 503, "not-ready")
        assert str(tmp_path) not in answer.text
        assert client.get("/api/v1/me").status_code == 200


def test_a_disk_that_is_full_is_no_secret(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(Queue, "add", fail)
    answer = served.post("/jobs/evidence", {"series": served.series, "words": "x"})
    problem(answer, 503, "storage-failure")
    assert "/secret" not in answer.text


def test_evidence_that_cannot_be_is_refused_when_it_is_asked_for(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    with open_served(home, Door(alone=True)) as found:
        asked = (("/jobs/evidence", {"series": found.series}), ("/jobs/why", {"study": found.study}))
        for path, body in asked:
            answer = found.post(path, body | {"words": "no haemorrhage"})
            problem(answer, 422, "query-error")
            assert "only says what is not wanted" in answer.json()["detail"]
        trust(home.database, sides=FAILED)
        for path, body in asked:
            answer = found.post(path, body | {"words": "haemorrhage"})
            problem(answer, 422, "query-error")
            assert "52 % of 80 patients" in answer.json()["detail"]
        assert found.get("/jobs").json() == {"jobs": []}


def test_thirty_two_threads_are_answered_as_one(served: Served) -> None:
    words = ("lesion", "infarct", "normal brain", "mass left")
    alone = {one: [hit["study_uid"] for hit in served.post("/search", {"words": one}).json()["hits"]] for one in words}
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(4):
            one = words[(number + turn) % len(words)]
            answer = served.post("/search", {"words": one})
            if answer.status_code != 200 or [hit["study_uid"] for hit in answer.json()["hits"]] != alone[one]:
                wrong.append(f"{one}: {answer.status_code}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
