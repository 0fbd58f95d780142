"""Lines of JSON on standard error: what was asked by route, how it went, how long each stage took; no words."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def set_up(level: int = logging.INFO) -> None:
    """Once for a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log() -> Any:
    """The server's logger. Give it routes, counts and kinds, never what was typed, found or stored."""
    return structlog.get_logger("spinecho")
