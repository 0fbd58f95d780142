"""Parameters of an address: what a route does not know, or is given twice, would be left out without a word."""

from __future__ import annotations

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from spinecho.ui.server.api.around.edge import PREFIX, route_of


def check_parameters(request: Request) -> None:
    """Raises `RequestValidationError` for a parameter that is given twice, and under /api/v1 for one that is not known.

    As an unknown key of a body is refused. DICOMweb's searches match by parameters of their own, and its other routes
    leave alone what they do not know (PS3.18, 8.3.1), which `request.state.unheeded` has said in a `Warning`.
    """
    given = request.query_params
    if not given:
        return
    known = _known(request)
    if known is None:
        return
    wrong = []
    if request.url.path.startswith(f"{PREFIX}/"):
        few = f"there are: {', '.join(sorted(known))}" if known else "this address takes none"
        wrong += [(name, f"no such parameter; {few}") for name in given if name not in known]
    elif "limit" not in known:
        request.state.unheeded = any(name not in known and name != "accept" for name in given)
    wrong += [(name, "given more than once") for name in known if len(given.getlist(name)) > 1]
    if wrong:
        raise RequestValidationError(
            [{"type": "parameter", "loc": ("query", name[:40]), "msg": message} for name, message in wrong]
        )


def _known(request: Request) -> frozenset[str] | None:
    """As the OpenAPI document has them, which is made once; None for a route that is not in it."""
    about = request.app.openapi()["paths"].get(route_of(request.scope), {}).get(request.method.lower())
    if about is None:
        return None
    return frozenset(one["name"] for one in about.get("parameters", ()) if one["in"] == "query")
