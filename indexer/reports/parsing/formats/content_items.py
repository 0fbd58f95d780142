"""The content items of a DICOM structured report as plain values: what each names, says and measures.

Read as they come: a code without a meaning counts by its value, a value that stands where its type has none is taken
all the same, a number that breaks its representation is kept as it was written.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spinecho.indexer.reports.parsing.markup import NoText

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DEEPEST, _MOST_ITEMS = 60, 50_000
_MM = {"mm": 1.0, "cm": 10.0, "dm": 100.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "[in_i]": 25.4, "[in_us]": 25.4}
"""By the unit's code in UCUM. Codes of other schemes count by their meaning."""
_NAMED_MM = {
    **dict.fromkeys(("millimeter", "millimetre", "millimeters", "millimetres"), "mm"),
    **dict.fromkeys(("centimeter", "centimetre", "centimeters", "centimetres"), "cm"),
}
_NO_UNIT = frozenset(("", "1", "no units", "no unit", "unitless", "{}", "{no units}"))
_SPOKEN = re.compile(r"[A-Za-z0-9µ°%/.*^-]+")
"""A unit's code that reads as people write it: "mm2", "ml", "10*-6.mm2/s"; not "[hnsf'U]" or "{counts}"."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number as it was written, with its unit as it is shown; mm: as a length, None where it is none."""

    number: str
    unit: str
    mm: float | None = None

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.number} {self.unit}".strip()


@dataclass(slots=True)
class Item:
    """A content item and those below it. value: what it says, '' for a container and a reference to images."""

    kind: str
    relation: str
    name: str
    code: str
    value: str
    measures: tuple[Measure, ...] = ()
    continuous: bool = False
    """Whether what it contains is to be read on as one text."""
    inner: list[Item] = field(default_factory=list)


def read_items(dataset: Dataset) -> Item:
    """The tree of a report. Raises `NoText` for one with too many items or levels."""
    count = [0]
    return _item(dataset, 0, count)


def _item(dataset: Dataset, depth: int, count: list[int]) -> Item:
    if depth > _DEEPEST:
        raise NoText(f"the report has more than {_DEEPEST} levels")
    count[0] += 1
    if count[0] > _MOST_ITEMS:
        raise NoText(f"the report has more than {_MOST_ITEMS} items")
    name, code = next(((meaning(one), _public(one)) for one in items_of(dataset, _NAME)), ("", ""))
    kind = text_of(dataset, "ValueType").upper()
    measures = tuple(_measures(dataset))
    return Item(
        kind,
        text_of(dataset, "RelationshipType").upper(),
        name,
        code,
        _value(dataset, kind, measures),
        measures,
        text_of(dataset, "ContinuityOfContent").upper() == "CONTINUOUS",
        [_item(child, depth + 1, count) for child in items_of(dataset, "ContentSequence")],
    )


_NAME = "ConceptNameCodeSequence"


def _value(dataset: Dataset, kind: str, measures: tuple[Measure, ...]) -> str:
    if kind in ("CONTAINER", "PNAME"):
        return ""
    if measures:
        return ", ".join(map(str, measures))
    if text := text_of(dataset, "TextValue"):
        return text.replace("\r\n", "\n").replace("\r", "\n")
    if coded := ", ".join(filter(None, map(meaning, items_of(dataset, "ConceptCodeSequence")))):
        return coded
    if kind == "NUM":  # why there is no number: "Measurement failure"
        return ", ".join(filter(None, map(meaning, items_of(dataset, "NumericValueQualifierCodeSequence"))))
    moments = (text_of(dataset, name) for name in ("DateTime", "Date", "Time", "UID"))
    return _moment(next(filter(None, moments), ""), kind)


