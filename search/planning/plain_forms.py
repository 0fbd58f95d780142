"""A text as the patterns of facts read it: numbers in digits, one sign for each bound, misspelt words of facts mended.

Patterns then need one form of each thing. What they find is told by its place in the text as typed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from spinecho.search.planning.spans import Span

Change = tuple[int, int, str]
"""(start, stop, what stands there instead)"""

_ONE_TO_NINETEEN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TWENTY_TO_NINETY = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {name: at for at, name in enumerate(_ONE_TO_NINETEEN.split(), start=1)}
_TENS = {name: 10 * at for at, name in enumerate(_TWENTY_TO_NINETY.split(), start=2)}
_IN_WORDS = re.compile(
    rf"(?<![\w-])(?:(?P<tens>{'|'.join(_TENS)})(?:[\s-]{{0,1}}(?P<more>{'|'.join(list(_ONES)[:9])}))?"
    rf"|(?P<ones>{'|'.join(_ONES)}))"
    r"(?=[\s,-]|$)",
    re.IGNORECASE,
)
_UNIT = r"(?:year|yr|month|mth|week|wk|day|decade|tesla)"
_ONE_COUNTS = re.compile(rf"[\s-](?:{_UNIT})", re.IGNORECASE)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"=>|≧|＞=|>/=|> or =|(?:greater|more) than or equal to", ">="),
        (r"=<|≦|＜=|</=|< or =|less than or equal to", "<="),
        (r"(?<=\d),(?=\d{1,2}\s?-?t(?:esla)?(?!\w))", "."),
        *(
            (rf"(?<{left}\w){sign}(?{right}\w)", (" " if left == "=" else "") + word + (" " if right == "=" else ""))
            for sign, word in (("♀", "female"), ("♂", "male"))
            for left in "=!"
            for right in "=!"
        ),
        (rf"(?<=(?:than|past|last|over|thin)\s)an?(?=\s{_UNIT})", "1"),
        (r"(?:a\s)?couple(?:\sof)?(?=\s(?:year|month|week|day))", "2"),
        (r"(?<=(?:last|past)\s)fortnight(?!\w)", "2 weeks"),
        (r"(?<=(?:last|past)\s)decade(?!\w)", "10 years"),
        *((rf"(?<![\w-]){name}[\s-]?somethings?(?!\w)", f"{number}s") for name, number in _TENS.items()),
        (r"(?<=(?<!\d)[2-9]0)[\s-]?somethings?(?!\w)", "s"),
    )
)
_MAY_CHANGE = re.compile(
    rf"[=≧≦＞＜♀♂]|equal to|\d,\d|something|couple|fortnight|decade|\ban?\s{_UNIT}|{'|'.join((*_TENS, *_ONES))}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PlainText:
    """text: as patterns read it. typed: the same as it was typed."""

    text: str
    typed: str
    _places: tuple[tuple[int, int, int, int], ...] = ()
    """Of each change: its place in `text`, its place in `typed`."""

    def typed_span(self, start: int, stop: int) -> Span:
        """Where a part of `text` stands as typed; what was changed counts as a whole."""
        return self._typed(start, stop=False), self._typed(stop, stop=True)

    def _typed(self, place: int, *, stop: bool) -> int:
        if not self._places:
            return place
        at = bisect_right(self._places, place, key=lambda one: one[0]) - 1
        if at < 0:
            return place
        new_start, new_stop, old_start, old_stop = self._places[at]
        if place >= new_stop:
            return old_stop + place - new_stop
        return old_stop if stop and place > new_start else old_start


def plain(typed: str, mended: Sequence[Change] = ()) -> PlainText:
    """The text with its changes. mended: words of it that are misspelt."""
    changes = list(mended)
    if _MAY_CHANGE.search(typed) is not None:
        for pattern, instead in _FORMS:
            changes += [(*match.span(), instead) for match in pattern.finditer(typed)]
        changes += [(*match.span(), number) for match in _IN_WORDS.finditer(typed) if (number := _number(match))]
    if not changes:
        return PlainText(typed, typed)
    parts, places, at, length = list[str](), list[tuple[int, int, int, int]](), 0, 0
    for start, stop, instead in sorted(changes):
        if start < at:
            continue
        parts += [typed[at:start], instead]
        length += start - at
        places.append((length, length + len(instead), start, stop))
        length += len(instead)
        at = stop
    return PlainText("".join([*parts, typed[at:]]), typed, tuple(places))


def _number(match: re.Match[str]) -> str:
    if match["ones"] is None:
        return str(_TENS[match["tens"].lower()] + _ONES.get((match["more"] or "").lower(), 0))
    number = _ONES[match["ones"].lower()]
    if number == 1 and _ONE_COUNTS.match(match.string, match.end()) is None:
        return ""  # "the one with the lesion"
    return str(number)
