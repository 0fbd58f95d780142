"""What became of a frozen list: who came, who went, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spinecho.db.people.cohorts import Frozen, Member
from spinecho.search.cohorts.attrition import Evaluation

NEW = "new in the archive"
GONE = "no longer in the archive"
PASSES = "passes now: its facts, its report or the studies beside it changed"
OTHER_RULES = "the definition changed"


@dataclass(frozen=True, slots=True)
class Change:
    """A study that came or went."""

    study_uid: str
    patient: str
    why: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Between two lists. moved: studies that changed their part of the split."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    moved: tuple[Change, ...]
    kept: int
    definition: tuple[str, ...]
    """Lines of the definition that differ, as `key: before -> after`."""

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.moved or self.definition)

    def reasons(self) -> list[tuple[str, str, int]]:
        """("added", "removed" or "moved", why, studies), most first."""
        kinds = {"added": self.added, "removed": self.removed, "moved": self.moved}
        counted = ((kind, Counter(one.why for one in some)) for kind, some in kinds.items())
        return [(kind, why, count) for kind, whys in counted for why, count in whys.most_common()]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        kinds = {"added": self.added, "removed": self.removed, "moved": self.moved}
        rows = {
            kind: [{"study_uid": one.study_uid, "patient": one.patient, "why": one.why} for one in some]
            for kind, some in kinds.items()
        }
        return {**rows, "kept": self.kept, "definition": list(self.definition)}


def since(version: Frozen, members: Sequence[Member], now: Evaluation, definition: Mapping[str, Any]) -> Changes:
    """A version against the archive as it is: definition is that of `now`, as JSON values."""
    edited = _differences(version.definition, definition)
    newest = int(version.made_with.get("highest_study", 0))
    ids = dict(zip(now.roster.uids, now.roster.ids.tolist(), strict=True))

    def why_added(uid: str) -> str:
        if ids[uid] > newest:
            return NEW
        return OTHER_RULES if edited else PASSES

    def why_removed(uid: str) -> str:
        return f"falls at: {now.fell_at(uid)}" if now.holds(uid) else GONE

    before, after = _by_uid(members), _by_uid(now.members)
    added = [Change(uid, after[uid].patient, why_added(uid)) for uid in sorted(after.keys() - before.keys())]
    removed = [Change(uid, before[uid].patient, why_removed(uid)) for uid in sorted(before.keys() - after.keys())]
    return _changes(before, after, added, removed, edited)


def between(one: Frozen, other: Frozen, members: Sequence[Member], others: Sequence[Member]) -> Changes:
    """Two versions of a cohort, the older first."""
    before, after = _by_uid(members), _by_uid(others)
    why = f"in version {other.number} alone", f"in version {one.number} alone"
    added = [Change(uid, after[uid].patient, why[0]) for uid in sorted(after.keys() - before.keys())]
    removed = [Change(uid, before[uid].patient, why[1]) for uid in sorted(before.keys() - after.keys())]
    return _changes(before, after, added, removed, _differences(one.definition, other.definition))


def _changes(
    before: Mapping[str, Member],
    after: Mapping[str, Member],
    added: list[Change],
    removed: list[Change],
    edited: list[str],
) -> Changes:
    both = sorted(before.keys() & after.keys())
    moved = [
        Change(uid, after[uid].patient, f"{before[uid].part or 'no part'} -> {after[uid].part or 'no part'}")
        for uid in both
        if before[uid].part != after[uid].part
    ]
    return Changes(tuple(added), tuple(removed), tuple(moved), len(both), tuple(edited))


def _by_uid(members: Sequence[Member]) -> dict[str, Member]:
    return {member.study_uid: member for member in members}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    one, other = _flat(before), _flat(after)
    keys = [key for key in dict.fromkeys((*one, *other)) if one.get(key) != other.get(key) and key != "description"]
    return [f"{key}: {one.get(key, 'absent')} -> {other.get(key, 'absent')}" for key in keys]


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        inner = [(f"{at}.{key}" if at else key, part) for key, part in value.items()]
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        inner = [(f"{at}[{number}]", part) for number, part in enumerate(value, start=1)]
    else:
        return {at: value}
    return {key: found for name, part in inner for key, found in _flat(part, name).items()}
