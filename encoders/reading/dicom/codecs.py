"""Compressed frames to stored values, straight by the codec libraries: importing pydicom takes longer than decoding.

RLE by pylibjpeg-rle, JPEG 2000 and HTJ2K by pylibjpeg-openjpeg, JPEG and JPEG-LS by python-gdcm. None is GPL.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason

_JPEG = ("50", "51", "57", "70", "80", "81")
_JPEG2000 = ("90", "91", "201", "202", "203")
_CODECS: dict[str, tuple[str, str]] = {
    "1.2.840.10008.1.2.5": ("rle", "pylibjpeg-rle"),
    **{f"1.2.840.10008.1.2.4.{suffix}": ("openjpeg", "pylibjpeg-openjpeg") for suffix in _JPEG2000},
    **{f"1.2.840.10008.1.2.4.{suffix}": ("gdcm", "python-gdcm") for suffix in _JPEG},
}
"""Transfer syntax -> (module, distribution that brings it)."""


def codecs_at_hand() -> dict[str, bool]:
    """By distribution: whether it is installed. Imports nothing."""
    return {distribution: find_spec(module) is not None for module, distribution in _CODECS.values()}


@cache
def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def decode_frame(syntax: str, data: bytes, pixels: dict[str, Any]) -> NDArray[Any]:
    """Stored values (rows, columns) of one compressed frame.

    pixels: rows, columns, allocated, stored, and signed where it is. Raises ReadError NEEDS_CODEC or DECODE_FAILED.
    """
    module, distribution = _CODECS.get(syntax, ("", ""))
    if not module:
        raise ReadError(
            Reason.NEEDS_CODEC,
            f"no codec is known for transfer syntax {syntax}: decompress the file with another tool, such as "
            "'dcmconv' or the archive's export as Explicit VR Little Endian",
        )
    library = _module(module)
    if library is None:
        raise ReadError(Reason.NEEDS_CODEC, f"transfer syntax {syntax} needs {distribution}")
    if pixels["allocated"] not in (8, 16, 32):
        raise ReadError(Reason.DECODE_FAILED, f"{pixels['allocated']} bits allocated a pixel")
    signed = bool(pixels.get("signed"))
    dtype = np.dtype(f"<{'i' if signed else 'u'}{pixels['allocated'] // 8}")
    shape = pixels["rows"], pixels["columns"]
    try:
        if module == "openjpeg":
            values = _as_declared(np.asarray(library.decode(data)), pixels["stored"], signed=signed)
        elif module == "rle":
            raw = library.utils.decode_frame(data, shape[0] * shape[1], pixels["allocated"], "<")
            values = np.frombuffer(bytes(raw), dtype).reshape(shape)
        else:
            values = np.frombuffer(_by_gdcm(library, syntax, data, pixels), dtype)[: shape[0] * shape[1]].reshape(shape)
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException as e:  # whatever their libraries raise; that of RLE, in Rust, panics, which is no `Exception`
        raise ReadError(Reason.DECODE_FAILED, f"the compressed frame could not be decoded ({type(e).__name__})") from e
    return values


def _as_declared(values: NDArray[Any], stored: int, *, signed: bool) -> NDArray[Any]:
    """JPEG 2000 carries its own signedness, which writers often forget: the DICOM header decides."""
    if signed and values.dtype.kind == "u":
        wide = values.astype(np.int64)
        return np.where(wide >= 1 << (stored - 1), wide - (1 << stored), wide)
    return values


def _by_gdcm(gdcm: Any, syntax: str, data: bytes, pixels: dict[str, Any]) -> bytes:
    """The decoded buffer; GDCM takes an image whose pixel data are one fragment."""
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((pixels["columns"], pixels["rows"], 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    allocated, stored = pixels["allocated"], pixels["stored"]
    image.SetPixelFormat(gdcm.PixelFormat(1, allocated, stored, stored - 1, int(bool(pixels.get("signed")))))
    buffer: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return buffer
