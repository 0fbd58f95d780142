"""Servers in this process, over small archives, and tokens of every role and state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archives import Home
from starlette.testclient import TestClient

from spinecho.db.people.tokens import make_token, revoke_token
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import AccessToken
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.guard import Rules

SCOPES = ("read", "write", "manage", "metrics")
UNBOUND = Limits(rate=0)
ROLES = ("viewer", "researcher", "manager")


@dataclass
class Served:
    """A server in this process, and what is in its archive."""

    client: TestClient
    settings: Settings
    study: str
    series: str

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(f"/api/v1{path}", **options)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        return self.client.post(f"/api/v1{path}", json=body, **options)


def settings_of(home: Home) -> Settings:
    return read_settings(home=home.folder, device="cpu", environment={})


class open_served:  # noqa: N801  (reads as a function)
    """A server over a home for as long as the block lasts."""

    def __init__(
        self, home: Home, door: Door, limits: Limits = UNBOUND, jobs: int = 0, rules: Rules | None = None,
        workers: int = 1,
    ) -> None:  # fmt: skip
        self._settings = settings_of(home)
        app = create_api(
            self._settings, door=door, limits=limits, wait=True, jobs_at_once=jobs, rules=rules, workers=workers
        )
        self._client = TestClient(app, raise_server_exceptions=False)
        rows = home.query("SELECT t.uid, s.uid FROM series s JOIN studies t ON t.id = s.study_id ORDER BY s.id")
        self._first = rows[0]

    def __enter__(self) -> Served:
        self._client.__enter__()
        return Served(self._client, self._settings, *self._first)

    def __exit__(self, *_: object) -> None:
        self._client.__exit__(None, None, None)


@dataclass
class Signed(Served):
    """Where people sign in. tokens: by what stands in them, `ada:viewer` and such, and by their state."""

    tokens: dict[str, str]

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[token]}"} if token else {}


def sign_in(home: Path, issuer: str = "http://127.0.0.1:9") -> None:
    """Let people sign in by a provider; three have a role."""
    (home / "roles.toml").write_text(
        'default = "none"\n' + "".join(f'{role} = ["{role}@hospital.example"]\n' for role in ROLES)
    )
    (home / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "{"x" * 40}"\n'
        'client_id = "spinecho"\n'
        f'client_secret = "test"\nserver_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
    )


def make_tokens(home: Home) -> dict[str, str]:
    database = Database.open(home.database)
    found = {}
    try:
        for role in ROLES:
            owner = f"{role}@hospital.example"
            found[role] = make_token(database, owner=owner, role=role, label=role, scopes=SCOPES)[0]
            for scope in SCOPES:
                kept = make_token(database, owner=owner, role=role, label=scope, scopes=[scope])[0]
                found[f"{role} {scope}"] = kept
        above, _ = make_token(database, owner="viewer@hospital.example", role="manager", label="above", scopes=SCOPES)
        found["a viewer's, of a manager"] = above
        nobody, _ = make_token(database, owner="eve@hospital.example", role="manager", label="eve", scopes=SCOPES)
        found["of nobody"] = nobody
        revoked, kept = make_token(database, owner="manager@hospital.example", role="manager", label="r", scopes=SCOPES)
        revoke_token(database, kept.id)
        found["revoked"] = revoked
        old, kept = make_token(database, owner="manager@hospital.example", role="manager", label="o", scopes=SCOPES)
        with database.begin() as session:
            row = session.get(AccessToken, kept.id)
            row.expires_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
        found["expired"] = old
        found["unknown"] = "spinecho_" + "x" * 43
        found["foreign"] = "eyJhbGciOiJub25lIn0.e30."
    finally:
        database.close()
    return found
