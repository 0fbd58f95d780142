"""What FHIR resources say: their attachments, sections and observations, as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from spinecho.indexer.reports.parsing.formats.documents import document_text
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    as_dict,
    dicts,
    names,
    text_of,
    words,
)
from spinecho.indexer.reports.parsing.markup import NoText, as_shown, html_text
from spinecho.indexer.reports.parsing.parsed import NO_TEXT

_DEEPEST = 6
"""Observations within observations, sections within sections."""
_READABLE = ("text/html", "text/plain", "text/rtf", "application/rtf", "application/pdf", "application/xhtml+xml",
             "text/xml", "application/xml", "application/hl7-cda", "application/cda",
             "application/vnd.openxmlformats")  # fmt: skip


def body_of(report: Resource, resources: Resources, composition: Resource) -> str:
    """The presented form; where none is readable, the sections of its Composition, the observations, the narrative.
    The conclusion where it is not among them. Raises `NoText` where all there is cannot be read.
    """
    body, fault = _attached(dicts(report.get("presentedForm")), report, resources)
    if not body.strip():
        body = composition_text(composition, resources)
    conclusion = as_shown(text_of(report.get("conclusion"))).strip()
    if not body.strip():
        observations = [_observation(resources.get(one, report), resources, 0) for one in dicts(report.get("result"))]
        body = "\n".join(filter(None, observations))
    if not body.strip() and not conclusion:
        body = _narrative(report)
    codes = (name for code in dicts(report.get("conclusionCode")) for name in names(code)[:1])
    said = [one for one in (conclusion, *dict.fromkeys(codes)) if one]
    for one in said:
        if words(one) in words(body):
            continue
        if body.strip() and said[0] in (one, conclusion) and "IMPRESSION:" not in body.split("\n"):
            body = f"{body.rstrip()}\n\nIMPRESSION:"
        body = f"{body}\n{one}".strip("\n")
    if not body.strip() and fault:
        raise NoText(fault)
    for note in dicts(report.get("note")):  # R5
        if (one := as_shown(text_of(note.get("text"))).strip()) and words(one) not in words(body):
            body = f"{body.rstrip()}\n\n{one}"
    return body.strip("\n")


def attachment_text(document: Resource, resources: Resources) -> str:
    """The text of a DocumentReference: of its contents, which are one document in several forms, the first readable.

    '' where all are pictures and the like. Raises `NoText` where one that could be read cannot, or is not at hand.
    """
    forms = [as_dict(one.get("attachment")) for one in dicts(document.get("content"))]
    text, fault = _attached(forms, document, resources)
    readable = [one for one in forms if _rank(one) < len(_READABLE)]
    if not text.strip() and readable:
        at_hand = any(text_of(one.get("data")) for one in readable)
        raise NoText(fault or (NO_TEXT if at_hand else "its document is not in the file: export it with its Binary"))
    return text.strip("\n")


def _attached(forms: Sequence[Resource], within: Resource, resources: Resources) -> tuple[str, str]:
    """(the text of the first attachment that has one, why another could not be read)."""
    fault = ""
    for form in sorted(forms, key=_rank):
        data = text_of(form.get("data")) or text_of(resources.of_name(text_of(form.get("url")), within).get("data"))
        if not data or _rank(form) == len(_READABLE):
            continue
        try:
            text = _decoded(data, text_of(form.get("contentType")))
        except NoText as error:
            fault = str(error)
            continue
        if text.strip():
            return text, ""
    return "", fault


def composition_text(composition: Resource, resources: Resources) -> str:
    """The sections of a Composition, each below its title; without any, its narrative."""
    parts = [_section(one, composition, resources, 0) for one in dicts(composition.get("section"))]
    return "\n\n".join(filter(None, parts)) or _narrative(composition)


def _section(section: Resource, composition: Resource, resources: Resources, depth: int) -> str:
    """A section's title, narrative and sections; observations where it has no narrative."""
    if depth > _DEEPEST:
        return ""
    title = as_shown(text_of(section.get("title"))).strip() or next(iter(names(section.get("code"))), "")
    text = _narrative(section)
    if not text:
        entries = [resources.get(one, composition) for one in dicts(section.get("entry"))]
        said = [_observation(one, resources, 0) for one in entries if one.get("resourceType") == "Observation"]
        text = "\n".join(filter(None, said))
    inner = [_section(one, composition, resources, depth + 1) for one in dicts(section.get("section"))]
    first = words(text.split("\n", 1)[0]).rstrip(" :")
    if title and text and first != words(title).rstrip(" :"):
        text = f"{title.rstrip(': ')}:\n{text}"
    return "\n\n".join(filter(None, (text, *inner)))


