"""What a training config says: one frozen dataclass a table, and one literal table of what can be trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from spinecho.access.people import open_access
from spinecho.encoders.config_toml import ConfigError, build, read_toml
from spinecho.encoders.heads.fitting.probe_training import FitOptions
from spinecho.encoders.measuring.held_out import SHARE
from spinecho.encoders.training.data.examples import Example, Facts
from spinecho.encoders.training.data.shards import Part, ShardExamples, held_out
from spinecho.encoders.training.objectives.align_tower import AlignConfig
from spinecho.encoders.training.objectives.align_vit import AlignVitConfig
from spinecho.encoders.training.run_config import TrainConfig, TrainError
from spinecho.indexer.corpus.cache import VolumeCache
from spinecho.indexer.corpus.from_archive import ArchiveExamples
from spinecho.search.access.personal_archive import Role
from spinecho.setup.settings import read_settings

Command = Literal["pretrain", "align", "head"]


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Where examples come from: folders of shards, or an indexed archive, or both one after the other."""

    shards: tuple[Path, ...] = ()
    home: Path | None = None
    """A home whose archive is streamed."""
    cache: Path | None = None
    """Where decoded volumes are kept; the home's `training-cache` where it is not named."""
    cache_gb: float = 20.0
    source: str = "archive"
    """What the archive is called in the model card."""
    held_out: float = SHARE
    """Share of patients that are kept from training, and measured on."""
    licence: str = "That of the training data, which its owner must state before the weights are passed on."

    def __post_init__(self) -> None:
        if not self.shards and self.home is None:
            raise ValueError("name shards = [folders], or home = a folder that 'spinecho index' wrote")
        if not 0 <= self.held_out < 1 or not self.cache_gb >= 0:
            raise ValueError(
                f"held_out = {self.held_out} must be from 0 to below 1, cache_gb = {self.cache_gb} at least 0"
            )


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """Which vision transformer is trained."""

    size: Literal["tiny", "small", "base"] = "small"
    start: Path | None = None
    """A checkpoint to begin from, e.g. what `pretrain` exported; its sizes count then."""
    projection: int = 512
    width: int | None = None
    depth: int | None = None
    heads: int | None = None
    patch: tuple[int, int, int] | None = None
    checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """Batches; `series_per_study` and `mixed` are those of `StudyBatches`, for alignment."""

    batch: int = 32
    series_per_study: int = 2
    mixed: float = 0.25


@dataclass(frozen=True, slots=True)
class CropsPlan:
    """How much self-supervision looks at; see `encoders.training.data.crops.Crops`."""

    whole_tokens: int = 256
    local: int = 4
    local_tokens: int = 48


@dataclass(frozen=True, slots=True)
class SelfsupPlan:
    """Kind "selfsup": see `SelfSupervisionConfig`."""

    crops: CropsPlan = field(default_factory=CropsPlan)
    prototypes: int = 4096
    hidden: int = 1024
    bottleneck: int = 256
    ibot: float = 1.0
    koleo: float = 0.1
    momentum: float = 0.994


@dataclass(frozen=True, slots=True)
class MaskedPlan:
    """Kind "masked": see `MaskedConfig`."""

    hidden: float = 0.75
    tokens: int = 256
    width: int = 192
    depth: int = 4
    heads: int = 3


@dataclass(frozen=True, slots=True)
class TextPlan:
    """The text tower of an alignment."""

    model: str | None = None
    """A sentence encoder by its name on a hub, or its folder; the one that pip installs where it is not named."""
    start: Path | None = None
    """A text tower to begin from."""
    width: int = 192
    depth: int = 2
    heads: int = 6


@dataclass(frozen=True, slots=True)
class TowerPlan:
    """Kind "tower": the 2.5D tower over frozen features. `[sampling] batch` counts studies there."""

    start: Path | None = None
    """A folder with `image` and `text` to begin from, or `fresh`; the weights that ship where neither is named."""
    fresh: bool = False
    variants: int = 4
    """Ways that each volume is seen in: as it is, and with its shading, contrast, noise and resolution varied."""
    width: int = 128
    rounds: int = 1
    heads: int = 4
    dim: int = 256
    """These four for a fresh one."""
    loss: AlignConfig = field(default_factory=AlignConfig)

    def __post_init__(self) -> None:
        if self.variants < 1:
            raise ValueError(f"variants = {self.variants} must be at least 1")
        if self.fresh and self.start is not None:
            raise ValueError("fresh = true and start = ... contradict each other; keep one")


@dataclass(frozen=True, slots=True)
class MlmPlan:
    """Kind "mlm": see `MlmConfig`; the network is `[text] model`."""

    share: float = 0.15
    whole_words: bool = False
    tokens: int = 128


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """Heads on a frozen encoder."""

    encoder: str
    """As for --encoder, e.g. "vit:runs/align/export/image"."""
    tasks: tuple[str, ...]
    fit: FitOptions = field(default_factory=FitOptions)


