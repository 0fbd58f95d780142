"""Attachments of FHIR resources: the one that says most plainly what it says, as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from spinecho.indexer.reports.parsing.formats.cda import carried_keys, carried_text
from spinecho.indexer.reports.parsing.formats.fhir_values import Resource, Resources, text_of
from spinecho.indexer.reports.parsing.markup import NoText, as_shown

_READABLE = (
    "text/html", "text/plain", "text/rtf", "application/rtf", "application/pdf", "application/xhtml+xml", "text/xml",
    "application/xml", "application/hl7-cda+xml", "application/cda+xml", "application/vnd.openxmlformats",
)  # fmt: skip
"""The likeliest to be whole and plain first."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What attachments of one document say. fault: why none of them could be read, where none was."""

    text: str = ""
    keys: tuple[str, str] = ("", "")
    """(accession number, study UID) of a CDA document among them."""
    fault: NoText | None = None


def read_attached(forms: Iterable[tuple[Resource, Resource]], resources: Resources) -> Attached:
    """The first of a document's forms that can be read. forms: (attachment, the resource that holds it)."""
    fault: NoText | None = None
    for form, holder in sorted(forms, key=lambda one: _rank(one[0])):
        url = text_of(form.get("url"))
        data = text_of(form.get("data")) or text_of(resources.of_name(url, holder).get("data"))
        if _rank(form) == len(_READABLE):
            fault = fault or NoText(f"its document is of a kind that is not read ({_kind(form)})")
            continue
        if not data:
            fault = fault or (NoText("its document lies elsewhere: only a reference to it was sent") if url else None)
            continue
        try:
            content = _content(data)
            text = _as_text(content, text_of(form.get("contentType")))
        except NoText as error:
            fault = error
            continue
        if text.strip():
            return Attached(text, carried_keys(content))
    return Attached(fault=fault)


def _content(data: str) -> bytes:
    plain = "".join(data.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoText("the presented form is no base64") from error


def _as_text(content: bytes, kind: str) -> str:
    charset = re.search(r"charset\s*=\s*[\"']?([\w-]{3,20})", kind, re.IGNORECASE)
    text = carried_text(content, encoding=charset[1] if charset else "")
    return as_shown(text) if kind.lower().startswith("text/plain") else text


def _kind(form: Resource) -> str:
    return re.sub(r"[^\w/+.-].*", "", text_of(form.get("contentType")))[:60]


def _rank(form: Resource) -> int:
    kind = text_of(form.get("contentType")).lower()
    return next((n for n, one in enumerate(_READABLE) if kind.startswith(one)), len(_READABLE) if kind else 0)
