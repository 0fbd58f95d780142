"""What each method asks of a server and makes of the answers, without any network: one core for both forms.

A method is a generator: it yields a `Call`, is sent the `Reply`, and returns its value. Who drives it does the waiting.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from spinecho.given import read_arguments
from spinecho.remote.problems import error_of

if TYPE_CHECKING:
    from spinecho.answering.acquired import AcquiredSeries
    from spinecho.answering.facet_counts import Facets
    from spinecho.answering.results import Hits
    from spinecho.answering.studies import Volume
    from spinecho.db.filters.algebra import Filter
    from spinecho.filling.outcomes import Failures


@dataclass(frozen=True)
class Call:
    """One request. reads: it changes nothing, so that it may be sent again.

    listen: given each server-sent event as it comes; the reply then holds the last one. again: how often it is sent
    once more where the server cannot be reached.
    """

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[tuple[str, bytes]] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    reads: bool = True
    listen: Callable[[Mapping[str, Any]], None] | None = None
    again: int = 3


@dataclass(frozen=True)
class Reply:
    """What came back, read to its end."""

    status: int
    content: bytes
    body: Any = None
    after: float | None = None
    """Seconds after which the server says that it is worth asking again."""


T = TypeVar("T")
_PAGE, _MOST_HITS, _BEGUN = 1000, 10_000, 3
"""Hits that a server gives at once, and in all; how often pages are begun where the archive changes in between."""
_MOST_VALUES = 10_000
"""Values of a field that are asked for: as many as a server gives."""
Asking = Generator[Call, Reply, T]


def ask(call: Call) -> Asking[Reply]:
    """Raises what the problem stands for."""
    reply = yield call
    if reply.status >= 400:
        raise error_of(reply.status, reply.body, reply.after)
    return reply


def typed(where: str | Filter) -> str:
    """A filter as text. Raises `FilterError` for one that is too large, as it is raised here."""
    from spinecho.db.filters.algebra import require_filter, write_filter  # noqa: PLC0415
    from spinecho.db.filters.size import require_length  # noqa: PLC0415

    if isinstance(where, str):
        require_length(where)
        return where
    return write_filter(require_filter(where))


def hits(call: Call, *, key_images: bool, k: int = 0) -> Asking[Hits]:
    """A search, and the pictures of its hits where they are wanted.

    k: how many hits, over as many pages as it takes; 0 for what the call asks for.
    """
    from spinecho.remote.asked.answers import hits_of  # noqa: PLC0415

    body = yield from (_pages(call, k) if k > _PAGE else plain(call))
    for reason in body["left_out"]:
        warnings.warn(f"left out of the scan: {reason}", stacklevel=5)
    places = [one["key_image"] for one in body["hits"] if key_images and one["key_image"]]
    return hits_of(body, (yield from pictures(places)))


def _pages(call: Call, k: int) -> Asking[Mapping[str, Any]]:
    """The first page with the hits of all, which are of one moment: none comes twice, and none is missed.

    Raises `QueryError` for more than a server gives.
    """
    from spinecho.errors import ArchiveChanged, QueryError  # noqa: PLC0415

    if k > _MOST_HITS:
        raise QueryError(f"k={k:,}: a server gives {_MOST_HITS:,} hits at most; narrow the question with where")
    for _ in range(_BEGUN):
        body: Mapping[str, Any] = yield from plain(_page(call, k))
        found, following = [*body["hits"]], body["next"]
        try:
            while following is not None and len(found) < k:
                page = yield from plain(_page(call, k - len(found), following))
                if page["snapshot"] != body["snapshot"]:
                    break
                found += page["hits"]
                following = page["next"]
            else:
                return {**body, "hits": found, "next": following}
        except ArchiveChanged:
            continue
    raise QueryError("the archive changed again and again while its hits were fetched; ask for fewer, or once more")


def _page(call: Call, left: int, cursor: str | None = None) -> Call:
    more = {"k": min(left, _PAGE)} | ({} if cursor is None else {"cursor": cursor})
    return replace(call, body={**call.body, **more})


def pictures(places: Sequence[str]) -> Asking[dict[str, bytes]]:
    """PNG by address, each asked for once."""
    found: dict[str, bytes] = {}
    for place in dict.fromkeys(places):
        reply = yield Call("GET", place)
        if reply.status == 200:
            found[place] = reply.content
        elif reply.status != 404:  # without a picture of it, a hit is a hit
            raise error_of(reply.status, reply.body, reply.after)
    return found


def require_study(uid: str) -> None:
    """Raise `QueryError` for what can be no UID: nothing else ever gets into an address."""
    from spinecho.errors import QueryError  # noqa: PLC0415

    if not uid or uid.strip("0123456789.") or len(uid) > 64:
        raise QueryError(f"no study {uid[:80]!r} in this archive; search gives UIDs as hits[0].study.uid")


@read_arguments
def study(uid: str) -> Asking[tuple[Mapping[str, Any], dict[str, bytes]]]:
    """A study as plain values, and the pictures of its series by address."""
    require_study(uid)
    body = (yield from ask(Call("GET", f"/api/v1/studies/{uid}"))).body
    return body, (yield from pictures([one["key_image"] for one in body["series"] if one["key_image"]]))


def acquired(study: str) -> Asking[tuple[AcquiredSeries, ...]]:
    """As `Archive.acquired`."""
    from spinecho.answering.acquired import AcquiredSeries  # noqa: PLC0415

    require_study(study)
    listed = (yield from ask(Call("GET", f"/api/v1/studies/{study}/series"))).body
    found = []
    for one in listed:
        body = (yield from ask(Call("GET", f"/api/v1/series/{one['uid']}"))).body
        found.append(AcquiredSeries(body["uid"], body["number"], body["description"], body["acquisition"], body["why"]))
    return tuple(found)


def volume(series_uid: str, number: int = 0) -> Asking[Volume]:
    """A volume of a series by its number, from 0: its float32 voxels as they are."""
    import numpy as np  # noqa: PLC0415

    from spinecho.answering.studies import Volume  # noqa: PLC0415
    from spinecho.errors import QueryError  # noqa: PLC0415

    if not series_uid or series_uid.strip("0123456789.") or len(series_uid) > 64:
        raise QueryError(f"no series {series_uid[:80]!r} in this archive; study(uid).series lists them")
    which = {"volume": int(number)}
    header = (yield from ask(Call("GET", f"/api/v1/series/{series_uid}/volume", params=which))).body
    voxels_at = f"/api/v1/series/{series_uid}/volume/data"
    data = yield from ask(Call("GET", voxels_at, params={"dtype": "float32"} | which))
    voxels = np.frombuffer(data.content, "<f4").astype(np.float32).reshape(header["shape"])
    return Volume(voxels, np.asarray(header["affine"], dtype=np.float64))


def facets(*fields: str, where: str | Filter = "") -> Asking[Facets]:
    """As `Archive.facets`."""
    from spinecho.answering.facet_counts import Facet, Facets  # noqa: PLC0415
    from spinecho.db.filters.algebra import ALL  # noqa: PLC0415

    asked = {"fields": list(fields), "where": typed(where), "most": _MOST_VALUES}
    body = (yield from ask(Call("POST", "/api/v1/facets", asked))).body
    found = {
        name: tuple(Facet(one["value"], one["shown"], one["total"]) for one in some)
        for name, some in body["facets"].items()
    }
    where = body["where"] or typed(ALL)
    return Facets(found, where, body["studies"], body["source"], tuple(body["warnings"]))


def failures(*, reason: str | None = None, everything: bool = False) -> Asking[Failures]:
    """As `Archive.failures`, over all pages."""
    from spinecho.filling.outcomes import Failure, Failures  # noqa: PLC0415

    found: list[Failure] = []
    rows: list[dict[str, Any]] = []
    reports: dict[str, list[Any]] = {}
    asked: dict[str, Any] = {"everything": everything, "k": 1000} | ({"reason": reason} if reason else {})
    while True:
        body = (yield from ask(Call("GET", "/api/v1/failures", params=asked))).body
        rows += [{name: value for name, value in one.items() if name != "remedy"} for one in body["failures"]]
        found += [Failure(one["path"], one["reason"], one["message"], one["remedy"]) for one in body["failures"]]
        for name, some in body.items():
            if name.startswith("reports_"):
                reports.setdefault(name, []).extend(some)
        if body["next"] is None:
            return Failures(tuple(found), {"by_reason": body["by_reason"], "failures": rows} | reports)
        asked = asked | {"cursor": body["next"]}


def plain(call: Call, name: str | None = None) -> Asking[Any]:
    """The answer as it is, or one value of it."""
    body = (yield from ask(call)).body
    return body if name is None else body[name]
