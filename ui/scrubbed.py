"""What `spinecho doctor --scrub` found, in words: for the status and the archive page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def scrub_rows(facts: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """(name, what is said) of the last whole round and of the one under way; nothing before the first."""
    if facts is None:
        return
    if last := facts["last"]:
        found = len(last["findings"])
        summary = f"ended {last['ended_at']}, {last['bytes'] / 1e6:,.1f} MB read, "
        summary += f"{found:,} finding{'s' if found > 1 else ''}" if found else "all is well"
        yield "checked by content", summary + _left_out(last)
    if now := facts["now"]:
        state = f"process {now['process']}" if now["process"] else "not at work: 'spinecho doctor --scrub' goes on"
        at = f", at {now['step']}" if now["step"] else ""
        summary = (
            f"since {now['started_at']}, {now['done']:,} of {now['of']:,} steps{at}, {now['bytes'] / 1e6:,.1f} MB read"
        )
        yield "check under way", f"{summary}, {len(now['findings']):,} findings; {state}" + _left_out(now)


def scrub_findings(facts: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What is wrong: by the last whole round, and what the one under way has found beside that."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in (facts or {}).values():
        for finding in one["findings"] if one else ():
            found.setdefault((finding["area"], finding["what"]), finding)
    return list(found.values())


def _left_out(one: Mapping[str, Any]) -> str:
    return "".join(f"; {step} was left out: {why}" for step, why in one["left_out"].items())
