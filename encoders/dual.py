"""An image tower and a text tower that are used together, and whether their vectors may meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from encoders.image.preparation import Preparation, Prepared
from encoders.image.volume import Volume
from encoders.space import Encoder, Space, Vectors


class ImageEncoder(Encoder[Volume], Protocol):
    """An encoder of volumes whose preparation can run in another process."""

    @property
    def preparation(self) -> Preparation:
        """What is done to a volume before the network."""
        ...

    @property
    def batch(self) -> int:
        """How many volumes to hand over at once: 1 on a CPU, where more gains nothing."""
        ...

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """As `encode`, for volumes that were prepared already."""
        ...


@dataclass(frozen=True, slots=True)
class DualEncoder:
    """The two towers that an archive is indexed with.

    With `aligned_text`, a text tower in the image tower's own space, a sentence can be compared with a scan. Without
    it the pair says so by `aligned`, and text finds scans through report passages alone.
    `text` is the tower for text against text and has a space of its own.
    """

    name: str
    image: ImageEncoder
    text: Encoder[str]
    aligned_text: Encoder[str] | None = None

    def __post_init__(self) -> None:
        if self.aligned_text is not None and self.aligned_text.space != self.image.space:
            raise ValueError(
                f"{self.name}: text in {self.aligned_text.space.label} cannot be aligned with "
                f"images in {self.image.space.label}"
            )

    @property
    def aligned(self) -> bool:
        """Whether a sentence may be compared with a scan."""
        return self.aligned_text is not None

    @property
    def spaces(self) -> tuple[Space, Space]:
        """(image, text)."""
        return self.image.space, self.text.space
