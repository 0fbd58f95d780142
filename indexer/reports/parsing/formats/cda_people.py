"""Who the head of a CDA document names: patient, kin, authors, those who signed and whom it was written to."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from spinecho.encoders.reading.personal_fields import Kind, Named

_HOUSE = ("organization", "facility", "place", "location", "institution")


def people_of(root: Element) -> tuple[Named, ...]:
    """(kind, value), each once. root: of the document, names without their namespaces."""
    found = [one for child in root if child.tag not in ("component", "title") for one in _named(child, child.tag)]
    return tuple(dict.fromkeys(found))


def _named(element: Element, around: str) -> Iterator[Named]:
    """around: the name of the element around it."""
    tag = element.tag
    if tag == "name":
        house = any(word in around.lower() for word in _HOUSE)
        yield from _said("place" if house else "name", " ".join(element.itertext()))
    elif tag == "birthTime":
        yield from _said("day", element.get("value", ""))
    elif tag == "telecom":
        yield from _said("phone", element.get("value", "").partition(":")[2] or element.get("value", ""))
    elif tag == "addr":
        for text in element.itertext():
            yield from _said("place", text)
    elif tag == "id" and around == "patientRole":
        yield from _said("number", element.get("extension", ""))
    else:
        for child in element:
            yield from _named(child, tag)


def _said(kind: Kind, text: str) -> Iterator[Named]:
    plain = " ".join(text.split())
    if 1 < len(plain) <= 200:
        yield kind, plain
