"""What stands before the room's pages: who may speak to it under which name, the first address's secret, headers.

Without it a page that somebody visits reaches a room on loopback: its name is pointed at 127.0.0.1 (DNS rebinding), or
it sends requests of its own there. So the name in `Host` has to be one that the room goes by, `Origin` the room's
own, and on a machine used alone every request carries a cookie that the secret in the first address gave.
An ASGI 3 middleware: nothing in it knows Streamlit.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
_PARAMETER = "secret"
_HEALTH = "/_stcore/health"
"""Says "ok" and nothing else, so that those who watch over a machine need no secret."""
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_CALM = (
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is let through.

    hosts: names that the room goes by, in lower case, without a port. any_address: whether every IP address in `Host`
    will do, as where the room listens on all of them; a name that an attacker points here is none. origins: addresses
    of pages, as `https://host`, other than the room's own that may speak to it, as behind a proxy. secret: what the
    first address carries; '' where people sign in. scripts: sources of inline scripts, as `'sha256-...'`.
    """

    hosts: frozenset[str]
    port: int
    any_address: bool = False
    origins: frozenset[str] = frozenset()
    secret: str = ""
    scripts: tuple[str, ...] = ()


class Guard:
    """The middleware."""

    def __init__(self, app: Asgi, rules: Rules) -> None:
        self._app, self._rules = app, rules
        self._headers = [(name.encode(), value.encode()) for name, value in (*_CALM, _policy(rules.scripts))]
        self._cookie = f"spinecho-{rules.port}"
        self._proof = proof_of(rules.secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, with headers on its answer, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Given(scope)
        refused = self.refused(given)
        if refused is not None:
            status, title, words = refused
            await self._answer(scope, receive, send, status, plain_page(title, words))
        elif scope["type"] == "http" and (place := self._let_in(given)) is not None:
            cookie = f"{self._cookie}={self._proof}; Path=/; HttpOnly; SameSite=Lax"
            more = [(b"location", place.encode("latin-1")), (b"set-cookie", cookie.encode())]
            await self._answer(scope, receive, send, 303, "", [*more, (b"cache-control", b"no-store")])
        elif not self._known(given):
            await self._answer(scope, receive, send, 403, _DOOR)
        else:
            await self._app(_settled(scope, given), receive, self._with_headers(send))

    def refused(self, given: Given) -> tuple[int, str, str] | None:
        """(status, title, words) for a request under a name, or from a page, that is not the room's."""
        hosts = given.all("host")
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None or not self._goes_by(found["name"]):
            name = hosts[0] if len(hosts) == 1 else "that"
            words = f"{name[:100]} is no name that it goes by. Names are given by 'spinecho ui --host NAME'."
            return 421, "This is not the room's name", words
        origins = given.all("origin")
        if any(not self._own(origin, hosts[0]) for origin in origins):
            return 403, "Another page asked", "What another site's page asks for is not answered."
        site, mode = given.one("sec-fetch-site"), given.one("sec-fetch-mode")
        if site in ("cross-site", "same-site") and mode != "navigate":
            return 403, "Another page asked", "What another site's page asks for is not answered."
        return None

    def _goes_by(self, name: str) -> bool:
        plain = name.lower().strip("[]").rstrip(".")
        if plain in self._rules.hosts:
            return True
        return self._rules.any_address and _is_address(plain)

    def _own(self, origin: str, host: str) -> bool:
        if origin in self._rules.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def _let_in(self, given: Given) -> str | None:
        """Where to go on, for an address that carries the secret: the same without it."""
        if not self._rules.secret or given.scope.get("method") not in ("GET", "HEAD"):
            return None
        query = parse_qsl(given.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        secrets_given = [value for name, value in query if name == _PARAMETER]
        if not any(same(value, self._rules.secret) for value in secrets_given):
            return None
        rest = urlencode([(name, value) for name, value in query if name != _PARAMETER])
        raw: bytes = given.scope.get("raw_path") or given.scope["path"].encode("utf-8", "replace")
        path = "/" + raw.decode("latin-1").partition("?")[0].lstrip("/\\")  # never //elsewhere
        return path + (f"?{rest}" if rest else "")

    def _known(self, given: Given) -> bool:
        if not self._rules.secret or (given.scope["type"] == "http" and given.scope["path"] == _HEALTH):
            return True
        kind, _, value = given.one("authorization").partition(" ")
        if kind.lower() == "bearer" and same(value.strip(), self._rules.secret):
            return True
        return any(same(value, self._proof) for value in given.cookies(self._cookie))

    def _with_headers(self, send: Send) -> Send:
        ours = {name for name, _ in self._headers}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in ours]
                message = {**message, "headers": [*others, *self._headers]}
            await send(message)

        return sent

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, status: int, words: str,
        more: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:  # fmt: skip
        if scope["type"] == "websocket":  # closed before it is accepted: the server answers 403
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        body = words.encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        start = {"type": "http.response.start", "status": status, "headers": [*headers, *more]}
        await self._with_headers(send)(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class Given:
    """Headers of a request, as they came."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]

    def all(self, name: str) -> list[str]:
        """Every value of a header, in lower case named."""
        return [value.strip() for one, value in self._headers if one == name]

    def one(self, name: str) -> str:
        """Its first value, '' without."""
        return next(iter(self.all(name)), "")

    def cookies(self, name: str) -> list[str]:
        """Every cookie of a name."""
        pairs = (pair.partition("=") for line in self.all("cookie") for pair in line.split(";"))
        return [value.strip() for key, _, value in pairs if key.strip() == name]


def _settled(scope: Scope, given: Given) -> Scope:
    """The request as Streamlit is to see it, which would else ask other machines for this one's addresses.

    It does so for an `Origin` that is not its `Host`. Both are checked: a plain request goes on without the first, a
    websocket, whose origin the sign-in is held against, with a host that is the origin's.
    """
    origin = given.one("origin")
    if not origin:
        return scope
    if scope["type"] == "http":
        return {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]}
    host = urlsplit(origin).netloc.encode("latin-1")
    headers = [(name, host if name.lower() == b"host" else value) for name, value in scope["headers"]]
    return {**scope, "headers": headers}


def proof_of(secret: str) -> str:
    """What the cookie holds of those who came by the first address."""
    return hmac.new(secret.encode(), b"the room's cookie", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are one, told in the same time whatever they are."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _policy(scripts: Iterable[str]) -> tuple[str, str]:
    """Everything from the room itself. Components are made in the browser, from blobs; styles are inline."""
    parts = (
        "default-src 'self'",
        f"script-src 'self' blob: 'wasm-unsafe-eval' {' '.join(scripts)}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
    return "content-security-policy", "; ".join(parts)


def plain_page(title: str, words: str) -> str:
    """A page of words, for what is answered without the pages."""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Spinecho</title><style>
:root {{color-scheme: dark light; --back: #0f1114; --text: #e8eaed; --line: #343a42; --key: #8fbfe0}}
@media (prefers-color-scheme: light) {{:root {{--back: #fbfbfa; --text: #15181c; --line: #c3c9d0; --key: #1b5f8f}}}}
body {{background: var(--back); color: var(--text); font: 16px/1.55 system-ui, sans-serif; margin: 0;
  display: grid; min-height: 100vh; place-items: center}}
main {{border: 1px solid var(--line); border-radius: 4px; margin: 1rem; max-width: 34rem; padding: 1.6rem 2rem}}
h1 {{font-size: 1.25rem; margin: 0 0 .6rem}} p {{margin: .5rem 0}} code {{color: var(--key); overflow-wrap: anywhere}}
</style></head><body><main><h1>{escape(title)}</h1><p>{escape(words)}</p></main></body></html>
"""


_DOOR = plain_page("Spinecho", "\x00").replace(
    "<p>\x00</p>",
    "<p>This room is for the account that started it. Its first address carries a secret, and this one does not.</p>"
    "<p>Open the address that <code>spinecho ui</code> printed. It also stands in the file "
    "<code>room-PORT.address</code> of the home, which that account alone can read. This browser then remembers it "
    "until the room is started again.</p>",
)
