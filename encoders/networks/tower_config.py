"""What is known of a 2.5D image tower before its network is opened: sizes, preparation, Space. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from spinecho.encoders.checkpoint import Card, CheckpointError
from spinecho.encoders.networks.backbone_weights import DEEP, backbone_revision
from spinecho.encoders.preparing.preparation import StackPreparation, digest, preparation_from
from spinecho.encoders.space import Space

KIND = "tower-2.5d"
_GPU_BATCH = 16


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """The sizes of the trained part. `width` is a multiple of `heads`, `dim` of `votes`."""

    width: int = 192
    latents: int = 24
    rounds: int = 2
    heads: int = 6
    votes: int = 8
    """Ways of weighing the cells, each with its own share of the space."""
    reduced: int = 176
    """Principal components of the frozen features that are kept."""
    dim: int = 256
    """Of the trained part of the space, which text shares."""
    likeness: float = 0.5
    """Share of the frozen features in how alike two volumes are; text is compared with the trained part alone."""

    def __post_init__(self) -> None:
        sizes = [value for name, value in asdict(self).items() if name != "likeness"]
        if not isinstance(self.likeness, float) or not 0.0 <= self.likeness < 1.0:
            raise ValueError(f"likeness must be from 0.0 to below 1, not {self.likeness}")
        if not all(type(n) is int and 1 <= n <= 8192 for n in sizes) or self.rounds > 64:
            raise ValueError(f"sizes must be whole numbers in reason: {self}")
        if self.width % self.heads or self.dim % self.votes or self.reduced > DEEP:
            raise ValueError(f"width must be a multiple of heads, dim of votes, reduced at most {DEEP}: {self}")

    @property
    def total(self) -> int:
        """Dimensions of a volume's vector: the trained ones, then those of the frozen features."""
        return self.dim + self.reduced


def tower_parts(folder: Path, card: Card) -> tuple[TowerConfig, StackPreparation]:
    """What the card of a tower in `folder` says. Raises CheckpointError where its parts contradict each other."""
    try:
        config, preparation = TowerConfig(**card.config), preparation_from(card.preparation)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: {error}; it was written by another version") from error
    if not isinstance(preparation, StackPreparation) or card.dim != config.total:
        raise CheckpointError(f"{folder}: the parts of its config contradict each other; save it again")
    return config, preparation


def tower_space(revision: str, preparation: StackPreparation, total: int) -> Space:
    """Of a tower whose weights have this sha256, over the frozen network that is installed."""
    return Space(KIND, f"{revision}+{backbone_revision()[:16]}", digest(preparation), total)


def tower_batch(device: str) -> int:
    """How many volumes are encoded at once; `device` is a kind, "cpu" or "cuda"."""
    return 1 if device == "cpu" else _GPU_BATCH
