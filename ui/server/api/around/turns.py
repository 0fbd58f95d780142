"""Searches of whoever asks, one after the other as `limits.Turns` has it, and counted while they wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from spinecho.ui.server.api.around.metrics import SEARCHES
from spinecho.ui.server.api.around.service import Service

Answer = TypeVar("Answer")


async def taken_in_turn(service: Service, search: Callable[[float], Answer]) -> Answer:
    """What `search` makes in a thread, once it is its turn; it is told for how many seconds it waited."""
    with SEARCHES.track_inprogress():
        return await service.turns.taken(search)
