"""Who an HL7 message names: its patient, kin and physicians. Asked for where reports are de-identified alone."""

from __future__ import annotations

from collections.abc import Iterator

from spinecho.indexer.reports.parsing.formats.hl7_lexer import Message

_FIELDS: dict[str, dict[int, str]] = {
    "PID": {2: "number", 3: "number", 4: "number", 5: "name", 6: "name", 7: "day", 9: "name", 11: "place", 13: "phone",
            14: "phone", 18: "number", 19: "number", 23: "place"},
    "PD1": {4: "name"},
    "NK1": {2: "name", 4: "place", 5: "phone", 6: "phone", 30: "name"},
    "MRG": {1: "number", 7: "name"},
    "GT1": {3: "name", 4: "name", 5: "place", 6: "phone", 7: "phone"},
    "IN1": {16: "name", 18: "day", 19: "place", 36: "number"},
    "PV1": {7: "name", 8: "name", 9: "name", 17: "name", 19: "number"},
    "OBR": {10: "name", 16: "name", 17: "phone", 28: "name", 32: "name", 33: "name", 34: "name", 35: "name"},
    "ORC": {10: "name", 11: "name", 12: "name", 14: "phone"},
    "OBX": {16: "name"},
    "TXA": {5: "name", 9: "name", 10: "name", 11: "name", 22: "name"},
    "ROL": {4: "name"},
}  # fmt: skip
"""By segment (HL7 2.5, chapters 3, 4, 6, 7, 9 and 15): what each field names, by the kinds of `deidentifying.known`."""


def people_of(message: Message) -> tuple[tuple[str, str], ...]:
    """(kind, value), each once."""
    return tuple(dict.fromkeys(_found(message)))


def _found(message: Message) -> Iterator[tuple[str, str]]:
    for segment in message.segments:
        for number, kind in _FIELDS.get(segment.name, {}).items():
            for one in segment.field(number).split(message.repeat):
                parts = [message.plain(part).strip() for part in one.split(message.component)]
                if kind == "number":
                    parts = parts[:1]
                elif kind == "name":  # what follows a person's name says who gave it
                    parts = [" ".join(parts[:5])]
                elif kind == "place":
                    parts = [part for part in parts[:5] if len(part) > 3]
                for part in parts[:5]:
                    value = part.replace(message.subcomponent, " ").strip()
                    if value and value != '""':
                        yield kind, value
