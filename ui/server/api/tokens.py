"""Your tokens: make, list, revoke."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse

from spinecho.db.people.tokens import Token, TokenError, make_token, revoke_token, tokens
from spinecho.search.access.desk import Refused, Role
from spinecho.ui.server.api import token_shapes
from spinecho.ui.server.api.asking import Asked, Needs
from spinecho.ui.server.api.problems import Unknown

router = APIRouter(tags=["tokens"], prefix="/tokens")
Manages = Annotated[Asked, Depends(Needs("manage", what="look after tokens"))]


@router.get("", response_model=token_shapes.Tokens)
def listed(asked: Manages) -> JSONResponse:
    """Your tokens, the newest first."""
    asked.access.note("token-list", everybody=False)
    return JSONResponse({"tokens": [_plain(one) for one in tokens(asked.service.database, asked.person.name)]})


@router.post("", status_code=201, response_model=token_shapes.TokenMade, responses={201: {"description": "Made."}})
def create(asked: Manages, body: token_shapes.TokenAsked) -> JSONResponse:
    """Make a token: shown this once. It may never do more than the one that it is made with."""
    order = list(Role)
    role = asked.person.role if body.role is None else Role(body.role)
    if order.index(role) > order.index(asked.person.role):
        asked.access.note("refused", facts_role=str(role))
        raise Refused(f"the role {role} is more than yours, {asked.person.role}")
    if wrong := sorted(set(body.scopes) - asked.caller.scopes):
        asked.access.note("refused", facts_scope=wrong[0])
        raise Refused(f"the scope {wrong[0]!r} is more than that of the token that asks")
    asked.access.note("token-create", days=body.days, scopes=",".join(body.scopes), of_role=str(role))
    secret, kept = make_token(
        asked.service.database, owner=asked.person.name, role=str(role), label=body.label, scopes=body.scopes,
        days=body.days,
    )  # fmt: skip
    return JSONResponse(_plain(kept) | {"token": secret}, 201)


@router.delete("/{number}", response_model=token_shapes.Token)
def revoke(asked: Manages, number: Annotated[int, Path(ge=1, le=2**53)]) -> JSONResponse:
    """End a token now; a manager may end anybody's."""
    asked.access.note("token-revoke", number=number)
    owner = None if asked.access.may(Role.MANAGER) else asked.person.name
    try:
        return JSONResponse(_plain(revoke_token(asked.service.database, number, owner)))
    except TokenError as error:
        raise Unknown(str(error)) from error


def _plain(one: Token) -> dict[str, Any]:
    return {
        "id": one.id, "label": one.label, "owner": one.owner, "role": one.role, "scopes": list(one.scopes),
        "created_at": one.created_at.isoformat() + "Z", "expires_at": one.expires_at.isoformat() + "Z",
        "revoked_at": one.revoked_at and one.revoked_at.isoformat() + "Z", "state": one.state(),
    }  # fmt: skip
