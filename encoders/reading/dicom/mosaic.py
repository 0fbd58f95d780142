"""Many slices tiled in one picture: Siemens mosaics and UIH grids.

The slice count and normal stand in the Siemens CSA image header (a private, little-endian list of named text values;
layout as described publicly, e.g. in the NiBabel documentation on Siemens CSA headers), or in UIH's private elements.
"""

from __future__ import annotations

import math
from typing import Any

from spinecho.encoders.reading.dicom.elements import Elements
from spinecho.encoders.reading.dicom.tags import facts


def mosaic_detail(values: dict[str, Any], uih: list[Elements], charset: str, order: str) -> dict[str, Any]:
    """How many tiles a picture holds and where they lie; {} for an ordinary picture, {"count": 0} if not known.

    Takes the private values it uses out of `values`.
    """
    csa = values.pop("csa", b"")
    count = values.pop("mosaic_count", 0)
    grid = values.pop("grid_count", 0)
    kind = values.get("image_type", "").split("\\")
    if csa and "b" not in values:
        diffusion = csa_numbers(csa, "B_value")
        if diffusion:
            values["b"] = diffusion[0]
    if "MOSAIC" in kind:
        in_csa = csa_numbers(csa, "NumberOfImagesInMosaic")
        normal = csa_numbers(csa, "SliceNormalVector")
        detail: dict[str, Any] = {"count": int(in_csa[0]) if in_csa else int(count)}
        if len(normal) == 3 and 0.99 < math.hypot(*normal) < 1.01:
            detail["normal"] = normal
        return detail
    if grid > 1 and ("VFRAME" in kind or uih):
        positions = [facts(item, charset, order)[0].get("position") for item in uih]
        return {"count": grid, "positions": positions}
    return {}


def csa_numbers(header: bytes, name: str) -> list[float]:
    """The numbers of a named field of a CSA header, [] where it has none."""
    at = header.find(name.encode() + b"\0")
    if at < 0 or at + 84 > len(header):
        return []
    items = int.from_bytes(header[at + 76 : at + 80], "little")
    at += 84
    numbers: list[float] = []
    for _ in range(min(items, 8)):
        length = int.from_bytes(header[at + 4 : at + 8], "little")
        at += 16
        if length > 256 or at + length > len(header):
            break
        text = header[at : at + length].split(b"\0")[0].strip()
        at += (length + 3) // 4 * 4
        if not text:
            continue
        try:
            numbers.append(float(text))
        except ValueError:
            break
    return numbers if all(map(math.isfinite, numbers)) else []
