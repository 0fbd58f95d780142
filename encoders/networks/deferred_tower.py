"""An image tower that is opened when the first scan is encoded: a search by words needs its Space and no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from spinecho.encoders.checkpoint import checked_card
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.networks.tower_config import KIND, tower_batch, tower_parts, tower_space
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Vectors

if TYPE_CHECKING:
    from spinecho.encoders.networks.image_tower import TowerEncoder


class DeferredTower:
    """A `TowerEncoder` to be. Calls from several threads are safe.

    What can be known of its checkpoint without torch is checked when it is made (CheckpointError, EncoderUnavailable).
    """

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        card = checked_card(folder, kind=KIND)
        config, self.preparation = tower_parts(folder, card)
        self.space = tower_space(card.sha256, self.preparation, config.total)
        self._folder, self._device, self._lock = folder, device, Lock()

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return tower_batch(self._device.partition(":")[0])

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        return self._opened().encode(items)

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that the preparation has been applied to already."""
        return self._opened().encode_prepared(items)

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        """Vector and parts of each volume."""
        return self._opened().describe(items)

    def _opened(self) -> TowerEncoder:
        with self._lock:
            return self._tower

    @cached_property
    def _tower(self) -> TowerEncoder:
        from spinecho.encoders.networks.image_tower import TowerEncoder  # noqa: PLC0415  (torch is slow to import)

        return TowerEncoder.load(self._folder, device=self._device)
