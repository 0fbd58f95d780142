"""FHIR resources as JSON gives them: their fields whatever stands there, what they refer to, and when they are of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from spinecho.indexer.reports.parsing.markup import as_shown
from spinecho.indexer.reports.report_facts import in_utc, read_date

Resource: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resources:
    """What references lead to. report: whose contained resources may name one another."""

    named: Mapping[str, dict[str, Any]]
    report: dict[str, Any]

    def get(self, reference: Any, within: dict[str, Any]) -> dict[str, Any]:
        """The resource, {} where it is not at hand."""
        return self.of_name(text_of(as_dict(reference).get("reference")), within)

    def of_name(self, name: str, within: dict[str, Any]) -> dict[str, Any]:
        """As `get`, by what a reference says."""
        if name.startswith("#"):
            contained = (one for holder in (within, self.report) for one in dicts(holder.get("contained")))
            return next((one for one in contained if one.get("id") == name[1:]), {})
        name = reference_name(name)
        return self.named.get(name) or self.named.get("/".join(name.split("/")[-2:])) or {}


def reference_name(name: str) -> str:
    """A reference as it is compared: without its version, and a UUID without regard to case."""
    plain = re.sub(r"(?:/_history/[^/]*|\|[^|]*)$", "", name.strip())
    return plain.casefold() if plain[:4].casefold() == "urn:" else plain


def words(text: str) -> str:
    """A text as two are compared: without regard to case and blanks."""
    return " ".join(text.split()).casefold()


def dated(value: Any) -> str:
    """An instant in UTC, as ISO 8601; a date as it is."""
    text = text_of(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return read_date(text)
    if moment.tzinfo is None:
        return read_date(text)
    try:
        return in_utc(moment)
    except OverflowError:
        return ""


def names(concept: Any) -> list[str]:
    """What a concept is called: by its text, then by its codes."""
    concept = as_dict(concept)
    coded = [text_of(one.get("display")) for one in dicts(concept.get("coding"))]
    return [shown for name in (text_of(concept.get("text")), *coded) if (shown := as_shown(name).strip())]


def codes(concepts: Any) -> set[str]:
    """The codes of one or several concepts."""
    return {text_of(one.get("code")) for concept in dicts(concepts) for one in dicts(concept.get("coding"))}


def as_dict(value: Any) -> dict[str, Any]:
    """An object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    """One or several objects, whatever else it holds left out."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def text_of(value: Any) -> str:
    """A string, or a whole number as one; '' for anything else."""
    return value if isinstance(value, str) else str(value) if type(value) is int and abs(value) < 10**64 else ""
