"""Which of the reports of one exam stand: the latest version and its addenda. See docs/reports.md for the rules.

A pure function of what the reports say, so that the order in which they came cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Standing = Literal["stands", "addendum", "superseded", "duplicate", "withdrawn"]
FOUND: frozenset[str] = frozenset({"stands", "addendum"})
"""What search may find."""
_UTC = "Z"
"""What a time ends in whose zone was given."""
_MOST_EAST, _MOST_WEST = timedelta(hours=14), timedelta(hours=12)
"""By how much clocks are before and behind UTC at most."""


@dataclass(frozen=True, slots=True)
class Version:
    """A report among those of one study, or of one key where there is no study."""

    id: int
    accession: str
    exam: str
    status: str
    dated: str
    number: int | None
    digest: str
    place: tuple[int, str, int]
    """(mtime of the file, its path, entry in it): the last resort for what came later."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The standing of each report by its id.

    undecided: reports that stand beside another of the same exam because nothing tells which is the later version;
    by_date: reports that went because another has a later date, and for no other reason.
    """

    standings: dict[int, Standing]
    undecided: int = 0
    by_date: int = 0


def settle(versions: Sequence[Version]) -> Settled:
    """The standing of every report of one study or key."""
    standings: dict[int, Standing] = {}
    undecided = by_date = 0
    for chain in _chains(versions):
        kept = _without_copies(chain, standings)
        gone = [one for one in kept if one.status == "superseded"]
        replaced = [one for one in kept if any(_is_replaced(one, by) for by in gone)]
        standings.update((one.id, "superseded") for one in replaced)
        mains = [one for one in kept if one.status != "addendum" and one not in replaced]
        addenda = [one for one in kept if one.status == "addendum" and one not in replaced]
        standings.update((one.id, "addendum") for one in addenda)
        standing, dated_only = _latest(mains)
        by_date += len(dated_only)
        undecided += len(standing) if len(standing) > 1 else 0
        for one in mains:
            if one not in standing:
                standings[one.id] = "superseded"
            else:
                standings[one.id] = "withdrawn" if one.status == "cancelled" else "stands"
    return Settled(standings, undecided, by_date)


def _is_replaced(one: Version, gone: Version) -> bool:
    """Whether a report is the one that `gone` says another took the place of: the same words, not said anew since."""
    same = one.digest == gone.digest and one.status != "cancelled"
    return one is gone or (same and not (one.dated and gone.dated and gone in _earlier([one, gone])))


def _chains(versions: Sequence[Version]) -> list[list[Version]]:
    """Reports that may be versions of one another: of one accession number and one exam."""
    found: list[list[Version]] = []
    for of_number in _apart(versions, lambda one: one.accession):
        found += _apart(of_number, lambda one: one.exam)
    return found


def _apart(versions: Iterable[Version], key: Callable[[Version], str]) -> list[list[Version]]:
    """By key; those that name none go with the only one that is named, and stay apart from several."""
    groups: dict[str, list[Version]] = defaultdict(list)
    for one in versions:
        groups[key(one)].append(one)
    if "" in groups and len(groups) == 2:
        return [[one for group in groups.values() for one in group]]
    return [groups[name] for name in sorted(groups)]


def _without_copies(chain: Sequence[Version], standings: dict[int, Standing]) -> list[Version]:
    """One of each text and status, with the newest version and date of its copies, which are noted as such.

    A text that comes again after another is said anew: a correction that is taken back. The newest speaks for its
    copies, and of those that are equally new the first by path.
    """
    groups: dict[tuple[str, str], list[Version]] = defaultdict(list)
    for one in sorted(chain, key=lambda one: one.place[1:]):
        groups[(one.digest, one.status)].append(one)
    kept = []
    for copies in groups.values():
        number = max((one.number for one in copies if one.number is not None), default=None)
        dated = max(one.dated for one in copies)
        first = max(copies, key=lambda one: (one.number if one.number is not None else -1, one.dated))
        place = max(one.place for one in copies if one.place[:2] == first.place[:2])  # in one file the order tells too
        standings.update((one.id, "duplicate") for one in copies if one is not first)
        kept.append(replace(first, number=number, dated=dated, place=place))
    return kept


def _latest(mains: Sequence[Version]) -> tuple[list[Version], list[Version]]:
    """(those that nothing is later than, those that went for their date alone)."""
    top = [one for one in mains if one.status != "preliminary"] or list(mains)
    numbers = [one.number for one in top if one.number is not None]
    if len(numbers) == len(top) and top:
        top = [one for one in top if one.number == max(numbers)]
    by_date: list[Version] = []
    if len(top) > 1 and all(one.dated for one in top):
        earlier = _earlier(top)
        if len({one.status for one in top}) == 1 and top[0].status in ("", "final"):
            by_date = earlier
        top = [one for one in top if one not in earlier]
    if later := [one for one in top if one.status in ("corrected", "cancelled")]:
        top = [max(later, key=lambda one: one.place)]  # these say themselves that they come after another
    return top, by_date


def _earlier(dated: Sequence[Version]) -> list[Version]:
    """Those that are surely of before another: by what they say, where all of them say it in one way.

    A time in UTC (its zone was given) and a day or a time of a clock whose zone nobody told are so far apart as the
    zones of the world allow.
    """
    if len({one.dated.endswith(_UTC) for one in dated}) == 1:
        days = min(len(one.dated) for one in dated)  # the coarsest: a day says nothing of the hour
        last = max(one.dated[:days] for one in dated)
        return [one for one in dated if one.dated[:days] != last]
    spans = [_span(one.dated) for one in dated]
    latest = max(first for first, _ in spans)
    return [one for one, (_, last) in zip(dated, spans, strict=True) if last < latest]


def _span(dated: str) -> tuple[datetime, datetime]:
    """The first and the last moment, in UTC, that a date may mean."""
    at = datetime.fromisoformat(dated.removesuffix(_UTC))
    if dated.endswith(_UTC):
        return at, at
    length = timedelta() if "T" in dated else timedelta(days=1)
    return at - _MOST_EAST, at + length + _MOST_WEST
