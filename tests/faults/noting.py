"""Commands as they are typed, and the notes of who was told that something is kept."""

from __future__ import annotations

from pathlib import Path

from harness import ACKNOWLEDGED

from spinecho.ui.cli.app import app


def spinecho_command(*arguments: object) -> int:
    """As it is typed, in this process."""
    try:
        app([str(one) for one in arguments])
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def acknowledged(work: Path) -> list[str]:
    """What a sender was told to be kept, and does not send again."""
    path = work.parent / ACKNOWLEDGED
    return path.read_text().splitlines() if path.exists() else []


def acknowledge(work: Path, what: str) -> None:
    with (work.parent / ACKNOWLEDGED).open("a") as file:
        file.write(f"{what}\n")
