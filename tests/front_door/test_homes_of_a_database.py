"""A home whose rows are in PostgreSQL, as Python and the commands open it."""

from __future__ import annotations

from pathlib import Path

import pytest

import spinecho
from spinecho.archive import Archive
from spinecho.setup.settings import Settings, read_settings


def test_a_home_is_opened_with_the_settings_that_commands_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home's file was asked where SPINECHO_DATABASE was set: after a move, with what was true before it."""
    opened: list[Settings] = []
    monkeypatch.setattr(Archive, "__init__", lambda self, settings, **named: opened.append(settings))
    for url in ("postgresql://spinecho@db.example/spinecho", ""):
        monkeypatch.setenv("SPINECHO_DATABASE", url)
        spinecho.open(tmp_path)
        assert opened[-1].server == read_settings(home=tmp_path).server
        assert opened[-1].home == tmp_path
    spinecho.open("postgresql://other@db.example/other")
    assert "other@db.example" in opened[-1].server
