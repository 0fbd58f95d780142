"""Commands whose modules are imported when they are run: until then a group knows the line that lists each."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from spinecho.ui.cli.empty_paths import refuse_empty_paths

MARKUP: Any = "markdown"


@dataclass(frozen=True, slots=True)
class Later:
    """A command, or a group of them. place: `module:name`; line: the first paragraph of its help."""

    place: str
    line: str


class LazyGroup(TyperGroup):
    """A group of commands by name, in the order in which they are listed."""

    later: ClassVar[Mapping[str, Later]] = {}

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.commands = _Commands(self.later)

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name."""
        return list(self.later)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What a list shows of a command; `resolve_command` gives the one that runs."""
        later = self.later.get(cmd_name)
        return None if later is None else TyperCommand(cmd_name, help=later.line, rich_markup_mode=MARKUP)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """(name, the command itself, what follows)."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else command, rest


class _Commands(dict[str, Any]):
    """Commands by name, each imported when it is first taken out."""

    def __init__(self, later: Mapping[str, Later]) -> None:
        super().__init__(later)

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, Later):
            self[name] = found = _load(name, found.place)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  (that would call itself)

    def values(self) -> Any:
        return [self[name] for name in self]

    def items(self) -> Any:
        return [(name, self[name]) for name in self]


def _load(name: str, place: str) -> Any:
    """The command as Typer makes it of a function, with the module's HELP if it has one, or of a Typer app.

    None of its paths may be empty.
    """
    module_name, _, attribute = place.partition(":")
    module = importlib.import_module(module_name)
    found = getattr(module, attribute)
    parent = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)
    parent.callback()(_nothing)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name, help=getattr(module, "HELP", None))(found)
    made: Any = get_command(parent)
    return refuse_empty_paths(made.commands[name])


def _nothing() -> None:
    """Keeps a parent of one command a group."""
