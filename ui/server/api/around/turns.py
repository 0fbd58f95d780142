"""Endpoints that compute wait for their turn, and take no thread meanwhile."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from spinecho.ui.server.api.around import metrics
from spinecho.ui.server.api.around.limits import Turns

Answer = TypeVar("Answer")


def in_turn(endpoint: Callable[..., Answer]) -> Callable[..., Awaitable[Answer]]:
    """An endpoint, with the parameter `asked`, that waits. The seconds are in `asked.request.state.waited`."""
    signature = inspect.signature(endpoint)

    @functools.wraps(endpoint)
    async def waits(*given: Any, **named: Any) -> Answer:
        asked = signature.bind(*given, **named).arguments["asked"]

        def work(waited: float) -> Answer:
            asked.request.state.waited = waited
            return endpoint(*given, **named)

        with metrics.UNANSWERED.track_inprogress():
            turns: Turns = asked.service.turns
            return await turns.taken(work)

    return waits
