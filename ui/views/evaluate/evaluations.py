"""Evaluations on the disk: each in a folder of its own, made by a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from spinecho.search.access.desk import Role
from spinecho.ui.views.session.long_work import begun_at, launch, lives
from spinecho.ui.views.session.opened import Room

Of: TypeAlias = Literal["archive", "judgements", "pairs"]
_FOLDER = "evaluations"
_ABOUT = "about.json"
_RESULT = "evaluation.json"
_LOG = "log.txt"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One evaluation. name: its folder, a time; result: None while it runs or where it failed; why: its last words."""

    name: str
    about: Mapping[str, Any]
    result: Mapping[str, Any] | None
    running: bool
    why: str

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        begun = datetime.strptime(self.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return (datetime.now(UTC) - begun).total_seconds()

    @property
    def label(self) -> str:
        """When, of what, by whom."""
        when = (
            f"{self.name[:4]}-{self.name[4:6]}-{self.name[6:8]} {self.name[9:11]}:{self.name[11:13]}:{self.name[13:15]}"
        )
        return f"{when} · {self.about.get('of', '')} · {self.about.get('by', '')}"


def evaluations(room: Room) -> list[Evaluated]:
    """All of them, newest first. Raises `Refused`."""
    room.desk.require(Role.VIEWER, "see evaluations")
    folders = sorted((room.settings.home / _FOLDER).glob("*/"), reverse=True)
    room.desk.note_once("see-evaluations", evaluations=len(folders))
    return [found for folder in folders if (found := _read(folder)) is not None]


def begin(room: Room, of: Of, content: bytes | None, *, ending: str = ".csv", queries: int = 1000) -> str:
    """Start one in a process of its own; gives its name. content: the file of judgements or pairs. Raises `Refused`."""
    room.desk.require(Role.RESEARCHER, "evaluate")
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    folder = room.settings.home / _FOLDER / name
    folder.mkdir(parents=True)
    arguments = ["evaluate", "--out", str(folder), "--queries", str(queries)]
    if of != "archive" and content is not None:
        file = folder / f"{of}{'.jsonl' if ending == '.jsonl' else '.csv'}"
        file.write_bytes(content)
        arguments += [f"--{of}", str(file)]
    row = room.desk.note("evaluate", name, of=of, queries=queries)
    process = launch(arguments, room.settings, folder / _LOG, row=row)
    about = {"of": of, "by": room.desk.person.name, "queries": queries, "process": process, "begun": begun_at(process)}
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return name


def _read(folder: Path) -> Evaluated | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    try:
        result = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = None
    running = result is None and lives(int(about.get("process", 0)), about.get("begun"))
    why = "" if result is not None or running else _last_words(folder / _LOG)
    return Evaluated(folder.name, about, result, running, why)


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return "\n".join(line for line in lines[-12:] if line.strip())
