"""What a scrub keeps in the home: how far the round under way is, and what the last whole one found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spinecho.db.durable import write_durably

NAME, LOCK = "scrub.json", "scrub.lock"
_MOST_NAMED = 5


@dataclass(slots=True)
class Round:
    """A round through everything, under way or ended. Times are UTC, as ISO 8601."""

    started_at: str
    told_at: str
    """When this was written down: of a round that ended, its end."""
    of: int = 0
    """Steps that there are."""
    done: list[str] = field(default_factory=list)
    """Steps that came to their end."""
    step: str = ""
    at: list[int | str] | None = None
    """The step that is under way, and where it stands: see `scrub_steps`."""
    bytes: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    """As `spinecho doctor` gives them."""
    unsound: list[str] = field(default_factory=list)
    """Steps that found something."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Steps that this round did not take, and why."""

    def add(self, finding: dict[str, Any]) -> None:
        """Keep what was found, together with what is the same of other rows or builds."""
        for known in self.findings:
            if all(known[name] == finding[name] for name in ("area", "severity", "what", "remedy")):
                known["count"] += finding["count"]
                known["examples"] = [*known["examples"], *finding["examples"]][:_MOST_NAMED]
                return
        self.findings.append(finding)


@dataclass(slots=True)
class State:
    """now: the round under way, None between two. last: the one that ended last."""

    now: Round | None = None
    last: Round | None = None


def read_state(home: Path) -> State:
    """What the home keeps; nothing where that is missing, or is not what was written: then a round begins anew."""
    try:
        kept = json.loads((home / NAME).read_bytes())
        if kept["sha256"] != _digest(kept["state"]):
            return State()
        return State(**{name: None if value is None else Round(**value) for name, value in kept["state"].items()})
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return State()


def write_state(home: Path, state: State) -> None:
    """Keep it, whole or not at all. Raises OSError."""
    plain = asdict(state)
    write_durably(home / NAME, json.dumps({"state": plain, "sha256": _digest(plain)}).encode())


def _digest(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
