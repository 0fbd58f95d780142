"""Every command of `spinecho`, by its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from spinecho.ui.cli.app import app


def commands() -> Iterator[tuple[str, Any]]:
    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for short, one in command.commands.items():
            path = f"{name} {short}".strip()
            yield from below(path, one) if hasattr(one, "commands") else [(path, one)]

    yield from below("", typer.main.get_command(app))
