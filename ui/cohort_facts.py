"""Cohorts as JSON: a definition that is asked, and what counting it gave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spinecho.db.people.masking import masked_rows
from spinecho.encoders.config_toml import ConfigError, build, parse_toml
from spinecho.errors import QueryError
from spinecho.search.cohorts.attrition import Evaluation
from spinecho.search.cohorts.balance import masked_balance
from spinecho.search.cohorts.definition import Definition


def definition_of(toml: str | None, plain: Mapping[str, Any] | None) -> Definition:
    """A definition as TOML or as the same in JSON. Raises `ConfigError`, and `QueryError` unless it is given once."""
    if (toml is None) == (plain is None):
        raise QueryError("give a cohort's definition once: as toml, or as definition")
    given = parse_toml(toml, name="the definition") if toml is not None else plain
    try:
        return build(Definition, given, file=Path("the definition"))
    except RecursionError:
        raise ConfigError("the definition is nested too deep") from None


def count_facts(found: Evaluation, smallest: int) -> dict[str, Any]:
    """What each line leaves and how alike cases and controls are, small counts hidden."""
    studies, patients = found.shown_sizes(smallest)
    return {
        "cohort": found.definition.name, "studies": studies, "patients": patients,
        "attrition": masked_rows(found.attrition, smallest), "parts": found.shown_parts(smallest),
        "balance": masked_balance([one.plain() for one in found.balance], smallest),
        "warnings": list(found.warnings_shown(smallest)),
    }  # fmt: skip
