"""Which DICOM elements Spinecho reads, under which short names, and how their bytes become plain values.

No patient name, address or physician is in these tables, so none is ever read (DICOM PS3.6 for the tags). Of the birth
date no more is kept than the age at the examination, of comments no more than a b-value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from struct import calcsize, unpack
from typing import Any

from spinecho.encoders.reading.dicom.charsets import decode_text
from spinecho.encoders.reading.dicom.elements import Elements, Wanted
from spinecho.encoders.reading.uids import identity

# Kinds: text (by character set), code (upper case, multi-valued stays joined by a backslash), uid, time (digits),
# float / int (the first value), floats (all values), gradient (b-value and direction of a comment).
FACTS: dict[int, tuple[str, str]] = {
    0x00080008: ("image_type", "code"),
    0x00080016: ("sop_class", "uid"),
    0x00080018: ("sop_uid", "uid"),
    0x00080020: ("study_date", "time"),
    0x00080021: ("series_date", "time"),
    0x0008002A: ("acquired", "time"),
    0x00080032: ("acquisition_time", "time"),
    0x00080033: ("content_time", "time"),
    0x00080050: ("accession", "text"),
    0x00080060: ("modality", "code"),
    0x00080070: ("manufacturer", "text"),
    0x00081030: ("study_description", "text"),
    0x0008103E: ("series_description", "text"),
    0x00081090: ("model", "text"),
    0x00089007: ("image_type", "code"),
    0x00089205: ("pixel_presentation", "code"),
    0x00089206: ("volumetric", "code"),
    0x00089208: ("complex", "code"),
    0x00089209: ("contrast_kind", "code"),
    0x00100020: ("patient_id", "text"),
    0x00100030: ("birth_date", "time"),
    0x00100040: ("sex", "code"),
    0x00101010: ("age", "code"),
    0x00120062: ("deidentified", "code"),
    0x00120063: ("deidentified_how", "text"),
    0x00180010: ("agent", "text"),
    0x00180015: ("body_part", "text"),
    0x00180020: ("scanning_sequence", "code"),
    0x00180021: ("variant", "code"),
    0x00180022: ("options", "code"),
    0x00180023: ("acquisition_type", "code"),
    0x00180024: ("sequence_name", "text"),
    0x00180050: ("thickness", "float"),
    0x00180080: ("tr", "float"),
    0x00180081: ("te", "float"),
    0x00180082: ("ti", "float"),
    0x00180087: ("field", "float"),
    0x00180088: ("slice_spacing", "float"),
    0x00180091: ("train", "float"),
    0x00181030: ("protocol", "text"),
    0x00181060: ("trigger", "float"),
    0x00181250: ("coil", "text"),
    0x00181314: ("flip", "float"),
    0x00189005: ("sequence_name", "text"),
    0x00189008: ("echo_kind", "code"),
    0x00189009: ("inversion", "code"),
    0x00189014: ("phase_contrast", "code"),
    0x00189018: ("epi", "code"),
    0x00189025: ("suppression", "code"),
    0x00189074: ("acquired", "time"),
    0x00189075: ("directionality", "code"),
    0x00189079: ("ti", "float"),
    0x00189082: ("te", "float"),
    0x00189087: ("b", "float"),
    0x00189089: ("direction", "floats"),
    0x0020000D: ("study_uid", "uid"),
    0x0020000E: ("series_uid", "uid"),
    0x00200011: ("series_number", "int"),
    0x00200012: ("acquisition", "int"),
    0x00200013: ("instance", "int"),
    0x00200032: ("position", "floats"),
    0x00200037: ("orientation", "floats"),
    0x00200052: ("frame_uid", "uid"),
    0x00200060: ("laterality", "code"),
    0x00200062: ("laterality", "code"),
    0x00200100: ("temporal", "int"),
    0x00201041: ("slice_location", "float"),
    0x00204000: ("comment_b", "gradient"),
    0x00209056: ("stack", "text"),
    0x00209057: ("in_stack", "int"),
    0x00209072: ("laterality", "code"),
    0x00209128: ("temporal", "int"),
    0x00209153: ("trigger", "float"),
    0x00209156: ("acquisition", "int"),
    0x0020930D: ("time_offset", "float"),
    0x00280002: ("samples", "int"),
    0x00280004: ("photometric", "code"),
    0x00280008: ("frames", "int"),
    0x00280010: ("rows", "int"),
    0x00280011: ("columns", "int"),
    0x00280030: ("pixel_spacing", "floats"),
    0x00280100: ("bits_allocated", "int"),
    0x00280101: ("bits_stored", "int"),
    0x00280102: ("high_bit", "int"),
    0x00280103: ("signed", "int"),
    0x00280120: ("padding", "int"),
    0x00280121: ("padding_to", "int"),
    0x00281052: ("intercept", "float"),
    0x00281053: ("slope", "float"),
    0x00321060: ("requested", "text"),
    0x00400254: ("performed", "text"),
    0x00080104: ("anatomy", "text"),
    0x60000102: ("overlay_bit", "int"),
}

# (group, element within the private block) -> (creator, name, kind). b-values and directions are public facts that
# most vendors keep in private elements; private rescale is never used.
PRIVATE: dict[tuple[int, int], tuple[str, str, str]] = {
    (0x0019, 0x0A): ("SIEMENS MR HEADER", "mosaic_count", "int"),
    (0x0019, 0x0C): ("SIEMENS MR HEADER", "b", "float"),
    (0x0019, 0x0E): ("SIEMENS MR HEADER", "direction", "floats"),
    (0x0029, 0x10): ("SIEMENS CSA HEADER", "csa", "bytes"),
    (0x0043, 0x2F): ("GEMS_PARM_01", "ge_part", "int"),
    (0x0043, 0x39): ("GEMS_PARM_01", "ge_b", "floats"),
    (0x0019, 0xBB): ("GEMS_ACQU_01", "direction_x", "float"),
    (0x0019, 0xBC): ("GEMS_ACQU_01", "direction_y", "float"),
    (0x0019, 0xBD): ("GEMS_ACQU_01", "direction_z", "float"),
    (0x2001, 0x03): ("PHILIPS IMAGING DD 001", "b", "float"),
    (0x2005, 0xB0): ("PHILIPS MR IMAGING DD 001", "direction_x", "float"),
    (0x2005, 0xB1): ("PHILIPS MR IMAGING DD 001", "direction_y", "float"),
    (0x2005, 0xB2): ("PHILIPS MR IMAGING DD 001", "direction_z", "float"),
    (0x0065, 0x09): ("IMAGE PRIVATE HEADER", "b", "float"),
    (0x0065, 0x37): ("IMAGE PRIVATE HEADER", "direction", "floats"),
    (0x0065, 0x50): ("IMAGE PRIVATE HEADER", "grid_count", "int"),
}
UIH_FRAMES = 0x00651051
CHARACTER_SET = 0x00080005
SHARED_GROUPS, FRAME_GROUPS = 0x52009229, 0x52009230


def _leaves(*tags: int) -> Wanted:
    return dict.fromkeys(tags)


_ANATOMY: Wanted = {0x00082218: _leaves(0x00080104), **_leaves(0x00209072)}
_GROUPS: Wanted = {
    0x00209113: _leaves(0x00200032),
    0x00209116: _leaves(0x00200037),
    0x00289110: _leaves(0x00280030, 0x00180050, 0x00180088),
    0x00289145: _leaves(0x00281052, 0x00281053),
    0x00209111: _leaves(0x00209056, 0x00209057, 0x00209128, 0x00189074, 0x00209156),
    0x00189226: _leaves(0x00089007, 0x00089208, 0x00089209, 0x00089206, 0x00089205),
    0x00189114: _leaves(0x00189082),
    0x00189117: {**_leaves(0x00189087, 0x00189075), 0x00189076: _leaves(0x00189089)},
    0x00189112: _leaves(0x00180080, 0x00181314, 0x00180091),
    0x00189115: _leaves(0x00189079, 0x00189009, 0x00189025),
    0x00189118: _leaves(0x00209153),
    0x00189042: _leaves(0x00181250),
    0x00209310: _leaves(0x0020930D),
    0x00209071: _ANATOMY,
}
_FRAME_ONLY = {0x00089007, 0x00189074, 0x00209056, 0x00209057, 0x00209128, 0x00209156, 0x00080104, 0x00209072}
WANTED: Wanted = {
    **dict.fromkeys(tag for tag in FACTS if tag not in _FRAME_ONLY),
    CHARACTER_SET: None,
    **{group << 16 | block << 8 | number: None for group, number in PRIVATE for block in range(0x10, 0x14)},
    UIH_FRAMES: _leaves(0x00200032, 0x00201041),
    0x00082218: _leaves(0x00080104),
    SHARED_GROUPS: _GROUPS,
    FRAME_GROUPS: _GROUPS,
}

_BINARY = {b"US": "H", b"SS": "h", b"UL": "L", b"SL": "l", b"FL": "f", b"FD": "d"}
_NUMERIC_TEXT = frozenset({b"DS", b"IS", b"LO", b"SH", b"ST", b"LT", b"CS", b"UC"})
# What an implicit syntax does not say; everything else here is text or digits.
_IMPLICIT_BINARY: dict[int, bytes] = {
    **dict.fromkeys(
        (
            0x00280002,
            0x00280010,
            0x00280011,
            0x00280100,
            0x00280101,
            0x00280102,
            0x00280103,
            0x00280120,
            0x00280121,
            0x60000102,
        ),
        b"US",
    ),
    **dict.fromkeys((0x00189079, 0x00189082, 0x00189087, 0x00189089, 0x00209153, 0x0020930D), b"FD"),
    **dict.fromkeys((0x00209057, 0x00209128, 0x00209156), b"UL"),
}
_IMPLICIT_PRIVATE: dict[str, bytes] = {"mosaic_count": b"US", "ge_part": b"SS"}
_IMPLICIT_BY_GROUP: dict[int, bytes] = {0x2001: b"FL", 0x2005: b"FL", 0x0065: b"FD"}


def facts(elements: Elements, charset: str, order: str) -> tuple[dict[str, Any], bool]:
    """Plain values by short name, and whether a text had to be guessed. A value that cannot be read is left out."""
    values: dict[str, Any] = {}
    guessed = False
    public = set[str]()  # what a public element said, a private one does not gainsay
    for tag, element in elements.items():
        known = FACTS.get(tag)
        if isinstance(element, list):
            continue
        vr, raw = element
        if known is None:
            named = _private(tag, elements)
            if named is None:
                continue
            name, kind = named
            vr = vr if vr not in (b"", b"UN", b"OB") else _implicit_private(tag, name)  # OB: so are unknown ones kept
        else:
            name, kind = known
            vr = vr if vr not in (b"", b"UN") else _IMPLICIT_BINARY.get(tag, b"")
        if kind == "text":
            value, is_guess = decode_text(raw, charset)
            guessed |= is_guess
        else:
            value = _plain(kind, vr, raw, order)
        if value is not None and value != "" and (known is not None or name not in public):
            values[name] = value
            if known is not None:
                public.add(name)
    return values, guessed


def _plain(kind: str, vr: bytes, raw: bytes, order: str) -> Any:
    if kind == "bytes":
        return raw
    if kind in ("float", "int", "floats"):
        numbers = _numbers(vr, raw, order)
        if not numbers or not all(map(math.isfinite, numbers)):
            return None
        if kind == "floats":
            return numbers
        if kind == "int":
            return int(numbers[0]) if abs(numbers[0]) < 1 << 62 else None  # no integer of DICOM is so long
        return numbers[0]
    text = raw.decode("ascii", "replace").strip("\0 \t\r\n")
    if kind == "uid":
        return identity(text)
    if kind == "gradient":
        found = _GRADIENT.match(text)
        return [float(part) for part in found.groups() if part] if found else None
    if kind == "time":
        return text if text[:4].isdigit() else None
    return "\\".join(part.strip() for part in text.upper().split("\\"))


# "b=1000(0.445,0.000,0.895)": Toshiba and Canon write b-value and direction nowhere but in the comment.
_NUMBER = r"\s*(-?\d+(?:\.\d*)?)\s*"
_GRADIENT = re.compile(rf"\s*b\s*[=:]{_NUMBER}(?:\({_NUMBER},{_NUMBER},{_NUMBER}\)|s/mm|$)", re.IGNORECASE)


def _numbers(vr: bytes, raw: bytes, order: str) -> list[float] | None:
    letter = _BINARY.get(vr)
    if letter is not None:
        count = len(raw) // calcsize("<" + letter)
        return [float(v) for v in unpack(f"{order}{count}{letter}", raw[: count * calcsize("<" + letter)])]
    if vr and vr not in _NUMERIC_TEXT:
        return None
    try:
        return [float(part) for part in _number_texts(raw)]
    except (ValueError, UnicodeDecodeError, OverflowError):
        return None


def _number_texts(raw: bytes) -> Iterable[str]:
    text = raw.decode("ascii").strip("\0 \t\r\n")
    return (part.strip(" \0").replace(",", ".") for part in text.split("\\")) if text else ()


def _private(tag: int, elements: Elements) -> tuple[str, str] | None:
    """(name, kind) of a private element whose block belongs to the expected creator (PS3.5, 7.8.1)."""
    known = PRIVATE.get((tag >> 16, tag & 0xFF))
    if known is None or not tag & 0x10000:
        return None
    creator = elements.get(tag & 0xFFFF0000 | (tag >> 8 & 0xFF))
    if not isinstance(creator, tuple):
        return None
    name = creator[1].decode("ascii", "replace").strip("\0 ").upper()
    return known[1:] if name == known[0] else None


def _implicit_private(tag: int, name: str) -> bytes:
    return _IMPLICIT_PRIVATE.get(name, _IMPLICIT_BY_GROUP.get(tag >> 16, b""))
