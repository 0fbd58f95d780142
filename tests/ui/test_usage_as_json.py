"""A command line that cannot be read is a typed error in JSON too, for every command that gives JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from spinecho.ui.cli.app import app


def commands(group: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of every command that takes --json."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*names, name))
        elif any("--json" in option.opts for option in command.params):
            yield (*names, name)


WITH_JSON = list(commands(typer.main.get_command(app)))


def refused(*typed: str) -> tuple[dict[str, str], str]:
    ran = CliRunner().invoke(app, list(typed))
    assert ran.exit_code == 2
    told: dict[str, str] = json.loads(ran.stdout)
    assert set(told) == {"error", "message"}
    return told, ran.stderr


def test_there_are_commands_with_json() -> None:
    assert {("search", "text"), ("facets",), ("cohort", "count"), ("status",)} <= set(WITH_JSON)


@pytest.mark.parametrize("command", WITH_JSON, ids=" ".join)
@pytest.mark.parametrize("json_first", [True, False])
def test_an_unknown_option_is_told_in_json(command: tuple[str, ...], json_first: bool) -> None:
    ends = ("--json", "--no-such-option") if json_first else ("--no-such-option", "--json")
    told, line = refused(*command, *ends)
    assert "--no-such-option" in told["message"]
    assert "--no-such-option" in line


def test_words_that_begin_with_a_minus_are_told_in_json() -> None:
    assert "No such option" in refused("search", "text", "- headache", "--json")[0]["message"]
    assert "nothing" in refused("search", "nothing", "--json")[0]["message"]


def test_without_json_stdout_stays_empty() -> None:
    for typed in (["search", "text", "- headache"], ["search", "text", "--bogus", "--", "--json"]):
        ran = CliRunner().invoke(app, typed)
        assert (ran.exit_code, ran.stdout) == (2, "")