def _narrative(resource: Resource) -> str:
    """'' for one that only lists the resource's fields by name, the patient's among them."""
    said = html_text(text_of(as_dict(resource.get("text")).get("div"))).strip("\n")
    return "" if said.lstrip().startswith("Generated Narrative") else said if said.strip() else ""


def _decoded(data: str, kind: str) -> str:
    plain = "".join(data.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        content = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoText("the presented form is no base64") from error
    charset = re.search(r"charset\s*=\s*[\"']?([\w-]{3,20})", kind, re.IGNORECASE)
    text = document_text(content, encoding=charset[1] if charset else "")
    return as_shown(text) if kind.lower().startswith("text/plain") else text


def _rank(form: Resource) -> int:
    kind = text_of(form.get("contentType")).lower()
    return next((n for n, one in enumerate(_READABLE) if kind.startswith(one)), len(_READABLE) if kind else 0)


def _observation(one: Resource, resources: Resources, depth: int) -> str:
    """An observation as lines: its name and its value, then its components and members."""
    if not one or depth > _DEEPEST or one.get("status") in ("cancelled", "entered-in-error"):
        return ""
    name = next(iter(names(one.get("code"))), "")
    sites = ", ".join(site for place in dicts(one.get("bodySite")) for site in names(place)[:1])
    name = f"{name} ({sites})" if name and sites and words(sites) not in words(name) else name or sites
    value = _value(one)
    means = ", ".join(found for concept in dicts(one.get("interpretation")) for found in names(concept)[:1])
    value = f"{value} ({means})" if value and means else value or means
    own = (f"{name}:\n{value}" if len(value) > 80 else f"{name}: {value}") if name and value else value
    parts = [own, *(as_shown(text_of(note.get("text"))) for note in dicts(one.get("note")))]
    parts += [_observation(part, resources, depth + 1) for part in dicts(one.get("component"))]
    parts += [_observation(resources.get(part, one), resources, depth + 1) for part in dicts(one.get("hasMember"))]
    return "\n".join(filter(None, parts))


def _value(one: Resource) -> str:
    """The value of an observation or component, of whatever type; why there is none, where it says so."""
    if said := as_shown(text_of(one.get("valueString"))).strip():
        return said
    if coded := next(iter(names(one.get("valueCodeableConcept"))), ""):
        return coded
    if quantity := _quantity(one.get("valueQuantity")):
        return quantity
    held = as_dict(one.get("valueRange"))
    low, high = _quantity(held.get("low")), _quantity(held.get("high"))
    if low or high:
        return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    ratio = [_quantity(as_dict(one.get("valueRatio")).get(part)) for part in ("numerator", "denominator")]
    if all(ratio):
        return " : ".join(ratio)
    if isinstance(told := one.get("valueBoolean"), bool):
        return "yes" if told else "no"
    plain = (text_of(one.get(f"value{kind}")) for kind in ("Integer", "DateTime", "Time"))
    return next(filter(None, (*plain, *names(one.get("dataAbsentReason")))), "")


def _quantity(quantity: Any) -> str:
    """A number with its unit, and whether it is more or less than that: "< 5 mm"."""
    quantity = as_dict(quantity)
    number, comparator = text_of(quantity.get("value")), as_shown(text_of(quantity.get("comparator")))
    unit = text_of(quantity.get("unit")) or text_of(quantity.get("code"))
    return f"{comparator} {number} {unit if unit != '1' else ''}".strip() if number else ""
