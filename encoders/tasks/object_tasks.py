"""DICOM objects as files hold them, read in a child process: their headers as JSON, frames, pictures, large values.

PS3.18 F.2 says how a data set becomes JSON. Each function takes plain JSON and gives frames (see `worker`). A file that
is no longer what was indexed is told by {"changed": true}, one that cannot be read by a reason; never by its path.
"""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.scan import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.tasks.object_pictures import picture
from spinecho.encoders.tasks.shown_tags import is_shown

_HERE = "spinecho.encoders.tasks.object_tasks"
_INLINE_BYTES = 1024
"""Binary values that are longer are fetched by themselves."""
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_PIXELS = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
_LAST_READ = 60.0

Named = tuple[str, int, str, str, str]
"""Path, bytes when it was indexed, StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID as the index has them."""


class _Changed(Exception):
    """The file is gone, or another than the one that was indexed."""


def check_task(files: Sequence[Named], *, seconds: float = _LAST_READ) -> Task:
    """Whether each file still is what was indexed, and its transfer syntax."""
    return Task(f"{_HERE}:check", {"files": [list(one) for one in files]}, seconds)


def metadata_task(files: Sequence[Named], *, base: str, everything: bool, seconds: float = _LAST_READ) -> Task:
    """Headers as JSON. base: the address under which studies stand; everything: also whose they are."""
    arguments = {"files": [list(one) for one in files], "base": base, "everything": everything}
    return Task(f"{_HERE}:metadata", arguments, seconds)


def frames_task(file: Named, numbers: Sequence[int], *, seconds: float = _LAST_READ) -> Task:
    """Stored values of some frames, counted from 1, little-endian and not compressed; all of them for none."""
    return Task(f"{_HERE}:frames", {"file": list(file), "numbers": list(numbers)}, seconds)


def rendered_task(file: Named, number: int, options: dict[str, Any], *, seconds: float = _LAST_READ) -> Task:
    """A frame for the eye, see `object_pictures.picture`."""
    return Task(f"{_HERE}:rendered", {"file": list(file), "number": number, "options": options}, seconds)


def value_task(file: Named, tag: int, *, seconds: float = _LAST_READ) -> Task:
    """The bytes of one binary element."""
    return Task(f"{_HERE}:value", {"file": list(file), "tag": tag}, seconds)


def wrapped_task(file: Named, *, seconds: float = _LAST_READ) -> Task:
    """A data set that lies there without a preamble, as a file of PS3.10."""
    return Task(f"{_HERE}:wrapped", {"file": list(file)}, seconds)


