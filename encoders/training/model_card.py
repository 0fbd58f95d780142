"""What a run leaves behind for others: a model card beside the weights, written from the run's own record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.db.durable import durable_replace, make_folder

CARD, FIGURES = "MODEL_CARD.md", "metrics.json"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What must be known of weights before they are used."""

    name: str
    about: str
    command: str
    """Exactly what trained it."""
    data: Sequence[tuple[str, int, int, int]]
    """(source, volumes, studies, patients) that it was trained on."""
    held_out: Sequence[tuple[str, int, int, int]]
    """The same, of what it was measured on."""
    texts: Mapping[str, int]
    """Studies by the kind of their text: "report", "facts", or "none"."""
    licence: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """By name: a figure's JSON with value, chance, ci95, pool and queries, or a plain number."""
    limits: Sequence[str] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    """Steps, examples, skipped steps and the like."""


def write_card(folder: Path, card: ModelCard) -> Path:
    """`MODEL_CARD.md` and `metrics.json`; both appear complete or not at all."""
    make_folder(folder)
    _write(folder / FIGURES, json.dumps(dict(card.metrics), indent=2, allow_nan=False) + "\n")
    path = folder / CARD
    _write(path, _markdown(card))
    return path


def _markdown(card: ModelCard) -> str:
    parts = [
        f"# {card.name}",
        card.about,
        "For retrieval, teaching and research; not a diagnostic device.",
        "## Training data",
        _table(("source", "volumes", "studies", "patients"), card.data),
        "Held out, by patient, and never trained on:" if card.held_out else "Nothing was held out.",
        _table(("source", "volumes", "studies", "patients"), card.held_out) if card.held_out else "",
        "Studies by kind of text: " + (", ".join(f"{kind} {n}" for kind, n in card.texts.items()) or "none") + ".",
        _kinds(card.texts),
        "## Licence",
        card.licence,
        "## Metrics",
        _metrics(card.metrics),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits) or "- None were written down; take none for granted.",
        "## How it was trained",
        f"```\n{card.command}\n```",
        "\n".join(f"- {name}: {value}" for name, value in card.record.items()),
        f"```json\n{json.dumps(dict(card.config), indent=2, default=str)}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _kinds(texts: Mapping[str, int]) -> str:
    if not texts.get("facts"):
        return ""
    return (
        'Texts of the kind "facts" were put together from headers; figures that rest on them are no figures of reports.'
    )


def _metrics(metrics: Mapping[str, Any]) -> str:
    if not metrics:
        return "None were measured: nobody was held out, or too few to ask about."
    rows = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            low_high = value.get("ci95")
            interval = "-" if low_high is None else f"{_number(low_high[0])} to {_number(low_high[1])}"
            numbers = [_number(value.get(part)) for part in ("value", "chance")]
            rows.append((name, *numbers, interval, _number(value.get("pool")), _number(value.get("queries"))))
        else:
            rows.append((name, _number(value), "-", "-", "-", "-"))
    return _table(("measure", "value", "chance", "95 % interval", "pool", "queries"), rows)


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    durable_replace(unfinished, path)
