"""What thumbs, tokens and the record of a person ask of a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spinecho.remote.asked.asking import Asking, Call, ask, plain, typed
from spinecho.remote.problems import Invalid, UnknownThere

if TYPE_CHECKING:
    from spinecho.access.acts import Checked, Entry
    from spinecho.answering.thumbs import Judgement, Thumb
    from spinecho.db.filters.algebra import Filter
    from spinecho.db.people.tokens import Token


def user() -> Asking[str]:
    """Whose acts these are, as the record there names them."""
    return plain(Call("GET", "/api/v1/me"), "name")


def thumbs() -> Asking[tuple[Thumb, ...]]:
    """As `Archive.thumbs`."""
    from spinecho.answering.thumbs import Thumb  # noqa: PLC0415

    body = (yield from ask(Call("GET", "/api/v1/feedback"))).body
    return tuple(Thumb(one["words"], one["study_uid"], one["verdict"], _utc(one["at"])) for one in body["thumbs"])


def forget_thumbs(words: str, *, where: str | Filter = "") -> Asking[int]:
    """As `Archive.forget_thumbs`."""
    call = Call("POST", "/api/v1/feedback/forget", {"words": words, "where": typed(where)}, reads=False)
    return plain(call, "forgotten")


def judgements(*, everybody: bool = False) -> Asking[tuple[Judgement, ...]]:
    """As `Archive.judgements`."""
    from spinecho.answering.thumbs import Judgement  # noqa: PLC0415

    asked = Call("GET", "/api/v1/feedback/judgements", params={"everybody": everybody})
    body = (yield from ask(asked)).body
    return tuple(Judgement(one["query"], one["study_uid"], one["grade"]) for one in body["judgements"])


def make_token(
    label: str, *, scopes: Sequence[str] = ("read",), days: int = 90, role: str | None = None,
    person: str | None = None,
) -> Asking[tuple[str, Token]]:  # fmt: skip
    """As `Archive.make_token`; never more than the token that asks may do."""
    from spinecho.db.people.tokens import TokenError  # noqa: PLC0415

    body = {"label": label, "scopes": list(scopes) or ["read"], "days": days, "role": role, "person": person}
    try:
        made = (yield from ask(Call("POST", "/api/v1/tokens", body, reads=False))).body
    except Invalid as error:
        raise TokenError(str(error)) from None
    return made["token"], _token(made)


def tokens(*, everybody: bool = False) -> Asking[tuple[Token, ...]]:
    """As `Archive.tokens`."""
    body = (yield from ask(Call("GET", "/api/v1/tokens", params={"everybody": everybody}))).body
    return tuple(_token(one) for one in body["tokens"])


def revoke_token(number: int) -> Asking[Token]:
    """As `Archive.revoke_token`."""
    from spinecho.db.people.tokens import TokenError  # noqa: PLC0415

    try:
        return _token((yield from ask(Call("DELETE", f"/api/v1/tokens/{number}", reads=False))).body)
    except (UnknownThere, Invalid) as error:
        raise TokenError(str(error)) from None


def check(*, since: tuple[int, str] | None = None) -> Asking[Checked]:
    """As `Acts.check`."""
    from spinecho.access.acts import Checked  # noqa: PLC0415

    body = {"since": None if since is None else list(since)}
    found = (yield from ask(Call("POST", "/api/v1/record/check", body))).body
    return Checked(found["rows"], found["head"], tuple(found["broken"]))


def entries(*, user: str | None = None, action: str | None = None, most: int = 50) -> Asking[tuple[Entry, ...]]:
    """As `Acts.entries`."""
    body = {"user": user, "action": action, "most": most}
    found = (yield from ask(Call("POST", "/api/v1/record/entries", body))).body
    return tuple(_entry(one) for one in found["record"])


def walk() -> Asking[Iterator[Entry]]:
    """As `Acts.walk`; everything is fetched first."""
    reply = yield from ask(Call("GET", "/api/v1/record/export"))
    return (_entry(json.loads(line)) for line in reply.content.split(b"\n") if line)


def _token(one: Mapping[str, Any]) -> Token:
    from spinecho.db.people.tokens import Token  # noqa: PLC0415

    revoked = one["revoked_at"]
    return Token(
        one["id"], one["label"], one["owner"], one["role"], tuple(one["scopes"]), _utc(one["created_at"]),
        _utc(one["expires_at"]), None if revoked is None else _utc(revoked),
    )  # fmt: skip


def _entry(one: Mapping[str, Any]) -> Entry:
    from spinecho.access.acts import Entry  # noqa: PLC0415

    return Entry(
        _utc(one["at"]), one["user"], one["role"], one["action"], one["subject"], one["facts"], one["number"],
        one["digest"],
    )  # fmt: skip


def _utc(text: str) -> datetime:
    """A time as it is kept: UTC, without saying so."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
