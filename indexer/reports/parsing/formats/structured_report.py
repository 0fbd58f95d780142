"""The tree of a DICOM structured report as text, and its measurements as sentences that say what was measured.

Every text, code, number and date of the tree stands in the text, but for who observed and of whom. A group of
measurements (TID 1410, 1411, 1501), and a finding with measurements below it, is one sentence. It begins with the
finding, its largest length, its side and its place, "42 mm mass in the left liver; Short Axis: 31 mm.", so that all of
these are of one clause, as they are in a report that somebody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from spinecho.indexer.reports.parsing.formats.content_items import Item, Measure

_HEADING = re.compile(
    r"(?:key )?(?:findings?|impressions?|conclusions?|history|indications?|technique|comparison|recommendations?"
    r"|summary|procedure description|request|current procedure descriptions?|prior procedure descriptions?)",
    re.IGNORECASE,
)
MEASURED = frozenset(("126000", "125007"))
"""Codes of an imaging measurement report and of a group of measurements (TID 1500, 1501)."""
PROCEDURE = "121058"
"""Code of the procedure that is reported."""
_TRACKED = frozenset(("112039", "112040"))
_PEOPLE = frozenset(str(code) for code in (*range(121004, 121038), 121039, 121046, 121049, 121050))
"""Codes of who observed, with what, of whom (TID 1001 to 1009), and of languages."""
_FINDING, _SITE = ("121071", "finding"), ("363698007", "g-c0e3", "finding site", "site", "anatomic location")
_SIDE, _PART = ("272741003", "g-c171", "laterality", "side"), ("106233006", "g-a1f8", "topographical modifier")
_PRESENCE = re.compile(r"\bpresen(?:ce|t)\b|\bexistence\b|^status of finding$", re.IGNORECASE)
_ABSENT = re.compile(r"(?:not present|absent|none|no|negative|not (?:seen|found|detected|identified)|false)\b", re.I)
_DOUBTED = re.compile(r"possibl|probabl|suspect|uncertain|question|indetermin|equivocal|unknown|likely", re.IGNORECASE)
_DENIES = re.compile(r"(?:no|not|absen[ct]e?|without|negative|normal)\b", re.IGNORECASE)
_NO_SIZE = re.compile(
    r"\b(?:distance|margin|offset|spacing|slice|resolution|shift|displacement|deviation|error|uncertainty|difference"
    r"|change|growth|prior|previous|baseline|nadir|perimeter|circumference|wall|sept\w*|depth (?:from|to)|variance"
    r"|sd)\b",
    re.IGNORECASE,
)
"""Names of lengths, and of how they were derived, that are not how large the finding is."""
_LARGEST = 5_000.0
"""mm; what is larger is a number gone wrong."""
_SIDES = {"right and left": "bilateral", "left and right": "bilateral", "both": "bilateral", "l": "left", "r": "right"}


@dataclass(slots=True)
class TreeText:
    """The lines of a tree. narrative: whether somebody wrote a text, rather than a program its values."""

    lines: list[str] = field(default_factory=list)
    narrative: bool = False

    def __str__(self) -> str:
        """The text, at most one line empty in a row."""
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")


def tree_text(root: Item) -> TreeText:
    """The text of a report's tree."""
    found = TreeText()
    _walk(root, found, "")
    return found


def _walk(item: Item, found: TreeText, section: str) -> None:
    """Lines for what is below an item, in its order."""
    run: list[str] = []
    for child in item.inner:
        if _is_context(child, in_group=False):
            continue
        if item.continuous and child.kind != "CONTAINER" and child.value:
            found.narrative = found.narrative or child.kind == "TEXT"
            run.append(child.value)
            _walk(child, found, section)
            continue
        if run:
            found.lines.append(_joined(run))
            run = []
        if _is_measured(child):
            found.lines += ["", *_group(child), ""]
        elif child.kind == "CONTAINER":
            found.lines += ["", f"{child.name.upper()}:"] if child.name else [""]
            _walk(child, found, child.name)
        else:
            _line_of(child, found, section)
    if run:
        found.lines.append(_joined(run))


def _joined(run: list[str]) -> str:
    return re.sub(r" +([.,;:])", r"\1", " ".join(run))


def _line_of(child: Item, found: TreeText, section: str) -> None:
    shown = _shown(child, section)
    with_mods = [
        one
        for one in child.inner
        if one.relation == "HAS CONCEPT MOD"
        and not _is_context(one, in_group=True)
        and next(_groups_in(Item("", "", "", "", "", inner=[one])), None) is None
    ]
    if shown:
        if child.kind == "TEXT":
            found.narrative = True
            if _HEADING.fullmatch(child.name) and not _HEADING.fullmatch(section):
                found.lines += ["", f"{child.name.upper()}:"]
        parts = [part for one in with_mods for part in _flat_shown(one)] if child.kind != "TEXT" else []
        found.lines.append("; ".join([shown, *parts]))
        if child.kind != "TEXT":
            child = Item("", "", "", "", "", inner=[one for one in child.inner if one not in with_mods])
    _walk(child, found, section)


