"""The JSON file beside a NIfTI file (BIDS, dcm2niix) to the values that the rules use, each checked on its own.

What such files have in the wild: Latin-1 and UTF-16, byte order marks, comments, commas at the end, NaN, keys that
occur twice, numbers written as text ("3T", "1,5"), lists where one value belongs. A value that cannot be used is lost
alone, and what was lost is said.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.formats.names import image_stem
from spinecho.encoders.reading.nifti.bids import inherited
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.reading.personal_fields import Named, named_in_fields

_MOST_BYTES = 16 << 20
_MOST_TEXT = 256
_INT32 = 2**31 - 1
_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_]*|°)\s*")
# A string, or what is none: comments, and the comma before a closing bracket.
_LENIENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 0.001, "msec": 0.001}
_TESLA = {"": 1.0, "t": 1.0, "tesla": 1.0, "mt": 0.001}
_DEGREES = {"": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0}
# name -> (what units stand for, least, most); times in seconds as BIDS has them.
_NUMBERS: dict[str, tuple[dict[str, float], float, float]] = {
    "MagneticFieldStrength": (_TESLA, 0, 50_000),  # gauss too; `rules.field_of` tells them apart
    "RepetitionTime": (_SECONDS, 0, 600),
    "EchoTime": (_SECONDS, 0, 10),
    "InversionTime": (_SECONDS, 0, 60),
    "FlipAngle": (_DEGREES, 0, 360),
    "EchoTrainLength": ({"": 1.0}, 0, 100_000),
}
_TEXTS = (
    "Manufacturer", "ManufacturersModelName", "SeriesDescription", "ProtocolName", "BodyPartExamined", "SequenceName",
    "PulseSequenceName", "MRAcquisitionType", "ReceiveCoilName", "ContrastBolusIngredient", "StudyDescription",
    "ProcedureStepDescription", "Modality", "TracerName", "TracerRadionuclide", "Radiopharmaceutical",
)  # fmt: skip
_CODES = ("ImageType", "ScanningSequence", "SequenceVariant", "ScanOptions")
_PRESENT = ("SkullStripped", "RawSources", "Sources", "SpatialReference", "InjectedRadioactivity")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """values: what can be used, by BIDS name, plain JSON. charset_guessed: it was not UTF-8. lost: names of values
    that could not be used, or why nothing of the file could be."""

    values: dict[str, Any] = field(default_factory=dict)
    charset_guessed: bool = False
    lost: tuple[str, ...] = ()


def read_sidecar(path: Path) -> Sidecar:
    """What the sidecar of the file at `path` says and, of BIDS, those that it inherits; empty where there is none."""
    own = _read(path.parent / f"{image_stem(path.name)}.json")
    above = [_read(place) for place in inherited(path)]
    if not above:
        return own
    all_of_them = [*above, own]
    values: dict[str, Any] = {}
    for one in all_of_them:
        values |= one.values
    lost = tuple(dict.fromkeys(name for one in all_of_them for name in one.lost if name not in values))
    return Sidecar(values, any(one.charset_guessed for one in all_of_them), lost)


def named_in_sidecars(path: Path) -> tuple[Named, ...]:
    """(kind, value) of what the sidecars of the file at `path` say of who somebody is; no header holds it."""
    found: list[Named] = []
    for place in (path.parent / f"{image_stem(path.name)}.json", *inherited(path)):
        raw = _bytes(place)
        if isinstance(raw, bytes):
            found += named_in_fields(_parsed(_decoded(raw)[0], set()))
    return tuple(dict.fromkeys(found))


def _bytes(path: Path) -> bytes | Sidecar:
    """The file's bytes, or what is said in place of it."""
    try:
        with open_file(path) as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return Sidecar()
    except (OSError, ValueError, ReadError):  # ValueError: a NUL in the name
        return Sidecar(lost=("the sidecar could not be read",))
    return raw if len(raw) <= _MOST_BYTES else Sidecar(lost=("the sidecar is too large",))


def _read(path: Path) -> Sidecar:
    raw = _bytes(path)
    if isinstance(raw, Sidecar):
        return raw
    text, guessed = _decoded(raw)
    twice: set[str] = set()
    values = _parsed(text, twice)
    if not isinstance(values, dict):
        return Sidecar(charset_guessed=guessed, lost=("the sidecar is no JSON object",))
    return _checked(values, guessed=guessed, lost=sorted(twice & {*_NUMBERS, *_TEXTS, *_CODES, "SeriesNumber"}))


def _decoded(raw: bytes) -> tuple[str, bool]:
    """The text, and whether its character set had to be guessed: RFC 8259 allows UTF-8 alone."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf_16", "replace"), True
    if raw[:2] in (b"{\0", b"\0{"):
        return raw.decode("utf_16_le" if raw[:1] == b"{" else "utf_16_be", "replace"), True
    try:
        return raw.decode("utf_8_sig"), False
    except UnicodeDecodeError:
        return raw.decode("latin_1"), True


def _parsed(text: str, twice: set[str]) -> Any:
    """The JSON value, read strictly, else without comments and commas at the end; None for what is no JSON.

    A key that occurs twice with different values says nothing: it is left out and added to `twice`.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        doubtful = set()
        for name, value in found:
            if name in kept and kept[name] != value:
                doubtful.add(name)
            kept[name] = value
        twice.update(doubtful)
        return {name: value for name, value in kept.items() if name not in doubtful}

    attempts: tuple[Callable[[], str], ...] = (lambda: text, lambda: _LENIENT.sub(lambda m: m[1] or "", text))
    for attempt in attempts:
        twice.clear()
        try:
            return json.loads(attempt(), object_pairs_hook=pairs, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _checked(values: dict[str, Any], *, guessed: bool, lost: list[str]) -> Sidecar:
    kept: dict[str, Any] = {}
    for name in (*_NUMBERS, "SeriesNumber", *_TEXTS, *_CODES, *_PRESENT):
        value = values.get(name)
        if value is None or value in ("", []):
            continue
        used: Any
        if name in _NUMBERS:
            used = _number(value, *_NUMBERS[name])
        elif name == "SeriesNumber":
            used = _integer(value)
        elif name in _TEXTS:
            used = _text(value)
        elif name in _CODES:
            used = _codes(value)
        else:
            used = bool(value)
        if used is None:
            lost.append(name)
        elif used != "":
            kept[name] = used
    return Sidecar(kept, charset_guessed=guessed, lost=tuple(lost))


def _number(value: Any, units: dict[str, float], least: float, most: float) -> float | None:
    """A finite number within its bounds, from a number, a text that is one, or a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    factor = 1.0
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        unit = units.get(match[2].lower()) if match else None
        if match is None or unit is None:
            return None
        value, factor = float(match[1].replace(",", ".")), unit
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value) * factor
    except OverflowError:
        return None
    return number if math.isfinite(number) and least <= number <= most else None


def _integer(value: Any) -> int | None:
    """DICOM IS: at most 31 bits."""
    number = _number(value, {"": 1.0}, 0, _INT32)
    return int(number) if number is not None and number == int(number) else None


def _text(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # Lone surrogates can be written in JSON, and no database takes them.
    plain = _CONTROL.sub(" ", str(value)[:_MOST_TEXT]).encode("utf_8", "replace").decode()
    return plain.strip()


def _codes(value: Any) -> str | None:
    parts = value if isinstance(value, list) else [value]
    found = [_text(part) for part in parts[:12]]
    if any(part is None for part in found):
        return None
    return "\\".join(part for part in found if part)[:_MOST_TEXT]
