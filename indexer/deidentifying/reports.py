"""A report's words without whose they are, and its sentences anew, in a reading process: text is untrusted too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.indexer.deidentifying.known import Known
from spinecho.indexer.deidentifying.texts import scrub
from spinecho.indexer.reports.parsing.identity import report_passages
from spinecho.indexer.reports.parsing.reading_task import sentence

_SECONDS = 60.0


def scrub_task(facts: dict[str, Any], names: Sequence[tuple[str, str]], days: int | None) -> Task:
    """Scrub one report. facts: as `reading_task.read_reports` gives them, without sentences, keys already mapped."""
    arguments = {"facts": facts, "names": [list(one) for one in names], "days": days}
    return Task("spinecho.indexer.deidentifying.reports:scrubbed", arguments, _SECONDS)


def scrubbed(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message, as `read_reports` gives it."""
    known = Known(frozenset((kind, value) for kind, value in arguments["names"]))
    text = scrub(arguments["facts"]["text"], known, arguments["days"])
    found = report_passages(text)
    yield {
        **arguments["facts"], "text": text, "sentences": [dataclasses.asdict(sentence(one)) for one in found],
    }, ()  # fmt: skip
