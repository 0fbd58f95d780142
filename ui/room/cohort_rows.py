"""Rules of a cohort as rows of a table, and back; what no row can say is carried along as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("use", "by", "condition", "at_least", "says", "of_patient", "group")
_TEXT = {"filter": "filter", "text": "text", "text by scans": "text", "like": "like"}


@dataclass
class Sheet:
    """rows: by `COLUMNS`; carried: (include or exclude, rule) pairs that no row can say; rest: all but the rules."""

    rows: list[dict[str, Any]]
    carried: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)


def empty_row() -> dict[str, Any]:
    """A row that says nothing yet."""
    return {"use": "include", "by": "filter", "condition": "", "at_least": None, "says": "present",
            "of_patient": False, "group": ""}  # fmt: skip


def to_sheet(plain: Mapping[str, Any]) -> Sheet:
    """A definition in JSON values as rows. Rules of one `any` share a letter in the column group."""
    sheet = Sheet([], rest={key: value for key, value in plain.items() if key not in ("include", "exclude")})
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    for use in ("include", "exclude"):
        for rule in plain.get(use, ()):
            parts = rule.get("any")
            some = [_row(use, part) for part in parts] if parts and set(rule) <= {"any", "what"} else [_row(use, rule)]
            rows = [row for row in some if row is not None]
            if len(rows) < len(some):
                sheet.carried.append((use, dict(rule)))
                continue
            letter = next(letters, "") if parts else ""
            sheet.rows += [{**row, "group": letter} for row in rows]
    return sheet


def from_sheet(sheet: Sheet) -> dict[str, Any]:
    """The definition in JSON values; rows without a condition are left out, rows of one group become one `any`."""
    found: dict[str, list[dict[str, Any]]] = {"include": [], "exclude": []}
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sheet.rows:
        rule = _rule(row)
        if rule is None:
            continue
        use, group = str(row.get("use") or "include"), str(row.get("group") or "").strip()
        if not group:
            found[use].append(rule)
            continue
        if (use, group) not in groups:
            groups[use, group] = {"any": []}
            found[use].append(groups[use, group])
        groups[use, group]["any"].append(rule)
    for use, rule in sheet.carried:
        found[use].append(rule)
    for rules in found.values():  # a group of one is just that one
        rules[:] = [rule["any"][0] if list(rule) == ["any"] and len(rule["any"]) == 1 else rule for rule in rules]
    return {**sheet.rest, **{use: rules for use, rules in found.items() if rules}}


def _row(use: str, rule: Mapping[str, Any]) -> dict[str, Any] | None:
    kinds = [kind for kind in ("filter", "text", "like") if rule.get(kind)]
    if len(kinds) != 1 or set(rule) - {"filter", "text", "like", "at_least", "says", "of", "by"}:
        return None
    by = "text by scans" if rule.get("by") == "scans" else kinds[0]
    return {
        "use": use, "by": by, "condition": str(rule[kinds[0]]), "at_least": rule.get("at_least"),
        "says": rule.get("says", "present"), "of_patient": rule.get("of") == "patient", "group": "",
    }  # fmt: skip


def _rule(row: Mapping[str, Any]) -> dict[str, Any] | None:
    by, condition = str(row.get("by") or "filter"), str(row.get("condition") or "").strip()
    if not condition:
        return None
    rule: dict[str, Any] = {_TEXT[by]: condition}
    if by != "filter":
        least = row.get("at_least")
        rule["at_least"] = 0.7 if least is None or math.isnan(float(least)) else float(least)
    if by == "text" and row.get("says") not in (None, "", "present"):
        rule["says"] = row["says"]
    if by == "text by scans":
        rule["by"] = "scans"
    if row.get("of_patient"):
        rule["of"] = "patient"
    return rule


def rows_of(records: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows as a table editor gives them: cells that were never filled are None or nan."""
    found = []
    for record in records:
        row = empty_row()
        for column in COLUMNS:
            value = record.get(column)
            if value is not None and not (isinstance(value, float) and math.isnan(value)):
                row[column] = value
        found.append(row)
    return found
