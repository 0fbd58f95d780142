"""Tokens of the provider that people sign in with: signature by its published keys, issuer, audience, times."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from spinecho.access.roles import tables_of
from spinecho.setup.settings import Settings
from spinecho.ui.server.api.around.problems import ProviderAway, Unauthenticated

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures by a key that only the provider has; `none` and shared secrets are none of them."""
SKEW = 60
"""Seconds by which clocks may differ."""
_FRESH, _SOONEST, _AWAY = 3600.0, 30.0, 5.0
"""Seconds after which keys are fetched again; before which an unknown key, or a provider that did not answer, does not
make us ask again; and the latter where no key is known at all.
"""
_TIMEOUT, _MOST = 5.0, 1_000_000
_NO_KEYS = "the provider's keys cannot be fetched now, so nobody can be known by it"


@dataclass
class Provider:
    """One provider. metadata: address of its openid-configuration; audience: whom its tokens have to be for."""

    metadata: str
    audience: frozenset[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _issuer: str = ""
    _keys: KeySet | None = None
    _fetched: float = -math.inf
    _asked: float = -math.inf

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says, once it is the provider's, for us, and of now. Raises `Unauthenticated`, and
        `ProviderAway` where no key of the provider is known.
        """
        if token.count(".") != 2:
            raise Unauthenticated("this bearer token is not taken; spinecho token create makes one")
        keys = self._known(_FRESH)
        try:
            try:
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            except (ValueError, JoseError):
                decoded = jwt.decode(token, self._known(_SOONEST), algorithms=ALGORITHMS)  # its keys may have changed
            jwt.JWTClaimsRegistry(
                leeway=SKEW, iss={"essential": True, "value": self._issuer}, exp={"essential": True},
                sub={"essential": True},
            ).validate(decoded.claims)  # fmt: skip
        except (ValueError, TypeError, JoseError) as error:
            raise Unauthenticated(f"this bearer token is not taken ({_why(error)}); sign in again") from None
        given = decoded.claims.get("aud")
        whom = {given} if isinstance(given, str) else set(given) if isinstance(given, list) else set()
        if not whom & self.audience:
            raise Unauthenticated("this bearer token is for somebody else (aud); ask the provider for one for Spinecho")
        return dict(decoded.claims)

    def _known(self, age: float) -> KeySet:
        # One asks; the others go on with the keys that are known, and wait where none is.
        if self._is_due(age) and self._lock.acquire(blocking=self._keys is None):
            try:
                if self._is_due(age):
                    self._fetch()
            finally:
                self._lock.release()
        if self._keys is None:
            raise ProviderAway(_NO_KEYS)
        return self._keys

    def _is_due(self, age: float) -> bool:
        now = time.monotonic()
        return now - self._fetched > age and now - self._asked > (_AWAY if self._keys is None else _SOONEST)

    def _fetch(self) -> None:
        try:
            about = _json(self.metadata)
            issuer, place = about.get("issuer"), about.get("jwks_uri")
            if not isinstance(issuer, str) or not isinstance(place, str):
                raise ValueError("no issuer or no jwks_uri")
            keys = KeySet.import_key_set(_json(place))  # type: ignore[arg-type]
        except (httpx2.HTTPError, ValueError, TypeError, JoseError) as error:
            if self._keys is None:
                raise ProviderAway(_NO_KEYS) from error
        else:
            self._issuer, self._keys, self._fetched = issuer, keys, time.monotonic()
        finally:
            self._asked = time.monotonic()


def read_auth(settings: Settings) -> dict[str, Any]:
    """The table `auth` of the home's secrets.toml. Raises `RolesError`."""
    found = tables_of(settings.secrets).get("auth", {})
    return found if isinstance(found, dict) else {}


def read_provider(auth: Mapping[str, Any]) -> Provider:
    """The provider that the table names: `server_metadata_url`, `client_id`, and `api_audience` for more."""
    tables = [auth, *(one for one in auth.values() if isinstance(one, dict))]
    chosen: Mapping[str, Any] = next((one for one in tables if one.get("server_metadata_url")), {})
    more = auth.get("api_audience", [])
    named = [chosen.get("client_id", ""), *([more] if isinstance(more, str) else list(more))]
    return Provider(str(chosen.get("server_metadata_url", "")), frozenset(str(one) for one in named if one))


def _json(address: str) -> dict[str, Any]:
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"{address!r} is no address")
    with httpx2.Client(timeout=_TIMEOUT, follow_redirects=False) as client, client.stream("GET", address) as answer:
        answer.raise_for_status()
        read = b""
        for piece in answer.iter_bytes():
            read += piece
            if len(read) > _MOST:
                raise ValueError("larger than any set of keys")
    import json  # noqa: PLC0415

    found = json.loads(read)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _why(error: Exception) -> str:
    return str(getattr(error, "error", "") or type(error).__name__)
