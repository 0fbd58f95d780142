"""Whose a personal token is today: never more than it was made for, never more than its owner may now."""

from __future__ import annotations

from spinecho.db.people.tokens import Token
from spinecho.roles import account_role, read_roles, role_of
from spinecho.search.access.persons import Person, Role
from spinecho.settings import Settings


def owner_now(token: Token, settings: Settings, *, signed: bool) -> Person | None:
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
