"""HTTP ranges (RFC 9110, section 14): a part of bytes that are held, or all of them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from spinecho.ui.server.api.around.problems import OutOfRange

_ONE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*")


def ranged(request: Request, content: bytes | memoryview, *, tag: str, media: str, name: str = "") -> Response:
    """What was asked of the content: a range, or the whole, also for several ranges and for what is no range.

    Raises `OutOfRange` for a range beyond the end.
    """
    size = len(content)
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "private, no-cache"}
    headers |= {"Content-Disposition": f'attachment; filename="{name}"'} if name else {}
    found = _ONE.fullmatch(request.headers.get("range", ""))
    held = request.headers.get("if-range")
    if found is None or not (found[1] or found[2]) or (held is not None and held != tag):
        return Response(bytes(content), 200, headers, media)
    if found[1]:
        first, last = int(found[1]), min(int(found[2]), size - 1) if found[2] else size - 1
        if found[2] and int(found[2]) < first:  # no range: as if it were not there
            return Response(bytes(content), 200, headers, media)
    else:
        first, last = max(0, size - int(found[2])), size - 1
    if first >= size or first > last:
        raise OutOfRange(f"bytes from {first} on are beyond the end: there are {size}")
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(bytes(content[first : last + 1]), 206, headers, media)
