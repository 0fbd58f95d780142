"""Who may do what, as `roles.toml` says it, and which claims of a sign-in are believed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spinecho.db.as_written import as_written
from spinecho.encoders.sandbox.limits import read_small
from spinecho.errors import SettingsError
from spinecho.search.access.persons import Role

EXAMPLE = """\
# Who may do what. A person who is named nowhere has the default role; "none" keeps them out.
# Whoever is named under two roles has the higher one.
default = "viewer"
claim = "email"                        # of the provider's token, or another such as "groups"
researcher = ["ada@hospital.example"]
manager = ["grace@hospital.example"]
# provider_omits_email_verified = true # only for a provider that verifies every address and does not say so
# [accounts]                           # of this machine, for commands such as a nightly index; at the end of the file
# manager = ["spinecho"]
"""
_OMITS = "provider_omits_email_verified"


class RolesError(SettingsError):
    """The file of roles, or that of the sign-in, cannot be meant as it is written."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the file says. named: by role the values of the claim, as `_key` makes them."""

    default: Role | None = Role.VIEWER
    """None keeps those out who are named nowhere."""
    claim: str = "email"
    omits_verified: bool = False
    """Whether an address counts though the provider says nothing of its being verified."""
    named: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    accounts: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    """By role the machine's accounts, for commands; never believed of somebody who signs in."""


def read_roles(path: Path | None) -> Roles:
    """The file of roles; everybody who signs in is a viewer where there is none. Raises `RolesError`."""
    if path is None or _missing(path):
        return Roles()
    values = tables_of(path, EXAMPLE)
    roles = tuple(Role)
    if unknown := sorted(set(values) - {*roles, "default", "claim", "accounts", _OMITS}):
        raise RolesError(
            f"{unknown[0]!r} in {path.name} is no role; there are {', '.join(roles)}, "
            f"default, claim, accounts and {_OMITS}"
        )
    default, claim, omits = values.get("default", "viewer"), values.get("claim", "email"), values.get(_OMITS, False)
    if not isinstance(default, str) or default not in (*roles, "none"):
        raise RolesError(f"default = {default!r} in {path.name} is none of: {', '.join(sorted((*roles, 'none')))}")
    if not isinstance(claim, str) or not claim or claim != claim.strip():
        raise RolesError(f'claim = {claim!r} in {path.name} has to name one claim of the token: claim = "email"')
    if not isinstance(omits, bool):
        raise RolesError(f"{_OMITS} = {omits!r} in {path.name} has to be true or false, without quotes")
    named = {role: _names(values.get(role, []), role, path.name, address=claim == "email") for role in roles}
    accounts = values.get("accounts", {})
    if not isinstance(accounts, dict) or set(accounts) - set(roles):
        raise RolesError(f'accounts in {path.name} has to be a table: [accounts] and below it manager = ["name"]')
    machine = {role: _names(accounts.get(role, []), role, path.name, address=False) for role in roles}
    return Roles(None if default == "none" else Role(default), claim, omits, named, machine)


def signs_in(path: Path) -> bool:
    """Whether a file of secrets names a provider: a table `auth`. Raises `RolesError` for a file that cannot be read.

    A file with a slip of the pen in it is an error and not a room without sign-in.
    """
    if _missing(path):
        return False
    auth = tables_of(path).get("auth")
    if auth is not None and not isinstance(auth, dict):
        raise RolesError(f"auth in {path.name} is no table; write [auth] and its keys below")
    return auth is not None


def redirect_origin(path: Path) -> str | None:
    """Where people come back to from the provider, as `https://HOST`: `redirect_uri` of the secrets; None without."""
    auth = {} if _missing(path) else tables_of(path).get("auth")
    uri = auth.get("redirect_uri") if isinstance(auth, dict) else None
    if uri is None:
        return None
    wrong = RolesError(f"redirect_uri in {path.name} is no address; write https://HOST/oauth2callback")
    try:
        parts = urlsplit(uri) if isinstance(uri, str) else urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise wrong
    except ValueError as error:
        raise wrong from error
    return f"{parts.scheme}://{parts.netloc.lower()}"


