"""The sizes of a 3D vision transformer, and three that go by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VitConfig:
    """The sizes of a network. `width` is a multiple of `heads`; a head has an even width of 6 or more.

    Six, because rotary positions turn a pair of numbers for each of three axes.
    """

    width: int
    depth: int
    heads: int
    patch: tuple[int, int, int] = (4, 16, 16)
    """Voxels across the acquired slices, then within them, as `BlockPreparation` has it."""
    registers: int = 4
    projection: int = 512
    """Dimension of the space that images and text share."""
    most_tokens: int = 8192
    """Patches that a volume may have; more is an error rather than a machine out of memory."""
    layer_scale: float = 0.1
    """What a layer's part in the sum is first multiplied with: CaiT's value for a dozen layers; DINOv2 has 1e-5."""
    drop_path: float = 0.0
    """How often training leaves a layer out, volume by volume: the same for every layer, as in DINOv2."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patch", tuple(self.patch))  # JSON knows lists only
        sizes = (self.width, self.depth, self.heads, *self.patch, self.projection, self.most_tokens)
        if not all(type(n) is int and 1 <= n <= 65536 for n in sizes) or self.depth > 256:
            raise ValueError(f"sizes must be whole numbers in reason: {self}")
        if type(self.registers) is not int or not 0 <= self.registers <= 256:
            raise ValueError(f"registers must be 0 to 256, not {self.registers}")
        head, rest = divmod(self.width, self.heads)
        if len(self.patch) != 3 or rest or head % 2 or head < 6:
            raise ValueError(f"patch must have three sizes, width / heads be even and at least 6: {self}")
        if not 0 < self.layer_scale <= 1 or not 0 <= self.drop_path < 1:
            raise ValueError(f"layer_scale must be in (0, 1], drop_path in [0, 1): {self}")

    @property
    def voxels(self) -> int:
        """How many voxels a patch has."""
        across, up, along = self.patch
        return across * up * along


TINY = VitConfig(width=192, depth=12, heads=3)
SMALL = VitConfig(width=384, depth=12, heads=6)
BASE = VitConfig(width=768, depth=12, heads=12)

SIZES = {"tiny": TINY, "small": SMALL, "base": BASE}
"""About 6, 22 and 86 million weights."""
