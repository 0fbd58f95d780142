"""Cohorts as assistants give them. No rule may name a file: an assistant reads nothing of this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ToolError

if TYPE_CHECKING:
    from spinecho.search.cohorts.definition import Definition

_UID = re.compile(r"[0-9.]{1,64}")
_MOST = 100_000
"""Characters of a definition as JSON."""


def rules_of(include: Sequence[str], exclude: Sequence[str], study: Any) -> Definition:
    """Filters that a study has to pass, and others that it may not. Raises `ToolError` for an empty one."""
    from spinecho.search.cohorts.definition import Definition, Index, Rule  # noqa: PLC0415

    if any(not one.strip() for one in (*include, *exclude)):
        raise ToolError("a rule is empty; write a filter such as sequence=T2, or leave it out")
    return Definition(
        "asked", include=tuple(Rule(filter=one) for one in include),
        exclude=tuple(Rule(filter=one) for one in exclude), index=Index(study),
    )  # fmt: skip


def given_definition(plain: Mapping[str, Any]) -> Definition:
    """A whole definition. Raises `ConfigError`, and `ToolError` for a rule that is like a file."""
    from spinecho.ui.cohort_facts import definition_of  # noqa: PLC0415

    try:
        length = len(json.dumps(plain))
    except (RecursionError, ValueError):
        length = _MOST + 1
    if length > _MOST:
        raise ToolError(f"the definition has more than {_MOST:,} characters, or is nested too deep; make it shorter")
    found = definition_of(None, {"name": "asked", **plain})
    for rule in found.rules():
        if rule.like and not _UID.fullmatch(rule.like):
            raise ToolError(f"like = {rule.like[:64]!r} is no StudyInstanceUID; give that of a study here")
    return found
