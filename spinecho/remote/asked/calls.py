"""The methods of an archive from afar, each as what it asks; both forms run these."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spinecho.errors import QueryError
from spinecho.given import one_of
from spinecho.remote.asked import asking
from spinecho.remote.asked.asking import Asking, Call, typed
from spinecho.remote.asked.scans import Folder, files_of, scan_of

if TYPE_CHECKING:
    from spinecho.answering.results import Hits
    from spinecho.answering.studies import Volume
    from spinecho.db.filters.algebra import Filter


def search(
    words: str = "", *, where: str | Filter = "", k: int = 10, by: str = "everything",
    like: Folder | Volume | None = None,
    include_derived: bool = False, reports: bool = False, refine: bool = False, on: Sequence[str] = (),
    off: Sequence[str] = (), as_typed: bool = False, key_images: bool = True,
) -> Asking[Hits]:  # fmt: skip
    """As `Archive.search`; a scan that hits are to be like is sent, and not kept there."""
    from spinecho.search.query import Evidence  # noqa: PLC0415

    scan = None if like is None else scan_of(like)
    body = {
        "words": words, "where": typed(where), "k": k, "by": one_of("by", by, Evidence),
        "include_derived": include_derived, "want": "report" if reports else "study", "refine": refine,
        "on": list(on), "off": list(off), "as_typed": as_typed,
    }  # fmt: skip
    if scan is not None:
        form = {"question": json.dumps(body)}
        call = Call("POST", "/api/v1/search/scan", files=files_of(scan), form=form)
        return asking.hits(call, key_images=key_images)
    uid = None if like is None else str(like)
    if uid is not None and (not uid or uid.strip("0123456789.") or len(uid) > 64):
        raise QueryError(f"like={uid[:80]!r} is neither a path to a scan here nor a study's UID")
    return asking.hits(Call("POST", "/api/v1/search", body | {"like": uid}), key_images=key_images, k=k)


def similar(
    scan: Folder | Volume | None = None, *, study: str | None = None, box: str | None = None, where: str | Filter = "",
    k: int = 10, other_patients: bool = False, reports: bool = False, key_images: bool = True,
) -> Asking[Hits]:  # fmt: skip
    """As `Archive.similar`; a scan is sent."""
    if (scan is None) == (study is None):
        raise QueryError("give a path to a scan, or study= with the UID of one that is indexed")
    if scan is not None:
        form = {"where": typed(where), "k": str(k), "reports": str(reports).lower()}
        form |= {} if box is None else {"box": box}
        return asking.hits(Call("POST", "/api/v1/similar/scan", files=files_of(scan), form=form), key_images=key_images)
    body = {
        "study": study, "box": box, "where": typed(where), "k": k, "other_patients": other_patients, "reports": reports
    }  # fmt: skip
    return asking.hits(Call("POST", "/api/v1/similar", body), key_images=key_images, k=k)


def reports_for(
    scan: Folder | Volume | None = None, *, study: str | None = None, where: str | Filter = "", k: int = 10
) -> Asking[Hits]:
    """As `Archive.reports_for`."""
    return similar(scan, study=study, where=where, k=k, reports=True)


def rate(words: str, verdicts: Mapping[str, int], *, where: str | Filter = "") -> Asking[None]:
    """As `Archive.rate`."""
    body = {"words": words, "where": typed(where), "verdicts": dict(verdicts)}
    yield from asking.ask(Call("PUT", "/api/v1/feedback", body, reads=False))


def verdicts(words: str, *, where: str | Filter = "") -> Asking[dict[str, int]]:
    """As `Archive.verdicts`."""
    return asking.plain(Call("POST", "/api/v1/feedback/verdicts", {"words": words, "where": typed(where)}), "verdicts")


def status() -> Asking[dict[str, Any]]:
    """As `Archive.status`, less what names folders for those who do not manage the archive."""
    return asking.plain(Call("GET", "/api/v1/status"))
