"""What a client takes, by its `Accept` header (RFC 9110, section 12.5.1; PS3.18, section 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
    """An answer that could be given. media: of it; within: of its parts, '' for an answer that has none.

    syntax: the transfer syntax that it has, '' where there is none, or where only the files tell.
    """

    media: str
    within: str = ""
    syntax: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The media ranges of a request. Of those that an answer fits, the narrowest says how much it is liked."""

    ranges: tuple[tuple[str, Mapping[str, str]], ...]

    def quality(self, offer: Offer) -> float:
        """From 0, for what is not taken, to 1."""
        fitting = [
            (how, _quality(parameters.get("q", "1")))
            for media, parameters in self.ranges
            if (how := _fit(media, parameters, offer))
        ]
        return max(fitting)[1] if fitting else 0.0

    def chosen(self, offers: Sequence[Offer]) -> Offer:
        """The offer that is liked best, the first of equals. Raises 406 where there is none."""
        best = max(offers, key=self.quality)
        if not self.quality(best):
            known = ", ".join(_written(one) for one in offers)
            syntax = "".join(f" in transfer syntax {one}" for one in {one.syntax for one in offers} if one)
            raise HTTPException(406, f"this is given as {known}{syntax}; name one of them in Accept")
        return best

    def takes(self, offer: Offer, syntax: str) -> bool:
        """Whether an offer is taken in this transfer syntax."""
        return self.quality(replace(offer, syntax=syntax)) > 0


def accepted(request: Request) -> Accepted:
    """What a request takes. The parameter `accept` goes before the header (PS3.18, 8.3.3.1)."""
    given = request.query_params.get("accept") or ",".join(request.headers.getlist("accept")) or "*/*"
    return Accepted(tuple(_ranges(given[:_MOST])))


def chosen(request: Request, offers: Sequence[Offer]) -> Offer:
    """The offer that the client likes best, the first of equals. Raises 406 where there is none."""
    return accepted(request).chosen(offers)


def _fit(media: str, parameters: Mapping[str, str], offer: Offer) -> int:
    """How narrowly a range fits an offer: 0 for not at all."""
    asked = parameters.get("transfer-syntax", "*")
    if asked not in ("", "*", offer.syntax) and offer.syntax:
        return 0
    named = 1 if asked not in ("", "*") else 0
    if media == MULTIPART and offer.within:
        within = _like(parameters.get("type", "*/*"), offer.within)
        return 6 + 2 * within + named if within else 0
    same = media == "application/json" and offer.media == JSON
    like = 3 if same else _like(media, offer.media)
    return 2 * like + named if like else 0


def _like(asked: str, media: str) -> int:
    """3 for the same, 2 for one of a kind, 1 for anything, 0 for another."""
    kind, _, rest = asked.partition("/")
    if asked == media:
        return 3
    if asked == "*/*":
        return 1
    return 2 if rest == "*" and kind == media.partition("/")[0] else 0


def _ranges(given: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    begins = True
    for part in _PART.finditer(given):
        name, value, ends = part[1].lower(), (part[2] or "").strip('"'), part[3]
        if begins:
            found.append((name, {}))
        else:
            found[-1][1][name] = value.lower()
        begins = ends != ";"
    return found


def _quality(given: str) -> float:
    return float(given) if re.fullmatch(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", given) else 0.0


def _written(offer: Offer) -> str:
    return f'{offer.media}; type="{offer.within}"' if offer.within else offer.media
