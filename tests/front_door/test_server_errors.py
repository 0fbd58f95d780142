"""What goes wrong between a client and its server: typed, with what helps; sent again only where nothing is written."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

import spinecho
from spinecho.remote.archive import AsyncRemoteArchive, RemoteArchive
from spinecho.remote.credentials import token_of
from spinecho.remote.wire import Address
from spinecho.search.access.persons import Refused

PROBLEM = "urn:spinecho:problem:"
WRITES = {
    "rate": ("lesion", {"1.2": 1}), "forget_thumbs": ("lesion",), "make_token": ("x",), "revoke_token": (1,),
}  # fmt: skip
READS = {
    "status": (), "verdicts": ("lesion",), "thumbs": (), "tokens": (), "cohorts": (), "failures": (), "facets": (),
    "search": ("lesion",), "study": ("1.2",),
}  # fmt: skip


class Answers:
    """A server that answers with what it is given, one after the other, and keeps what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self._left = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def archive(self) -> Any:
        client = httpx.Client(base_url="https://a.example", transport=httpx.MockTransport(self))
        return RemoteArchive(Address("https://a.example"), client)


def problem(status: int, kind: str, detail: str = "no", after: str = "", **more: Any) -> httpx.Response:
    headers = {"Retry-After": after} if after else {}
    return httpx.Response(status, json={"type": PROBLEM + kind, "detail": detail, **more}, headers=headers)


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited, which is not done."""
    found: list[float] = []
    monkeypatch.setattr("spinecho.remote.wire.time.sleep", found.append)
    return found


@pytest.mark.parametrize(
    ("answer", "kind", "remedy"),
    [
        (problem(401, "unauthenticated"), Refused, "SPINECHO_TOKEN"),
        (problem(403, "out-of-scope", "this token has no scope 'write'"), Refused, "scope"),
        (problem(403, "refused", "the role viewer may not"), Refused, "role"),
        (problem(429, "too-many", "too many", after="900"), spinecho.ServerBusy, "900 s"),
        (problem(503, "not-ready", remedy="see the log"), spinecho.ServerBusy, "see the log"),
        (problem(500, "internal", remedy="ask them"), spinecho.Unreachable, "ask them"),
        (problem(404, "not-found"), spinecho.OtherVersion, "version"),
        (httpx.Response(404, text="<html>"), spinecho.OtherVersion, "address"),
        (problem(405, "method-not-allowed"), spinecho.OtherVersion, "version"),
        (httpx.Response(200, text="{", headers={"content-type": "application/json"}), spinecho.Unreachable, "JSON"),
        (httpx.Response(302), spinecho.Unreachable, "302"),
        (httpx.ConnectError("refused"), spinecho.Unreachable, "is the server running"),
        (httpx.ReadTimeout("slow"), spinecho.Unreachable, "ReadTimeout"),
    ],
)
def test_each_failure_has_its_kind_and_its_remedy(answer: Any, kind: type[Exception], remedy: str) -> None:
    with pytest.raises(kind) as wrong:
        Answers(answer).archive().status()
    assert remedy in str(wrong.value)


def test_a_name_that_is_not_known_is_no_other_version() -> None:
    with pytest.raises(spinecho.QueryError, match="no study"):
        Answers(problem(404, "unknown", "no study of this UID")).archive().study("1.2")


def test_a_certificate_that_is_not_to_be_trusted_is_not_asked_again() -> None:
    failure = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed")
    failure.__cause__ = ssl.SSLCertVerificationError("self-signed")
    server = Answers(failure)
    with pytest.raises(spinecho.NotTrusted, match="SSL_CERT_FILE"):
        server.archive().status()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("x"), httpx.ReadError("x"), problem(503, "overloaded")], ids=str
)
def test_what_reads_is_sent_again_and_what_writes_is_sent_once_with_a_key(failure: Any, waited: list[float]) -> None:
    for name, given in READS.items():
        server = Answers(failure)
        with pytest.raises(spinecho.Unreachable):
            getattr(server.archive(), name)(*given)
        assert len(server.asked) == 4, name
        assert not any("idempotency-key" in one.headers for one in server.asked), name
    assert waited[:3] == sorted(waited[:3])
    keys = set()
    for name, given in WRITES.items():
        server = Answers(failure)
        with pytest.raises(spinecho.Unreachable):
            getattr(server.archive(), name)(*given)
        (only,) = server.asked
        keys.add(only.headers["idempotency-key"])
    assert len(keys) == len(WRITES)


def test_retry_after_is_kept_and_a_long_one_is_told_at_once(waited: list[float]) -> None:
    server = Answers(problem(429, "too-many", after="2"), httpx.Response(200, json={"name": "ada"}))
    assert server.archive().user == "ada"
    assert waited == [2.0]
    server = Answers(problem(503, "overloaded", after="3600"))
    with pytest.raises(spinecho.ServerBusy) as busy:
        server.archive().status()
    assert (busy.value.retry_after, busy.value.status, len(server.asked)) == (3600, 503, 1)


def test_a_job_whose_events_are_cut_off_is_followed_to_its_end() -> None:
    job = {"id": "j", "state": "queued", "stage": "", "result": None, "problem": None, "file": None}
    over = job | {"state": "done", "result": {"series": []}}

    def events(*jobs: Any) -> httpx.Response:
        text = "".join(f"event: job\ndata: {httpx.Response(200, json=one).text}\n\n" for one in jobs)
        return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})

    server = Answers(httpx.Response(202, json=job), events(job | {"state": "running"}), events(), events(over))
    server._left.insert(3, httpx.Response(200, json=job))  # without an event, the job itself is asked
    assert server.archive().why("1.2", "lesion") == ()
    failed = over | {"state": "failed", "problem": {"type": PROBLEM + "evaluation-error", "detail": "nothing to ask"}}
    with pytest.raises(spinecho.QueryError, match="nothing to ask") as wrong:
        Answers(httpx.Response(202, json=failed)).archive().evaluate()
    assert type(wrong.value).__name__ == "EvaluationError"
    with pytest.raises(spinecho.QueryError, match="stopped"):
        Answers(httpx.Response(202, json=over | {"state": "cancelled"})).archive().evaluate()


def test_a_token_comes_from_what_is_given_the_environment_or_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    file.chmod(0o600)
    environment = {"SPINECHO_TOKEN_FILE": str(file)}
    assert token_of(None, environment) == "of-the-file"
    assert token_of(None, environment | {"SPINECHO_TOKEN": "of-the-environment"}) == "of-the-environment"
    assert token_of("given", environment) == "given"
    assert token_of(None, {}) == ""
    for text, mode in (("of-the-file", 0o640), ("", 0o600), ("two words", 0o600), ("\xff", 0o600)):
        file.write_text(text)
        file.chmod(mode)
        with pytest.raises(spinecho.SettingsError) as wrong:
            token_of(None, environment)
        assert "of-the-file" not in str(wrong.value)
    with pytest.raises(spinecho.SettingsError, match="cannot be read"):
        token_of(None, {"SPINECHO_TOKEN_FILE": str(tmp_path / "none")})


def test_an_export_whose_names_lead_out_is_not_unpacked(tmp_path: Path) -> None:
    import io  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    from spinecho.remote.asked.unpacking import unpack_private  # noqa: PLC0415

    for name in ("../out.csv", "/out.csv", "a/../../out.csv"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, "x")
        with zipfile.ZipFile(packed) as archive, pytest.raises(spinecho.Unreachable, match="lead out"):
            unpack_private(archive, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_the_form_of_coroutines_waits_and_fails_alike() -> None:
    from loops import run_apart  # noqa: PLC0415

    server = Answers(problem(503, "overloaded", after="0"), httpx.Response(200, json={"name": "ada"}))

    async def ask() -> str:
        client = httpx.AsyncClient(base_url="https://a.example", transport=httpx.MockTransport(server))
        remote: Any
        async with AsyncRemoteArchive(Address("https://a.example"), client) as remote:
            user: str = await remote.user
            return user

    assert run_apart(ask) == "ada"
    assert len(server.asked) == 2
