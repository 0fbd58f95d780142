"""Reference pages as Markdown, made from what the code says of itself, so that they cannot differ from it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
import typer

import spinecho
from spinecho.encoders.errors import Reason
from spinecho.ui.cli.app import app

VARIABLE = re.compile(r"SPINECHO_[A-Z_]+")
_ROOT = "spinecho"
_AS_TEXT = {"<": "&lt;", ">": "&gt;", "[": "\\[", "]": "\\]"}


def commands_table() -> str:
    """Every command with the first sentence of its help, linked to its page."""
    rows = []
    for name, command in _commands():
        if not hasattr(command, "commands"):
            page = f"commands/spinecho-{name.split()[1]}.md#{_anchor(name)}"
            rows.append(f"| [`{name}`]({page}) | {_cell(_first_sentence(command.help or ''))} |")
    return "\n".join(["| Command | What it does |", "|---|---|", *rows])


def command_pages() -> dict[str, str]:
    """A page for each command or group of commands under `spinecho`, by its name."""
    pages: dict[str, list[str]] = {}
    for name, command in _commands():
        level = len(name.split()) - 1
        pages.setdefault(name.split()[1], []).append(_command(name, command, level=level))
    return {name: "\n".join(parts) for name, parts in pages.items()}


def settings_table() -> str:
    """Every field of `Settings`: the variable that sets it, its default, what it means."""
    module = "spinecho.setup.settings"
    meanings = griffe.load(f"{module}.Settings").attributes
    rows = []
    for field in dataclasses.fields(importlib.import_module(module).Settings):
        meaning = " ".join(meanings[field.name].docstring.value.split())
        variable, *others = dict.fromkeys(VARIABLE.findall(meaning))
        also = "".join(f"; `{one}`" for one in others)
        meaning = re.sub(rf"\s*\(?{variable}(?:, else ([^)]*))?\)?\.?$", lambda found: _otherwise(found[1]), meaning)
        default = "" if field.default in (None, "", False, dataclasses.MISSING) else f"`{field.default}`"
        rows.append(f"| `{variable}`{also} | {_cell(_text(meaning))} | {default} |")
    return "\n".join(["| Variable | Meaning | Default |", "|---|---|---|", *rows])


def reasons_table() -> str:
    """Every code that `spinecho failures` may name, what to do about it, and the run's exit status."""
    rows = [f"| `{reason}` | {_cell(reason.remedy)} | {'0' if reason.ignorable else '1'} |" for reason in Reason]
    return "\n".join(["| Code | What to do | Exit status |", "|---|---|---|", *rows])


def python_names() -> str:
    """A directive of mkdocstrings for every public name."""
    names = [name for name in getattr(spinecho, "__all__", ()) if name != "__version__"]
    return "\n\n".join(f"::: spinecho.{name}" for name in names)


def notebook_as_markdown(path: Path) -> str:
    """A notebook's cells as a page. The notebooks are kept without outputs, so there are none to show."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        text = "".join(cell["source"]).strip()
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    head, *rest = parts
    return "\n\n".join([head, f"[Download the notebook]({path.name}){{ .md-button }}", *rest]) + "\n"


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command below `spinecho` with its whole name, groups before what they hold."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for short, one in getattr(command, "commands", {}).items():
            if not one.hidden:
                yield f"{name} {short}", one
                yield from below(f"{name} {short}", one)

    yield from below(_ROOT, typer.main.get_command(app))


def _command(name: str, command: Any, *, level: int) -> str:
    context = typer.Context(command, info_name=name)
    lines = [f"{'#' * level} {name}", "", _text(command.help or ""), ""]
    if hasattr(command, "commands"):
        return "\n".join(lines)
    lines += ["```", f"{name} {' '.join(command.collect_usage_pieces(context))}", "```", ""]
    records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for param in command.get_params(context):
        if (record := param.get_help_record(context)) is not None and "--help" not in param.opts:
            records[param.param_type_name].append(record)
    for kind, of_kind in records.items():
        if of_kind:
            lines += [f"| {kind.capitalize()} | Meaning |", "|---|---|"]
            lines += [f"| `{what}` | {_cell(_text(meaning))} |" for what, meaning in of_kind] + [""]
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    return _text(re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0]).rstrip(":")


def _otherwise(text: str | None) -> str:
    return f". Else {text}." if text else "."


def _text(text: str) -> str:
    """Commands and options that a help names as code; brackets outside of code as they are, not as Markdown."""
    text = re.sub(r"'(spinecho [^']*|--[^']*)'", r"`\1`", text)
    text = re.sub(r"(`[^`]*`)|((?<![\w-])--[a-z][a-z-]*)", lambda found: found[1] or f"`{found[2]}`", text)
    return re.sub(r"(`[^`]*`)|([<>\[\]])", lambda found: found[1] or _AS_TEXT[found[2]], text)


def _cell(text: str) -> str:
    """In one line, without bars that would begin another cell; those within code begin none."""
    return re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or "\\|", " ".join(text.split()))


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
