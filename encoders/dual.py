"""An image tower and a text tower that are used together, and whether their vectors may meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from spinecho.encoders.networks.parts_of_volumes import Described, Describing
from spinecho.encoders.preparing.preparation import Preparation, Prepared
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Encoder, Space, Vectors


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


@runtime_checkable
class OfStudies(Protocol):
    """An image encoder that sees all scans of a study at once; a volume alone is a study of one scan."""

    def encode_study(self, scans: Sequence[Prepared], /) -> Vectors:
        """(dim,) a unit vector for all of them together, in the order in which they are given."""
        ...


class Predicted(Protocol):
    """What one head says of one volume; `score` is 0..1, `number` the value of a regression, `details` plain JSON."""

    @property
    def task(self) -> str: ...  # noqa: D102

    @property
    def value(self) -> str: ...  # noqa: D102

    @property
    def score(self) -> float: ...  # noqa: D102

    @property
    def number(self) -> float | None: ...  # noqa: D102

    @property
    def details(self) -> dict[str, Any]: ...  # noqa: D102


class Predictor(Protocol):
    """The heads of one image encoder."""

    @property
    def space(self) -> Space:
        """The space of the encoder that they were trained on."""
        ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """What they predict."""
        ...

    def predict(self, items: Sequence[Described], /) -> Sequence[tuple[Predicted, ...]]:
        """For each volume one prediction a task, in the order of `tasks`."""
        ...


@runtime_checkable
class Revised(Protocol):
    """A `Predictor` that tells the versions of its heads apart."""

    @property
    def revisions(self) -> Mapping[str, str]:
        """By task: a digest of the head's weights."""
        ...


@dataclass(frozen=True, slots=True)
class DualEncoder:
    """The two towers that an archive is indexed with.

    With `aligned_text`, a text tower in the image tower's own space, a sentence can be compared with a scan. Without
    it the pair says so by `aligned`, and text finds scans through report passages alone.
    `text` is the tower for text against text and has a space of its own.
    With `predictor`, heads on the image tower, indexing adds what they say of a volume as predicted facts.
    """

    name: str
    image: ImageEncoder
    text: Encoder[str]
    aligned_text: Encoder[str] | None = None
    predictor: Predictor | None = None

    def __post_init__(self) -> None:
        if self.aligned_text is not None and self.aligned_text.space != self.image.space:
            raise ValueError(
                f"{self.name}: text in {self.aligned_text.space.label} cannot be aligned with "
                f"images in {self.image.space.label}"
            )

        if self.predictor is not None and self.predictor.space != self.image.space:
            raise ValueError(
                f"{self.name}: heads trained on {self.predictor.space.label} cannot read "
                f"images in {self.image.space.label}"
            )
        if self.predictor is not None and self.describer is None:
            raise ValueError(f"{self.name}: heads need an image encoder that tells the parts of a volume apart")

    @property
    def describer(self) -> Describing | None:
        """The image tower where it can tell the parts of a volume apart, else None."""
        return self.image if isinstance(self.image, Describing) else None

    @property
    def aligned(self) -> bool:
        """Whether a sentence may be compared with a scan."""
        return self.aligned_text is not None

    @property
    def spaces(self) -> tuple[Space, Space]:
        """(image, text)."""
        return self.image.space, self.text.space
