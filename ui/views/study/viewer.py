"""The viewer: a volume goes to the browser once, and is scrolled, windowed and zoomed there.

Ours, on a canvas (docs/decisions/0009-a-viewer-on-canvas.md).
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable

import numpy as np

from spinecho.shown import Heat, Levels, memory_order
from spinecho.ui.views.components.component import registered
from spinecho.ui.views.session.whole import whole

_HTML = (
    '<div class="viewer" tabindex="0" role="application"><div class="tools"></div><div class="stage">'
    '<div class="wait">Reading the series</div></div></div>'
)
SHORTCUTS = (
    ("↑ ↓  wheel", "slice by slice"),
    ("PgUp PgDn", "ten slices"),
    ("Home End", "first, last slice"),
    ("drag", "window and level"),
    ("1 … 5", "windows: usual, soft, bright, narrow, full"),
    ("i  f  0", "invert, fit, reset"),
    ("+ -  ctrl wheel", "zoom"),
    ("shift drag", "pan"),
    ("p", "three planes, drag moves the cross"),
    ("space", "cine"),
    ("h", "outlines of the evidence"),
    ("s", "mark a spot and find others like it"),
    ("d", "in three dimensions, and back"),
    ("  drag  ← → ↑ ↓", "turn it"),
    ("  m  k  v", "MIP; cut; seen from front, left, right, top, back"),
    ("  PgUp PgDn", "move the cut (shift wheel)"),
)
"""(key, what it does)"""


def pack(
    volume: Levels,
    *,
    name: str,
    height: int,
    heat: Heat | None = None,
    spots: bool = False,
    group: str = "",
    engine: str = "",
) -> bytes:
    """A volume as the viewer takes it: length, JSON, the levels' upper bytes, their lower bytes, evidence.

    The upper bytes are deflated, in a tenth of the time that both together take: the lower ones are mostly noise, and
    go as they are unless a sample of them says that it is worth while.

    group: viewers of one name scroll together, by the same part of the way. engine: where the 3D view's is fetched.
    """
    order = memory_order(volume.levels)
    pairs = np.ascontiguousarray(volume.levels.transpose(order), "<u2").view(np.uint8).reshape(-1, 2)
    upper, lower = _runs(pairs[:, 1].tobytes()), pairs[:, 0].tobytes()
    sample = b"".join(lower[at : at + 8192] for at in range(0, len(lower), max(len(lower) // 8, 8192)))
    deflated = len(zlib.compress(sample, 1)) < 0.6 * len(sample)
    lower = zlib.compress(lower, 1) if deflated else lower
    body, head = upper + lower, {
        "order": order, "upper": len(upper), "lower": len(lower), "deflated": deflated,
        "name": name, "scan": volume.key, "height": height, "spots": spots, "group": group, "engine": engine,
        "shape": volume.levels.shape,
        "first": volume.first, "full": volume.shape, "spacing": volume.spacing_mm, "axis": volume.slice_axis,
        "windows": volume.windows, "bottom": volume.bottom, "step": volume.step,
    }  # fmt: skip
    if heat is not None:
        head |= {
            "heat": True, "heatShape": heat.cells.shape, "levels": [round(one, 4) for one in heat.levels],
            "best": [int(np.argmax(heat.along(axis, volume.shape[axis]))) for axis in range(3)],
        }  # fmt: skip
        body += np.ascontiguousarray(heat.cells, "<f4").tobytes()
    digest = hashlib.blake2b(body, digest_size=12)
    digest.update(repr(sorted(head.items())).encode())
    head_json = json.dumps({**head, "id": digest.hexdigest()}).encode()
    return struct.pack("<I", len(head_json)) + head_json + body


def _runs(body: bytes) -> bytes:
    """Deflated by looking for runs alone: as small for nearly even bytes, and sooner."""
    packing = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packing.compress(body) + packing.flush()


def viewer(packed: bytes, *, key: str, on_act: Callable[[], None] = lambda: None) -> None:
    """Draw it; a spot that was marked is in `done(key)`, {"do": "spot", "box": [...]}, while `on_act` runs."""
    component = registered("viewer", _HTML, "pane.js", "outlines.js", "volume3d.js", "hand.js")
    component(key=key, data=packed, on_act_change=whole(on_act))
