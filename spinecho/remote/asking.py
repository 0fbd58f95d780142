"""What each method asks of a server and makes of the answers, without any network: one core for both forms.

A method is a generator: it yields a `Call`, is sent the `Reply`, and returns its value. Who drives it does the waiting.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from spinecho.remote.problems import error_of

if TYPE_CHECKING:
    from spinecho.db.filters.algebra import Filter
    from spinecho.facet_counts import Facets
    from spinecho.outcomes import Failures
    from spinecho.results import Hits
    from spinecho.studies import Volume


@dataclass(frozen=True)
class Call:
    """One request. reads: it changes nothing, so that it may be sent again."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[tuple[str, bytes]] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    reads: bool = True


@dataclass(frozen=True)
class Reply:
    """What came back, read to its end."""

    status: int
    content: bytes
    body: Any = None


T = TypeVar("T")
Asking = Generator[Call, Reply, T]


def ask(call: Call) -> Asking[Reply]:
    """Raises what the problem stands for."""
    reply = yield call
    if reply.status >= 400:
        raise error_of(reply.status, reply.body)
    return reply


def typed(where: str | Filter) -> str:
    """A filter as text."""
    if isinstance(where, str):
        return where
    from spinecho.db.filters.algebra import write_filter  # noqa: PLC0415

    return write_filter(where)


def hits(call: Call, *, key_images: bool) -> Asking[Hits]:
    """A search, and the pictures of its hits where they are wanted."""
    from spinecho.remote.answers import hits_of  # noqa: PLC0415

    body = (yield from ask(call)).body
    places = [one["key_image"] for one in body["hits"] if key_images and one["key_image"]]
    return hits_of(body, (yield from pictures(places)))


def pictures(places: Sequence[str]) -> Asking[dict[str, bytes]]:
    """PNG by address, each asked for once."""
    found: dict[str, bytes] = {}
    for place in dict.fromkeys(places):
        reply = yield Call("GET", place)
        if reply.status == 200:
            found[place] = reply.content
        elif reply.status != 404:  # without a picture of it, a hit is a hit
            raise error_of(reply.status, reply.body)
    return found


def study(uid: str) -> Asking[tuple[Mapping[str, Any], dict[str, bytes]]]:
    """A study as plain values, and the pictures of its series by address."""
    from spinecho.errors import QueryError  # noqa: PLC0415

    if not uid or uid.strip("0123456789.") or len(uid) > 64:  # nothing else ever gets into an address
        raise QueryError(f"no study {uid[:80]!r} in this archive; search gives UIDs as hits[0].study.uid")
    body = (yield from ask(Call("GET", f"/api/v1/studies/{uid}"))).body
    return body, (yield from pictures([one["key_image"] for one in body["series"] if one["key_image"]]))


def volume(series_uid: str) -> Asking[Volume]:
    """The first volume of a series: its float32 voxels as they are."""
    import numpy as np  # noqa: PLC0415

    from spinecho.errors import QueryError  # noqa: PLC0415
    from spinecho.studies import Volume  # noqa: PLC0415

    if not series_uid or series_uid.strip("0123456789.") or len(series_uid) > 64:
        raise QueryError(f"no series {series_uid[:80]!r} in this archive; study(uid).series lists them")
    header = (yield from ask(Call("GET", f"/api/v1/series/{series_uid}/volume"))).body
    data = yield from ask(Call("GET", f"/api/v1/series/{series_uid}/volume/data", params={"dtype": "float32"}))
    voxels = np.frombuffer(data.content, "<f4").astype(np.float32).reshape(header["shape"])
    return Volume(voxels, np.asarray(header["affine"], dtype=np.float64))


def facets(fields: Sequence[str], where: str | Filter) -> Asking[Facets]:
    """Counts by field. studies and source are not sent: they are "" from afar."""
    from spinecho.facet_counts import Facet, Facets  # noqa: PLC0415

    body = (yield from ask(Call("POST", "/api/v1/facets", {"fields": list(fields), "where": typed(where)}))).body
    found = {
        name: tuple(Facet(one["value"], one["shown"], one["total"]) for one in some)
        for name, some in body["facets"].items()
    }
    return Facets(found, body["where"], "", "")


def failures(reason: str | None, everything: bool) -> Asking[Failures]:
    """What is not in the index, over all pages."""
    from spinecho.outcomes import Failure, Failures  # noqa: PLC0415

    found: list[Failure] = []
    asked: dict[str, Any] = {"everything": everything, "k": 1000} | ({"reason": reason} if reason else {})
    while True:
        body = (yield from ask(Call("GET", "/api/v1/failures", params=asked))).body
        found += [Failure(one["path"], one["reason"], one["message"], one["remedy"]) for one in body["failures"]]
        if body["next"] is None:
            return Failures(tuple(found), {"by_reason": body["by_reason"], "failures": body["failures"]})
        asked = asked | {"cursor": body["next"]}


def plain(call: Call, name: str | None = None) -> Asking[Any]:
    """The answer as it is, or one value of it."""
    body = (yield from ask(call)).body
    return body if name is None else body[name]