def check(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a file: {"syntax", "bare"}, or what is wrong."""
    for file in arguments["files"]:
        yield _answer(lambda file=file: _checked(file)), ()


def metadata(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a file: {"metadata"}, or what is wrong."""
    base, everything = arguments["base"], arguments["everything"]
    for file in arguments["files"]:
        yield _answer(lambda file=file: {"metadata": _plain_file(file, base, everything)}), ()


def frames(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a frame, or what is wrong."""
    try:
        dataset = _opened(arguments["file"], pixels=True)
        count = _count(dataset)
        numbers = arguments["numbers"] or list(range(1, count + 1))
        if max(numbers) > count:
            yield {"beyond": count}, ()
            return
        for number in numbers:
            values = np.ascontiguousarray(_decoded(dataset, number))
            little = values.astype(values.dtype.newbyteorder("<"), copy=False)
            yield {"frame": number, "syntax": EXPLICIT_LITTLE}, (little.tobytes(),)
    except _Changed:
        yield {"changed": True}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()


def rendered(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message."""
    try:
        dataset, number = _opened(arguments["file"], pixels=True), arguments["number"]
        if number > _count(dataset):
            yield {"beyond": _count(dataset)}, ()
            return
        yield {}, (picture(dataset, _decoded(dataset, number), number, **arguments["options"]),)
    except _Changed:
        yield {"changed": True}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()


def value(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message, {"missing": true} where there is no such binary element."""
    try:
        dataset = _opened(arguments["file"])
        held = dataset[arguments["tag"]].value if arguments["tag"] in dataset else None
    except _Changed:
        yield {"changed": True}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()
    else:
        yield ({}, (held,)) if isinstance(held, bytes) else ({"missing": True}, ())


def wrapped(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message."""
    try:
        dataset, out = _opened(arguments["file"], pixels=True), io.BytesIO()
        dataset.save_as(out, enforce_file_format=True)
    except _Changed:
        yield {"changed": True}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()
    else:
        yield {}, (out.getvalue(),)


def _answer(work: Any) -> dict[str, Any]:
    try:
        return dict(work())
    except _Changed:
        return {"changed": True}
    except ReadError as error:
        return {"reason": error.reason, "message": str(error)}


def _checked(file: Sequence[Any]) -> dict[str, Any]:
    dataset = _opened(file)
    return {"syntax": str(dataset.file_meta.TransferSyntaxUID), "bare": not dataset.preamble}


def _opened(file: Sequence[Any], *, pixels: bool = False) -> Any:
    """The data set. Raises `_Changed` and `ReadError`."""
    import pydicom  # noqa: PLC0415  (slow to import)

    path, size, _, _, sop_uid = file
    try:
        about = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(about.st_mode) or about.st_size != size:
            raise _Changed
        dataset = pydicom.dcmread(path, stop_before_pixels=not pixels, force=True)
        held = str(dataset.get("SOPInstanceUID", "") or "").strip(" \0")
    except FileNotFoundError:
        raise _Changed from None
    except OSError as error:
        raise ReadError(Reason.UNREADABLE, f"the file could not be opened: {error.strerror}") from None
    except (_Changed, MemoryError):
        raise
    except Exception:  # whatever a parser does on hostile bytes; its text may hold patient data
        raise ReadError(Reason.NOT_DICOM, "the file's header cannot be read any more") from None
    if not len(dataset):  # what ends early or is no DICOM is read as nothing at all
        raise ReadError(Reason.TRUNCATED, "the file ends early, or is no DICOM file any more; copy it again")
    if held != sop_uid and pydicom.uid.UID(held).is_valid:
        raise _Changed
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        plain = EXPLICIT_LITTLE if little else EXPLICIT_BIG
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(IMPLICIT_LITTLE if implicit else plain)
    return dataset


def _count(dataset: Any) -> int:
    try:
        return max(1, int(dataset.get("NumberOfFrames", 1) or 1))
    except (TypeError, ValueError):
        return 1


def _decoded(dataset: Any, number: int) -> Any:
    """Stored values of a frame counted from 1. Raises `ReadError`."""
    from pydicom.pixels.utils import pixel_array  # noqa: PLC0415

    try:
        return pixel_array(dataset, index=number - 1, raw=True)
    except MemoryError:
        raise
    except Exception:
        raise ReadError(
            Reason.DECODE_FAILED, "the pixels of this file cannot be decoded, or end early; export it again"
        ) from None


def _plain_file(file: Sequence[Any], base: str, everything: bool) -> dict[str, Any]:
    _, _, study, series, sop = file
    place = f"{base}/studies/{study}/series/{series}/instances/{sop}/bulkdata"
    dataset = _opened(file)
    plain = _plain(dataset, everything, place)
    # As the index calls them: what is asked for next is asked by these
    for tag, uid in (("0020000D", study), ("0020000E", series), ("00080018", sop)):
        plain[tag] = {"vr": "UI", "Value": [uid]}
    if "00080005" in plain:
        plain["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    if not everything:
        plain |= {"00100010": {"vr": "PN"}, "00100020": {"vr": "LO"}}
    plain["7FE00010"] = {"vr": "OW", "BulkDataURI": f"{place}/7FE00010"}
    return dict(sorted(plain.items()))


def _plain(dataset: Any, everything: bool, place: str | None) -> dict[str, Any]:
    """place: where large values of this data set are fetched, None within a sequence, where they stand as they are."""
    found: dict[str, Any] = {}
    for tag in list(dataset.keys()):
        number = int(tag)
        if number in _PIXELS or number & 0xFFFF == 0:  # lengths of groups
            continue
        try:
            element = dataset[tag]
            if not everything and not is_shown(number, element.VR):
                continue
            if element.VR == "SQ":
                element_json: dict[str, Any] = {"vr": "SQ"}
                if element.value:
                    element_json["Value"] = [_plain(item, everything, None) for item in element.value]
            elif place is not None and element.VR in _BINARY and len(element.value or b"") > _INLINE_BYTES:
                element_json = {"vr": element.VR, "BulkDataURI": f"{place}/{number:08X}"}
            else:
                element_json = element.to_json_dict(None, 0)
                json.dumps(element_json, allow_nan=False)
        except (MemoryError, RecursionError):
            raise
        except Exception:  # noqa: S112  (one value that breaks its own rules takes nothing else with it)
            continue
        found[f"{number:08X}"] = element_json
    return found
