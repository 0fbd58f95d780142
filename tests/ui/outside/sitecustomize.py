"""Taken in by a server under test: writes down whom it would speak to, or ask for, beyond this machine.

Where a test names a file for it, the server's clock is ahead by the seconds that stand in that file.
"""

import os
import sys
import time

_HERE = ("127.", "::1", "localhost", "0.0.0.0", "::")


def _heard(event: str, given: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = given[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = given
    else:
        return
    name = address[0] if isinstance(address, tuple) and address else address
    if name in (None, "") or str(name).startswith(_HERE) or "/" in str(name):
        return
    with open(os.environ["SPINECHO_TEST_OUTSIDE"], "a") as file:  # noqa: PTH123
        file.write(f"{event} {name}\n")


if os.environ.get("SPINECHO_TEST_OUTSIDE"):
    sys.addaudithook(_heard)


if _ahead := os.environ.get("SPINECHO_TEST_AHEAD"):
    _time = time.time

    _since_boot = time.clock_gettime

    def _more() -> float:
        with open(_ahead) as file:  # noqa: PTH123
            return float(file.read() or 0)

    time.time = lambda: _time() + _more()
    time.clock_gettime = lambda clock: _since_boot(clock) + _more()
