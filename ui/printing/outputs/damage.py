"""What `spinecho status --check` prints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import typer
from rich.console import Console

from spinecho.db.errors import Damaged
from spinecho.maintaining.upkeep import Damage
from spinecho.ui.printing.tables import plain


def require_undamaged(found: Sequence[Damage], console: Console, *, as_json: bool) -> None:
    """Print what is damaged and end with its exit status; say so where nothing is."""
    if not found:
        if not as_json:
            console.print("Everything that is stored is what was written.")
        return
    if as_json:
        print(json.dumps({"damaged": [dataclasses.asdict(one) for one in found]}, ensure_ascii=False, indent=1))  # noqa: T201
    else:
        for one in found:
            console.print(f"[bold red]{one.count:,}[/] {plain(one.what)}", highlight=False, soft_wrap=True)
            for example in one.examples:
                console.print(f"  {plain(example)}", highlight=False, soft_wrap=True)
            console.print(f"  [dim]{plain(one.remedy)}[/]", highlight=False, soft_wrap=True)
    raise typer.Exit(Damaged.exit_status)
