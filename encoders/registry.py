"""The encoders that a user can name: a literal table."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from spinecho.encoders.catalogue import published
from spinecho.encoders.dual import DualEncoder, ImageEncoder
from spinecho.encoders.errors import EncoderUnavailable

if TYPE_CHECKING:
    from spinecho.encoders.networks.clip.images import PictureModel

DEFAULT = "spinecho"
WEIGHTS = Path(__file__).parent / "weights"
"""Of the encoder that ships: the folders image, text and heads."""


def _spinecho(device: str) -> DualEncoder:
    return _tower("spinecho", WEIGHTS, device)


def _tower(name: str, folder: Path, device: str) -> DualEncoder:
    """Without torch, until a scan is encoded."""
    from spinecho.encoders.networks.deferred_tower import DeferredTower  # noqa: PLC0415

    return _with_texts(name, DeferredTower(folder / "image", device=device), folder, device)


def _with_texts(name: str, image: ImageEncoder, folder: Path, device: str) -> DualEncoder:
    """With the text tower and the heads that lie beside an image tower, where there are any."""
    from spinecho.encoders.heads.deferred import DeferredPredictor  # noqa: PLC0415
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.text_tower_encoder import TextTowerEncoder  # noqa: PLC0415

    text, aligned, heads = SentenceEncoder.default(device=device), None, None
    if (folder / "text").is_dir():
        aligned = TextTowerEncoder.load(folder / "text", text, space=image.space, device=device)
    if (folder / "heads").is_dir():
        heads = DeferredPredictor(folder / "heads", space=image.space)
    return DualEncoder(name, image, text, aligned, heads)


def _slices_minilm(device: str) -> DualEncoder:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.slices import SliceEncoder  # noqa: PLC0415  (torch is slow to import)

    return DualEncoder("slices-minilm", SliceEncoder(device=device), SentenceEncoder.default(device=device))


def _adapted(name: str, folder: Path, device: str) -> DualEncoder:
    from spinecho.encoders.adapted import adapted_dual, load_adapted  # noqa: PLC0415

    checkpoint, below = load_adapted(folder)
    return adapted_dual(name, checkpoint, open_encoder(below, device=device))


def _vit(name: str, folder: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.vit.encoder import VitEncoder  # noqa: PLC0415

    image = VitEncoder.load(folder, device=device)
    return DualEncoder(name, image, SentenceEncoder.default(device=device))


def _spinecho_3d(name: str, folder: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.vit.encoder import VitEncoder  # noqa: PLC0415

    return _with_texts(name, VitEncoder.load(folder / "image", device=device), folder, device)


def _clip(name: str, model: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.clip.images import load_clip  # noqa: PLC0415

    return _pictures(name, load_clip(str(model), device=device), device)


def _backbone(name: str, model: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.clip.backbones import load_backbone  # noqa: PLC0415
    from spinecho.encoders.networks.clip.images import PictureEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415

    image = PictureEncoder(load_backbone(str(model), device=device))
    return DualEncoder(name, image, SentenceEncoder.default(device=device))


def _hlip(name: str, model: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.studies import load_hlip  # noqa: PLC0415

    image, words = load_hlip(str(model), device=device)
    return DualEncoder(name, image, SentenceEncoder.default(device=device), words)


def _open_clip(name: str, model: Path, device: str) -> DualEncoder:
    from spinecho.encoders.networks.clip.open_clip import load_open_clip  # noqa: PLC0415

    return _pictures(name, load_open_clip(str(model), device=device), device)


def _pictures(name: str, model: PictureModel, device: str) -> DualEncoder:
    from spinecho.encoders.networks.clip.images import PictureEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.clip.texts import PictureTextEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415

    return DualEncoder(name, PictureEncoder(model), SentenceEncoder.default(device=device), PictureTextEncoder(model))


ENCODERS: dict[str, Callable[[str], DualEncoder]] = {"spinecho": _spinecho, "slices-minilm": _slices_minilm}
"""By name: a function from a device ("cpu", "cuda") to the pair."""

CHECKPOINTS: dict[str, Callable[[str, Path, str], DualEncoder]] = {
    "tower": _tower,
    "adapted": _adapted,
    "vit": _vit,
    "clip": _clip,
    "open-clip": _open_clip,
    "backbone": _backbone,
    "hlip": _hlip,
    "spinecho-3d": _spinecho_3d,
}
"""By what stands before the colon of "vit:PATH": from the whole name, the folder and a device to the pair.

