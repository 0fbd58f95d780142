"""HLIP's image tower: all scans of a study at once, attended to slice by slice, scan by scan, and as a whole.

Zhao et al. 2025 (arXiv:2505.21862); facts from github.com/Zch0414/hlip at 1abc1d3: a timm ViT whose patches are small
blocks, whose layers attend within a slice of blocks, within a scan, or within the study. Where tokens of the whole go
from a group to several each gets them, and where groups join their mean goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from spinecho.encoders.networks.published.blocks import EPS, HEAD, Block
from spinecho.encoders.networks.published.picture_vit import layers_in

_THREE, _TWO = re.compile(r"slice_scan_study|multiscan_h3"), re.compile(r"scan_study|multiscan_h2")
_ROUNDS = 4
"""How often a network goes up to the study."""


def levels_of(name: str, depth: int) -> tuple[str, ...]:
    """What each layer attends within: "slice", "scan" or "study". It leaves no trace in weights, so a name tells it.

    name: of the model or its repository, such as "clip-vit_base-slice_scan_study-dualdinotxt1568". Raises ValueError.
    """
    plain = name.lower().replace("-", "_")
    period = depth // _ROUNDS
    if depth not in (12, 24):
        raise ValueError(f"{depth} layers are none of HLIP's")
    if _THREE.search(plain):
        once = ("slice",) * (period - 2) + ("scan", "study")
    elif _TWO.search(plain):
        once = ("scan",) * (period - 1) + ("study",)
    else:
        raise ValueError(f"the name {name!r} does not say whether its layers are slice_scan_study or scan_study")
    return once * _ROUNDS


class StudyVit(nn.Module):
    """Scans of a study (n, 1, slices, side, side) to its features (m,): the class token, and the mean of all patches.

    Its sizes are those of weights. wide: whether the mean of the patches belongs to the features. Raises KeyError and
    ValueError for weights that are none of such a network.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], name: str, *, wide: bool) -> None:
        super().__init__()
        width, colours, *patch = shapes["patch_embed.proj.weight"]
        _, *grid, _ = shapes["spatial_posemb"]
        if colours != 1 or len(patch) != 3 or len(grid) != 3 or width % HEAD:
            raise ValueError(f"patches {patch} on a grid {grid} with a width of {width} are none of HLIP's")
        self.grid, self.wide = tuple(grid), wide
        self.shape = tuple(cells * voxels for cells, voxels in zip(grid, patch, strict=True))
        self.levels = levels_of(name, layers_in(shapes, "blocks."))
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.reg_token = nn.Parameter(torch.empty(shapes["reg_token"])) if "reg_token" in shapes else None
        self.spatial_posemb = nn.Parameter(torch.empty(shapes["spatial_posemb"]))
        in_order = shapes.get("sequential_posemb")
        self.sequential_posemb = nn.Parameter(torch.empty(in_order)) if in_order is not None else None
        self.patch_embed = _Blocks(width, (patch[0], patch[1], patch[2]))
        inner = shapes["blocks.0.mlp.fc1.weight"][0]
        self.blocks = nn.ModuleList(Block(width, inner) for _ in self.levels)
        self.norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, scans: Tensor) -> Tensor:
        """(m,)."""
        count = len(scans)
        patches = self.patch_embed(scans) + self.spatial_posemb.flatten(1, 3)
        if self.sequential_posemb is not None:
            patches = patches + self._of_scans(self.sequential_posemb, count)[:, None]
        own: list[Tensor] = [self.cls_token] if self.reg_token is None else [self.cls_token, self.reg_token]
        whole, groups = torch.cat(own, dim=1), {"slice": count * self.grid[0], "scan": count, "study": 1}
        for level, block in zip(self.levels, self.blocks, strict=True):
            whole, patches = _regrouped(whole, patches, groups[level])
            tokens = block(torch.cat([whole, patches], dim=1))
            whole, patches = tokens[:, : whole.shape[1]], tokens[:, whole.shape[1] :]
        whole, patches = self.norm(whole), self.norm(patches)
        return torch.cat([whole[0, 0], patches[0].mean(dim=0)]) if self.wide else whole[0, 0]

    def _of_scans(self, places: Tensor, count: int) -> Tensor:
        """(count, width): what is added by a scan's number; stretched for more scans than there are numbers."""
        if count <= places.shape[1]:
            return places[0, :count]
        return functional.interpolate(places.transpose(1, 2), size=count, mode="linear")[0].T


class _Blocks(nn.Module):
    def __init__(self, width: int, patch: tuple[int, int, int]) -> None:
        super().__init__()
        self.proj = nn.Conv3d(1, width, patch, patch)

    def forward(self, scans: Tensor) -> Tensor:
        after: Tensor = self.proj(scans).flatten(2).transpose(1, 2)
        return after


def _regrouped(whole: Tensor, patches: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """The same tokens in so many groups: (groups, own tokens, width), (groups, patches of each, width)."""
    before, own, width = whole.shape
    if groups < before:
        whole = whole.view(groups, before // groups, own, width).mean(dim=1)
    elif groups > before:
        whole = whole.repeat_interleave(groups // before, dim=0)
    return whole, patches.reshape(groups, -1, width)
