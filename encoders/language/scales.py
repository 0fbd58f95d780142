"""Scores and grades: "BI-RADS 5" is not "BI-RADS 1", and "grade 2" is asked of the finding that it stands with.

A scale with a name of its own compares with itself wherever it stands; "grade", "stage", "type" and "class" mean one
thing of one finding and another of another, so that they compare within a clause alone. Roman and Arabic numbers are
the same; "2F" is a 2 for who asks for a 2, and not the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_NAMED = (
    r"(?P<named>(?:bi|pi|li|ti|o|ni|vi|lung|cad)[- ]?rads|bosniak|fazekas|modic|pfirrmann|meyerding|gleason|isup|figo"
    r"|kellgren(?:[- ]and)?[- ]lawrence|outerbridge|icrs|schatzker|salter[- ]harris|goutallier|koos|spetzler[- ]martin"
    r"|child[- ]pugh|ficat|steinberg|todani|hinchey|deauville|edss)"
)
_PLAIN = r"(?P<plain>grade|gr\.?|stage|type|class|degree)"
_VALUE = r"(?:\d{1,2}|x?(?:ix|iv|v?i{1,3}|v))[a-f]?"
_STEP = (
    rf"(?P<sign>>=|<=|≥|≤|>|<|at least\s|up to\s)?\s{{0,2}}(?P<first>{_VALUE})"
    rf"(?P<more>(?:\s?(?:-|–|/|,|to|and|or|&)\s?{_VALUE}(?![\w.]?\d|\w|\s?(?:mm|cm)))*)"
    r"(?P<up>\s?\+(?!\s?\d)|\s(?:or|and) (?:higher|above|more|over|worse))?(?P<down>\s(?:or|and) (?:lower|below|less))?"
)
_SCALE = re.compile(
    rf"(?<![\w-])(?:(?P<least>at least\s)?{_NAMED}(?:\s(?:category|class|score|grade|type|stage|classification))?"
    rf"|{_PLAIN})"
    rf"\s{{0,2}}[:=]?\s{{0,2}}{_STEP}(?!\w|\.\d|\s?\+\s?\d|\s?(?:mm|cm|%|weeks?|days?|years?))",
    re.IGNORECASE,
)
_PART = re.compile(_VALUE, re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:-|–|to)\s?$", re.IGNORECASE)
_SUM = re.compile(r"(?<!\w)gleason(?:\sscore)?\s?:?\s?(?P<a>[1-5])\s?\+\s?(?P<b>[1-5])", re.IGNORECASE)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}


@dataclass(frozen=True, slots=True)
class Step:
    """A place on a scale. scale: its name without blanks and strokes; sign: '' for exactly there; part: 'f' of "2F"."""

    scale: str
    value: int
    part: str = ""
    sign: str = ""

    def holds(self, stated: Step) -> bool:
        """Whether what is stated is what this asks for."""
        match self.sign:
            case ">=" | "≥":
                return stated.value >= self.value
            case "<=" | "≤":
                return stated.value <= self.value
            case ">":
                return stated.value > self.value
            case "<":
                return stated.value < self.value
            case _:
                return stated.value == self.value and self.part in ("", stated.part)


@lru_cache(maxsize=4096)
def steps(text: str) -> tuple[Step, ...]:
    """The scores and grades that a text names, in its order."""
    return tuple(_read(text))


def off_the_scale(asked: tuple[Step, ...], stated: tuple[Step, ...]) -> bool:
    """Whether a scale that is asked for is named, and each time at another place."""
    for scale in dict.fromkeys(one.scale for one in asked):
        wanted = [one for one in asked if one.scale == scale]
        said = [one for one in stated if one.scale == scale]
        if said and not any(one.holds(other) for one in wanted for other in said):
            return True
    return False


def _read(text: str) -> Iterator[Step]:
    for match in _SUM.finditer(text):
        yield Step("gleason", int(match["a"]) + int(match["b"]))
    for match in _SCALE.finditer(text):
        name = re.sub(r"[\s.-]|and(?=lawrence)", "", (match["named"] or match["plain"]).lower())
        name = {"gr": "grade"}.get(name, name)
        sign = (match["sign"] or "").strip().lower()
        sign = {"at least": ">=", "up to": "<="}.get(sign, sign)
        sign = ">=" if match["up"] or match["least"] else "<=" if match["down"] else sign
        before, last = "", 0
        for one in _PART.finditer(match["first"] + match["more"]):
            value = one.group().lower()
            digits = value.rstrip("abcdef") if value[0].isdigit() else value
            number = int(digits) if digits.isdigit() else _ROMAN.get(digits) or _ROMAN.get(digits[:-1])
            if number is None:
                continue
            between = (match["first"] + match["more"])[last : one.start()]
            if before and _RANGE.search(between):
                yield from (Step(name, step) for step in range(int(before) + 1, number))
            part = value[len(digits) :] if value[0].isdigit() else value[-1] if digits not in _ROMAN else ""
            yield Step(name, number, part, sign)
            before, last = str(number), one.end()
