"""Every command that a server can answer prints the same with --server as over the home itself."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from doors import SECRET
from every_command import commands
from pages import Indexed
from typer.testing import CliRunner

import spinecho
from spinecho.ui.cli.app import app
from spinecho.ui.printing.server_option import REMOTE, may_ask

FLAIR = 'name = "of-commands"\n[[include]]\nfilter = "sequence=FLAIR"\n'
OTHERWISE = {"seconds", "at", "created_at", "expires_at", "id", "token", "frozen_at", "digest", "head", "rows",
             "paths", "version", "image", "revoked_at", "number", "added_at"}  # fmt: skip
"""What differs from one asking to the next, and names of files, which are not sent either way."""


ANSWERED = {path for path, one in commands() if may_ask(inspect.unwrap(one.callback))}


def run(*arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def same(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: same(one) for name, one in value.items() if name not in OTHERWISE}
    if isinstance(value, list):
        return [same(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def test_every_command_is_answered_or_refused() -> None:
    assert len(ANSWERED) == len(REMOTE), "the table names a command that there is not"
    shown = {path for path, one in commands() for option in one.params if option.name == "server" and not option.hidden}
    assert shown == ANSWERED
    for path, one in commands():
        assert "--token" not in {name for option in one.params for name in option.opts}, path


@pytest.fixture
def asked(
    shared: Path, address: str, first: str, indexed: Indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[str]]:
    """Arguments by command, in an order in which each finds what it needs. {} stands for a place that is new."""
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    token = tmp_path / "token"
    token.write_text(SECRET + "\n")
    token.chmod(0o600)
    monkeypatch.setenv("SPINECHO_TOKEN_FILE", str(token))
    monkeypatch.delenv("SPINECHO_TOKEN", raising=False)
    rules = tmp_path / "rules.toml"
    rules.write_text(FLAIR)
    own = tmp_path / "own.csv"
    own.write_text(f"query,study_uid,grade\nlesion,{first},1\nmass,{first},0\n")
    scan = str(next(one.parent for one in sorted(indexed.files.rglob("*.dcm"))))
    return {
        "search text": ["lesion", "-k", "3", "--where", "sequence=T1,FLAIR"],
        "search image": [scan, "-k", "2"],
        "search study": [first, "-k", "2", "--want", "report"],
        "search why": [first, "lesion", "--slices", "1"],
        "search series": [first],
        "facets": ["sequence", "sex", "--where", "age>1", "--most", "2"],
        "status": [],
        "failures": ["--all"],
        "evaluate": ["--judgements", str(own), "--resamples", "20"],
        "feedback add": ["tumour", "--good", first],
        "feedback list": [],
        "feedback export": ["{}", "--everybody"],
        "feedback forget": ["tumour"],
        "cohort count": [str(rules)],
        "cohort freeze": [str(rules)],
        "cohort list": [],
        "cohort show": ["of-commands"],
        "cohort rerun": ["of-commands"],
        "cohort diff": ["of-commands", "{version}", "{version}"],
        "cohort export": ["of-commands", "{}", "--pseudonyms"],
        "cohort codes": ["of-commands", "{}"],
        "cohort delete": ["of-commands", "--version", "{version}", "--yes"],
        "token create": ["of commands"],
        "token list": [],
        "token revoke": ["{token}"],
        "record list": ["--most", "1", "--action", "token-revoke"],
        "record check": [],
        "record export": ["{}"],
        "sources add": ["inbox", "receive", "port=0", "ae=SPINECHO", "from_ae=MRI"],
        "sources list": [],
        "sources test": ["inbox"],
        "sources remove": ["inbox"],
    }  # fmt: skip


def test_what_is_printed_for_scripts_is_the_same(
    asked: dict[str, list[str]], shared: Path, address: str, here: spinecho.Archive, tmp_path: Path
) -> None:
    assert set(asked) == ANSWERED
    found: dict[str, list[Any]] = {path: [] for path in asked}
    for number, way in enumerate((["--home", str(shared)], ["--server", address])):
        made: dict[str, str] = {}
        for path, arguments in asked.items():
            new = tmp_path / f"{number}-{path.replace(' ', '-')}.csv"
            filled = [one.replace("{}", str(new)) for one in arguments]
            filled = [made.get(one, one) for one in filled]
            value = run(*path.split(), *filled, *way)
            if path in ("token create", "cohort freeze"):  # numbers go on, whatever is forgotten
                made |= {"{token}": str(value.get("id"))} if "id" in value else {"{version}": str(value["version"])}
            found[path].append(json.loads(json.dumps(same(value), ensure_ascii=False).replace(str(new), "NEW")))
        if not number:  # both begin with no cohort of this name
            assert not [one for one in here.cohorts() if one.name == "of-commands"]
        here.forget_thumbs("tumour")
    grown = {"token list": "tokens"}
    for path, name in grown.items():
        for one in found[path]:
            one.pop(name)
    assert [path for path, (ours, theirs) in found.items() if ours != theirs] == [], found


def test_a_server_of_the_environment_and_what_does_not_go_together(
    address: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINECHO_TOKEN", SECRET)
    monkeypatch.setenv("SPINECHO_SERVER", address)
    assert run("status")["archive"] == run("status", "--home", str(shared))["archive"]
    refused = run("index", str(tmp_path), status=2)
    assert (refused["error"], "SPINECHO_SERVER" in refused["message"]) == ("NotFromAfar", True)
    for more in (["--home", str(shared)], ["--no-record"]):
        assert run("status", "--server", address, *more, status=2)["error"] == "SettingsError"
    assert "own" in run("search", "text", "x", "--server", address, "--device", "cpu", status=2)["message"]
    for path in sorted(set(dict(commands())) - ANSWERED):
        done = CliRunner().invoke(app, [*path.split(), "--server", address])
        assert done.exit_code == 2, (path, done.output)
        assert "machine that holds the archive" in " ".join(done.output.replace("│", " ").split()), path
    opened = tmp_path / "open"
    opened.write_text(SECRET)
    opened.chmod(0o644)
    told = run("status", "--server", address, "--token-file", str(opened), status=2)
    assert "chmod 600" in told["message"]
    assert SECRET not in json.dumps(told)
