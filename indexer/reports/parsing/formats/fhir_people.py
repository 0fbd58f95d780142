"""Who a FHIR report names: its patient, kin, practitioners and their houses, in itself and in what it refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from spinecho.encoders.reading.personal_fields import Kind, Named

Resource = dict[str, Any]
_PEOPLE = frozenset(("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"))
_HOUSES = frozenset(("Organization", "Location", "HealthcareService", "CareTeam"))
_NAMED = _PEOPLE | _HOUSES
_ACTORS = frozenset(
    """
    subject patient performer resultsInterpreter interpreter requester author recorder asserter informant agent actor
    generalPractitioner practitioner referrer reporter sender receiver recipient custodian managingOrganization
    organization serviceProvider individual attester authenticator party who
    """.split()  # noqa: SIM905
)
"""Elements whose references name people or houses by their `display`."""
_MOST_RESOURCES, _MOST, _DEEPEST = 100, 300, 12


def people_of(report: Resource, get: Callable[[Any, Resource], Resource]) -> tuple[Named, ...]:
    """(kind, value), each once. get: what a reference leads to within a resource, {} where it is not at hand."""
    found: dict[Named, None] = {}
    waiting, seen = [report], set[int]()
    while waiting and len(seen) < _MOST_RESOURCES and len(found) < _MOST:
        resource = waiting.pop(0)
        if id(resource) in seen:
            continue
        seen.add(id(resource))
        found |= dict.fromkeys(_named(resource, str(resource.get("resourceType", "")), "", 0))
        waiting += [one for reference in _references(resource, 0) if (one := get(reference, resource))]
    return tuple(found)[:_MOST]


def _references(value: Any, depth: int) -> Iterator[Resource]:
    for _, inner in _fields(value) if depth < _DEEPEST else ():
        if isinstance(inner, dict) and isinstance(inner.get("reference"), str):
            yield inner
        yield from _references(inner, depth + 1)


def _named(value: Any, of: str, field: str, depth: int) -> Iterator[Named]:
    """of: the type of the resource that holds the value, by which a `name` is a person's or a house's."""
    for key, inner in _fields(value, field) if depth < _DEEPEST else ():
        if key == "contained":
            for one in inner if isinstance(inner, list) else [inner]:
                if isinstance(one, dict):
                    yield from _named(one, str(one.get("resourceType", "")), "", depth + 1)
        elif key == "name" and of in _NAMED:
            yield from _said("place" if of in _HOUSES else "name", inner)
        elif key == "display" and field in _ACTORS:
            whole = f"{value.get('reference', '')}/{value.get('type', '')}" if isinstance(value, dict) else ""
            yield from _said("place" if _HOUSES.intersection(whole.split("/")) else "name", inner)
        elif key == "birthDate":
            yield from _said("day", inner)
        elif key == "authorString":
            yield from _said("name", inner)
        elif key == "address":
            for part, text in _strings(inner):
                if part in ("text", "line", "city", "district", "postalCode"):
                    yield from _said("place", text)
        elif key == "telecom":
            yield from (one for part, text in _strings(inner) if part == "value" for one in _said("phone", text))
        elif key == "identifier" and of in _PEOPLE:
            yield from (one for part, text in _strings(inner) if part == "value" for one in _said("number", text))
        else:
            yield from _named(inner, of, key if isinstance(inner, dict) else field, depth + 1)


def _said(kind: Kind, value: Any) -> Iterator[Named]:
    """A string, or every string of a name."""
    words = [str(value)] if isinstance(value, str) else [text for part, text in _strings(value) if part != "use"]
    for word in words:
        plain = " ".join(word.split())
        if 1 < len(plain) <= 200:
            yield kind, plain


def _fields(value: Any, field: str = "") -> Iterator[tuple[str, Any]]:
    """(name, value) of an object; the items of a list under the name of the list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            for one in inner if isinstance(inner, list) and key not in ("contained", "name", "address", "telecom",
                                                                        "identifier") else [inner]:  # fmt: skip
                yield str(key), one
    elif isinstance(value, list):
        yield from ((field, one) for one in value)


def _strings(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(name, text) of every string within."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list) and depth < _DEEPEST:
        for one in value:
            yield from _strings(one, name, depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _strings(inner, str(key), depth + 1)
