"""Roles: who may do what, as a file says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoders.errors import EncoderError
from search.desk import Role
from ui.room.signed import EXAMPLE, read_roles, role_of


def roles(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "roles.toml"
    path.write_text(text)
    return dict(read_roles(path))


def test_the_example_is_read_and_means_what_it_says(tmp_path: Path) -> None:
    held = roles(tmp_path, EXAMPLE)
    assert role_of({"email": "Grace@hospital.example", "email_verified": True}, held) is Role.MANAGER
    assert role_of({"email": "ada@hospital.example"}, held) is Role.RESEARCHER
    assert role_of({"email": "somebody@hospital.example"}, held) is Role.VIEWER


def test_an_address_that_is_not_verified_gives_no_role(tmp_path: Path) -> None:
    held = roles(tmp_path, 'default = "none"\nmanager = ["grace@hospital.example"]')
    assert role_of({"email": "grace@hospital.example", "email_verified": False}, held) is None


def test_groups_of_the_provider_may_be_roles(tmp_path: Path) -> None:
    held = roles(tmp_path, 'claim = "groups"\ndefault = "none"\nresearcher = ["mr-research"]\nmanager = ["mr-data"]')
    assert role_of({"groups": ["staff", "mr-research"]}, held) is Role.RESEARCHER
    assert role_of({"groups": ["mr-research", "MR-data"]}, held) is Role.MANAGER
    assert role_of({"groups": ["staff"]}, held) is None
    assert role_of({}, held) is None


def test_without_a_file_everybody_who_signs_in_may_look(tmp_path: Path) -> None:
    assert role_of({"email": "a@b.example"}, read_roles(tmp_path / "none.toml")) is Role.VIEWER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = 'root'", "'root'"),
        ("admin = ['a']", "'admin' in roles.toml is no role"),
        ("manager = [", "cannot read"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(EncoderError, match=said.replace("[", r"\[")):
        roles(tmp_path, text)
