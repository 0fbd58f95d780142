"""The command line asks a personal archive too: roles, rows, --no-record, and `spinecho record`."""

from __future__ import annotations

import csv
import json
import os
import pwd
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import acts
from typer.testing import CliRunner, Result

import spinecho.access.people
from spinecho.access.people import open_record, person_here
from spinecho.access.roles import account_role, read_roles, role_of, signs_in
from spinecho.db.people.record import Record
from spinecho.db.values import Carried
from spinecho.errors import SettingsError
from spinecho.search.access.personal_archive import Person, Refused, Role
from spinecho.setup.settings import read_settings
from spinecho.ui.cli.app import app

SECRETS = '[auth]\nclient_id = "spinecho"\n'
DEFINITION = 'name = "Zebra Smith"\n[[include]]\nfilter = "sequence=T1"\n'


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def signed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where people sign in, and an account of the machine that roles.toml does not know."""
    (home / "secrets.toml").write_text(SECRETS)
    monkeypatch.setattr(spinecho.access.people, "_account", lambda: "svc")
    return home


def roles(home: Path, text: str) -> None:
    (home / "roles.toml").write_text(text)


def test_commands_leave_rows_that_hold_no_words(home: Path, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(DEFINITION)
    (tmp_path / "j.csv").write_text("query,study_uid,grade\nZebra,1.2,1\n")
    study = sqlite3.connect(home / "spinecho.sqlite").execute("SELECT uid FROM studies ORDER BY uid").fetchone()[0]
    for arguments, action in (
        (("search", "text", "zebra smith", "-k", "1"), "search"),
        (("facets", "sex", "--where", "description~Zebra"), "count"),
        (("cohort", "freeze", str(tmp_path / "d.toml")), "frozen"),
        (("cohort", "list"), "see-cohorts"),
        (("cohort", "show", "Zebra Smith", "--json"), "see-members"),
        (("cohort", "rerun", "Zebra Smith"), "rerun-cohort"),
        (("cohort", "export", "Zebra Smith", str(tmp_path / "Zebra"), "--format", "csv"), "export"),
        (("cohort", "codes", "Zebra Smith", str(tmp_path / "Zebra codes.csv")), "codes"),
        (("cohort", "delete", "Zebra Smith", "--yes"), "delete"),
        (("feedback", "add", "zebra smith", "--good", study), "thumb"),
        (("feedback", "list"), "see-thumbs"),
        (("feedback", "export", str(tmp_path / "Zebra.csv"), "--everybody"), "export-thumbs"),
        (("feedback", "forget", "zebra smith"), "forget-thumbs"),
        (("status",), "see-archive"),
        (("failures", "--reason", "NOT_DICOM"), "see-failures"),
        (("builds", "list"), "see-builds"),
        (("record", "list"), "see-record"),
        (("record", "export", str(tmp_path / "record.csv")), "export-record"),
        (("db", "upgrade"), "db-upgrade"),
        (("db", "copies"), "see-copies"),
        (("db", "copies", "--remove-all"), "remove-copies"),
    ):
        before = acts(home)[0].number if (home / "record.sqlite").exists() else 0
        result = run(*arguments)
        assert result.exit_code == 0, (arguments, result.output)
        fresh = [act for act in acts(home) if act.number > before]
        assert action in {act.action for act in fresh}, arguments
        assert {(act.user, act.role) for act in fresh} == {(read_settings().user, "manager")}
    said = repr(acts(home)).casefold()
    assert "zebra" not in said
    assert "smith" not in said
    result = run("record", "check", "--json")
    assert json.loads(result.output)["whole"] is True


def test_an_account_may_what_the_roles_give_it_where_people_sign_in(signed: Path, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(DEFINITION)
    (tmp_path / "j.csv").write_text("query,study_uid,grade\nZebra,1.2,1\n")
    managing = [
        ("index",), ("predict",), ("failures",), ("builds", "make"), ("builds", "tune"), ("db", "upgrade"),
        ("db", "copies"), ("db", "copies", "--remove-all"), ("record", "export", str(tmp_path / "record.csv")),
    ]  # fmt: skip
    research = [
        ("cohort", "freeze", str(tmp_path / "d.toml")), ("cohort", "export", "x", str(tmp_path / "x")),
        ("cohort", "delete", "x", "--yes"), ("cohort", "codes", "x", str(tmp_path / "codes.csv")),
        ("feedback", "export", str(tmp_path / "f.csv"), "--everybody"),
        ("evaluate", "--judgements", str(tmp_path / "j.csv")),
    ]  # fmt: skip
    roles(signed, 'default = "viewer"\n')
    for arguments in (*managing, *research):
        result = run(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert "takes the role" in " ".join(result.output.split()), arguments
        assert acts(signed)[0].action == "refused"
        assert (acts(signed)[0].user, acts(signed)[0].role) == ("svc", "viewer")
    assert len(acts(signed, "refused")) == len(managing) + len(research)
    roles(signed, '[accounts]\nresearcher = ["SVC"]\n')
    assert run(*managing[2]).exit_code == 2
    assert run(*research[0]).exit_code == 0
    assert acts(signed, "frozen")[0].user == "svc", "an environment names nobody here"
    roles(signed, '[accounts]\nmanager = ["svc"]\n')
    assert run(*managing[2]).exit_code == 0
    roles(signed, 'default = "none"\n')
    result = run("status")
    assert result.exit_code == 2
    assert "has no role here" in result.output
    assert (acts(signed)[0].action, acts(signed)[0].role) == ("refused", "none")


def test_the_account_is_that_of_the_process_whatever_the_environment_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "secrets.toml").write_text(SECRETS)
    for name in ("SPINECHO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "grace")
    roles(home, '[accounts]\nmanager = ["grace"]\n')
    settings = read_settings(home=home)
    assert person_here(settings, open_record(settings)).role is Role.VIEWER
    name = pwd.getpwuid(0).pw_name
    roles(home, f'default = "none"\n[accounts]\nresearcher = ["{name.upper()}"]\n')
    assert account_role(name, read_roles(settings.roles)) is Role.RESEARCHER
    assert account_role("eve", read_roles(settings.roles)) is None


def test_somebody_who_signs_in_is_never_taken_for_an_account(home: Path) -> None:
    roles(home, 'claim = "groups"\ndefault = "none"\n[accounts]\nmanager = ["svc"]\n')
    claims = {"email": "eve@h.example", "email_verified": True, "groups": ["svc"]}
    assert role_of(claims, read_roles(read_settings(home=home).roles)) is None


@pytest.mark.parametrize("text", ["[auth", '[auth]\nx = "é"', "auth = 1"])
def test_where_it_is_not_clear_whether_people_sign_in_nobody_has_any_right(home: Path, text: str) -> None:
    assert not signs_in(read_settings(home=home).secrets)
    (home / "secrets.toml").write_text(text, encoding="latin-1")
    result = run("status")
    assert result.exit_code == 2
    assert "secrets.toml" in result.output


def test_a_process_that_a_page_started_goes_by_the_row_of_who_asked(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles(signed, 'default = "none"\n')
    settings = read_settings(home=signed)
    record = Record.open(settings.record)

    def person(digest: str) -> Person:
        monkeypatch.setenv(spinecho.access.people.STARTED_BY, digest)
        return person_here(settings, record)

    row = record.append(user="grace", role="manager", action="index", facts={})
    assert person(row) == Person("grace", Role.MANAGER)
    other = record.append(user="grace", role="manager", action="search", facts={})
    refused = record.append(user="eve", role="none", action="index", facts={})
    old = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    record.carry([Carried(old, "grace", "manager", "index", "", {}, "old")])
    for digest in (other, refused, record.head()[1], "", "x" * 64):
        with pytest.raises(Refused):
            person(digest)
    record.close()


def test_without_a_record_is_said_and_only_for_one_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("status", "--no-record")
    assert result.exit_code == 0
    assert "no record is kept of this" in result.output
    assert not (home / "record.sqlite").exists()
    assert run("status").exit_code == 0
    assert len(acts(home)) == 1, "one that was asked for it, and what it starts; nothing else"
    (home / "secrets.toml").write_text(SECRETS)
    result = run("status", "--no-record")
    assert result.exit_code == 2
    assert "for a machine used alone" in " ".join(result.output.split())
    monkeypatch.setenv("SPINECHO_NO_RECORD", "1")
    with pytest.raises(SettingsError, match="used alone"):
        open_record(read_settings(home=home))


def test_the_record_may_be_elsewhere_and_where_it_cannot_be_nothing_is_shown(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    for given, place in (
        (tmp_path / "folder", tmp_path / "folder" / "record.sqlite"), (tmp_path / "r.db", tmp_path / "r.db"),
        (f"{tmp_path}/new/", tmp_path / "new" / "record.sqlite"),
    ):  # fmt: skip
        monkeypatch.setenv("SPINECHO_RECORD", str(given))
        assert run("status").exit_code == 0
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not (home / "record.sqlite").exists()
    monkeypatch.setenv("SPINECHO_RECORD", str(tmp_path / "r.db" / "below"))
    for arguments in (("status", "--json"), ("facets", "sex"), ("cohort", "list"), ("search", "text", "lesion")):
        result = run(*arguments)
        assert result.exit_code in {2, 3}
        said = " ".join(result.output.split())
        assert "SPINECHO_RECORD" in said
        assert "studies" not in said
        assert "--no-record" in said
    monkeypatch.setenv("SPINECHO_RECORD", "mysql://host/name")
    assert run("status").exit_code == 2


COMMANDS: dict[str, tuple[str, ...]] = {
    "index": (), "status": (), "failures": (), "predict": (), "ui": (), "facets": ("sex",), "evaluate": (),
    "demo": ("demo", "--studies", "1", "--tour"), "search text": ("lesion",), "search image": ("d.toml",),
    "search study": ("1.2",), "search why": ("1.2", "lesion"), "search series": ("1.2",),
    "feedback add": ("lesion", "--good", "STUDY"),
    "feedback list": (), "feedback forget": ("lesion",), "feedback export": ("f.csv",), "cohort count": ("d.toml",),
    "cohort freeze": ("d.toml",), "cohort list": (), "cohort show": ("x",), "cohort rerun": ("x",),
    "cohort diff": ("x", "1", "2"), "cohort codes": ("x", "codes.csv"), "db copies": ("--remove-all",),
    "cohort export": ("x", "new"), "cohort delete": ("x", "--yes"), "db upgrade": (),
    "builds list": (), "builds make": (), "builds tune": (), "builds sync": (), "builds status": (),
    "record check": (), "record list": (),
    "record export": ("r.csv",), "token create": ("notebook",), "token list": (), "token revoke": ("1",), "serve": (),
    "mcp": (), "sources add": ("pacs", "dicomweb", "url=http://127.0.0.1:9"), "sources list": (),
    "sources test": ("pacs",), "sources pull": ("pacs",), "sources remove": ("pacs",), "watch": ("--passes", "1"),
    "run-report": ("r.html",), "doctor": (), "backup": ("copies", "--unencrypted"), "db copy": ("other",), "adapt": (),
    "cohort copy": ("x", "new"), "reidentify": ("PA1",), "encoders list": (), "encoders add": ("slices-minilm",),
    "encoders compare": ("slices-minilm",), "encoders switch": ("slices-minilm",), "encoders rollback": (),
    "encoders retire": ("slices-minilm",), "encoders recommend": (), "encoders try": ("biomedclip", "--from", "new"),
    "teach concept": ("x ray", "--from", "thumbs:x"), "teach list": (),
    "teach show": ("x ray",), "teach undo": ("x ray",), "teach apply": (), "teach next": ("x ray",),
}  # fmt: skip
"""Arguments with which every command that opens a home would do something."""
WRITTEN = ("f.csv", "new", "r.csv", "codes.csv", "r.html", "copies", "other")


def commands(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        elif any(parameter.name == "home" for parameter in command.params):
            yield f"{before}{name}"


def test_no_command_shows_or_does_anything_that_cannot_be_recorded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = set(commands(typer.main.get_command(app))) - {"restore"}  # that makes a home, of what a key opens
    assert opening == set(COMMANDS), "a new command needs a line here"
    monkeypatch.chdir(tmp_path)
    Path("d.toml").write_text(DEFINITION)
    Path("file").write_bytes(b"")
    monkeypatch.setenv("SPINECHO_RECORD", str(tmp_path / "file" / "record.sqlite"))
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the room was opened"))
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        study = connection.execute("SELECT uid FROM studies").fetchone()[0]
    before = (home / "spinecho.sqlite").read_bytes()
    for command, arguments in COMMANDS.items():
        result = run(*command.split(), *(study if one == "STUDY" else one for one in arguments))
        assert result.exit_code in {2, 3}, (command, result.output)
        assert "SPINECHO_RECORD" in result.output, (command, result.output)
        assert study not in result.output
    assert not [name for name in WRITTEN if Path(name).exists()]
    assert (home / "spinecho.sqlite").read_bytes() == before


def test_a_changed_record_is_noticed_at_the_command_line(home: Path) -> None:
    for _ in range(3):
        assert run("status").exit_code == 0
    first = json.loads(run("record", "check", "--json").output)
    held = f"{first['rows']}:{first['head']}"
    result = run("record", "check")
    assert result.exit_code == 0
    assert f"whole, 3 rows, the last is {held}" in result.output
    assert run("status").exit_code == 0
    assert run("record", "check", "--since", held).exit_code == 0
    with closing(sqlite3.connect(home / "record.sqlite")) as connection, connection:
        connection.execute("""UPDATE record_rows SET "user" = 'eve' WHERE number = 2""")
    result = run("record", "check")
    assert result.exit_code == 1
    assert "row 2 was changed" in result.output
    with closing(sqlite3.connect(home / "record.sqlite")) as connection, connection:
        connection.execute("DELETE FROM record_rows")
        connection.execute("UPDATE record_head SET number = 0, digest = ''")
    assert run("record", "check").exit_code == 0, "made empty from end to end: not to be seen from within"
    result = run("record", "check", "--since", held)
    assert result.exit_code == 1
    assert "the end was cut off" in result.output
    for wrong in ("x", "1:2", "9" * 400 + ":" + "0" * 64, ":" + "0" * 64):
        assert run("record", "check", "--since", wrong).exit_code == 2


def test_the_record_is_listed_and_exported_with_formulas_disarmed(home: Path, tmp_path: Path) -> None:
    record = Record.open(home / "record.sqlite")
    record.append(user="=HYPERLINK(1)", role="viewer", action="view", subject="1.2", facts={"hits": 3})
    record.close()
    listed = json.loads(run("record", "list", "--action", "view", "--json").output)["record"]
    assert [(one["user"], one["subject"], one["facts"]) for one in listed] == [("=HYPERLINK(1)", "1.2", {"hits": 3})]
    for name in ("r.csv", "r.jsonl"):
        assert run("record", "export", str(tmp_path / name)).exit_code == 0
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert run("record", "export", str(tmp_path / name)).exit_code == 2, "there already"
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["user"] == "'=HYPERLINK(1)"
    assert [int(row["number"]) for row in rows] == list(range(1, len(rows) + 1))
    assert json.loads((tmp_path / "r.jsonl").read_text().splitlines()[0])["user"] == "=HYPERLINK(1)"
