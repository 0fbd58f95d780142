"""A DICOM file's header to a `Header`: one pass, no pixels read, nothing of the patient's name.

Follows DICOM PS3.10 (file format), PS3.5 (encodings) and PS3.3 C.7.6.16 (functional groups of multi-frame objects).
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from spinecho.encoders.acquisition.evidence import keep_age
from spinecho.encoders.errors import HoldsReport, ReadError, Reason
from spinecho.encoders.reading.dicom.elements import (
    PIXEL_DATA,
    UNDEFINED,
    Bytes,
    Elements,
    Malformed,
    NeedMore,
    Walk,
    walk,
)
from spinecho.encoders.reading.dicom.mosaic import mosaic_detail
from spinecho.encoders.reading.dicom.tags import CHARACTER_SET, FRAME_GROUPS, SHARED_GROUPS, UIH_FRAMES, WANTED, facts
from spinecho.encoders.reading.headers import Flag, Header
from spinecho.encoders.reading.opening import open_dicom
from spinecho.encoders.reading.uids import derived_uid, is_legal_uid, relative_name

IMPLICIT_LITTLE, EXPLICIT_LITTLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, EXPLICIT_BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})
_MR_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.4{suffix}" for suffix in ("", ".1", ".2", ".3", ".4"))
_SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.4.2"
_REPORTS = frozenset(
    {f"1.2.840.10008.5.1.4.1.1.88.{suffix}" for suffix in ("11", "22", "33", "34", "35")}
    | {"1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2"}
)
"""Structured reports in words, and documents in a DICOM envelope."""
_RAW = ("1.2.840.10008.5.1.4.1.1.66", "1.3.46.670589.11.0.0.12.", "1.3.46.670589.5.0.", "1.3.12.2.1107.5.9.1")
"""Raw data, registrations and the vendors' own objects: rows and columns may stand there, pixels do not."""
_NOT_IMAGES = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.11.", "1.2.840.10008.5.1.4.1.1.104.")
_SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.5"})
DIRECTORY = "1.2.840.10008.1.3.10"
_GE_PRIVATE = "1.2.840.113619.5.2"
"""An implicit little endian data set whose pixels alone are big endian."""

_FIRST_READ = 1 << 16
_MAX_HEADER = 1 << 28
_NAMED_WITHIN = 1 << 22
"""Bytes of a deflated data set within which its UIDs stand."""
_MAX_PIXEL_BYTES = 1 << 32
_MAX_FRAMES = 200_000
_MAX_DEFLATE_RATIO = 300
_META_WANTED: dict[int, None] = dict.fromkeys((0x00020002, 0x00020003, 0x00020010))


def looks_like_dicom(start: bytes) -> bool:
    """True for a preamble, or for a data set without one that begins as MR files do (group 2 or 8)."""
    if start[128:132] == b"DICM":
        return True
    return _bare_encoding(start, 0) is not None


def scan_dicom(path: Path, *, root: Path) -> Header:
    """The header of a DICOM file. Raises ReadError; the message holds no value that could name a patient."""
    with open_dicom(path) as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(0)
        data = file.read(_FIRST_READ)
        while True:
            try:
                return _scan(data, size, path, root)
            except NeedMore as need:
                if need.size > _MAX_HEADER:
                    raise ReadError(Reason.TOO_LARGE, f"the header takes more than {_MAX_HEADER} bytes") from None
                data += file.read(max(need.size - len(data), 7 * len(data)))
                size = min(size, len(data)) if len(data) < need.size else size


def _scan(data: bytes, size: int, path: Path, root: Path) -> Header:
    bare = data[128:132] != b"DICM"
    meta, start = _meta(data, size, 0 if bare else 132)
    syntax = _uid(meta, 0x00020010)
    inflated: int | None = None
    if syntax == DEFLATED:
        data, inflated = _inflate_header(data, size, start)
        size, start = inflated, 0
    source, syntax = _encoding(data, size, start, syntax)
    try:
        found = walk(source, start, WANTED)
    except Malformed:
        found = Walk()
    except NeedMore:
        if inflated is None:
            raise
        raise ReadError(Reason.TOO_LARGE, f"the deflated header takes more than {len(data)} bytes") from None
    charset = _text(found.elements, CHARACTER_SET)
    values, guessed = facts(found.elements, charset, source.order)
    sop_class = values.pop("sop_class", None) or _uid(meta, 0x00020002)
    values.setdefault("sop_uid", _uid(meta, 0x00020003))
    _refuse_what_is_no_mr_image(values, sop_class, bare=bare)
    flags = [Flag.CHARSET_GUESSED] if guessed else []
    if not all(is_legal_uid(values.get(name, "1")) for name in ("study_uid", "series_uid", "sop_uid")):
        flags.append(Flag.UID_INVALID)
    keep_age(values)
    columns = _frame_groups(found.elements, values, charset, source.order)
    pixels = _pixels(found, values, syntax, size, order=source.order, sop_class=sop_class)
    if inflated is not None:
        pixels["inflate"] = start_of_deflated(meta)
    tiles = mosaic_detail(values, _items(found.elements, UIH_FRAMES), charset, source.order)
    study, series, sop = _uids(values, path, root, flags, sop_class=sop_class, bare=bare)
    detail: dict[str, Any] = {"facts": values, "pixels": pixels}
    if sop_class and not sop_class.startswith("1.2.840.10008.5.1.4.1.1.4"):
        detail["sop_class"] = sop_class
    for name, part in (("frames", columns), ("mosaic", tiles), ("flags", [str(flag) for flag in flags])):
        if part:
            detail[name] = part
    return Header(path=str(path), kind="dicom", study_uid=study, series_uid=series, sop_uid=sop, detail=detail)


