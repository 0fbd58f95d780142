"""Options of how identifiers are taken out, which three commands have in common."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Deidentify = Annotated[
    bool,
    typer.Option("--deidentify", help="Let no identifier into the index; every run of it, or none (see docs)."),
]
Dates = Annotated[
    str, typer.Option("--dates", help="De-identified: shifted by days of each patient's own, or removed.")
]
Descriptors = Annotated[
    str,
    typer.Option(
        "--descriptors",
        help="De-identified: what says how a scan was made is cleaned of what names somebody, removed, or kept.",
    ),
]


def chosen(option: str, given: str, *known: str) -> Any:
    """The choice. Raises `typer.BadParameter` for another."""
    if given not in known:
        raise typer.BadParameter(f"{given!r} is none of: {', '.join(known)}", param_hint=option)
    return given


def dates_of(given: str) -> Any:
    """As `--dates` takes them."""
    return chosen("--dates", given, "shifted", "removed")


def descriptors_of(given: str) -> Any:
    """As `--descriptors` takes them."""
    return chosen("--descriptors", given, "cleaned", "removed", "kept")
