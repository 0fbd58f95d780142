"""Tokens of the provider: taken when they are its own, for us, and of now; by roles as the pages have them."""

from __future__ import annotations

import base64
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from itsdangerous import URLSafeTimedSerializer
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from serving import Served, open_served, sign_in

from spinecho.ui.server.api.around import bearer
from spinecho.ui.server.api.around.browser import COOKIE
from spinecho.ui.server.api.around.service import Door

OURS = RSAKey.generate_key(2048, {"kid": "ours"})
NEXT = RSAKey.generate_key(2048, {"kid": "next"})
STRANGE = RSAKey.generate_key(2048, {"kid": "ours"})


@dataclass
class Provider:
    """A provider on loopback. keys: those that it publishes; asked: what it was asked for."""

    address: str = ""
    keys: list[RSAKey] = field(default_factory=lambda: [OURS])
    asked: list[str] = field(default_factory=list)

    def token(self, key: Any = OURS, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.address, "aud": "spinecho", "sub": "1", "exp": now + 300, "iat": now,
            "email": "researcher@hospital.example", "email_verified": True, **claims,
        }  # fmt: skip
        header = {"alg": algorithm, "kid": key.kid}
        return jwt.encode(header, {name: value for name, value in said.items() if value is not None}, key, [algorithm])


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    about = Provider()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about.asked.append(self.path)
            keys = {"keys": [key.as_dict(private=False) for key in about.keys]}
            found = keys if self.path == "/jwks" else {"issuer": about.address, "jwks_uri": f"{about.address}/jwks"}
            content = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    about.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield about
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def served(indexed: Home, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = copy_of(indexed, tmp_path_factory.mktemp("bearer") / "home")
    sign_in(Path(home.folder), provider.address)
    with open_served(home, Door()) as found:
        yield found


def me(served: Served, token: str) -> Any:
    return served.get("/me", headers={"Authorization": f"Bearer {token}"})


def test_who_the_provider_vouches_for_is_known_by_the_role_of_today(served: Served, provider: Provider) -> None:
    told = me(served, provider.token())
    assert told.json()["name"] == "researcher@hospital.example"
    assert told.json()["role"] == "researcher"
    assert me(served, provider.token(aud=["other", "spinecho"])).status_code == 200
    assert me(served, provider.token(exp=int(time.time()) - bearer.SKEW + 20)).status_code == 200, (
        "clocks differ a little"
    )
    assert provider.asked.count("/jwks") == 1, "keys are kept"


@pytest.mark.parametrize("claims", [
    {"aud": "other"}, {"aud": None}, {"aud": ["a", "b"]}, {"iss": "http://evil.example"}, {"iss": None},
    {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"nbf": 2**33}, {"sub": None},
    {"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": "eve@hospital.example"},
], ids=str)  # fmt: skip
def test_others_are_nobody(served: Served, provider: Provider, claims: dict[str, Any]) -> None:
    answer = me(served, provider.token(**claims))
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] == "urn:spinecho:problem:unauthenticated"


def _coded(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def test_signatures_of_others_and_none_are_not_taken(served: Served, provider: Provider) -> None:
    good = provider.token()
    head, body, _ = good.split(".")
    public = OURS.as_pem(private=False)
    plain = _coded(b'{"alg":"HS256","kid":"ours"}') + f".{body}"
    confused = f"{plain}.{_coded(hmac.digest(public, plain.encode(), 'sha256'))}"  # its public key taken for a secret
    for token in (
        provider.token(STRANGE),
        f"{head}.{body}.",
        "eyJhbGciOiJub25lIn0." + body + ".",
        confused,
        good[:-4],
        "a.b.c",
        "x",
    ):
        assert me(served, token).status_code == 401, token


def test_keys_that_changed_are_asked_for_anew_but_not_at_every_wrong_token(
    served: Served, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = provider.asked.count("/jwks")
    for _ in range(5):
        me(served, provider.token(STRANGE))
    assert provider.asked.count("/jwks") - before <= 1
    provider.keys = [NEXT]
    monkeypatch.setattr(bearer, "_SOONEST", 0.0)
    assert me(served, provider.token(NEXT)).status_code == 200
    assert me(served, provider.token(OURS)).status_code == 401, "a key that is withdrawn opens nothing"


def cookie(served: Served, *, secret: str = "x" * 40, salt: str = COOKIE, **claims: Any) -> dict[str, str]:
    said = {
        "is_logged_in": True, "origin": "http://localhost", "iat": int(time.time()),
        "email": "manager@hospital.example", "email_verified": True, **claims,
    }  # fmt: skip
    return {"Cookie": f"{COOKIE}={URLSafeTimedSerializer(secret, salt=salt).dumps(json.dumps(said))}"}


def test_the_sign_in_of_the_pages_is_that_of_the_api(served: Served) -> None:
    told = served.get("/me", headers=cookie(served))
    assert told.json()["role"] == "manager"
    wrong: list[dict[str, str]] = [
        cookie(served, secret="y" * 40), cookie(served, salt="other"), cookie(served, is_logged_in=False),
        cookie(served, origin="http://evil.example"), cookie(served, email_verified=False),
        cookie(served, email="eve@hospital.example"), cookie(served, iat=int(time.time()) - 61 * 60),
        {"Cookie": f"{COOKIE}=x"}, {"Cookie": "a=b; =; ;;"},
    ]  # fmt: skip
    for headers in wrong:
        assert served.get("/me", headers=headers).status_code == 401, headers


def test_a_provider_that_is_away_lets_nobody_in(indexed: Home, tmp_path: Path, provider: Provider) -> None:
    home = copy_of(indexed, tmp_path / "home")
    sign_in(Path(home.folder), "http://127.0.0.1:9")
    with open_served(home, Door()) as away:
        assert me(away, provider.token()).status_code == 503, "nobody can tell whether it is good"


def test_who_has_known_keys_waits_for_nobody_that_asks_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, over = threading.Event(), threading.Event()

    def silent() -> None:
        begun.set()
        assert over.wait(60)

    ours = bearer.Provider("https://nobody.example", frozenset({"spinecho"}))
    ours._keys = known = KeySet([])
    monkeypatch.setattr(ours, "_fetch", silent)
    with ThreadPoolExecutor(1) as others:
        asking = others.submit(ours._known, 0.0)
        assert begun.wait(60)
        assert ours._known(0.0) is known
        assert not asking.done()
        over.set()
        assert asking.result(60) is known