def _shown(item: Item, section: str = "") -> str:
    """An item's name and value; a heading, or the name that its section has, is not said again."""
    if not item.value or (item.kind == "UIDREF" and item.code not in _TRACKED):
        return ""
    bare = _HEADING.fullmatch(item.name) if item.kind == "TEXT" else item.name == section and item.kind == "CODE"
    return item.value if bare or not item.name else f"{item.name}: {item.value}"


def _flat(item: Item) -> Iterator[Item]:
    """The item and those below it, in their order, but for groups of their own and what is left out."""
    yield item
    for one in item.inner:
        if not _is_context(one, in_group=True) and not _is_group(one):
            yield from _flat(one)


def _flat_shown(item: Item) -> list[str]:
    return [" ".join(shown.split()) for one in _flat(item) if (shown := _shown(one))]


def _is_context(item: Item, *, in_group: bool) -> bool:
    """Who observed, of which patient, in which language; in a group of measurements also stands which lesion it is."""
    if item.kind == "PNAME" or item.code in _PEOPLE:
        return True
    return item.relation == "HAS OBS CONTEXT" and not in_group and item.code not in _TRACKED


def _is_group(item: Item) -> bool:
    return item.kind == "CONTAINER" and (item.code in MEASURED or item.name.lower() == "measurement group")


def _is_measured(item: Item) -> bool:
    """A group of measurements, or a finding whose measurements stand below it."""
    return _is_group(item) or (_is(item, _FINDING) and any(one.measures for one in item.inner))


def _group(group: Item) -> list[str]:
    """One sentence, and which lesion it is of as a line of its own, which is found by no words."""
    parts = [one for one in _flat(group) if one.value]
    tracked = [_shown(one) for one in parts if one.code in _TRACKED]
    lead, told = _lead(parts)
    rest = [
        " ".join(shown.split()).rstrip(".;")
        for one in parts
        if one.code not in _TRACKED and not any(one is said for said in told) and (shown := _shown(one))
    ]
    inner = [line for one in _groups_in(group) for line in _group(one)]
    sentence = [f"{'; '.join(filter(None, [lead, *rest]))}."] if lead or rest else []
    return [*sentence, *tracked, *inner]


def _groups_in(item: Item) -> Iterator[Item]:
    for one in item.inner:
        if _is_group(one):
            yield one
        else:
            yield from _groups_in(one)


def _lead(parts: list[Item]) -> tuple[str, list[Item]]:
    """What the group is of, as a phrase, and the items that it says; ('', []) where no finding is coded."""
    finding = _first(parts, _FINDING)
    if finding is None:
        return "", []
    site, side, part = (_first(parts, kind) for kind in (_SITE, _SIDE, _PART))
    told = [one for one in (finding, site, side if site else None, part if site else None) if one]
    where = _place(site, side, part) if site else ""
    named = _phrase(finding.value)
    stated = next((one.value for one in parts if one is not finding and _PRESENCE.search(one.name)), "")
    if _DENIES.match(finding.value) or _ABSENT.match(stated):
        return ("" if _DENIES.match(finding.value) else "No ") + named + where, told
    doubted = "possible " if _DOUBTED.search(stated) and not _DOUBTED.search(named) else ""
    largest = max((one for item in parts for one in _sizes(item)), key=lambda one: one.mm or 0.0, default=None)
    size = f"{_length(largest)} " if largest else ""
    return f"{doubted}{size}{named}{where}", told


def _sizes(item: Item) -> Iterator[Measure]:
    derived = [item.name, *(one.value for one in item.inner if one.relation == "HAS CONCEPT MOD" and not one.measures)]
    if not any(_NO_SIZE.search(one) for one in derived):
        yield from (one for one in item.measures if one.mm and 0.0 < one.mm <= _LARGEST)


def _length(measure: Measure) -> str:
    if measure.unit in ("mm", "cm"):
        return str(measure)
    return f"{round(measure.mm or 0.0, 2):g} mm"


def _place(site: Item, side: Item | None, part: Item | None) -> str:
    named = _phrase(site.value)
    lateral = _SIDES.get(side.value.casefold(), side.value.casefold()) if side else ""
    if lateral and not re.search(rf"\b{re.escape(lateral)}\b", named, re.IGNORECASE):
        named = f"{_phrase(lateral)} {named}"
    return f" in the {named}" + (f" ({_phrase(part.value)})" if part else "")


def _phrase(value: str) -> str:
    """A meaning within a sentence, as one clause: "Neoplasm, Primary" is "neoplasm primary"."""
    plain = " ".join(re.sub(r"[,;:()\[\].\n]+", " ", value).split())
    first, _, rest = plain.partition(" ")
    return f"{first.lower() if first[1:].islower() else first} {rest}".strip()


def _first(parts: list[Item], kind: tuple[str, ...]) -> Item | None:
    return next((one for one in parts if one.kind == "CODE" and _is(one, kind)), None)


def _is(item: Item, kind: tuple[str, ...]) -> bool:
    return item.code.lower() in kind or item.name.lower() in kind
