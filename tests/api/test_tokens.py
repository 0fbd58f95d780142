"""Tokens from the command and over HTTP: shown once, kept as a digest, never more than their owner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import Home, copy_of
from serving import ROLES, Signed, make_tokens, open_served, sign_in
from typer.testing import CliRunner

from spinecho.db.people.record import Record
from spinecho.db.people.tokens import TokenError, find_token, make_token, revoke_token, tokens
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.upkeep.check import check_database
from spinecho.ui.cli.app import app
from spinecho.ui.server.api.around.service import Door


def run(home: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["token", *arguments, "--home", str(home)])
    assert done.exit_code == status, done.output
    return done.stdout


def test_a_token_is_kept_as_a_digest_alone(location: Location) -> None:
    database = Database.open(location)
    secret, kept = make_token(database, owner="ada", role="viewer", label="notebook", scopes=("read", "write"))
    assert find_token(database, secret) == kept
    assert find_token(database, secret + "x") is None
    assert find_token(database, "spinecho_" + "é" * 100) is None
    assert find_token(database, "spinecho_\0") is None
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM access_tokens").all()
    assert secret not in repr(rows)
    with pytest.raises(TokenError):
        revoke_token(database, kept.id, "grace")
    assert revoke_token(database, kept.id, "ada").state() == "revoked"
    assert [one.id for one in tokens(database, "ada")] == [kept.id]
    assert tokens(database, "grace") == ()
    assert not check_database(database)
    database.close()


@pytest.mark.parametrize("wrong", [
    {"scopes": ["all"]}, {"scopes": []}, {"days": 0}, {"days": 9999}, {"label": " "}, {"label": "x" * 200},
], ids=str)  # fmt: skip
def test_what_is_no_token(tmp_path: Path, wrong: dict[str, object]) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    given = {"owner": "ada", "role": "viewer", "label": "x", "scopes": ["read"], "days": 1, **wrong}
    with pytest.raises(TokenError):
        make_token(database, **given)  # type: ignore[arg-type]
    database.close()


def test_from_the_command_to_an_answer_and_to_its_end(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    secret = run(home.folder, "create", "notebook", "--scope", "read", "--days", "3").strip()
    with open_served(home, Door(alone=True, secret="s" * 40)) as served:
        mine = {"Authorization": f"Bearer {secret}"}
        assert served.get("/me", headers=mine).json()["scopes"] == ["read"]
        listed = json.loads(run(home.folder, "list", "--json"))["tokens"]
        assert [one["label"] for one in listed] == ["notebook"]
        assert secret not in json.dumps(listed)
        run(home.folder, "revoke", str(listed[0]["id"]))
        assert served.get("/me", headers=mine).status_code == 401
    run(home.folder, "revoke", "99", status=2)
    run(home.folder, "create", "x", "--scope", "everything", status=2)
    rows = [entry.action for entry in Record.open(served.settings.record).entries(most=50)]
    assert {"token-create", "token-list", "token-revoke"} <= set(rows)


def test_whoever_loses_a_role_loses_it_for_their_tokens(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    sign_in(home.folder)
    held = make_tokens(home)
    with open_served(home, Door()) as served:

        def role(token: str) -> str:
            return str(served.get("/me", headers={"Authorization": f"Bearer {held[token]}"}).json().get("role"))

        assert [role(one) for one in ROLES] == list(ROLES)
        (home.folder / "roles.toml").write_text('default = "none"\nviewer = ["manager@hospital.example"]\n')
        assert [role(one) for one in ROLES] == ["None", "None", "viewer"]
        (home.folder / "roles.toml").write_text('default = "none"\nmanager = ["viewer@hospital.example"]\n')
        assert role("viewer") == "viewer", "a token never grows"


def test_a_token_makes_none_that_may_more(signed: Signed) -> None:
    def make(token: str, **body: object) -> int:
        return int(signed.post("/tokens", {"label": "x", **body}, headers=signed.headers(token)).status_code)

    assert make("viewer", scopes=["read"]) == 201
    assert make("viewer", role="manager") == 403
    assert make("viewer manage", scopes=["read"]) == 403
    assert make("viewer manage", scopes=["manage"]) == 201


def test_tokens_of_others_are_ended_by_managers_alone(signed: Signed) -> None:
    made = signed.post("/tokens", {"label": "mine"}, headers=signed.headers("researcher")).json()
    for token, status in (("viewer", 404), ("manager", 200), ("researcher", 200)):
        answer = signed.client.delete(f"/api/v1/tokens/{made['id']}", headers=signed.headers(token))
        assert answer.status_code == status
    assert made["label"] in [
        one["label"] for one in signed.get("/tokens", headers=signed.headers("researcher")).json()["tokens"]
    ]
    assert "token" not in signed.get("/tokens", headers=signed.headers("researcher")).json()["tokens"][0]