@dataclass(frozen=True, slots=True)
class FitPlan:
    """A config of `pretrain` or `align`."""

    kind: str
    output: Path
    data: DataPlan
    train: TrainConfig
    network: NetworkPlan = field(default_factory=NetworkPlan)
    sampling: SamplingPlan = field(default_factory=SamplingPlan)
    text: TextPlan = field(default_factory=TextPlan)
    selfsup: SelfsupPlan = field(default_factory=SelfsupPlan)
    masked: MaskedPlan = field(default_factory=MaskedPlan)
    mlm: MlmPlan = field(default_factory=MlmPlan)
    align: AlignVitConfig = field(default_factory=AlignVitConfig)
    tower: TowerPlan = field(default_factory=TowerPlan)
    evaluate_most: int = 1000
    """Held-out volumes that are measured on while training."""


@dataclass(frozen=True, slots=True)
class HeadsPlan:
    """A config of `head`."""

    kind: Literal["head"]
    output: Path
    data: DataPlan
    head: HeadPlan


def read_plan(path: Path, command: Command, kinds: Sequence[str]) -> FitPlan | HeadsPlan:
    """The config of a command. Raises ConfigError, which names file, key, value and remedy."""
    values = read_toml(path)
    kind = values.get("kind")
    if kind not in kinds:
        raise ConfigError(f"{path}: kind = {kind!r} must be one of {', '.join(map(repr, kinds))} for 'train {command}'")
    plan: type[FitPlan] | type[HeadsPlan] = HeadsPlan if command == "head" else FitPlan
    return build(plan, values, file=path)


class Source(Protocol):
    """Examples with their facts at hand."""

    @property
    def facts(self) -> tuple[Facts, ...]:
        """Of every example, in order."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Example:
        """One example."""
        ...


class _Joined:
    def __init__(self, sources: Sequence[Source]) -> None:
        self._places = [(source, number) for source in sources for number in range(len(source))]
        self.facts: tuple[Facts, ...] = tuple(facts for source in sources for facts in source.facts)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Example:
        source, own = self._places[number]
        return source[own]


READ_REPORTS = ("tower", "vit", "mlm")
"""Kinds of training that learn from what reports say."""


@contextmanager
def open_data(plan: DataPlan, *, kind: str = "") -> Iterator[tuple[Part, Part]]:
    """(to train on, held out), as long as it is open. Raises TrainError where nothing is left to train on, and where
    reports of an archive's patients would be learned from whom everything is measured on.
    """
    if kind in READ_REPORTS and plan.home is not None and plan.held_out < SHARE:
        raise TrainError(
            f"held_out = {plan.held_out} lets it learn from reports of patients whom 'spinecho evaluate', 'adapt' and "
            f"'encoders compare' measure on: of an archive hold out {SHARE} at least"
        )
    with ExitStack() as opened:
        sources: list[Source] = [ShardExamples(plan.shards)] if plan.shards else []
        if plan.home is not None:
            cache = VolumeCache(plan.cache or plan.home / "training-cache", int(plan.cache_gb * 1e9))
            settings = read_settings(home=plan.home)
            open_access(settings).allow(Role.RESEARCHER, "train on an archive", "train")
            archive = ArchiveExamples(settings.database, cache, source=plan.source)
            opened.callback(archive.close)
            sources.append(archive)
        whole = _Joined(sources)
        apart = [held_out(facts, plan.held_out) for facts in whole.facts]
        train, held = (
            Part(whole.__getitem__, whole.facts, [n for n, kept in enumerate(apart) if kept == wanted])
            for wanted in (False, True)
        )
        if not len(train):
            raise TrainError(f"{len(whole)} volumes leave none to train on; index or name more, or lower held_out")
        yield train, held


def counts(facts: Sequence[Facts]) -> list[tuple[str, int, int, int]]:
    """(source, volumes, studies, patients) by source."""
    found = []
    for source in sorted({one.source for one in facts}):
        own = [one for one in facts if one.source == source]
        found.append((source, len(own), len({one.study for one in own}), len({one.patient for one in own})))
    return found


def text_kinds(facts: Sequence[Facts]) -> dict[str, int]:
    """Studies by the kind of their texts."""
    kinds: dict[str, set[tuple[str, str]]] = {}
    for one in facts:
        for kind in {kind for kind, _ in one.texts} or {"none"}:
            kinds.setdefault(kind, set()).add((one.source, one.study))
    return {kind: len(studies) for kind, studies in sorted(kinds.items())}


def vit_of(plan: NetworkPlan) -> Any:
    """The network, begun afresh or from a checkpoint. Raises CheckpointError, and TrainError for impossible sizes."""
    from spinecho.encoders.networks.vit.encoder import VitEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.vit.network import VisionTransformer  # noqa: PLC0415
    from spinecho.encoders.networks.vit.sizes import SIZES  # noqa: PLC0415

    if plan.start is not None:
        network = VitEncoder.load(plan.start).network.train()
        network.requires_grad_(True)
    else:
        sizes = {name: getattr(plan, name) for name in ("width", "depth", "heads", "patch", "projection")}
        try:
            config = replace(SIZES[plan.size], **{name: size for name, size in sizes.items() if size is not None})
        except ValueError as error:
            raise TrainError(f"[network]: {error}") from error
        network = VisionTransformer(config)
    network.checkpointing = plan.checkpointing
    if plan.compile:
        network.compile_layers()
    return network
