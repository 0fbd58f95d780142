"""Personal tokens, by which programs ask a server for a person: made, listed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinecho.db.people import tokens as kept
from spinecho.db.people.tokens import MOST_DAYS, SCOPES, Token
from spinecho.db.schema.database import Database
from spinecho.errors import QueryError
from spinecho.search.access.persons import Access, Role

__all__ = ["MOST_DAYS", "SCOPES", "Token", "end", "listed", "make", "token_facts"]


def make(
    database: Database, access: Access, label: str, *, scopes: Sequence[str], days: int, role: str | None,
    person: str | None,
) -> tuple[str, Token]:  # fmt: skip
    """As `Archive.make_token`."""
    mine = access.person
    if role is not None and role not in set(Role):
        raise QueryError(f"{role!r} is none of: {', '.join(Role)}")
    if role is not None and not access.may(Role(role)):
        raise QueryError(f"{role!r} is more than your own role, {mine.role}")
    if person is not None and person != mine.name:
        access.require(Role.MANAGER, "make a token for somebody else")
    chosen = str(mine.role if role is None else Role(role))
    scopes = tuple(scopes) or ("read",)
    access.allow(Role.VIEWER, "make a token", "token-create", days=days, scopes=",".join(scopes), of_role=chosen)
    return kept.make_token(
        database, owner=person or mine.name, role=chosen, label=label, scopes=scopes, days=days
    )  # fmt: skip


def listed(database: Database, access: Access, *, everybody: bool) -> tuple[Token, ...]:
    """As `Archive.tokens`."""
    access.allow(Role.MANAGER if everybody else Role.VIEWER, "see tokens", "token-list", everybody=everybody)
    return kept.tokens(database, None if everybody else access.person.name)


def end(database: Database, access: Access, number: int) -> Token:
    """As `Archive.revoke_token`."""
    access.allow(Role.VIEWER, "revoke a token", "token-revoke", number=number)
    return kept.revoke_token(database, number, None if access.may(Role.MANAGER) else access.person.name)


def token_facts(one: Token) -> dict[str, Any]:
    """A token as JSON values."""
    return {
        "id": one.id, "label": one.label, "owner": one.owner, "role": one.role, "scopes": list(one.scopes),
        "created_at": one.created_at.isoformat() + "Z", "expires_at": one.expires_at.isoformat() + "Z",
        "revoked_at": one.revoked_at and one.revoked_at.isoformat() + "Z", "state": one.state(),
    }  # fmt: skip