_NAMES = (0x0020000D, 0x0020000E, 0x00080018)


def object_uids(data: bytes) -> tuple[str, str, str] | None:
    """(study, series, object) of a whole file's bytes; None where they are none, or lack one of the three.

    Nothing after these three is looked at, nothing is decoded, and of a deflated file no more is inflated than holds
    them: bytes that come over a network are named by the process that receives them.
    """
    if data[128:132] != b"DICM":
        return None
    try:
        meta, start = _meta(data, len(data), 132)
        syntax = _uid(meta, 0x00020010)
        size = len(data)
        if syntax == DEFLATED:
            data = zlib.decompressobj(-15).decompress(data[start:], _NAMED_WITHIN)
            size, start = len(data), 0
        source, _ = _encoding(data, size, start, syntax)
        found = walk(source, start, dict.fromkeys(_NAMES), last=_NAMES[1])
    except (ReadError, Malformed, NeedMore, zlib.error):
        return None
    study, series, sop = (_text(found.elements, tag) for tag in _NAMES)
    return (study, series, sop) if study and series and sop else None


def inflates_past(data: bytes, most: int) -> bool:
    """Whether a whole file's data set is deflated and holds more than `most` bytes; no more are inflated to see it."""
    meta, start = _meta(data, len(data), 132)
    if _uid(meta, 0x00020010) != DEFLATED:
        return False
    try:
        return len(zlib.decompressobj(-15).decompress(data[start:], most + 1)) > most
    except zlib.error:
        return False


def start_of_data(data: bytes) -> int:
    """Where the data set of a file with a preamble starts."""
    return _meta(data, len(data), 132)[1]


def _meta(data: bytes, size: int, start: int) -> tuple[Elements, int]:
    """The file meta group, always explicit little endian, and where the data set starts; its length is not trusted."""
    source = Bytes(data, size, False, "<")
    at = start
    elements: Elements = {}
    while at + 8 <= size and data[at : at + 2] == b"\x02\x00":
        try:
            tag, vr, length, value = source.element(at)
        except Malformed:
            break
        if length == UNDEFINED or value + length > size:
            break
        source.require(value + length)
        if tag in _META_WANTED:
            elements[tag] = (vr, data[value : value + length])
        at = value + length
    elements[0] = (b"", at.to_bytes(8, "little"))
    return elements, at


def start_of_deflated(meta: Elements) -> int:
    """The file offset at which the deflated data set starts."""
    stored = meta[0]
    return int.from_bytes(stored[1], "little") if isinstance(stored, tuple) else 0


def _encoding(data: bytes, size: int, start: int, syntax: str) -> tuple[Bytes, str]:
    """How the data set is encoded: as its syntax says where its bytes agree, else as its bytes look."""
    seen = _bare_encoding(data, start)
    layout = (syntax == IMPLICIT_LITTLE, ">" if syntax == EXPLICIT_BIG else "<")
    if not syntax or (seen is not None and seen != layout):
        if seen is None:
            raise ReadError(Reason.NOT_DICOM, "neither a transfer syntax nor a data element was found")
        layout = seen
        if not syntax or syntax in NATIVE:
            syntax = IMPLICIT_LITTLE if layout[0] else EXPLICIT_BIG if layout[1] == ">" else EXPLICIT_LITTLE
    return Bytes(data, size, *layout), syntax


