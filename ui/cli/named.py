"""A group in which the word of one command may be left out: `teach "pituitary tumour"` for `teach concept ...`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

UNSAID = "concept"


class NamedGroup(TyperGroup):
    """What is no command of the group is what its command `concept` is given."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """(name, the command, what follows)."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return UNSAID, self.commands[UNSAID], args
        return super().resolve_command(ctx, args)
