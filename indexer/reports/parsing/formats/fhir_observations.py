"""FHIR Observations as lines of a report."""

from __future__ import annotations

from typing import Any

from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    dict_of,
    dicts_of,
    names_of,
    plain_words,
    text_of,
)
from spinecho.indexer.reports.parsing.markup import as_shown

_DEEPEST = 6
"""Observations within observations."""


def observation_text(one: Resource, resources: Resources, depth: int) -> str:
    """An observation as lines: its name and its value, then its components and members."""
    if not one or depth > _DEEPEST or one.get("status") in ("cancelled", "entered-in-error"):
        return ""
    name = next(iter(names_of(one.get("code"))), "")
    sites = ", ".join(site for place in dicts_of(one.get("bodySite")) for site in names_of(place)[:1])
    name = f"{name} ({sites})" if name and sites and plain_words(sites) not in plain_words(name) else name or sites
    value = _value(one)
    means = ", ".join(found for concept in dicts_of(one.get("interpretation")) for found in names_of(concept)[:1])
    value = f"{value} ({means})" if value and means else value or means
    own = (f"{name}:\n{value}" if len(value) > 80 else f"{name}: {value}") if name and value else value
    parts = [own, *(as_shown(text_of(note.get("text"))) for note in dicts_of(one.get("note")))]
    parts += [observation_text(part, resources, depth + 1) for part in dicts_of(one.get("component"))]
    parts += [
        observation_text(resources.get(part, one), resources, depth + 1) for part in dicts_of(one.get("hasMember"))
    ]
    return "\n".join(filter(None, parts))


def _value(one: Resource) -> str:
    """The value of an observation or component, of whatever type; why there is none, where it says so."""
    if said := as_shown(text_of(one.get("valueString"))).strip():
        return said
    if coded := next(iter(names_of(one.get("valueCodeableConcept"))), ""):
        return coded
    if quantity := _quantity(one.get("valueQuantity")):
        return quantity
    held = dict_of(one.get("valueRange"))
    low, high = _quantity(held.get("low")), _quantity(held.get("high"))
    if low or high:
        return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    ratio = [_quantity(dict_of(one.get("valueRatio")).get(part)) for part in ("numerator", "denominator")]
    if all(ratio):
        return " : ".join(ratio)
    if isinstance(told := one.get("valueBoolean"), bool):
        return "yes" if told else "no"
    plain = (text_of(one.get(f"value{kind}")) for kind in ("Integer", "DateTime", "Time"))
    return next(filter(None, (*plain, *names_of(one.get("dataAbsentReason")))), "")


def _quantity(quantity: Any) -> str:
    """A number with its unit, and whether it is more or less than that: "< 5 mm"."""
    quantity = dict_of(quantity)
    number, comparator = text_of(quantity.get("value")), as_shown(text_of(quantity.get("comparator")))
    unit = text_of(quantity.get("unit")) or text_of(quantity.get("code"))
    return f"{comparator} {number} {unit if unit != '1' else ''}".strip() if number else ""
