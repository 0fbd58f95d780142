"""Your tokens: make, list, revoke."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse

from spinecho.access import tokens
from spinecho.access.tokens import token_facts
from spinecho.db.people.tokens import TokenError
from spinecho.search.access.personal_archive import Refused, Role
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.as_json import token_shapes

router = APIRouter(tags=["tokens"], prefix="/tokens")
Manages = Annotated[Asked, Depends(Needs("manage", what="look after tokens"))]


@router.get("", response_model=token_shapes.Tokens)
def listed(
    asked: Manages, everybody: Annotated[bool, Query(description="Everybody's, for managers.")] = False
) -> JSONResponse:
    """Your tokens, the newest first."""
    kept = tokens.listed(asked.service.database, asked.access, everybody=everybody)
    return JSONResponse({"tokens": [token_facts(one) for one in kept]})


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
    secret, kept = tokens.make(
        asked.service.database, asked.access, body.label, scopes=body.scopes, days=body.days, role=str(role),
        person=body.person,
    )  # fmt: skip
    return JSONResponse(token_facts(kept) | {"token": secret}, 201)


@router.delete("/{number}", response_model=token_shapes.Token)
def revoke(asked: Manages, number: Annotated[int, Path(ge=1, le=2**53)]) -> JSONResponse:
    """End a token now; a manager may end anybody's."""
    try:
        return JSONResponse(token_facts(tokens.end(asked.service.database, asked.access, number)))
    except TokenError as error:
        raise Unknown(str(error)) from error
