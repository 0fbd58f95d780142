"""Whom a personal token lets in: never as more than it was made for, never as more than its owner may be now."""

from __future__ import annotations

from typing import NoReturn

from spinecho.access.roles import account_role, read_roles, role_of
from spinecho.db.people.record import Recorder
from spinecho.db.people.tokens import Token, find_token
from spinecho.db.schema.database import Database
from spinecho.search.access.persons import Person, Role
from spinecho.setup.settings import Settings


class TokenRefused(Exception):
    """A personal token that lets nobody in; that is on record. The message says what helps."""


def known_token(
    database: Database, record: Recorder, settings: Settings, secret: str, *, signed: bool, way: str
) -> tuple[Token, Person]:
    """(the token, its owner with the rights of now). way: by which it was shown, for the record.

    Raises `TokenRefused`, after the row of the record.
    """

    def refuse(name: str, why: str, message: str, **facts: int) -> NoReturn:
        record.append(user=name, role="none", action="refused", facts={"way": way, "why": why, **facts})
        raise TokenRefused(message)

    found = find_token(database, secret)
    if found is None:
        refuse("somebody", "unknown token", "this token is not known here; spinecho token create makes one")
    if (state := found.state()) != "live":
        message = f"this token is {state}; make another: spinecho token create"
        refuse(found.owner, f"{state} token", message, number=found.id)
    person = _owner_now(found, settings, signed=signed)
    if person is None:
        refuse(found.owner, "no role any more", "the owner of this token has no role here any more", number=found.id)
    return found, person


def _owner_now(token: Token, settings: Settings, *, signed: bool) -> Person | None:
    """None for an owner who has no role any more. signed: people sign in to this home."""
    role = Role(token.role) if token.role in set(Role) else None
    now = _role_now(token.owner, role, settings, signed=signed)
    if role is None or now is None:
        return None
    return Person(token.owner, min(role, now, key=list(Role).index))


def _role_now(owner: str, most: Role | None, settings: Settings, *, signed: bool) -> Role | None:
    """What the owner may today. By another claim than the address nobody but the provider knows: then as it was."""
    if not signed:
        return most
    roles = read_roles(settings.roles)
    if "@" not in owner:
        return account_role(owner, roles)
    if roles.claim != "email":
        return most
    return role_of({"email": owner, "email_verified": True}, roles)
