"""The judge's own reading of a text: sentences, and whether a mention is affirmed, denied or left open.

Written apart from what the engine reads with (`encoders.text`), so that the engine is not judged by itself. It is
simple on purpose: a table of words that deny, looked for before and behind a mention inside its part of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Statement(StrEnum):
    """What a sentence says of a finding that it names."""

    AFFIRMED = "affirmed"
    OPEN = "open"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a sentence names something, in characters, and what it says of it."""

    start: int
    stop: int
    statement: Statement


_END = re.compile(r"(?<!\bvs)(?<!\bapprox)(?<!\bNo)(?<!\bFig)(?<!\bcf)(?<!\bant)[.!?](?=\s+[\"“(\[]?[A-Z0-9]|\s*$)|\n+")
_BREAK = re.compile(
    r"[;:\n]|, (?:which|with|showing|demonstrating)\b|\b(?:but|however|although|though|yet|whereas|except|"
    r"consistent with|compatible with|suggest\w*|due to|caus(?:ing|ed)|related to|in favou?r of)\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:no|not|without|w/o|absence of|absent|lack of|free of|neither|nor|denies|negative for|neg\.? for|"
    r"resolution of|resolved|(?:total|complete) (?:regression|remission)|"
    r"exclud\w+|disappearance of|did(?:n['’´]t|´nt)|rul(?:ed|es|ing) out|never)(?![\w-])",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:not (?:only|clearly|well|visuali[sz]ed well|significantly changed)|"
    r"no (?:significant )?(?:change|interval change)|"
    r"no longer than|without (?:contrast|significant size progression|gadolinium))\b|not shown",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(
    r"^[^;.]{0,40}?\b(?:(?:is|are|was|were|has|have|had|could|can)\s+(?:been\s+)?(?:not|no longer)\b|"
    r"(?:is|are|was|were)\s+(?:absent|excluded|ruled out|negative)|"
    r"(?:has|have)\s+(?:completely\s+)?(?:resolved|disappeared))|"
    r"^\s*(?:[:–-]\s*(?:no|none|negative|absent)\b|\([-–−]\))",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:rule out|r/o|exclude|query|\?|evaluat\w+ for|assess\w* for|possib\w+|suspected|suspicion|may|might|could|"
    r"questionable|cannot|would|whether|risk of|history of|concern\w* for|assessment of)(?!\w)|\?",
    re.IGNORECASE,
)
_REACH = 65
"""Characters before a mention in which a denial still speaks of it."""


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, without the blanks around them."""
    found, at = [], 0
    for end in _END.finditer(text):
        found.append(text[at : end.end()])
        at = end.end()
    return tuple(one.strip() for one in (*found, text[at:]) if one.strip())


def mentions(name: re.Pattern[str], sentence: str) -> Iterator[Mention]:
    """Every place where the sentence names it."""
    for match in name.finditer(sentence):
        yield Mention(match.start(), match.end(), _said(sentence, match.start(), match.end()))


def _said(sentence: str, start: int, stop: int) -> Statement:
    breaks = [one.end() for one in _BREAK.finditer(sentence, 0, start)]
    before = sentence[max(0, start - _REACH, *breaks) : start]
    behind = _BREAK.split(sentence[stop : stop + 60])[0]
    heard = _HARMLESS.sub(" ", before)
    if _DENIES.search(heard) or _DENIED_BEHIND.search(sentence[stop : stop + 60] if behind.strip() == "" else behind):
        return Statement.DENIED
    if _OPEN.search(before) or behind.lstrip().startswith("?"):
        return Statement.OPEN
    return Statement.AFFIRMED


_SIDES = {
    "left": re.compile(r"\b(?:left(?:-sided)?|lt|gauches?)\b|\(L\)", re.IGNORECASE),
    "right": re.compile(r"\b(?:right(?:-sided)?|rt|droite?s?)\b|\(R\)", re.IGNORECASE),
}
_BOTH = re.compile(r"\b(?:bilateral\w*|both|bihemispheric)\b", re.IGNORECASE)


def side_of(sentence: str, at: int) -> frozenset[str]:
    """The sides that a sentence names, the one nearest to the character `at` alone where it names both apart."""
    if _BOTH.search(sentence):
        return frozenset({"left", "right"})
    near = {
        side: min((abs(found.start() - at) for found in pattern.finditer(sentence)), default=None)
        for side, pattern in _SIDES.items()
    }
    distances = {side: distance for side, distance in near.items() if distance is not None}
    return frozenset([min(distances, key=lambda side: distances[side])]) if distances else frozenset()


_SIZE = re.compile(
    r"(?P<numbers>\d+(?:[.,]\d+)?(?:\s{0,2}(?:mm|cm)?\s{0,2}[x×*]\s{0,2}\d+(?:[.,]\d+)?)*)\s{0,2}-?\s{0,2}(?P<unit>mm|cm|millimet\w+|centimet\w+)\b",
    re.IGNORECASE,
)
_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
          "nine": "9", "ten": "10"}  # fmt: skip
_SPELT = re.compile(rf"\b({'|'.join(_WORDS)})(?=[- ](?:milli|centi)met)", re.IGNORECASE)
_SETTING = re.compile(r"\b(?:slice|thickness|matrix|field of view|FOV|TR|TE|voxel|resolution|gap)\b", re.IGNORECASE)


def sizes_mm(sentence: str) -> tuple[float, ...]:
    """The sizes that a sentence names, in mm; of several dimensions the largest."""
    if _SETTING.search(sentence) and not re.search(r"measur|mass|tumou?r|lesion|cyst|nodule", sentence, re.IGNORECASE):
        return ()
    plain = _SPELT.sub(lambda match: _WORDS[match[1].lower()], sentence)
    found = []
    for match in _SIZE.finditer(plain):
        factor = 10.0 if match["unit"].lower().startswith("c") else 1.0
        numbers = [float(one.replace(",", ".")) for one in re.findall(r"\d+(?:[.,]\d+)?", match["numbers"])]
        found.append(factor * max(numbers))
    return tuple(found)
