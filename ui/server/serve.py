"""The room's server, as a process of its own: `spinecho ui` starts it with a clean environment.

Run as `python -P -m spinecho.ui.server.serve`. Home, encoder and other settings come in the environment, as for every
command.
"""

from __future__ import annotations

import argparse
import atexit
import base64
import contextlib
import errno
import hashlib
import ipaddress
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

from spinecho.access.roles import read_roles, redirect_origin, signs_in
from spinecho.errors import SettingsError, SpinechoError
from spinecho.setup.private import UMASK, open_private
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.server.fair import have_files_open
from spinecho.ui.server.guard import Guard, Rules
from spinecho.ui.server.parent import end_with_parent
from spinecho.ui.server.theme import PAGE, streamlit_options

SECRET = "SPINECHO_ROOM_SECRET"  # noqa: S105  (its name)
_SHORTEST = 32


class OpenToEverybody(SettingsError):
    """The pages would be open to whoever reaches the machine."""


class NoPort(SpinechoError):
    """Nobody can listen there: it is taken, is no address of this machine, or takes other rights."""

    exit_status = 3


def check_port(address: str, port: int) -> None:
    """Raise `NoPort` where a server could not listen, before it writes anything that one which runs there needs."""
    names, bound, away = f"{address}:{port}", False, ""
    try:
        places = socket.getaddrinfo(address.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise NoPort(f"{address!r} is no address of this machine ({error}); 127.0.0.1 is always one") from None
    for family, kind, _, _, place in places:
        try:
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what has ended waits not
                probe.bind(place)
            bound = True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise NoPort(f"{names} is taken: does a server run there already? Give another --port") from None
            if error.errno in (errno.EACCES, errno.EPERM):
                raise NoPort(f"this account may not listen at {names}; give a --port from 1024 up") from None
            away = error.strerror or str(error)
    if not bound:  # one name may have an address of a kind that this machine lacks beside one that it has
        raise NoPort(f"{names} cannot be listened at ({away}); 127.0.0.1 is always an address of this machine")


def check_address(address: str, settings: Settings, *, allowed: bool) -> bool:
    """Whether people sign in. Raises `OpenToEverybody` beyond loopback without a sign-in, unless that is `allowed`.

    Raises `RolesError` where the files of sign-in and roles cannot be meant as they are written.
    """
    signed = signs_in(settings.secrets)
    if signed:
        read_roles(settings.roles)
        redirect_origin(settings.secrets)
    if not (signed or allowed or is_loopback(address)):
        raise OpenToEverybody(
            f"at {address} other machines reach the room, and nobody would sign in: name a provider in "
            f"{settings.secrets} (docs/reading-room.md), listen on 127.0.0.1, or say --open: then whoever has the "
            "first address, which goes over the network in the clear, may do everything"
        )
    return signed


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches it."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def rules_for(
    settings: Settings, *, address: str, port: int, hosts: Sequence[str], signed: bool, secret: str
) -> Rules:  # fmt: skip
    """What the guard lets through. hosts: further names that the room goes by, such as a proxy's."""
    names = {"localhost", "127.0.0.1", "::1", address.strip("[]").lower(), *(host.lower() for host in hosts)}
    origins = {f"{scheme}://{host.lower()}{at}" for host in hosts for scheme in ("http", "https")
               for at in ("", f":{port}")}  # fmt: skip
    if not is_loopback(address):
        names.add(socket.gethostname().lower())  # as the system knows it: no server of names is asked
    if signed and (origin := redirect_origin(settings.secrets)):
        names.add(re.sub(r":\d+$", "", origin.partition("//")[2]).strip("[]").lower())
        origins.add(origin)
    everywhere = address in ("0.0.0.0", "::", "[::]")  # noqa: S104  (what it listens on is the caller's choice)
    return Rules(
        frozenset(names), port, everywhere, frozenset(origins), "" if signed else secret, _inline_scripts()
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    os.umask(UMASK)
    have_files_open()
    given = _parser().parse_args(arguments)
    settings = read_settings()
    signed = check_address(given.behind_address or given.address, settings, allowed=given.open)
    secret = "" if signed else secret_of()
    rules = rules_for(
        settings, address=given.behind_address or given.address, port=given.behind_port or given.port,
        hosts=given.host, signed=signed, secret=secret,
    )  # fmt: skip
    if given.behind_port:
        end_with_parent()
    else:
        tell_address(settings, given.address, given.port, secret)
    os.environ.pop(SECRET, None)
    os.chdir("/")  # where one stands may be an archive, in which .streamlit/config.toml would be read
    from spinecho.ui.server.jobs.pages import long_work  # noqa: PLC0415  (slow to import)

    with long_work(settings, given.jobs, leads=not given.behind_port):
        _serve(rules, streamlit_options(
            secrets=settings.secrets, address=given.address, port=given.port, theme=given.theme
        ))  # fmt: skip


def _serve(rules: Rules, options: dict[str, object]) -> None:
    from starlette.middleware import Middleware  # noqa: PLC0415  (slow to import)
    from streamlit.starlette import App  # noqa: PLC0415

    from spinecho.ui.server.downloads import ROUTE  # noqa: PLC0415

    # Streamlit imports it with the first list that it draws: whoever searches first would wait for that
    threading.Thread(target=import_module, args=("pandas",), name="pandas", daemon=True).start()
    App(PAGE, routes=[ROUTE], middleware=[Middleware(Guard, rules=rules)]).run(config=options)


def parser_of(prog: str) -> argparse.ArgumentParser:
    """What every server of pages is told: where it listens, under which names, and how it looks."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--host", action="append", default=[])
    parser.add_argument("--open", action="store_true")
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("spinecho ui")
    parser.add_argument("--behind-address", default="", help="Where the server that these pages stand behind listens.")
    parser.add_argument("--behind-port", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    return parser


def secret_of() -> str:
    """The secret of the first address: a new one, or the environment's. Raises `OpenToEverybody` for a short one."""
    held = os.environ.get(SECRET, "")
    if held and (len(held) < _SHORTEST or not re.fullmatch(r"[A-Za-z0-9_-]+", held)):
        raise OpenToEverybody(
            f"{SECRET} has to have {_SHORTEST} or more letters, digits, - and _; take it out for a new one"
        )
    return held or secrets.token_urlsafe(32)


def tell_address(settings: Settings, address: str, port: int, secret: str) -> None:
    """Print where the room is. The secret goes to a terminal and to a file that the account alone may read, never to a
    log: where standard output is none, the file is named instead. SPINECHO_ROOM_SECRET is looked at, and taken out
    of the environment afterwards: what this process starts needs it not. Raises `NoPort` before it is in another's
    way."""
    given = bool(os.environ.pop(SECRET, ""))
    check_port(address, port)
    shown = address.strip("[]")
    if shown in ("0.0.0.0", "::"):  # noqa: S104
        shown = socket.gethostname()
    plain = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    if not secret:
        print(f"The room is at {plain} (Ctrl-C stops it)", flush=True)  # noqa: T201
        return
    full = f"{plain}?secret={secret}"
    path = settings.home / f"room-{port}.address"
    kept = True
    try:
        with open_private(path) as file:
            file.write(f"{full}\n".encode())
        _remove_at_exit(path, f"{full}\n")
    except OSError:  # a home that one may only read
        kept = False
        if not (sys.stdout.isatty() or given):
            raise OpenToEverybody(
                f"{path} cannot be written, and standard output is no terminal, so nobody could be told the secret of "
                f"the room: set {SECRET} to one of your own"
            ) from None
    if sys.stdout.isatty():
        sentence = "The address holds a secret: keep it to yourself (Ctrl-C stops the room)"
        print(f"The room is at {full}\n{sentence}", flush=True)  # noqa: T201
    elif not kept:
        print(f"The room is at {plain}; its secret is that of {SECRET}", flush=True)  # noqa: T201
    else:
        print(f"The room is at {plain}; the address with its secret stands in {path}", flush=True)  # noqa: T201


def _remove_at_exit(path: Path, written: str) -> None:
    def remove() -> None:
        with contextlib.suppress(OSError, ValueError):
            if path.read_text(encoding="utf-8") == written:  # not that of a server which came after
                path.unlink()

    atexit.register(remove)

    def stop(number: int, _: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)  # before the server has a handler of its own


def _inline_scripts() -> tuple[str, ...]:
    """Sources of the scripts that stand in Streamlit's page itself, by their digest."""
    import streamlit  # noqa: PLC0415  (slow to import)

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
    return tuple(f"'sha256-{digest}'" for digest in digests)


if __name__ == "__main__":
    try:
        main()
    except SpinechoError as error:
        sys.exit(f"error: {error}")
