"""Hours of the day in which work is done: "20-6" is from eight in the evening to six in the morning, local time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from spinecho.errors import SettingsError

_FORM = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """From the minute `start` of a day up to the minute `end`, over midnight where that is the smaller one."""

    start: int
    end: int

    def open_at(self, at: datetime) -> bool:
        """Whether work is done at this time of the day."""
        minute = 60 * at.hour + at.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def seconds_until_open(self, at: datetime) -> float:
        """How long work waits from here; 0 while it is done."""
        if self.open_at(at):
            return 0.0
        begins = at.replace(hour=self.start // 60, minute=self.start % 60, second=0, microsecond=0)
        if begins <= at:
            begins += timedelta(days=1)
        return (begins - at).total_seconds()

    def __str__(self) -> str:
        ends = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.start, self.end))
        return "-".join(ends)


def read_hours(text: str) -> Hours:
    """What "20-6" or "19:30-5:45" says. Raises `SettingsError`."""
    found = _FORM.fullmatch(text.replace(" ", ""))
    if found:
        one, two, three, four = (int(part or 0) for part in found.groups())
        start, end = 60 * one + two, 60 * three + four
        if two < 60 and four < 60 and start < _DAY and end <= _DAY and start != end:
            return Hours(start, end)
    raise SettingsError(f"{text[:40]!r} are no hours of the day; give a start and an end, such as 20-6 or 19:30-5:45")
