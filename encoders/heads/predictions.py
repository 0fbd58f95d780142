"""What heads say of a volume, and what can be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spinecho.encoders.errors import EncoderError
from spinecho.encoders.networks.parts_of_volumes import Floats

UNKNOWN = "unknown"
"""The value of a prediction that a head would rather not make."""

Box = tuple[float, float, float, float, float, float]
"""Low R, A, S, then high R, A, S, as fractions 0..1 of a volume's extent."""


class HeadError(EncoderError):
    """A head cannot be trained, loaded or asked; the message names the task, what is wrong and the remedy."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one head says of one volume: predicted from its pixels, not known.

    value: a class, several joined by ", " or "none" (multi-label), a number as text, or `UNKNOWN`.
    score: calibrated probability of that class; for several, of the least sure; for a regression, the share 0..1 of the
    variance among its training patients that the head leaves no doubt about. Where the value is unknown, of the guess.
    number: the value of a regression in the unit of the head's card; None where it is unknown or no regression.
    details: plain JSON. "distance" from what the head knows (above 1 is strange to it); where the value is unknown
    "abstained" ("unsure" or "unfamiliar") and "best", the guess that was held back; by kind "probabilities" (class to
    probability), "unsure" (labels left open), "spread" and "interval" (95 %) in "unit", "box" and "slices".
    """

    task: str
    value: str
    score: float
    number: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the head was sure enough to say something."""
        return self.value != UNKNOWN


@dataclass(frozen=True, slots=True)
class Localisation:
    """Where in a volume something is.

    heat: (t,) for each token of the `Described`, 0..1, 1 where it is most likely (0 everywhere where nothing is).
    box: what the hottest connected part covers; None where nothing is.
    slice_range: the box's first and last slice (both inside) along the axis that was asked for; None where nothing is.
    score: for a trained head the calibrated probability that it is there at all, else the highest cosine of a part.
    """

    heat: Floats
    box: Box | None
    slice_range: tuple[int, int] | None
    score: float
