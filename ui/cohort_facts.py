"""Cohorts as JSON: a definition that is asked, and what counting it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spinecho.db.people.cohorts import Frozen
from spinecho.db.people.masking import masked_rows, masked_sizes
from spinecho.encoders.config_toml import ConfigError, build, parse_toml
from spinecho.errors import QueryError
from spinecho.search.cohorts.attrition import Evaluation
from spinecho.search.cohorts.balance import masked_balance
from spinecho.search.cohorts.definition import Definition
from spinecho.search.cohorts.freezing import balance_of, shown_making
from spinecho.search.cohorts.list_changes import Change, Changes


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


def version_facts(one: Frozen, smallest: int) -> dict[str, Any]:
    """A version without its members, small counts hidden."""
    studies, patients = masked_sizes(one.studies, one.patients, smallest)
    return {
        "name": one.name, "version": one.number, "description": one.description, "owner": one.owner,
        "frozen_at": one.created_at.isoformat() + "Z", "studies": studies, "patients": patients,
        "attrition": masked_rows(list(one.attrition), smallest), "made_with": shown_making(one, smallest),
        "balance": balance_of(one, smallest), "definition": dict(one.definition),
    }  # fmt: skip


def change_facts(changes: Changes, *, patients: bool) -> dict[str, Any]:
    """What differs. patients: whether to say whose studies these are."""

    def rows(some: Sequence[Change]) -> list[dict[str, Any]]:
        return [
            {"study_uid": one.study_uid, "patient": one.patient if patients else None, "why": one.why} for one in some
        ]

    return {
        "added": rows(changes.added), "removed": rows(changes.removed), "moved": rows(changes.moved),
        "kept": changes.kept, "definition": list(changes.definition),
    }  # fmt: skip
