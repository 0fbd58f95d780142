"""Facts of stored volumes by this version's acquisition rules, from their headers, without a pixel being read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.store import acquired, storing
from spinecho.db.store.acquired import NewFacts, OldVolume
from spinecho.db.values import NewPassage
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.acquisition.rules import RULES
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.header_facts import acquisition_of
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.space import Encoder
from spinecho.indexer.caption import caption

_KNOWN = {field.name for field in dataclasses.fields(Acquisition)}


def acquire_again(database: Database, open_text: Callable[[], Encoder[str]]) -> int:
    """Have the facts of every volume of older rules from these; how many there were.

    A page is a transaction. The encoder is opened only where the sentence of a volume changes. Volumes whose header is
    not stored, or does not tell which of its volumes it is, stay as they are until their files are read again.
    """
    space = storing.serving(database, "text")
    if space is None:
        return 0
    encoder: Encoder[str] | None = None
    done = 0
    while page := acquired.old_volumes(database, RULES):
        volumes, last = page
        found: dict[int, NewFacts] = {}
        for volume in volumes:
            facts = _facts(volume)
            if facts is None:
                continue
            words = _caption(volume, facts)
            passage = None
            if words != _caption(volume, _stored(volume.acquisition)):
                encoder = encoder or open_text()
                passage = NewPassage("header", 0, 0, len(words), words, "present", "", pack(encoder.encode([words])[0]))
            found[volume.id] = NewFacts(as_stored(facts), passage)
        acquired.put_acquired(database, found, rules=RULES, last=last, text_space=space.id)
        done += len(found)
    return done


def as_stored(acquisition: Acquisition) -> dict[str, Any]:
    """Acquisition facts as JSON keeps them."""
    facts = dataclasses.asdict(acquisition)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}


def _facts(volume: OldVolume) -> Acquisition | None:
    header = Header.from_json(volume.record.header, path=volume.record.path)
    stored = _stored(volume.acquisition)
    try:
        return acquisition_of(
            header,
            key=volume.key,
            spacing_mm=stored.spacing_mm,
            n_echoes=volume.n_echoes,
            is_localizer=stored.sequence == "localizer",
        )
    except ReadError:
        return None


def _caption(volume: OldVolume, acquisition: Acquisition) -> str:
    return clean.text(caption(acquisition, series=volume.series, study=volume.study))


def _stored(facts: Mapping[str, Any]) -> Acquisition:
    """What is stored, as any earlier version kept it."""
    known = {name: value for name, value in facts.items() if name in _KNOWN}
    if known.get("spacing_mm") is not None:
        known["spacing_mm"] = tuple(known["spacing_mm"])
    return Acquisition(**known)
