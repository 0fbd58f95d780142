"""The values of FHIR resources as other modules need them, and what references lead to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spinecho.indexer.reports.parsing.markup import as_shown
from spinecho.indexer.reports.report_facts import in_utc, read_date

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resources:
    """What references lead to. report: whose contained resources may name one another."""

    named: Mapping[str, Resource]
    report: Resource

    def get(self, reference: Any, within: Resource) -> Resource:
        """The resource, {} where it is not at hand."""
        return self.of_name(text_of(dict_of(reference).get("reference")), within)

    def of_name(self, name: str, within: Resource) -> Resource:
        """As `get`, by what a reference says."""
        if name.startswith("#"):
            contained = (one for holder in (within, self.report) for one in dicts_of(holder.get("contained")))
            return next((one for one in contained if one.get("id") == name[1:]), {})
        name = plain_reference(name)
        return self.named.get(name) or self.named.get("/".join(name.split("/")[-2:])) or {}


def plain_reference(name: str) -> str:
    """A reference as it is compared: without its version, and a UUID without regard to case."""
    plain = re.sub(r"(?:/_history/[^/]*|\|[^|]*)$", "", name.strip())
    return plain.casefold() if plain[:4].casefold() == "urn:" else plain


def plain_words(text: str) -> str:
    """A text as it is looked for in another."""
    return " ".join(text.split()).casefold()


def moment_of(value: Any) -> str:
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


def names_of(concept: Any) -> list[str]:
    """What a concept is called: its text, then what its codes are displayed as."""
    concept = dict_of(concept)
    coded = [text_of(one.get("display")) for one in dicts_of(concept.get("coding"))]
    return [shown for name in (text_of(concept.get("text")), *coded) if (shown := as_shown(name).strip())]


def codes_of(concepts: Any) -> set[str]:
    """The codes of one or several concepts."""
    return {text_of(one.get("code")) for concept in dicts_of(concepts) for one in dicts_of(concept.get("coding"))}


def dict_of(value: Any) -> Resource:
    """An object, {} for what is none."""
    return value if isinstance(value, dict) else {}


def dicts_of(value: Any) -> list[Resource]:
    """One or several objects, whatever else it holds left out."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def text_of(value: Any) -> str:
    """A string, or an integer as one; '' for what is neither."""
    return value if isinstance(value, str) else str(value) if type(value) is int and abs(value) < 10**64 else ""


def number_of_version(value: Any) -> int | None:
    """What `meta.versionId` counts; None where it counts nothing."""
    version = text_of(value)
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else None
