"""Tokens that are asked for and answered, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from spinecho.ui.server.api.as_json.shapes import Asks


class TokenAsked(Asks):
    """A token to make."""

    label: Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S")]
    scopes: list[Literal["read", "write", "manage", "metrics"]] = Field(default=["read"], min_length=1, max_length=4)
    days: Annotated[int, Field(ge=1, le=366)] = 90
    role: Literal["viewer", "researcher", "manager"] | None = None
    person: Annotated[
        str | None, Field(min_length=1, max_length=200, pattern=r"\S", description="Whose it is; for managers.")
    ] = None


class Token(BaseModel):
    """A token, without what lets anybody in."""

    id: int
    label: str
    owner: str
    role: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    state: Literal["live", "expired", "revoked"]


class TokenMade(Token):
    """A token that was made."""

    token: Annotated[str, Field(description="Shown this once.")]


class Tokens(BaseModel):
    """Your tokens."""

    tokens: list[Token]
