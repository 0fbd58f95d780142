"""Roles: who may do what as a file says it, and which claims of a sign-in are believed."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.access.roles import EXAMPLE, Roles, RolesError, read_roles, role_of, signs_in, verified_address
from spinecho.encoders.sandbox.limits import TEXT_BYTES
from spinecho.errors import SettingsError
from spinecho.search.access.personal_archive import Role
from spinecho.setup.settings import read_settings

ABSENT = object()


def roles(tmp_path: Path, text: str) -> Roles:
    path = tmp_path / "roles.toml"
    path.write_text(text)
    return read_roles(path)


def claims(email: object, verified: object = True, **others: Any) -> dict[str, Any]:
    told = {"email": email, "email_verified": verified, **others}
    return {name: value for name, value in told.items() if value is not ABSENT}


def test_the_example_is_read_and_means_what_it_says(tmp_path: Path) -> None:
    held = roles(tmp_path, EXAMPLE)
    assert role_of(claims("Grace@hospital.example"), held) is Role.MANAGER
    assert role_of(claims("ada@hospital.example"), held) is Role.RESEARCHER
    assert role_of(claims("somebody@hospital.example"), held) is Role.VIEWER


@pytest.mark.parametrize("omits", [False, True])
@pytest.mark.parametrize("default", ["viewer", "manager", "none"])
@pytest.mark.parametrize("claim", ["email", "groups"])
def test_only_a_verified_address_has_a_role(tmp_path: Path, omits: bool, default: str, claim: str) -> None:
    named = "grace@hospital.example" if claim == "email" else "mr-data"
    text = f'default = "{default}"\nclaim = "{claim}"\nmanager = ["{named}"]\n'
    held = roles(tmp_path, text + ("provider_omits_email_verified = true\n" if omits else ""))
    said = [True, False, None, 0, 1, 1.0, "true", "True", "false", "", [], [True], {}, {"value": True}, ABSENT]
    addresses = ["grace@hospital.example", "eve@hospital.example", "", None, ABSENT, 7, ["grace@hospital.example"]]
    for verified, address in itertools.product(said, addresses):
        found = role_of(claims(address, verified, groups=["mr-data"]), held)
        good = verified is True or (omits and verified is ABSENT)
        if not (good and isinstance(address, str) and "@" in address):
            assert found is None, (verified, address)
        elif claim == "groups" or address.startswith("grace"):
            assert found is Role.MANAGER
        else:
            assert found == (None if default == "none" else Role(default))


@pytest.mark.parametrize(
    "near",
    [
        "grace@hoſpital.example",  # the long s, which folds to s
        "grace@hospital.example ", " grace@hospital.example", "grace@hospital.example\n",
        "grace\u200b@hospital.example",
        "ｇrace@hospital.example",  # fullwidth, which NFKC makes g
        "gracе@hospital.example",  # a Cyrillic letter
        "grace@evil.example,grace@hospital.example", "grace@evil.example@hospital.example", "@hospital.example",
    ],
)  # fmt: skip
def test_an_address_that_only_looks_alike_is_another(tmp_path: Path, near: str) -> None:
    held = roles(tmp_path, 'default = "none"\nmanager = ["grace@hospital.example"]')
    assert role_of(claims(near), held) is None


def test_a_name_outside_ascii_is_taken_as_it_is_written(tmp_path: Path) -> None:
    held = roles(tmp_path, 'default = "none"\nmanager = ["kurt@hospital.example", "józef@hospital.example"]')
    assert role_of(claims("\u212aurt@hospital.example"), held) is None, "the Kelvin sign is no k"
    assert role_of(claims("józef@hospital.example"), held) is Role.MANAGER
    assert role_of(claims("JÓZEF@hospital.example"), held) is None
    assert role_of(claims("KURT@Hospital.Example"), held) is Role.MANAGER


@given(st.text(max_size=30), st.sampled_from([True, False, None, "true", 1]))
def test_whatever_a_provider_claims_nobody_gets_in_by_an_address_that_is_not_named(text: str, said: object) -> None:
    held = Roles(None, named={Role.MANAGER: frozenset({"grace@hospital.example"})})
    if text.lower() != "grace@hospital.example":
        assert role_of(claims(text, said), held) is None
    address = verified_address(claims(text, said), held)
    assert address is None or (said is True and address.count("@") == 1 and address.isprintable())


def test_groups_of_the_provider_may_be_roles(tmp_path: Path) -> None:
    held = roles(tmp_path, 'claim = "groups"\ndefault = "none"\nresearcher = ["mr-research"]\nmanager = ["mr-data"]')
    assert role_of(claims("a@b.example", groups=["staff", "mr-research"]), held) is Role.RESEARCHER
    assert role_of(claims("a@b.example", groups=["mr-research", "MR-data", 7, None, ["mr-data"]]), held) is Role.MANAGER
    assert role_of(claims("a@b.example", groups=["staff"]), held) is None
    assert role_of(claims("a@b.example"), held) is None
    assert role_of({"groups": ["mr-data"]}, held) is None, "the record would not know whom it was"


def test_the_higher_of_two_roles_stands(tmp_path: Path) -> None:
    held = roles(tmp_path, 'viewer = ["a@b.example"]\nresearcher = ["A@b.example", "a@b.example"]')
    assert role_of(claims("a@b.example"), held) is Role.RESEARCHER


def test_without_a_file_everybody_who_signs_in_may_look(tmp_path: Path) -> None:
    assert role_of(claims("a@b.example"), read_roles(tmp_path / "none.toml")) is Role.VIEWER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = 'root'", "'root'"),
        ("default = ['viewer']", "none of"),
        ("default = 1", "none of"),
        ("admin = ['a']", "'admin' in roles.toml is no role"),
        ("manager = [", "cannot read"),
        ('manager = "grace@hospital.example"', 'manager = ["grace@hospital.example"]'),
        ("manager = 7", "list of texts"),
        ("manager = [7]", "holds 7"),
        ("manager = ['']", "in quotes"),
        ("manager = ['grace@hospital.example ']", "spaces"),
        ("manager = ['grace']", "no address"),
        ("claim = ''", "one claim"),
        ("claim = ['email']", "one claim"),
        ("provider_omits_email_verified = 'true'", "without quotes"),
        ("[manager]\nname = 'x'", "list of texts"),
        ("viewer = " + "[" * 5000, "cannot read"),
        ("# " + "x" * TEXT_BYTES, "bytes"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RolesError) as refused:
        roles(tmp_path, text)
    assert said in str(refused.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"manager = ['gr\xe4ce@hospital.example']")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("latin.toml", "pipe", "folder"):
        with pytest.raises(RolesError):
            read_roles(tmp_path / name)
    with pytest.raises(SettingsError, match="SPINECHO_ROLES"):
        read_settings(home=tmp_path, environment={"SPINECHO_ROLES": str(tmp_path / "misspelt.toml")})


def test_secrets_with_a_fault_open_nothing(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    assert not signs_in(path)
    path.write_text("[other]\nx = 1")
    assert not signs_in(path)
    path.write_text("[auth]\nclient_id = 'x'")
    assert signs_in(path)
    for text in ("[auth\nclient_id = 'x'", "auth = 'x'", "auth = true"):
        path.write_text(text)
        with pytest.raises(RolesError):
            signs_in(path)
