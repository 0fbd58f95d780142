"""Levels of the spine in every spelling: vertebrae (L4), discs (L4/5, L4-L5, L5-S1), ranges (L3-S1), nerve roots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_COUNTS = {"C": 7, "T": 12, "L": 5, "S": 5}
_REGIONS = {"C": "spine:cervical spine", "T": "spine:thoracic spine", "L": "spine:lumbar spine", "S": "spine:sacrum"}
_GERMAN = {"HWK": "C", "BWK": "T", "LWK": "L", "SWK": "S"}
"""What German reports call vertebrae: "BWK 12" is T12."""
_WORDS = {"C": "cervical", "T": "thoracic", "L": "lumbar", "S": "sacral"}
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
)  # fmt: skip
VERTEBRAE = tuple(f"{letter}{number}" for letter, count in _COUNTS.items() for number in range(1, count + 1))
_AT = {name: 2 * n for n, name in enumerate(VERTEBRAE)}
_ROOTS = (*VERTEBRAE[:7], "C8", *VERTEBRAE[7:])


def _disc(upper: str, lower: str) -> str:
    return f"{upper}/{lower[1:]}" if upper[0] == lower[0] else f"{upper}/{lower}"


DISCS = tuple(_disc(upper, lower) for upper, lower in pairwise(VERTEBRAE))
_AT |= {name: 2 * n + 1 for n, name in enumerate(DISCS)}


@dataclass(frozen=True, slots=True)
class Level:
    """text[start:stop] names these levels, as ids of the vocabulary."""

    start: int
    stop: int
    ids: tuple[str, ...]


def lines() -> list[str]:
    """Vertebrae, discs and roots as lines of the vocabulary."""
    found = ["@kind anatomy", "@area spine", "@source counted, not gathered", "@licence Apache-2.0"]
    for name in VERTEBRAE:
        letter, number = name[0], int(name[1:])
        others = [f"{other}{number}" for other in _letters(letter)]
        spoken = [f"{_ORDINALS[number - 1]} {word} vertebra" for word in _spoken(letter)]
        found.append(
            f"spine:{name} = {' | '.join([*others, *spoken, f'{name} vertebra'])} < {_REGIONS[letter]}, spine:vertebra"
        )
    for n, name in enumerate(DISCS):
        upper, lower = VERTEBRAE[n], VERTEBRAE[n + 1]
        pairs = [(a, b) for a in _letters(upper[0]) for b in _letters(lower[0])]
        names = [name, f"{upper}/{lower}"]
        names += [f"{a}{upper[1:]}/{b}{lower[1:]}" for a, b in pairs]
        names += [f"{a}{upper[1:]}/{lower[1:]}" for a, b in pairs if a == b]
        regions = dict.fromkeys((_REGIONS[upper[0]], _REGIONS[lower[0]]))
        more = {
            "L5/S1": "lumbosacral junction",
            "T12/L1": "thoracolumbar junction",
            "C7/T1": "cervicothoracic junction",
        }
        names += [more[name]] if name in more else []
        found.append(f"spine:{name} = {' | '.join(dict.fromkeys(names))} < {', '.join(regions)}, spine:disc")
    for name in _ROOTS:
        spelled = [
            f"{other}{name[1:]} {word}" for other in _letters(name[0]) for word in ("root", "nerve root", "nerve")
        ]
        found.append(f"spine:{name} root = {' | '.join(spelled)} < spine:nerve root, {_REGIONS[name[0]]}")
    return found


def _letters(letter: str) -> tuple[str, ...]:
    return ("T", "D", "Th") if letter == "T" else (letter,)


def _spoken(letter: str) -> tuple[str, ...]:
    return ("thoracic", "dorsal") if letter == "T" else (_WORDS[letter],)


_LETTER = r"(?:Th|[HBLS]WK|[CTDLS]|cervical|thoracic|dorsal|lumbar|sacral)"
_FIRST = rf"(?<![\w])(?P<a>{_LETTER})(?:\s?-?\s?)(?P<n>1[0-2]|[1-9])(?![\w*%]|[.,]\d)"
_JOIN = r"\s{0,2}(?:/|-|‐|‑|–|—|to|through|till|thru|bis|down to)\s{0,2}"
_SPACE = r"\s"
_REST = rf"(?:(?P<b>{_LETTER})\s?-?)?(?P<m>1[0-2]|[1-9])(?![\w*%]|[.,]\d)"
_LEVEL = re.compile(
    rf"{_FIRST}(?:(?P<join>{_JOIN}){_REST}|(?P<gap>{_SPACE})(?P<b2>{_LETTER})(?P<m2>1[0-2]|[1-9])(?![\w*%]|[.,]\d))?",
    re.IGNORECASE,
)
_MORE = re.compile(
    rf"(?P<list>\s{{0,2}}(?:,|;|&|\+|,?\s{{0,2}}(?:and|und|or))\s{{0,2}})(?P<n>1[0-2]|[1-9])(?:(?P<join>\s{{0,2}}[/\-–]\s{{0,2}}){_REST})?(?![\w*%]|[.,]\d|\s{{0,2}}(?:mm|cm|m|years?|weeks?|months?|levels?|days?|x|×)(?!\w))",
    re.IGNORECASE,
)
_CHAIN = re.compile(rf"\s{{0,2}}[/\-–]\s{{0,2}}{_REST}", re.IGNORECASE)
_ROOT = re.compile(
    r"\s{0,2}(?:exiting |traversing |spinal )?(?:nerves?(?: roots?)?|roots?|radicul\w+|dermatome)(?!\w)", re.IGNORECASE
)
_SPINAL = re.compile(
    r"v[eé]rt[eè]br|spin(?:e|al)|\bcord\b|\bdis[ck]s?\b|\blevels?\b|thoracic|dorsal|cervic|lumb|sacr|\blamin|pedicl|myel|syrin|canal"
    r"|kypho|scolio|conus|\bribs?\b|fracture|compress|foram|facet|endplate|stenos|listhes|spondyl|radicul|\broots?\b|hemangioma|spinous|wirbel",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\s{0,2}(?:vertebra\w*|bod(?:y|ies)|levels?|discs?|disks?|nerves?|roots?|spinous|lamina\w*|pedicles?|ribs?|superior|inferior"
    r"|end-?plates?|transverse|compression|wedge|fracture\w*|burst|facets?|neural|foram\w+|segments?|dermatome)(?!\w)",
    re.IGNORECASE,
)
_AT_LEVEL = re.compile(r"(?:\blevels?(?: of)?|\bvertebra\w*|\bbody of|\bat|\bdis[ck])\s{1,2}(?:the )?$", re.IGNORECASE)
_STAGED = re.compile(r"(?:\bstage|\bc?p?TNM|[cpy])\s{0,2}:?$", re.IGNORECASE)
_STAGE_AFTER = re.compile(
    r"\s{0,2}[,/]?\s{0,2}(?:N[0-3x]\b|M[01x]\b|stage|tumou?r|disease|cancer|carcinoma|lesion of the rectum)",
    re.IGNORECASE,
)
_SEQUENCE = re.compile(
    r"\s{0,2}-?\s{0,2}(?:w(?:eighted|i)?\b|hyper|hypo|iso|signal|image|sequence|flair|fat|tse|fse|map|relax|time|bright|dark|short|prolong|value|mri?\b|stir|axial|sagittal|coronal|contrast|post|pre)",
    re.IGNORECASE,
)
_DISCS = re.compile(r"\bdis[ck]|vertebr|protrusion|herniat|stenos|listhes|lamin|fusion|syrin", re.IGNORECASE)
_IMAGES = re.compile(r"weight|image|signal|intens|sequence|flair|\bscan|relax", re.IGNORECASE)
_LIVER = re.compile(r"\bsegment|\bliver|\bhepat", re.IGNORECASE)
_HEART = re.compile(r"\bheart sound|\bgallop", re.IGNORECASE)


def levels(text: str) -> tuple[Level, ...]:
    """Every level that a text names.

    Two neighbours are the disc between them ("L4/5", "L4-L5", "D11/12", "L5 S1"), two others a range and all its discs
    ("L3-S1"); "L4 and L5" are two vertebrae. T1 to T4 are levels only among words of the spine (they are sequences and
    stages too), D1 to D12 and S1 to S5 where nothing speaks of the bowel or the liver.
    """
    found: list[Level] = []
    at = 0
    while match := _LEVEL.search(text, at):
        at = match.end()
        upper = _name(match["a"], match["n"])
        second = match["m"] or match["m2"]
        lower = _lower(upper, match["b"] or match["b2"], second) if upper and second else ""
        if upper is None:
            at = match.start("n") + 1
            continue
        stop = at
        if second and not lower:  # "L4-12": the second number is something else
            stop = at = match.end("n")
        if not _is_level(text, match.start(), stop, upper, lower, match["a"]):
            continue
        found.append(_made(text, match.start(), stop, upper, lower))
        last = lower or upper
        while more := (_CHAIN.match(text, at) if lower else None) or _MORE.match(text, at):
            groups = more.groupdict()
            if "list" not in groups:  # "L3/4/5"
                after = _lower(last, groups["b"], groups["m"])
                if not after:
                    break
                found.append(Level(more.start(), more.end(), _between(last, after)))
                at, last = more.end(), after
                continue
            first = _lower_number(last, groups["n"], paired=groups["m"] is not None)
            after = _lower(first, groups["b"], groups["m"]) if first and groups["m"] else ""
            if not first or (groups["m"] and not after):
                break
            found.append(_made(text, more.start("n"), more.end(), first, after))
            at, last = more.end(), after or first
    return tuple(found)


def _made(text: str, start: int, stop: int, upper: str, lower: str) -> Level:
    if lower:
        return Level(start, stop, _between(upper, lower))
    if root := _ROOT.match(text, stop):
        return Level(start, root.end(), (f"spine:{upper} root",))
    return Level(start, stop, (f"spine:{upper}",)) if upper in _AT else Level(start, stop, ("spine:C8 root",))


def _between(upper: str, lower: str) -> tuple[str, ...]:
    """The discs from one vertebra to another."""
    first, last = _AT[upper], _AT[lower]
    return tuple(f"spine:{DISCS[n // 2]}" for n in range(first + 1, last, 2))


def _name(letter: str, number: str) -> str | None:
    short = _GERMAN.get(letter.upper(), letter[0].upper())
    short = "T" if short == "D" or letter.lower() in {"th", "thoracic", "dorsal"} else short
    name = f"{short}{int(number)}"
    return name if name in _AT or name == "C8" else None


def _lower(upper: str, letter: str | None, number: str) -> str:
    """The vertebra that a pair ends at; "" where there is none. After the last one of a region "L5/1" counts on."""
    if upper == "C8":
        return ""
    name = _name(letter, number) if letter else f"{upper[0]}{int(number)}"
    if not letter and int(number) == 1 and _AT[upper] + 2 <= _AT[VERTEBRAE[-1]]:
        after = VERTEBRAE[_AT[upper] // 2 + 1]
        name = after if after[1:] == "1" else name
    if name is None or name not in _AT or _AT[name] <= _AT[upper]:
        return ""
    return name


def _lower_number(last: str, number: str, *, paired: bool) -> str:
    """What a number alone continues: "L3/4, 4/5", "L4 and 5"."""
    name = f"{last[0]}{int(number)}"
    if name not in _AT or last not in _AT:
        return ""
    return name if _AT[name] > _AT[last] or (paired and _AT[name] == _AT[last]) else ""


def _is_level(text: str, start: int, stop: int, upper: str, lower: str, letter: str) -> bool:
    """Whether it is one at all: T2 is a sequence, T3 a stage, S8 a segment of the liver, D2 a part of the duodenum."""
    after, before = text[stop : stop + 24], text[max(0, start - 24) : start]
    short = letter.upper()
    if short == "T" and _number(upper) <= 4 and (not lower or (lower[0] == "T" and _number(lower) <= 4)):
        if _SEQUENCE.match(after) or _STAGED.search(before) or _STAGE_AFTER.match(after):
            return False
        if lower and _DISCS.search(text) and not _IMAGES.search(text):
            return True
        if _number(upper) <= 2 and (not lower or _number(lower) <= 2):
            return bool(_BESIDE.match(after) or _AT_LEVEL.search(before))
        return bool(_SPINAL.search(text))
    if short == "D" or (short == "C" and not lower and letter == "c"):
        return bool(_SPINAL.search(text)) or bool(lower)
    if short == "S":
        return not _LIVER.search(text) and not _HEART.search(text)
    return True


def _number(name: str) -> int:
    return int(name[1:])


def position(ident: str) -> int | None:
    """Where a vertebra or disc lies along the spine, counted in halves of a level; None for anything else."""
    return _AT.get(ident.removeprefix("spine:")) if ident.startswith("spine:") else None
