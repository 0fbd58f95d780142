"""What a client takes, by its `Accept` header (RFC 9110, section 12.5.1; PS3.18, section 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

MULTIPART = "multipart/related"
DICOM, JSON, OCTETS, JPEG, PNG = (
    "application/dicom", "application/dicom+json", "application/octet-stream", "image/jpeg", "image/png",
)  # fmt: skip
_PART = re.compile(r'\s*([^\s;,="]+)\s*(?:=\s*("[^"]*"|[^\s;,"]*))?\s*(?:([;,])|$)')
_MOST = 4000


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer that could be given. media: of it; within: of its parts, '' for an answer that has none."""

    media: str
    within: str = ""


def chosen(request: Request, offers: Sequence[Offer]) -> tuple[Offer, str]:
    """The offer that the client likes best, the first of equals, and the transfer syntax that it asks for, '' for any.

    The parameter `accept` goes before the header (PS3.18, 8.3.3.1). Raises 406 where there is none.
    """
    accepted = request.query_params.get("accept") or ",".join(request.headers.getlist("accept")) or "*/*"
    best: tuple[float, Offer, str] | None = None
    for media, parameters in _ranges(accepted[:_MOST]):
        quality = _quality(parameters.get("q", "1"))
        for offer in offers:
            if quality > 0 and _takes(media, parameters, offer) and (best is None or quality > best[0]):
                syntax = parameters.get("transfer-syntax", "")
                best = quality, offer, "" if syntax == "*" else syntax
    if best is None:
        known = ", ".join(_written(one) for one in offers)
        raise HTTPException(406, f"this is given as {known}; name one of them in Accept")
    return best[1], best[2]


def _takes(media: str, parameters: Mapping[str, str], offer: Offer) -> bool:
    if media == MULTIPART and offer.within:
        return _like(parameters.get("type", "*/*"), offer.within)
    return _like(media, offer.media) or (media == "application/json" and offer.media == JSON)


def _like(asked: str, media: str) -> bool:
    kind, _, rest = asked.partition("/")
    return asked in (media, "*/*") or (rest == "*" and kind == media.partition("/")[0])


def _ranges(accepted: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    begins = True
    for part in _PART.finditer(accepted):
        name, value, ends = part[1].lower(), (part[2] or "").strip('"'), part[3]
        if begins:
            found.append((name, {}))
        else:
            found[-1][1][name] = value.lower()
        begins = ends != ";"
    return found


def _quality(accepted: str) -> float:
    return float(accepted) if re.fullmatch(r"[01](\.\d{0,3})?", accepted) else 0.0


def _written(offer: Offer) -> str:
    return f'{offer.media}; type="{offer.within}"' if offer.within else offer.media
