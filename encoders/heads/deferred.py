"""Heads that are opened when the first volume is asked about: a search by words needs their names and no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from spinecho.encoders.checkpoint import checked_card
from spinecho.encoders.heads.predictions import Prediction
from spinecho.encoders.heads.stored import KIND, head_card, head_folders, require_space
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.space import Space

if TYPE_CHECKING:
    from spinecho.encoders.heads.predict import Predictor


class DeferredPredictor:
    """A `Predictor` to be, of the heads in a folder: opened, with torch, when the first volume is asked about.

    Raises what `Predictor.load` raises, for all that can be known without torch. Calls from several threads are safe.
    """

    def __init__(self, folder: Path, *, space: Space) -> None:
        self.space, self._folder, self._lock = space, folder, Lock()
        self.revisions: dict[str, str] = {}
        for path in head_folders(folder):
            stated = checked_card(path, kind=KIND)
            card = head_card(path, stated)
            require_space(card.task, card.space, space)
            self.revisions[card.task] = stated.sha256
        self.tasks = tuple(self.revisions)

    def predict(self, items: Sequence[Described], /) -> list[tuple[Prediction, ...]]:
        """For each volume what every head says of it, in the order of `tasks`."""
        with self._lock:
            heads = self._heads
        return heads.predict(items)

    @cached_property
    def _heads(self) -> Predictor:
        from spinecho.encoders.heads.predict import Predictor  # noqa: PLC0415  (torch is slow to import)

        return Predictor.load(self._folder, space=self.space)