def _bare_encoding(data: bytes, start: int) -> tuple[bool, str] | None:
    """(implicit, byte order) of the element at `start`, None where it is none of a group that begins a file."""
    head = data[start : start + 8]
    if len(head) < 8:
        return None
    for order, letter in (("little", "<"), ("big", ">")):
        group = int.from_bytes(head[:2], order)  # type: ignore[arg-type]
        number = int.from_bytes(head[2:4], order)  # type: ignore[arg-type]
        if group not in (0x0002, 0x0004, 0x0008) or number > 0x3000:
            continue
        if head[4:6].isalpha() and head[4:6].isupper():
            return False, letter
        if int.from_bytes(head[4:8], order) < 1 << 16:  # type: ignore[arg-type]
            return True, letter
    return None


def _inflate_header(data: bytes, size: int, start: int) -> tuple[bytes, int]:
    """The first part of a deflated data set, and the most bytes that may honestly come out of it."""
    most = (size - start) * _MAX_DEFLATE_RATIO
    if len(data) < size and len(data) < _MAX_HEADER >> 4:
        raise NeedMore(min(size, _MAX_HEADER >> 4))
    inflater = zlib.decompressobj(-15)
    try:
        out = inflater.decompress(data[start:], min(most, _MAX_HEADER >> 3))
    except zlib.error as e:
        raise ReadError(Reason.DECODE_FAILED, "the deflated data set cannot be inflated") from e
    return out, len(out) if inflater.eof else max(most, len(out))


def _refuse_what_is_no_mr_image(values: dict[str, Any], sop_class: str, *, bare: bool) -> None:
    """MR by SOP class or by modality. So a grey secondary capture of modality MR (a screenshot, a foreign workstation's
    map) is read: it is marked derived, and GEOMETRY_SUSPECT where it has no position. Colour ones fail when read.
    """
    modality = values.get("modality", "")
    if not modality and not sop_class:
        if bare:
            raise ReadError(Reason.NOT_DICOM, "no preamble, and no SOP class or modality either")
        raise ReadError(Reason.MISSING_TAGS, "the file has neither a SOP class nor a modality")
    if sop_class in _REPORTS:
        kind = "an encapsulated document" if ".104." in sop_class else "a structured report"
        raise HoldsReport(f"DICOM that holds {kind}")
    if sop_class == DIRECTORY or sop_class.startswith(_NOT_IMAGES):
        raise ReadError(Reason.NO_PIXELS, f"objects of SOP class {sop_class} hold no image")
    if sop_class in _SEGMENTATIONS:
        raise ReadError(Reason.LABEL_MAP, "a segmentation object")
    if sop_class not in _MR_CLASSES and modality != "MR":
        raise ReadError(Reason.NOT_MR, f"modality {modality[:16] or 'not given'}, SOP class {sop_class or 'not given'}")
    if sop_class == _SPECTROSCOPY:
        raise ReadError(Reason.NO_PIXELS, "MR spectroscopy, not an image")


def _pixels(
    found: Walk, values: dict[str, Any], syntax: str, size: int, *, order: str, sop_class: str
) -> dict[str, Any]:
    """Where the pixel data lie and how they are stored; takes these facts out of `values`."""
    missing = [name for name in ("rows", "columns") if not 0 < values.get(name, 0) <= 1 << 16]
    if found.pixels is None:
        if missing or (sop_class.startswith(_RAW) and sop_class not in _SEGMENTATIONS):
            raise ReadError(Reason.NO_PIXELS, "no pixel data")
        raise ReadError(Reason.TRUNCATED, "the file ends, or cannot be read on, before its pixel data")
    if missing:
        raise ReadError(Reason.MISSING_TAGS, f"without {' and '.join(missing)}")
    tag, vr, at, length = found.pixels
    described = {
        "syntax": syntax,
        "at": at,
        "rows": values.pop("rows"),
        "columns": values.pop("columns"),
        "frames": max(1, values.pop("frames", 1)),
        "allocated": values.pop("bits_allocated", 16),
        "order": ">" if syntax == _GE_PRIVATE else order,
    }
    stored = values.pop("bits_stored", described["allocated"])
    described["stored"] = stored if 1 <= stored <= described["allocated"] else described["allocated"]
    for name, default in (("samples", 1), ("signed", 0), ("photometric", "MONOCHROME2"), ("overlay_bit", 0)):
        value = values.pop(name, default)
        if value != default:
            described[name] = value
    high = values.pop("high_bit", described["stored"] - 1)
    if high != described["stored"] - 1:
        described["high_bit"] = high
    if tag != PIXEL_DATA:
        described["float"] = 4 if tag == 0x7FE00008 else 8
    if length == UNDEFINED:
        described["encapsulated"] = True
    else:
        described["length"] = min(length, max(0, size - at))
        if vr == b"OW" and described["order"] == ">" and described["allocated"] == 8:
            described["swapped"] = True  # PS3.5 8.1.2: two pixels a word
    described["frames"] = max(described["frames"], _frames_there(described, len(_items(found.elements, FRAME_GROUPS))))
    _note_padding(described, values.pop("padding", 0), values.pop("padding_to", None))
    if not 1 <= described["allocated"] <= 64:
        raise ReadError(Reason.DECODE_FAILED, f"{described['allocated']} bits allocated a pixel")
    if described["frames"] > _MAX_FRAMES:
        raise ReadError(Reason.TOO_LARGE, f"{described['frames']} frames, more than {_MAX_FRAMES}")
    samples = described["rows"] * described["columns"] * described["frames"]
    if samples * max(8, described["allocated"]) // 8 > _MAX_PIXEL_BYTES:
        size_mb = _MAX_PIXEL_BYTES >> 20
        raise ReadError(Reason.TOO_LARGE, f"{samples} samples of {described['allocated']} bits, more than {size_mb} MB")
    return described


