"""Where the archive comes from, for managers: list, add, test, remove.

What is pulled is pulled on the archive's machine ('spinecho index --source', 'spinecho watch').
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse

from spinecho.db.files.sources import SourceUnknown
from spinecho.filling.sources import Sources
from spinecho.indexer.sources.source import SourceDown, SourceSettings
from spinecho.search.access.personal_archive import Role
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Conflict, Unknown
from spinecho.ui.server.api.as_json import source_shapes

router = APIRouter(tags=["sources"], prefix="/sources")
Manages = Annotated[Asked, Depends(Needs("manage", Role.MANAGER, "look after the sources"))]
Name: TypeAlias = Annotated[str, Path(max_length=200)]
_OF_THE_MACHINE = ("path", "ca_file", "token_file", "password_file", "token_env", "password_env")
"""Files and variables of the archive's machine: whoever may name one, and an address, could have it sent there."""


@router.get("", response_model=source_shapes.Sources)
def listed(asked: Manages) -> JSONResponse:
    """Every source, by name, as `spinecho sources list --json`. Secrets are never kept here, only where they lie."""
    return JSONResponse({"sources": [one.to_json() for one in _sources(asked).list()]})


@router.post("", status_code=201, response_model=source_shapes.Source, responses={201: {"description": "Added."}})
def add(asked: Manages, body: source_shapes.SourceAsked) -> JSONResponse:
    """Add a PACS or a receiver. What names a file, a folder or a variable of the archive's machine is given there."""
    _require_no_place(body.settings)
    try:
        return JSONResponse(_sources(asked).add(body.name, body.kind, **body.settings).to_json(), 201)
    except SourceUnknown as error:
        raise Conflict(str(error)) from error


@router.post("/{name}/test", response_model=source_shapes.SourceAnswer)
def ask(asked: Manages, name: Name) -> JSONResponse:
    """Whether a source answers, in a sentence."""
    try:
        return JSONResponse({"source": name, "answers": True, "answer": _sources(asked).test(name)})
    except SourceUnknown as error:
        raise Unknown(str(error)) from error
    except SourceDown as error:
        return JSONResponse({"source": name, "answers": False, "answer": str(error)})


@router.delete("/{name}", response_model=source_shapes.Source)
def remove(asked: Manages, name: Name) -> JSONResponse:
    """Forget a source; what was taken from it stays, in its folder and in the index."""
    try:
        return JSONResponse(_sources(asked).remove(name).to_json())
    except SourceUnknown as error:
        raise Unknown(str(error)) from error


def _sources(asked: Asked) -> Sources:
    return Sources(asked.service.settings, lambda: asked.service.database, lambda: asked.access)


def _require_no_place(settings: Mapping[str, Any]) -> None:
    for one in _OF_THE_MACHINE:
        if one in settings:
            raise SourceSettings(
                f"{one}= names something on the archive's machine: add this source there, by 'spinecho sources add'"
            )
