"""No command takes an empty text for a path: pathlib would make the current folder of it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import typer

from spinecho.setup.places import EMPTY_PATH


def refuse_empty_paths(command: Any) -> Any:
    """The command, or the group with all of its commands, that ends with wrong usage where a path is empty.

    An unset variable of a script (`spinecho index "$ARCHIVE"`) is no folder, least of all the one that a unit or
    a timer stands in.
    """
    for one in getattr(command, "commands", {}).values():
        refuse_empty_paths(one)
    paths = _paths_of(command.callback) if command.callback is not None else frozenset()
    for parameter in command.params:
        if parameter.name in paths:
            _refuse(parameter)
    return command


def _paths_of(callback: Any) -> frozenset[str]:
    """Names of the parameters that are paths."""
    parameters = inspect.signature(callback, eval_str=True).parameters.values()
    return frozenset(one.name for one in parameters if _holds_path(one.annotation))


def _holds_path(annotation: Any) -> bool:
    return annotation is Path or any(_holds_path(one) for one in get_args(annotation))


def _refuse(parameter: Any) -> None:
    process = parameter.process_value

    def filled(ctx: Any, value: Any) -> Any:
        given = value if isinstance(value, (list, tuple)) else [value]
        if "" in given:
            raise typer.BadParameter(EMPTY_PATH, ctx=ctx, param=parameter)
        return process(ctx, value)

    parameter.process_value = filled
