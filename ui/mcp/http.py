"""The tools by streamable HTTP: whoever asks shows a personal token, and has the rights that its owner has now.

On loopback too: every account of the machine reaches a port of it, and would be taken for the one that started this.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import anyio.to_thread
import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from spinecho.access.people import open_record
from spinecho.access.roles import RolesError, signs_in
from spinecho.answering.connection import before_person
from spinecho.errors import SpinechoError
from spinecho.search.access.persons import Person, Refused, Role
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_database
from spinecho.ui.mcp.server import server_of
from spinecho.ui.token_owner import TokenRefused, known_token

if TYPE_CHECKING:
    from spinecho.archive import Archive

MOST_BYTES = 256 * 1024
"""Of a request."""
SCOPE = "read"
_log = logging.getLogger(__name__)


class Tokens:
    """Looks at tokens; one that is refused leaves a row of the record."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._signed = settings, signs_in(settings.secrets)
        self._database, self._record = open_database(settings), open_record(settings)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose it is, with today's role; None for one that lets nobody in, and where nobody can be known now."""
        try:
            return await anyio.to_thread.run_sync(self._known, token)
        except SpinechoError as error:  # of roles.toml, of the database, of the record: its words name folders
            _log.error("nobody can be let in: %s", type(error).__name__)
            return None

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _known(self, secret: str) -> AccessToken | None:
        try:
            found, person = known_token(
                self._database, self._record, self._settings, secret, signed=self._signed, way="mcp"
            )
        except TokenRefused:
            return None
        except RolesError:
            facts: dict[str, str] = {"way": "mcp", "why": "roles cannot be read"}
            self._record.append(user="somebody", role="none", action="refused", facts=facts)
            raise
        if SCOPE not in found.scopes:  # the SDK answers 403
            self._record.append(
                user=person.name, role=str(person.role), action="refused",
                facts={"way": "mcp", "why": f"no scope {SCOPE}", "number": found.id},
            )  # fmt: skip
        return AccessToken(
            token="", client_id=f"token {found.id}", scopes=list(found.scopes), subject=person.name,
            expires_at=int(found.expires_at.replace(tzinfo=UTC).timestamp()), claims={"role": str(person.role)},
        )  # fmt: skip


def app_of(archive: Archive, tokens: Tokens, *, address: str, port: int, hosts: Sequence[str] = ()) -> Starlette:
    """The tools under /mcp. hosts: further names that the server goes by; other names and origins are refused."""

    def archive_now() -> Archive:
        token = get_access_token()
        if token is None or token.subject is None:
            raise Refused("nobody is known without a token: send Authorization: Bearer TOKEN")
        return before_person(archive, Person(token.subject, Role((token.claims or {})["role"])))

    auth = AuthSettings(
        issuer_url=AnyHttpUrl("http://127.0.0.1"), resource_server_url=None, required_scopes=[SCOPE]
    )  # fmt: skip
    server = server_of(archive_now, auth=auth, token_verifier=tokens)
    names = [f"[{name}]" if ":" in name.strip("[]") else name for name in ("127.0.0.1", "localhost", "::1", address)]
    security = TransportSecuritySettings(
        allowed_hosts=[*(f"{name}:{port}" for name in (*names, *hosts)), *hosts],
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in
                         (*hosts, *(f"{name}:{port}" for name in (*names, *hosts)))],
    )  # fmt: skip
    return server.streamable_http_app(
        streamable_http_path="/mcp", json_response=True, stateless_http=True, max_request_body_size=MOST_BYTES,
        transport_security=security,
    )  # fmt: skip


def serve_http(archive: Archive, settings: Settings, *, address: str, port: int, hosts: Sequence[str]) -> None:
    """Answer until the process is ended."""
    tokens = Tokens(settings)
    try:
        app = app_of(archive, tokens, address=address, port=port, hosts=hosts)
        uvicorn.run(app, host=address, port=port, log_level="warning", access_log=False)
    finally:
        tokens.close()
