"""An encoder that learned from an archive's own reports: light heads over what another encoder says of scans and words.

The encoder below stays frozen. Of a scan its vector and those of its regions are read, of a text the vectors of its
sentences; two small networks put both into dimensions of their own, which stand before those of the encoder below. So
nothing is forgotten: what that encoder finds by words it goes on finding, and as all that is read is stored in the
index, an archive can be adapted, and embedded anew, without a scan being read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spinecho.encoders.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from spinecho.encoders.dual import DualEncoder, ImageEncoder, Predicted, Predictor
from spinecho.encoders.networks.parts_of_volumes import GRID, Described, Floats, region_vectors
from spinecho.encoders.networks.text_chunks import sentences_of
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Encoder, Space, Vectors

KIND = "adapted"
CELLS = prod(GRID)


@dataclass(frozen=True, slots=True)
class HeadsConfig:
    """Sizes. image: of the vectors below; text: of what is read of a sentence; dim: of what is learned.

    share: of a volume's vector that is learned, the rest is the vector below. words: the same of a text's.
    """

    image: int
    text: int
    width: int = 192
    dim: int = 128
    votes: int = 8
    dropout: float = 0.2
    share: float = 0.34
    words: float = 0.8

    def __post_init__(self) -> None:
        sizes = (self.image, self.text, self.width, self.dim, self.votes)
        if not all(type(n) is int and 1 <= n <= 8192 for n in sizes) or self.dim % self.votes or self.width % 6:
            raise ValueError(f"sizes must be whole numbers in reason, dim a multiple of votes, width of 6: {self}")
        if not all(0.0 < one < 1.0 for one in (self.share, self.words)) or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"shares lie between 0 and 1: {self}")


class ImageHead(nn.Module):
    """(n, 1 + cells, image) rows and which are filled, to (n, 1 + cells, dim) shares that add up to the vector.

    Rows are read by how they differ from what is usual at their place: what all scans share tells nothing. A linear
    map, which starts as a ridge regression, says the most of it, and a transformer what that cannot.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: HeadsConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.register_buffer("mean", torch.zeros(1 + CELLS, config.image))
        self.register_buffer("scale", torch.ones(1 + CELLS, config.image))
        self.enter = nn.Linear(config.image, width)
        self.place = nn.Parameter(torch.randn(1 + CELLS, width) * 0.02)
        self.mix = nn.TransformerEncoderLayer(
            width, 6, 2 * width, dropout=config.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.weigh = nn.Linear(width, config.votes)
        self.value = _silent(nn.Linear(width, config.dim))
        self.linear = nn.Parameter(torch.zeros(1 + CELLS, config.image, config.dim))
        self.drop = nn.Dropout(config.dropout)

    def forward(self, rows: Tensor, filled: Tensor) -> Tensor:
        """Shares of rows that are not filled are 0."""
        apart = (rows - self.mean) * filled[..., None]
        x = self.drop(self.enter(apart * self.scale) + self.place)
        x = self.norm(self.mix(x, src_key_padding_mask=~filled))
        weights = self.weigh(x).masked_fill(~filled[..., None], -torch.inf).softmax(dim=1)
        further = (self.value(x).unflatten(2, (self.config.votes, -1)) * weights[..., None]).flatten(2)
        shares: Tensor = further + torch.einsum("ncd,cde->nce", apart, self.linear)
        return shares


class TextHead(nn.Module):
    """(n, sentences, text) and which are filled, to (n, dim)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: HeadsConfig) -> None:
        super().__init__()
        width = 2 * config.width
        self.register_buffer("mean", torch.zeros(config.text))
        self.register_buffer("scale", torch.ones(config.text))
        self.layers = nn.Sequential(nn.Linear(config.text, width), nn.GELU(), nn.Dropout(config.dropout))
        self.weigh = nn.Linear(width, 1)
        self.value = _silent(nn.Linear(width, config.dim))
        self.linear = nn.Parameter(torch.zeros(config.text, config.dim))

    def forward(self, rows: Tensor, filled: Tensor) -> Tensor:
        """Not of unit length."""
        apart = (rows - self.mean) * filled[..., None]
        x = self.layers(apart * self.scale)
        weights = self.weigh(x).masked_fill(~filled[..., None], -torch.inf).softmax(dim=1)
        mean = apart.sum(dim=1) / filled.sum(dim=1, keepdim=True).clamp_min(1)
        found: Tensor = (self.value(x) * weights).sum(dim=1) + mean @ self.linear
        return found


def _silent(layer: nn.Linear) -> nn.Linear:
    """Says nothing before it is trained."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Heads(nn.Module):
    """Both heads, and the temperature that they were trained with."""

    def __init__(self, config: HeadsConfig) -> None:
        super().__init__()
        self.config = config
        self.image, self.text = ImageHead(config), TextHead(config)
        self.log_scale = nn.Parameter(torch.tensor(1.0 / 0.07).log())

    def standardise(self, scans: Floats, sentences: Floats) -> None:
        """Learn what is usual: of (v, 1 + cells, image) rows by place, of (c, text) sentences; zeros are none."""
        for number in range(scans.shape[1]):
            rows = scans[:, number].astype(np.float32)
            self._usual(self.image, rows[np.abs(rows).sum(axis=1) > 0], number)
        self._usual(self.text, sentences, None)

    @staticmethod
    def _usual(head: ImageHead | TextHead, rows: Floats, number: int | None) -> None:
        if len(rows) < 2:
            return
        spread = rows.std(axis=0)
        scale = 1.0 / (spread + 0.1 * float(spread.mean()) + 1e-6)
        mean = torch.from_numpy(rows.mean(axis=0).astype(np.float32))
        if number is None:
            head.mean.copy_(mean)
            head.scale.copy_(torch.from_numpy(scale.astype(np.float32)))
        else:
            head.mean[number].copy_(mean)
            head.scale[number].copy_(torch.from_numpy(scale.astype(np.float32)))


class Sentences:
    """What is read of a sentence: the sentence encoder's vector and, where there is one, the aligned tower's."""

    def __init__(self, text: Encoder[str], aligned: Encoder[str] | None) -> None:
        self._text, self._aligned = text, aligned
        self.width = text.space.dim + (aligned.space.dim if aligned is not None else 0)
        self.identity = f"{text.space.label} {'' if aligned is None else aligned.space.label}"

    def __call__(self, sentences: Sequence[str]) -> Floats:
        """(n, width) float32."""
        parts = [self._text.encode(sentences)]
        if self._aligned is not None:
            parts.append(self._aligned.encode(sentences))
        return np.concatenate(parts, axis=1).astype(np.float32)


def rows_of(vector: Floats, regions: Floats | None) -> Floats:
    """(1 + cells, dim) as they are stored, fp16: the volume's vector, then its regions; zeros where there are none."""
    cells = np.zeros((CELLS, len(vector)), np.float32) if regions is None else regions
    return np.concatenate([vector[None], cells]).astype(np.float16).astype(np.float32)


@dataclass(frozen=True, slots=True)
class AdaptedDescribed(Described):
    """`regions`: what is stored of its cells; `base`: what the encoder below says, for its heads."""

    regions: Floats
    base: Described


class AdaptedEncoder:
    """An `ImageEncoder` over another. On a CPU each volume is its own batch."""

    def __init__(self, base: ImageEncoder, heads: Heads, space: Space) -> None:
        self.base, self.heads, self.space = base, heads.eval(), space
        self.preparation = base.preparation

    @property
    def batch(self) -> int:
        """Volumes to encode at once."""
        return self.base.batch

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """The same for volumes that are prepared already."""
        found = [self.from_rows(vector, None)[0] for vector in self.base.encode_prepared(items)]
        return np.stack(found) if found else np.empty((0, self.space.dim), np.float32)

    def from_rows(self, vector: Floats, regions: Floats | None) -> tuple[Floats, Floats]:
        """(dim,) vector and (cells, dim) regions of a volume, from what the encoder below has stored of it."""
        shares, rows = self._shares(vector, regions)
        learned = shares.sum(axis=0)
        cells = np.stack([self._joined(own, below) for own, below in zip(shares[1:], rows[1:], strict=True)])
        return self._joined(learned, rows[0]), cells

    def _shares(self, vector: Floats, regions: Floats | None) -> tuple[Floats, Floats]:
        rows = rows_of(vector, regions)
        with torch.inference_mode():
            given = torch.from_numpy(rows)[None]
            shares = self.heads.image(given, given.abs().sum(dim=2) > 0)[0]
        return shares.numpy().astype(np.float32), rows

    def _joined(self, learned: Floats, below: Floats) -> Floats:
        share = self.heads.config.share
        return np.concatenate([sqrt(share) * _unit(learned), sqrt(1.0 - share) * _unit(below)]).astype(np.float32)


class AdaptedPartsEncoder(AdaptedEncoder):
    """The same over an encoder that tells parts apart."""

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        found = [each.vector for each in self.describe(items)]
        return np.stack(found) if found else np.empty((0, self.space.dim), np.float32)

    def describe(self, items: Sequence[Prepared], /) -> list[AdaptedDescribed]:
        """The parts of the encoder below, then the cells of the grid with what was learned of each."""
        base: Any = self.base
        return [self._described(one) for one in base.describe(items)]

    def _described(self, base: Described) -> AdaptedDescribed:
        below = region_vectors(base)
        shares, _ = self._shares(base.vector, below)
        vector, regions = self.from_rows(base.vector, below)
        config, filled = self.heads.config, np.abs(below).sum(axis=1) > 0
        count, learned = max(int(filled.sum()), 1), shares.sum(axis=0)
        whole = shares[0] / count  # what the whole said is spread over what is there
        cells = (shares[1:] + whole) * filled[:, None] if filled.any() else np.tile(learned / CELLS, (CELLS, 1))
        weights = np.concatenate([(1.0 - config.share) * base.weights, np.full(CELLS, config.share / CELLS)])
        total = base.weights @ base.aligned
        parts = np.zeros((len(weights), config.dim + config.image), np.float32)
        parts[: len(base.aligned), config.dim :] = base.aligned / max(float(np.linalg.norm(total)), 1e-12)
        parts[: len(base.aligned)] *= sqrt(1.0 - config.share) / (1.0 - config.share)
        parts[len(base.aligned) :, : config.dim] = cells * CELLS / max(float(np.linalg.norm(learned)), 1e-12)
        parts[len(base.aligned) :] *= sqrt(config.share) / config.share
        tokens = np.concatenate([base.tokens, np.zeros((CELLS, base.tokens.shape[1]), np.float32)])
        boxes = np.concatenate([base.boxes, _grid_boxes()])
        return AdaptedDescribed(vector, tokens, base.pooled, parts, weights.astype(np.float32), boxes, regions, base)


class AdaptedTextEncoder:
    """An `Encoder[str]` in the adapted space."""

    def __init__(self, sentences: Sentences, aligned: Encoder[str] | None, heads: Heads, space: Space) -> None:
        self.space, self._sentences, self._aligned, self._heads = space, sentences, aligned, heads.eval()

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        return np.stack([self._one(text) for text in items]) if items else np.empty((0, self.space.dim), np.float32)

    def _one(self, text: str) -> Floats:
        rows = torch.from_numpy(self._sentences(sentences_of(text)))[None]
        with torch.inference_mode():
            learned = self._heads.text(rows, torch.ones(rows.shape[:2], dtype=torch.bool))[0].numpy()
        config = self._heads.config
        if self._aligned is None:
            return np.concatenate([_unit(learned), np.zeros(config.image)]).astype(np.float32)
        below = sqrt(1.0 - config.words) * _unit(self._aligned.encode([text])[0])
        return np.concatenate([sqrt(config.words) * _unit(learned), below]).astype(np.float32)


class AdaptedPredictor:
    """The heads of the encoder below, which read what that one says."""

    def __init__(self, below: Predictor, space: Space) -> None:
        self._below, self.space = below, space
        self.tasks = below.tasks
        self.revisions = dict(getattr(below, "revisions", {}))

    def predict(self, items: Sequence[Described]) -> Sequence[tuple[Predicted, ...]]:
        """As the heads below."""
        return self._below.predict([one.base if isinstance(one, AdaptedDescribed) else one for one in items])


def adapted_dual(name: str, checkpoint: Checkpoint, base: DualEncoder) -> DualEncoder:
    """The pair over another. Raises `CheckpointError` where it was trained over other weights."""
    card = checkpoint.card
    made_on = asdict(base.image.space) | {"text": base.text.space.revision}
    if card.preparation.get("below") != made_on:
        raise CheckpointError(
            f"{checkpoint.folder} was adapted over {card.preparation.get('encoder')!r} with other weights than those "
            "at hand; adapt anew, or install the version of Spinecho that it was made with"
        )
    try:
        config = HeadsConfig(**card.config)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{checkpoint.folder}: {error}; it was written by another version") from error
    heads = Heads(config)
    checkpoint.put_into(heads)
    below = base.image.space
    space = Space(KIND, f"{card.sha256}+{below.revision[:16]}", below.preprocessing, config.dim + config.image)
    kind = AdaptedEncoder if base.describer is None else AdaptedPartsEncoder
    text = AdaptedTextEncoder(Sentences(base.text, base.aligned_text), base.aligned_text, heads, space)
    predictor = None if base.predictor is None else AdaptedPredictor(base.predictor, space)
    return DualEncoder(name, kind(base.image, heads, space), base.text, text, predictor)


def load_adapted(folder: Path) -> tuple[Checkpoint, str]:
    """The checkpoint, and the name of the encoder below. Raises `CheckpointError`."""
    checkpoint = load_checkpoint(folder, kind=KIND)
    name = checkpoint.card.preparation.get("encoder")
    if not isinstance(name, str) or name.startswith(f"{KIND}:"):
        raise CheckpointError(f"{folder} names no encoder that it stands on; adapt anew")
    return checkpoint, name


def save_adapted(folder: Path, heads: Heads, *, encoder: str, base: DualEncoder, facts: dict[str, Any]) -> None:
    """Write what `load_adapted` reads. encoder: the name of the one below; facts: what it was made from."""
    below = asdict(base.image.space) | {"text": base.text.space.revision}
    save_checkpoint(
        folder, kind=KIND, config=asdict(heads.config), weights=heads.state_dict(),
        preparation={"encoder": encoder, "below": below, "made": facts},
        dim=heads.config.dim + heads.config.image,
    )  # fmt: skip


def _unit(row: Floats) -> Floats:
    return row / max(float(np.linalg.norm(row)), 1e-12)


def _grid_boxes() -> Floats:
    steps = np.array(list(np.ndindex(*GRID)), np.float32)
    return np.concatenate([steps / GRID, (steps + 1) / GRID], axis=1).astype(np.float32)
