"""The tools over HTTP: only with a live token, as its owner, under a known name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from archives import Home
from assistants import everything
from loops import run_apart
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from pages import acts
from serving import make_tokens, sign_in
from typer.testing import CliRunner

import spinecho
from spinecho.setup.settings import read_settings
from spinecho.ui.cli.app import app
from spinecho.ui.mcp.http import Tokens, app_of

ADDRESS = "http://127.0.0.1:8502"
ASK = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
TAKES = {"Accept": "application/json, text/event-stream"}


def over_http(home: Path, ask: Callable[[Callable[..., httpx2.AsyncClient]], Awaitable[Any]]) -> None:
    """Ask with clients of a server that answers in this process."""

    async def run() -> None:
        tokens = Tokens(read_settings(home=home))
        with spinecho.open(home, device="cpu") as archive:
            app = app_of(archive, tokens, address="127.0.0.1", port=8502)

            def client(token: str = "", base: str = ADDRESS, **headers: str) -> httpx2.AsyncClient:
                shown = {"Authorization": f"Bearer {token}"} if token else {}
                return httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app), base_url=base, headers={**TAKES, **shown, **headers}
                )

            async with app.router.lifespan_context(app):
                await ask(client)
        tokens.close()

    run_apart(run)


@pytest.fixture
def token(home: Path) -> str:
    with spinecho.open(home, device="cpu") as archive:
        return archive.make_token("assistant", role="viewer")[0]


def test_every_tool_answers_the_owner_of_a_token(home: Path, token: str) -> None:
    async def ask(client: Callable[..., httpx2.AsyncClient]) -> None:
        async with (
            client(token) as http,
            Client(streamable_http_client(f"{ADDRESS}/mcp", http_client=http)) as assistant,
        ):
            await everything(assistant)

    over_http(home, ask)
    rows = acts(home, "assistant")
    assert len(rows) == 6
    assert {act.role for act in rows} == {"viewer"}, "that of the token, not of the account that started the server"


def test_nobody_comes_in_without_a_live_token(home: Path, token: str) -> None:
    with spinecho.open(home, device="cpu") as archive:
        gone, kept = archive.make_token("gone")
        archive.revoke_token(kept.id)
        metrics = archive.make_token("metrics", scopes=["metrics"])[0]

    async def ask(client: Callable[..., httpx2.AsyncClient]) -> None:
        for shown, status in (("", 401), ("spinecho_unknown", 401), ("x", 401), (gone, 401), (metrics, 403)):
            async with client(shown) as http:
                assert (await http.post("/mcp", json=ASK)).status_code == status, status

    over_http(home, ask)
    assert {act.facts["why"] for act in acts(home, "refused")} == {"unknown token", "revoked token", "no scope read"}
    assert not acts(home, "assistant")


def test_other_names_and_origins_are_refused(home: Path, token: str) -> None:
    async def ask(client: Callable[..., httpx2.AsyncClient]) -> None:
        async with client(token, base="http://evil.example:8502") as http:
            assert (await http.post("/mcp", json=ASK)).status_code == 421
        async with client(token, Origin="http://evil.example") as http:
            assert (await http.post("/mcp", json=ASK)).status_code == 403

    over_http(home, ask)


def test_roles_that_cannot_be_read_let_nobody_in(home: Path) -> None:
    sign_in(home)
    token = make_tokens(Home(home))["viewer"]
    tokens = Tokens(read_settings(home=home))
    assert run_apart(lambda: tokens.verify_token(token)) is not None
    (home / "roles.toml").write_text("viewer = [")
    assert run_apart(lambda: tokens.verify_token(token)) is None
    tokens.close()
    assert [act.facts["why"] for act in acts(home, "refused")] == ["roles cannot be read"]


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.5", "archive.hospital.example"])
def test_beyond_this_machine_only_where_that_is_stated(
    home: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    monkeypatch.setattr("spinecho.ui.mcp.http.serve_http", lambda *_, address, **__: served.append(address))
    monkeypatch.setattr("spinecho.ui.mcp_address.check_port", lambda *_: None)  # not every address is this machine's
    asked = ["mcp", "--transport", "http", "--home", str(home), "--address", address, "--device", "cpu"]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code != 0
    assert "--open" in refused.output
    assert not served
    assert CliRunner().invoke(app, [*asked, "--open"]).exit_code == 0
    assert served == [address]
