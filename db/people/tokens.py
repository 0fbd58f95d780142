"""Personal tokens: made once, shown once, kept as a digest; each ends by itself and can be revoked before."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import AccessToken

PREFIX = "spinecho_"
"""How every token begins, so that those who look for lost secrets find them."""
SCOPES = ("read", "write", "manage", "metrics")
"""read: search, open, count. write: keep thumbs, freeze cohorts, start jobs. manage: failures and tokens. metrics:
the figures of the server alone."""
MOST_DAYS = 366
_MOST_LABEL = 120
_LONGEST = 200


class TokenError(StoreError):
    """A token that cannot be made or found; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed, without what would let anybody in. Times are UTC."""

    id: int
    label: str
    owner: str
    role: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def state(self, now: datetime | None = None) -> str:
        """live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= (now or _now()) else "live"


def make_token(
    database: Database, *, owner: str, role: str, label: str, scopes: Sequence[str] = ("read",), days: int = 90
) -> tuple[str, Token]:
    """(the token, which nobody can read again, and what is kept of it). Raises `TokenError`."""
    if unknown := [one for one in scopes if one not in SCOPES]:
        raise TokenError(f"{unknown[0]!r} is no scope; there are {', '.join(SCOPES)}")
    if not scopes:
        raise TokenError(f"a token without a scope may do nothing; give some of {', '.join(SCOPES)}")
    if not 1 <= days <= MOST_DAYS:
        raise TokenError(f"a token that lives {days} days: give 1 to {MOST_DAYS}")
    if not label.strip() or len(label) > _MOST_LABEL:
        raise TokenError(f"give the token a label of 1 to {_MOST_LABEL} characters, by which you know it again")
    secret, now = PREFIX + secrets.token_urlsafe(32), _now()
    row = AccessToken(
        digest=_digest(secret), label=label.strip(), owner=owner, role=role, scopes=list(dict.fromkeys(scopes)),
        created_at=now, expires_at=now + timedelta(days=days), revoked_at=None,
    )  # fmt: skip
    with database.begin(durable=True) as session:
        session.add(row)
        session.flush()
        kept = _token(row)
    return secret, kept


def find_token(database: Database, secret: str) -> Token | None:
    """The token that this is, live or not; None for one that was never made."""
    if not secret.startswith(PREFIX) or len(secret) > _LONGEST:
        return None
    with database.begin() as session:
        row = session.scalars(select(AccessToken).where(AccessToken.digest == _digest(secret))).first()
        return None if row is None else _token(row)


def tokens(database: Database, owner: str | None = None) -> tuple[Token, ...]:
    """Every token, of one owner where this is given, the newest first."""
    query = select(AccessToken).order_by(AccessToken.id.desc())
    with database.begin() as session:
        rows = session.scalars(query if owner is None else query.where(AccessToken.owner == owner))
        return tuple(map(_token, rows))


def revoke_token(database: Database, number: int, owner: str | None = None) -> Token:
    """End a token now, of this owner where one is given; one that was revoked stays so. Raises `TokenError`."""
    with database.begin(durable=True) as session:
        row = session.get(AccessToken, number)
        if row is None or (owner is not None and row.owner != owner):
            raise TokenError(f"no token {number} of yours; 'spinecho token list' names them")
        if row.revoked_at is None:
            row.revoked_at = _now()
            session.flush()
        return _token(row)


def _token(row: AccessToken) -> Token:
    return Token(
        row.id, row.label, row.owner, row.role, tuple(row.scopes), row.created_at, row.expires_at, row.revoked_at
    )


def _digest(secret: str) -> str:
    """A token is 256 random bits: nothing slower is needed to keep it from being guessed."""
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
