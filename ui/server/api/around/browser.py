"""The sign-in of the pages, in the same browser: their cookie, signed by `cookie_secret`, says who came in.

One sign-in for both. What the cookie tells is held against roles.toml like a token of the provider, and its session
ends when nothing was asked for as long as the pages allow.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from spinecho import steady
from spinecho.ui.server.api.around.marks import Marks, Pair

COOKIE = "_streamlit_user"
_MOST_AGE = 31 * 24 * 3600
_CHUNKS = re.compile(r"chunks-(\d{1,2})")


@dataclass
class Sessions:
    """secret: of the file of secrets. origin: of `redirect_uri`, which cookies have to name. minutes: 0 for no end.

    seen: when each asked last, of whichever process of the server.
    """

    secret: str
    origin: str
    minutes: int
    seen: Marks = field(default_factory=Marks)

    def claims(self, cookies: Mapping[str, str]) -> dict[str, Any] | None:
        """Who is signed in by these cookies; None for nobody, or a session that has ended."""
        sent_cookie = self._read(cookies, COOKIE)
        if sent_cookie is None:
            return None
        if (split := _CHUNKS.fullmatch(sent_cookie)) is not None:
            parts = [self._read(cookies, f"{COOKIE}_{number + 1}") for number in range(int(split[1]))]
            sent_cookie = "".join(part or "" for part in parts)
        try:
            signed_in = json.loads(sent_cookie)
        except ValueError:
            return None
        if (
            not isinstance(signed_in, dict)
            or signed_in.get("is_logged_in") is not True
            or signed_in.get("origin") != self.origin
        ):
            return None
        return signed_in if self._fresh(signed_in) else None

    def _read(self, cookies: Mapping[str, str], name: str) -> str | None:
        try:
            found = URLSafeTimedSerializer(self.secret, salt=name).loads(cookies.get(name, ""), max_age=_MOST_AGE)
        except (BadSignature, ValueError):
            return None
        return found if isinstance(found, str) else None

    def _fresh(self, signed_in: Mapping[str, Any]) -> bool:
        issued = signed_in.get("iat")
        at = float(issued) if isinstance(issued, int | float) and not isinstance(issued, bool) else 0.0
        now, fresh = steady.seconds(), False

        def looked(held: Pair | None) -> Pair | None:
            nonlocal fresh
            last = held[1] if held is not None else now - max(0.0, time.time() - at)
            fresh = not self.minutes or now - last <= 60 * self.minutes
            return (at, max(now, last)) if fresh else None

        self.seen.change(f"{signed_in.get('email')}\n{at}", looked)
        return fresh