def _measures(dataset: Dataset) -> Iterator[Measure]:
    for measured in items_of(dataset, "MeasuredValueSequence"):
        number = text_of(measured, "NumericValue") or text_of(measured, "FloatingPointValue")
        if not number:
            continue
        unit = next((_unit(one) for one in items_of(measured, "MeasurementUnitsCodeSequence")), "")
        try:
            length = float(number.replace(",", ".")) * _MM[unit]
        except (ValueError, KeyError):
            length = math.nan
        if not math.isfinite(length):
            yield Measure(number, unit)
        elif unit in ("mm", "cm"):  # with three decimals: more are none of a measurement, and would be read as no size
            yield Measure(f"{round(float(number.replace(',', '.')), 3):.10g}", unit, length)
        else:
            yield Measure(number, unit.strip("[]").removesuffix("_i").removesuffix("_us"), length)


def _unit(coded: Dataset) -> str:
    code, said = text_of(coded, "CodeValue"), text_of(coded, "CodeMeaning")
    scheme = text_of(coded, "CodingSchemeDesignator").upper()
    if code.casefold() in _NO_UNIT or (scheme not in ("UCUM", "DCM", "") and said.casefold() in _NO_UNIT):
        return ""
    for one in (code, said):
        plain = _NAMED_MM.get(one.casefold(), one)
        if plain in _MM or plain.casefold() in ("mm", "cm"):
            return plain if plain in _MM else plain.casefold()
    own = scheme in ("UCUM", "DCM", "") and _SPOKEN.fullmatch(code) is not None
    shown = code if own or not said else said
    return re.sub(r"[{}]", "", shown)


def _moment(value: str, kind: str) -> str:
    """A date of eight figures as people write it."""
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})(\d*.*)", value) if kind in ("DATE", "DATETIME") else None
    return "-".join(found.group(1, 2, 3)) + (f" {found[4]}" if found[4] else "") if found else value


def _public(code: Dataset) -> str:
    """A code's value, '' in a scheme that somebody made up, where a number means something else."""
    return "" if text_of(code, "CodingSchemeDesignator").upper().startswith("99") else text_of(code, "CodeValue")


def meaning(code: Dataset) -> str:
    """What a code means; its value where it says nothing."""
    names = ("CodeMeaning", "LongCodeValue", "CodeValue", "URNCodeValue")
    return next(filter(None, (text_of(code, name) for name in names)), "")


UNREADABLE = (
    ValueError, TypeError, OverflowError, NotImplementedError, AttributeError, LookupError, EOFError, struct.error,
    RecursionError,
)  # fmt: skip
"""What pydicom raises of a value that breaks its rules: elements are converted once they are asked for."""


def bytes_of(dataset: Dataset, name: str) -> bytes:
    """A value of bytes, b'' where there is none."""
    try:
        value = dataset.get(name, b"")
    except UNREADABLE:
        return b""
    return value if isinstance(value, bytes) else b""


def items_of(dataset: Dataset, name: str) -> list[Any]:
    """The items of a sequence; none where the element is absent, or is no sequence."""
    from pydicom.dataset import Dataset  # noqa: PLC0415
    from pydicom.sequence import Sequence  # noqa: PLC0415

    try:
        found = dataset.get(name)
    except UNREADABLE:
        return []
    return [one for one in found if isinstance(one, Dataset)] if isinstance(found, Sequence) else []


def _raw(dataset: Dataset, name: str) -> Any:
    try:
        return getattr(dataset.get_item(name), "value", b"")
    except UNREADABLE:
        return b""


def text_of(dataset: Dataset, name: str) -> str:
    """A value as text, several joined by commas; one that breaks its representation as it was written."""
    from pydicom.multival import MultiValue  # noqa: PLC0415

    try:
        value: Any = dataset.get(name, "")
    except UNREADABLE:
        raw = _raw(dataset, name)
        value = raw.decode("ascii", "replace") if isinstance(raw, bytes) else ""
    if isinstance(value, MultiValue):
        return ", ".join(str(one).strip(" \x00") for one in value)
    return "" if value is None else str(value).strip(" \x00")
