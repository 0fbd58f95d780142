"""Sizes that a text gives, in millimetres, and conditions on them: "larger than 4 cm", "up to 5 mm".

Lengths only: areas, volumes and pressures are none, and neither are lengths of something else (`other_lengths`): "5 mm
thick slices", "2 cm from the anal verge", "within 3 mm of the fascia".
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

from spinecho.encoders.language.other_lengths import REACH, of_no_finding

ABOUT = 0.2
"""By how much a size that is asked for without a comparison ("4 cm mass") may differ, as a fraction."""


@dataclass(frozen=True, slots=True)
class Size:
    """text[start:stop] gives a size, comparison included. dimensions: (low, high) in mm of each, in the order given.

    "1.2 x 3 cm" is ((12, 12), (30, 30)), "2-3 cm" is ((20, 30),), "> 4 cm" is ((40, inf),), "< 5 mm" is ((0, 5),).
    open: the bound itself is left out (more than, less than). reaches: "up to 5 mm", of which some are that large.
    """

    start: int
    stop: int
    dimensions: tuple[tuple[float, float], ...]
    open: bool = False
    reaches: bool = False

    @property
    def largest(self) -> tuple[float, float]:
        """(low, high) of the largest dimension, in mm."""
        return max(self.dimensions, key=lambda one: (one[1], one[0]))


@dataclass(frozen=True, slots=True)
class SizeCondition:
    """What is asked of the largest dimension, in mm; text[start:stop] says it.

    An end that is open is not part of what is asked ("larger than 4 cm" against "4 cm or more").
    """

    low: float = 0.0
    high: float = inf
    low_open: bool = False
    high_open: bool = False
    start: int = 0
    stop: int = 0

    def holds(self, size: Size) -> bool:
        """Whether what the text gives is as asked.

        A range ("2-3 cm") holds where part of it does; "up to 5 mm" counts as 5 mm; "more than" and "less than", of
        which nobody knows how much, hold where all that they allow does.
        """
        low, high = size.largest
        if size.reaches:
            low = high
        elif low == 0.0 or high == inf:
            within_low = low > self.low or (low == self.low and (not self.low_open or size.open or low == 0.0))
            within_high = high < self.high or (high == self.high and (not self.high_open or size.open or high == inf))
            return within_low and within_high
        above = high > self.low or (high == self.low and not self.low_open)
        below = low < self.high or (low == self.high and not self.high_open)
        return above and below

    def any(self, text: str) -> bool:
        """Whether a size that the text gives is as asked."""
        return any(self.holds(size) for size in sizes(text))


_WORDS = {
    "half a": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0,
}  # fmt: skip
_NUMBER = rf"(?:\d{{1,4}}(?:[.,]\d{{1,3}})?|[.,]\d{{1,3}}|{'|'.join(_WORDS)})(?!\d)"
_UNIT = r"(?:\s{0,2}[-‐‑]?\s{0,2}(?:mm|cm|mms|cms|milli-?met(?:er|re)s?|centi-?met(?:er|re)s?|zentimetern?|millimetern?)(?!(?!x\s?\d)[^\W_]|[²³]))"
_TO = r"\s{0,3}(?:-|‐|‑|–|—|to|bis|through)\s{0,3}"
_ALONG = (
    r"(?:\s{0,2}\(?(?:ap|a-p|tr|trv|trans|transverse|cc|c-c|ml|m-l|si|s-i|sag|cor|ax|lr|rl|[wldht]|long|wide|width|high"
    r"|height|deep(?!\s(?:to|of|from)(?!\w))|depth|length|in length|anteroposterior|antero-posterior|craniocaudal|cranio-caudal|mediolateral"
    r"|medio-lateral|longitudinal|axial|sagittal|coronal)(?!\w)\)?)?"
)
_BY = r"\s{0,3}(?:x|×|✕|\*|by|mal)\s{0,3}"
_ONE = rf"{_NUMBER}{_UNIT}?(?:{_TO}{_NUMBER}{_UNIT}?)?"
_LEFT = r"(?<!\w)(?<!\d[-–/.,:])(?<![.,])"
_SIZE = re.compile(rf"{_LEFT}{_ONE}{_ALONG}(?:{_BY}{_ONE}{_ALONG}){{0,2}}{_UNIT}?", re.IGNORECASE)
_PART = re.compile(rf"({_NUMBER})({_UNIT}?)(?:{_TO}({_NUMBER})({_UNIT}?))?", re.IGNORECASE)
_SPLIT = re.compile(_BY, re.IGNORECASE)
_TAIL = re.compile(rf"{_UNIT}$", re.IGNORECASE)
_SMALL = re.compile(r"(?<!\w)sub-?\s?centi-?met(?:er|re)\b", re.IGNORECASE)

_MORE = (
    r">|more than|greater than|larger than|bigger than|longer than|thicker than|wider than|exceeding|exceeds|exceed"
    r"|over|above|in excess of|beyond|upwards? of|mehr als|(?:größer|groesser|länger|dicker) als|über"
)
_LEAST = r">=|=>|≥|⩾|at least|a minimum of|minimum(?: of)?|min\.?|from|mindestens|ab"
_MOST = r"<=|=<|≤|⩽|up to|at most|a maximum of|max\.?|as large as|as much as|bis zu|höchstens|maximal"
_LESS = (
    r"<|less than|smaller than|shorter than|thinner than|fewer than|under|below"
    r"|weniger als|(?:kleiner|kürzer|dünner) als|unter"
)
_HOW = (
    r"(?:\s{0,2}(?:about|approximately|approx\.?|around|roughly|circa|ca\.?|~|≈|size|diameter|of|a|an|in|the))"
    r"{0,3}\s{0,3}$"
)
_BEFORE = tuple(
    (kind, re.compile(rf"(?:(?P<not>not|no|never|nicht)\s{{1,3}})?(?<![\w<>=])(?:{words}){_HOW}", re.IGNORECASE))
    for kind, words in (("least", _LEAST), ("most", _MOST), ("more", _MORE), ("less", _LESS))
)
_ALONG_IT = re.compile(
    r"(?<!\w)(?:abut|contact|encas|encircl|involv|touch|span|extend|follow|run|spread|reach|along)\w*[^.;,:]{0,40}\sover\s{1,3}(?:about\s|a\s)?$",
    re.IGNORECASE,
)
"""How far something goes, and not how much more than that: "abuts the artery over 12 mm"."""
_OPPOSITE = {"more": "most", "less": "least", "least": "less", "most": "more"}
_AFTER = (
    ("least", re.compile(
        r"\s{0,3}(?:\+(?!\w)|(?:or|and|oder|und)\s{1,3}(?:more|larger|greater|bigger|longer|above|over|mehr|größer)(?!\w)"
        r"|at least(?!\w)|upwards(?!\w)|plus(?!\w))", re.IGNORECASE)),
    ("most", re.compile(
        r"\s{0,3}(?:(?:or|and|oder|und)\s{1,3}(?:less|smaller|shorter|below|under|weniger|kleiner)(?!\w)|at (?:the )?most(?!\w))",
        re.IGNORECASE)),
)  # fmt: skip
_BETWEEN = re.compile(
    rf"(?<!\w)(?:between|from|zwischen)\s{{1,3}}({_NUMBER})({_UNIT}?)\s{{1,3}}(?:and|to|und|bis)\s{{1,3}}({_NUMBER})({_UNIT})",
    re.IGNORECASE,
)
_AND = re.compile(rf"{_LEFT}({_NUMBER})\s{{1,3}}(?:and|und)\s{{1,3}}$", re.IGNORECASE)


def sizes(text: str) -> tuple[Size, ...]:
    """Every size that the text gives for something found, in its order; empty where it gives none."""
    found: list[Size] = []
    taken = 0
    for match in _BETWEEN.finditer(text):
        if not of_no_finding(text, *match.span()):
            low, high = sorted((_mm(match[1], match[2] or match[4]), _mm(match[3], match[4])))
            found.append(Size(*match.span(), ((low, high),)))
    ranges = [(one.start, one.stop) for one in found]
    for match in _SIZE.finditer(text):
        start, stop = match.start(), match.end()
        if start < taken or any(a < stop and start < b for a, b in ranges):
            continue
        dimensions = _dimensions(match.group())
        if not dimensions or of_no_finding(text, start, stop):
            continue
        if (other := _AND.search(text, max(0, start - 16), start)) and other.start() >= taken:
            unit = "cm" if re.search(r"c|z", match.group(), re.IGNORECASE) else "mm"
            length = _mm(other[1], unit)
            found.append(Size(other.start(1), other.end(1), ((length, length),)))
        found.append(_compared(text, start, stop, dimensions))
        taken = found[-1].stop
    found += [Size(*match.span(), ((0.0, 10.0),), open=True) for match in _SMALL.finditer(text)]
    return tuple(sorted(found, key=lambda size: size.start))


def size_condition(query_text: str) -> SizeCondition | None:
    """The first size that a query wishes for, None where it names none: "larger than 4 cm", "between 1 and 2 cm".

    A size without a comparison ("4 cm mass") allows a fifth more or less.
    """
    for size in sizes(query_text):
        low, high = size.largest
        if high == inf:
            return SizeCondition(low, inf, low_open=size.open, start=size.start, stop=size.stop)
        if size.reaches or low == 0.0:
            return SizeCondition(0.0, high, high_open=size.open, start=size.start, stop=size.stop)
        if low == high:
            return SizeCondition(
                round(low * (1 - ABOUT), 6), round(high * (1 + ABOUT), 6), start=size.start, stop=size.stop
            )
        return SizeCondition(low, high, start=size.start, stop=size.stop)
    return None


def _dimensions(dictated: str) -> tuple[tuple[float, float], ...]:
    """(low, high) in mm of each dimension; a number without a unit has the next one's, else the last one's."""
    parts = [part for piece in _SPLIT.split(dictated) if (part := _PART.search(piece))]
    numbers: list[tuple[str, str]] = []
    for part in parts:
        numbers.append((part[1], part[2]))
        if part[3]:
            numbers.append((part[3], part[4] or ""))
    tail = _TAIL.search(dictated)
    unit = tail.group() if tail else ""
    filled: list[float] = []
    for value, own in reversed(numbers):
        unit = own or unit
        filled.append(_mm(value, unit) if unit else -1.0)
    filled.reverse()
    last = next((own for _, own in reversed(numbers) if own), unit)
    if not last:
        return ()
    lengths = [length if length >= 0 else _mm(value, last) for length, (value, _) in zip(filled, numbers, strict=True)]
    found: list[tuple[float, float]] = []
    at = 0
    for part in parts:
        pair = lengths[at : at + 2] if part[3] else lengths[at : at + 1] * 2
        at += 2 if part[3] else 1
        found.append((min(pair), max(pair)))
    return tuple(found)


def _compared(text: str, start: int, stop: int, dimensions: tuple[tuple[float, float], ...]) -> Size:
    """The size with what stands before or after it: more than, at most, or more, ..."""
    before = text[max(0, start - REACH) : start]
    kind = ""
    for name, pattern in _BEFORE:
        if (found := pattern.search(before)) and not (
            found.group()[:4].lower() == "over" and _ALONG_IT.search(text, max(0, start - REACH), start)
        ):
            kind = _OPPOSITE[name] if found["not"] else name
            start -= len(before) - found.start()
            break
    else:
        for name, pattern in _AFTER:
            if after := pattern.match(text, stop):
                kind, stop = name, after.end()
                break
    low, high = max(dimensions, key=lambda one: (one[1], one[0]))
    match kind:
        case "more" | "least":
            return Size(start, stop, ((low, inf),), open=kind == "more")
        case "less":
            return Size(start, stop, ((0.0, high),), open=True)
        case "most":
            return Size(start, stop, ((0.0, high),), reaches=True)
        case _:
            return Size(start, stop, dimensions)


def _mm(value: str, unit: str) -> float:
    number = _WORDS.get(value.lower())
    if number is None:
        whole, _, rest = value.partition(",")
        thousands = len(rest) == 3 and whole not in {"", "0"}
        number = float(value.replace(",", "" if thousands else "."))
    return round(number * (10.0 if re.search(r"c|z", unit, re.IGNORECASE) else 1.0), 6)
