"""What is to be known of the runtime, each thing once a process: in the log, and for `spinecho status`."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from importlib.util import find_spec

from spinecho.encoders.errors import EncoderUnavailable

SETTING = "SPINECHO_RUNTIME"
RUNTIMES = ("onnx", "torch")
_LOG = logging.getLogger("spinecho.encoders")
_LOCK = threading.Lock()
_given: dict[str, str] = {}


def wanted_runtime(environment: Mapping[str, str] = os.environ) -> str:
    """ "onnx", or "torch" where SPINECHO_RUNTIME asks for it. Raises EncoderUnavailable for another value."""
    given = environment.get(SETTING) or RUNTIMES[0]
    if given not in RUNTIMES:
        raise EncoderUnavailable(f"{SETTING}={given[:40]!r}: give one of {', '.join(RUNTIMES)}, or take it out")
    return given


def notify_once(subject: str, message: str) -> None:
    """Log a warning; one on the same subject is not logged again in this process."""
    with _LOCK:
        known = subject in _given
        _given.setdefault(subject, message)
    if not known:
        _LOG.warning(message)


def notices() -> tuple[str, ...]:
    """What was logged in this process, and what can be known without opening a network; empty where all is well."""
    return tuple(dict.fromkeys([*_missing(), *_given.values()]))


def _missing() -> list[str]:
    if wanted_runtime() != RUNTIMES[0] or find_spec("onnxruntime") is not None:
        return []
    return [MISSING]


MISSING = (
    "onnxruntime is not installed, so PyTorch encodes: the same vectors, and on a CPU several times slower for scans; "
    "'pip install onnxruntime' mends it"
)