For "clip", "open-clip", "backbone" and "hlip" what follows the colon may be a model's name on the hub, as in
"clip:google/medsiglip-448"."""

ABOUT: dict[str, str] = {
    "spinecho": (
        "trained here on generated brain MRI and a few real scans (docs/model-card.md says what that is worth): slices "
        "and text in one space, so text finds scans by their pictures; all-MiniLM-L6-v2 for text against text"
    ),
    "tower": ("a pair of towers from a folder, as training exports it; aligned, so text finds scans by their pictures"),
    "adapted": (
        "made by 'spinecho adapt' from this archive's own reports: light heads over another encoder, aligned, measured "
        "on held-out patients of this archive"
    ),
    "slices-minilm": (
        "stand-in: ImageNet EfficientNet-Lite2 features of nine slices, and all-MiniLM-L6-v2 for text; not aligned, "
        "so text finds scans through reports and headers"
    ),
    "vit": (
        "a 3D vision transformer from a checkpoint folder, and all-MiniLM-L6-v2 for text; not aligned, "
        "so text finds scans through reports and headers"
    ),
    "spinecho-3d": (
        "a 3D vision transformer of our own and its text tower, as 'spinecho train align' exports them; aligned where "
        "there is a text tower, so text finds scans by their pictures"
    ),
    "clip": (
        "a CLIP or SigLIP model of transformers' format (such as google/medsiglip-448), slab by slab; aligned, so text "
        "finds scans by their pictures; all-MiniLM-L6-v2 for text against text"
    ),
    "open-clip": (
        "a model of open_clip's format (such as BiomedCLIP), slab by slab; aligned, so text finds scans by their "
        "pictures; all-MiniLM-L6-v2 for text against text"
    ),
    "hlip": (
        "HLIP (such as zch0414/clip-vit_base-slice_scan_study-dualdinotxt1568): whole studies of the brain, all scans "
        "at once; aligned, so text finds studies by their pictures; all-MiniLM-L6-v2 for text against text"
    ),
    "backbone": (
        "a vision network of transformers' format (such as facebook/dinov2-base), slab by slab; not aligned, so text "
        "finds scans through reports and headers until 'spinecho adapt' has learned from them"
    ),
}
"""By name, without what follows a colon: one line for the screen on what the pair is and is not. See `about`."""


def about(name: str) -> str:
    """The line of `ABOUT` for an encoder's name as a user gives it ("vit:PATH" too); empty for one not known."""
    return ABOUT.get(name.partition(":")[0], "")


def is_known(name: str) -> bool:
    """Whether a name is in a table, so that it can be opened where its weights are at hand."""
    kind, _, path = name.partition(":")
    return name in ENCODERS or (kind in CHECKPOINTS and bool(path) and "+" not in path)


def open_encoder(name: str = DEFAULT, *, device: str = "cpu", text_model: str | None = None) -> DualEncoder:
    """The pair of that name, or of a published one's short name (`catalogue`). `text_model` puts another sentence
    encoder in: a model's name on a hub, or its folder.

    Raises `EncoderUnavailable` for a name that is in no table, or weights that are not at hand, and `CheckpointError`
    for a checkpoint that cannot be used.
    """
    known = published(name)
    if known is not None and known.kind and name == known.name:
        name = f"{known.kind}:{known.repository}"
    kind, _, path = name.partition(":")
    if name in ENCODERS:
        dual = ENCODERS[name](pick_device(device))
    elif kind in CHECKPOINTS and path:
        _require_as_fetched(path)
        dual = CHECKPOINTS[kind](name, Path(path).expanduser(), pick_device(device))
    else:
        names = [*ENCODERS, *(f"{kind}:PATH" for kind in CHECKPOINTS)]
        raise EncoderUnavailable(f"no encoder is called {name!r}; there are: {', '.join(names)}")
    if text_model is None:
        return dual
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415

    _require_as_fetched(text_model)
    text = SentenceEncoder.from_name(text_model, device=pick_device(device))
    return replace(dual, name=f"{name}+{text_model}", text=text)


def _require_as_fetched(name: str) -> None:
    """Of a name on a hub nothing is said here: its weights' digest is their space's revision."""
    folder = Path(name).expanduser()
    if (folder / "source.json").is_file():
        from spinecho.encoders.fetching import require_as_fetched  # noqa: PLC0415  (for those who fetched some)

        require_as_fetched(folder)


def pick_device(device: str) -> str:
    """`auto` becomes cuda where there is a card, else cpu; `EncoderUnavailable` for a card that is not there."""
    if device == "cpu" or (device == "auto" and surely_no_card()):
        return "cpu"
    import torch  # noqa: PLC0415  (slow to import)

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise EncoderUnavailable(f"device {device!r} is not available here; use --device cpu")
    return device


def surely_no_card() -> bool:
    """Whether torch need not be imported to know that it finds no card: a build without CUDA, or no driver."""
    try:
        build = version("torch").partition("+")[2]
    except PackageNotFoundError:
        return True
    if build == "cpu":
        return True
    if build.startswith("rocm") or sys.platform != "linux":
        return False
    try:
        ctypes.CDLL("libcuda.so.1")  # the driver's own library, which torch opens too
    except OSError:
        return True
    return False
