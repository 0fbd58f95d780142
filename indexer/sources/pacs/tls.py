"""What is wrong with a server's TLS, in words that say what would mend it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

_EXPIRED, _OTHER_NAMES = 10, (62, 64)
"""Of OpenSSL's verification errors."""
_MOST_CAUSES = 20


def tls_context(settings: Mapping[str, Any]) -> ssl.SSLContext | None:
    """What trusts the authority that `ca_file` names, None without one. Raises OSError for a file that holds none."""
    return ssl.create_default_context(cafile=str(settings["ca_file"])) if settings.get("ca_file") else None


def tls_trouble(error: BaseException) -> str:
    """What to do where an error of a library comes from TLS, '' where it comes from something else."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            if one.verify_code in _OTHER_NAMES:
                return "its certificate is for another name than the address has: give the address with that name"
            if one.verify_code == _EXPIRED:
                return "its certificate has expired: have it renewed there, or look at this machine's clock"
            return "its certificate is not trusted: give the file of the authority that signed it by ca_file=..."
        if isinstance(one, ssl.SSLError):
            return "it speaks no TLS that this machine does: check the port, and whether the address is to be http://"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised for: libraries wrap them several times."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST_CAUSES:
        one = waiting.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