def verified_address(claims: Mapping[str, Any], roles: Roles) -> str | None:
    """The address that the provider vouches for; None where it does not, or where it is no address.

    `email_verified` has to be the JSON value true (OpenID Connect Core 1.0, 5.1): a string, a number, null or nothing
    are not, but that nothing is enough for a provider of which roles.toml says so.
    """
    address = claims.get("email")
    claim = claims.get("email_verified", roles.omits_verified)
    return address if claim is True and isinstance(address, str) and _is_address(address) else None


def role_of(claims: Mapping[str, Any], roles: Roles) -> Role | None:
    """The highest role that the claim (or one of its values, where it is a list) is named under; None to keep out.

    Without a verified address there is no role at all, whatever else the token claims: the record names people by it.
    """
    if verified_address(claims, roles) is None:
        return None
    held = claims.get(roles.claim)
    values = {_key(one) for one in (held if isinstance(held, list | tuple) else [held]) if isinstance(one, str) and one}
    for role in reversed(Role):
        if values & roles.named.get(role, frozenset()):
            return role
    return roles.default


def account_role(account: str, roles: Roles) -> Role | None:
    """The highest role under which an account of the machine is named; else the default, None to keep out."""
    named = (role for role in reversed(Role) if _key(account) in roles.accounts.get(role, frozenset()))
    return next(named, roles.default)


def _key(value: str) -> str:
    """How two values are compared: the case of ASCII letters does not count, every other difference does.

    Folding all of Unicode would make one of the long s and of s, of the Kelvin sign and of k: addresses that somebody
    else may own.
    """
    return value.lower() if value.isascii() else value


def _is_address(value: str) -> bool:
    """One @ with something on both sides, and nothing that cannot be seen, such as spaces or zero-width characters."""
    name, _, host = value.partition("@")
    return bool(name and host) and "@" not in host and value.isprintable() and not any(map(str.isspace, value))


def _names(given: object, role: Role, file: str, *, address: bool) -> frozenset[str]:
    if isinstance(given, str):
        raise RolesError(f'{role} = {given!r} in {file} is text; write a list: {role} = ["{given}"]')
    if not isinstance(given, list):
        raise RolesError(f"{role} = {given!r} in {file} has to be a list of texts")
    for one in given:
        if not isinstance(one, str) or not one or one != one.strip():
            raise RolesError(f"{role} in {file} holds {one!r}: write each name in quotes, without spaces around it")
        if address and not _is_address(one):
            raise RolesError(f"{role} in {file} holds {one!r}, which is no address such as ada@hospital.example")
    return frozenset(map(_key, given))


def _missing(path: Path) -> bool:
    """Whether nothing stands there at all: a link to nowhere, or what may not be looked at, is a fault."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def tables_of(path: Path, example: str = "") -> dict[str, Any]:
    """A file of roles or of secrets as it is written. Raises `RolesError`, for one that a disk changed too."""
    hint = f"; write it like this:\n{example}" if example else ""
    try:
        return tomllib.loads(as_written(path, partial(read_small, path, RolesError), RolesError).decode("utf-8"))
    except OSError as error:
        raise RolesError(f"cannot read {path.name} ({error.strerror}){hint}") from error
    except UnicodeDecodeError as error:
        raise RolesError(f"cannot read {path.name}: it is not UTF-8{hint}") from error
    except tomllib.TOMLDecodeError as error:
        # What stands there may be a secret: the parser's words name the line, not its text
        raise RolesError(f"cannot read {path.name}: {error}{hint}") from error
    except RecursionError as error:
        raise RolesError(f"cannot read {path.name}: it is nested too deep{hint}") from error
