"""Rules of a cohort as rows to edit, and back; what no row can say is carried along as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spinecho.answering.lists import from_plain
from spinecho.filters import typed_filter
from spinecho.setup.wiring import USER_ERRORS

COLUMNS = ("use", "by", "condition", "at_least", "says", "of_patient", "group", "holds", "what")
HOLDS = ("any", "all", "none")
"""How many of a group's rows have to hold."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "use": ("include", "exclude"),
    "by": ("filter", "text", "text by scans", "like"),
    "says": ("present", "absent", "uncertain", "historical", "any"),
    "holds": HOLDS,
}
"""Columns whose values are words of ours; the first of each is the usual one."""
MOST_ROWS, _MOST_CHARACTERS = 200, 4000
_TEXT = {"filter": "filter", "text": "text", "text by scans": "text", "like": "like"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Sheet:
    """rows: by `COLUMNS`; carried: (include or exclude, rule) pairs that no row can say, or that there is no row for;
    rest: all but the rules."""

    rows: list[dict[str, Any]]
    carried: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)
    over: int = 0
    """Rows of the browser that were not taken, as they are beyond `MOST_ROWS`."""


def empty_row() -> dict[str, Any]:
    """A row that says nothing yet."""
    return {"use": "include", "by": "filter", "condition": "", "at_least": None, "says": "present",
            "of_patient": False, "group": "", "holds": "any", "what": ""}  # fmt: skip


def to_sheet(plain: Mapping[str, Any]) -> Sheet:
    """A definition in JSON values as rows. Rules of one group share a letter."""
    sheet = Sheet([], rest={key: value for key, value in plain.items() if key not in ("include", "exclude")})
    letters = iter(_LETTERS)
    for use in ("include", "exclude"):
        for rule in plain.get(use, ()):
            rows = _group(use, rule) if set(rule) & set(HOLDS) else _alone(use, rule)
            if len(sheet.rows) + len(rows) > MOST_ROWS:
                rows = []
            letter = next(letters, None) if rows and rows[0]["group"] else ""
            if not rows or letter is None:
                sheet.carried.append((use, dict(rule)))
            else:
                sheet.rows += [{**row, "group": letter} for row in rows]
    return sheet


def from_sheet(sheet: Sheet) -> dict[str, Any]:
    """The definition in JSON values; rows without a condition are left out, rows of one group become one rule.

    The first row of a group says how many of them have to hold, and the first name in it is the group's.
    """
    found: dict[str, list[dict[str, Any]]] = {"include": [], "exclude": []}
    groups: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for row in sheet.rows:
        rule = rule_of(row)
        if rule is None:
            continue
        use, group = str(row.get("use") or "include"), str(row.get("group") or "").strip()
        if not group:
            found[use].append(rule)
            continue
        if (use, group) not in groups:
            holds = str(row.get("holds") or "any")
            groups[use, group] = holds, {holds: []}
            found[use].append(groups[use, group][1])
        holds, whole = groups[use, group]
        if what := rule.pop("what", ""):
            whole.setdefault("what", what)
        whole[holds].append(rule)
    for use, rule in sheet.carried:
        found[use].append(rule)
    return {**sheet.rest, **{use: [_plainer(rule) for rule in rules] for use, rules in found.items() if rules}}


def rule_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rule that a row says, its group apart; None for a row without a condition."""
    by, condition = str(row.get("by") or "filter"), str(row.get("condition") or "").strip()
    if not condition:
        return None
    rule: dict[str, Any] = {_TEXT[by]: condition}
    least = row.get("at_least")
    if by != "filter" and least is not None and not math.isnan(float(least)):
        rule["at_least"] = float(least)
    if by == "text" and row.get("says") not in (None, "", "present"):
        rule["says"] = row["says"]
    if by == "text by scans":
        rule["by"] = "scans"
    if row.get("of_patient"):
        rule["of"] = "patient"
    if what := str(row.get("what") or "").strip():
        rule["what"] = what
    return rule


def troubles(rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """(number of the row from 1, what is wrong with it), for what can be told without the archive."""
    found = []
    for number, row in enumerate(rows, start=1):
        rule = rule_of(row)
        if rule is None:
            continue
        try:
            from_plain({"name": "row", "include": [rule]}, name="row")
            if "filter" in rule:
                typed_filter(str(rule["filter"]))
        except USER_ERRORS as error:
            found.append((number, str(error).removeprefix("cohort 'row': ").removeprefix("[include[0]]: ")))
    return found


def rows_of(records: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows as a browser gives them: what is no value of a column becomes its usual one; includes before excludes."""
    found = []
    for record in records[:MOST_ROWS]:
        row = empty_row()
        for column, usual in row.items():
            value = record.get(column)
            if column in CHOICES:
                row[column] = value if value in CHOICES[column] else usual
            elif column == "at_least":
                number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
                row[column] = None if number is None or not math.isfinite(number) else float(number)
            elif column == "of_patient":
                row[column] = value is True
            else:
                row[column] = str(value or "").strip()[:_MOST_CHARACTERS]
        found.append(row)
    return sorted(found, key=lambda row: str(row["use"]) == "exclude")


def _alone(use: str, rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    row = _row(use, rule)
    return [] if row is None else [row]


def _group(use: str, rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a rule that joins others; none where rows cannot say it."""
    holds = next(name for name in HOLDS if name in rule)
    if set(rule) - {holds, "what"} or any("what" in part for part in rule[holds]):
        return []
    rows = [_row(use, part) for part in rule[holds]]
    if any(row is None for row in rows):
        return []
    named = [row | {"group": "?", "holds": holds} for row in rows if row is not None]
    return [named[0] | {"what": str(rule.get("what", ""))}, *named[1:]] if named else []


def _row(use: str, rule: Mapping[str, Any]) -> dict[str, Any] | None:
    kinds = [kind for kind in ("filter", "text", "like") if rule.get(kind)]
    if len(kinds) != 1 or set(rule) - {"filter", "text", "like", "at_least", "says", "of", "by", "what"}:
        return None
    scans = rule.get("by") == "scans"
    if scans and "says" in rule:
        return None
    return {
        **empty_row(), "use": use, "by": "text by scans" if scans else kinds[0], "condition": str(rule[kinds[0]]),
        "at_least": rule.get("at_least"), "says": rule.get("says", "present"),
        "of_patient": rule.get("of") == "patient", "what": str(rule.get("what", "")),
    }  # fmt: skip


def _plainer(rule: dict[str, Any]) -> dict[str, Any]:
    """A group of one row is just that row, unless it says that the row must not hold."""
    for holds in ("any", "all"):
        parts = rule.get(holds)
        if parts and len(parts) == 1 and set(rule) <= {holds, "what"}:
            return {**parts[0], **({"what": rule["what"]} if "what" in rule else {})}
    return rule