def _frames_there(described: dict[str, Any], described_frames: int) -> int:
    """The frames that are described and whose pixels are there, whatever Number of Frames says."""
    if described.get("encapsulated"):
        return 1
    each = described["rows"] * described["columns"] * described.get("samples", 1) * max(8, described["allocated"]) // 8
    return described_frames if each and described["length"] >= described_frames * each else 1


def _note_padding(described: dict[str, Any], value: int, other: int | None) -> None:
    """What pixels outside of the picture hold (PS3.3 C.7.5.1.1.2), as (lowest, highest) stored value; 0 is nothing."""
    bits = described["allocated"]
    bounds = [value, value if other is None else other]
    if described.get("signed"):  # some write the bits of a negative value as an unsigned one
        bounds = [bound - (1 << bits) if bound >= 1 << (bits - 1) else bound for bound in bounds]
    if any(bounds) and "float" not in described:
        described["padding"] = sorted(bounds)


def _frame_groups(elements: Elements, values: dict[str, Any], charset: str, order: str) -> dict[str, list[Any]]:
    """Per-frame facts as columns; those equal in all frames, and the shared ones, go into `values`."""
    rows: list[dict[str, Any]] = []
    for item in _items(elements, SHARED_GROUPS)[:1]:
        values.update(_flat(item, charset, order))
    for item in _items(elements, FRAME_GROUPS):
        rows.append(_flat(item, charset, order))
    for item in _items(elements, 0x00082218)[:1]:
        values.setdefault("anatomy", _flat(item, charset, order).get("anatomy", ""))
    columns: dict[str, list[Any]] = {}
    for name in sorted({name for row in rows for name in row}):
        column = [row.get(name) for row in rows]
        if all(value == column[0] for value in column):
            values[name] = column[0]
        else:
            columns[name] = column
    return columns


def _flat(item: Elements, charset: str, order: str) -> dict[str, Any]:
    """All facts of an item and of the first item of each sequence in it."""
    values: dict[str, Any] = {}
    for element in item.values():
        if isinstance(element, list) and element:
            values.update(_flat(element[0], charset, order))
    values.update(facts(item, charset, order)[0])
    return values


def _uids(
    values: dict[str, Any], path: Path, root: Path, flags: list[Flag], *, sop_class: str, bare: bool
) -> tuple[str, str, str]:
    """Study, series and SOP instance UID; missing ones are derived from the path where that is honest."""
    given = [values.pop(name, None) or "" for name in ("study_uid", "series_uid", "sop_uid")]
    if not sop_class:
        raise ReadError(Reason.MISSING_TAGS, "without a SOP class")
    deidentified = values.pop("deidentified", "") == "YES"
    deidentified |= bool(values.pop("deidentified_how", ""))
    if all(given):
        return given[0], given[1], given[2]
    if bare and not deidentified:
        raise ReadError(Reason.MISSING_TAGS, "no preamble, and not all of the study, series and instance UID")
    name = relative_name(path, root)
    folder = name.rpartition("/")[0]
    flags.append(Flag.NO_STUDY_LINK)
    return (
        given[0] or derived_uid("study", folder),
        given[1] or derived_uid("series", folder, str(values.get("series_number", ""))),
        given[2] or derived_uid("instance", name),
    )


def _items(elements: Elements, tag: int) -> list[Elements]:
    value = elements.get(tag)
    return value if isinstance(value, list) else []


def _text(elements: Elements, tag: int) -> str:
    value = elements.get(tag)
    return value[1].decode("ascii", "replace").strip("\0 ") if isinstance(value, tuple) else ""


def _uid(elements: Elements, tag: int) -> str:
    return _text(elements, tag)
