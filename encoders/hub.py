"""Where others' weights lie: a folder, or the Hugging Face cache; and how to get them where they do not.

Weights are taken as safetensors only: a pickle can run code when it is opened, and so can the code that some
repositories ship, which is never asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from spinecho.encoders.catalogue import published
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.sandbox.limits import check_weights, read_small

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w-][\w.-]*")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def find_folder(name_or_path: str, *, cached: Callable[..., str] | None = None) -> Path:
    """A local folder, or a model in the Hugging Face cache. Nothing is fetched: its licence has to be seen first.

    `cached` has the signature of huggingface_hub's `snapshot_download`, which is the default, and is asked for local
    files alone. Raises EncoderUnavailable with the commands that get the weights.
    """
    local = Path(name_or_path).expanduser()
    if local.is_dir():
        return local
    if not _REPOSITORY.fullmatch(name_or_path):
        raise EncoderUnavailable(
            f"there is no folder {name_or_path!r}, and a model's name on the hub looks like 'owner/model'; "
            "name a folder that holds config.json and *.safetensors, or a model"
        )
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    find: Callable[..., str] = cached or snapshot_download
    try:
        return Path(find(name_or_path, local_files_only=True))
    except (OSError, ValueError) as error:  # not in the cache
        known = published(name_or_path)
        name = known.name if known is not None else f"KIND:{name_or_path}"
        raise EncoderUnavailable(
            f"no folder {name_or_path!r} here, and no model of that name in the Hugging Face cache; nothing is fetched "
            f"unasked: 'spinecho encoders try {name}' shows its licence and fetches it. Without a network here "
            f"run '{fetch_command(name_or_path)}' where there is one and copy the cache, or give the path of a folder"
        ) from error


def fetch_command(name: str) -> str:
    """The command that puts a model into the Hugging Face cache."""
    return f"hf download {name}"


def safetensors_in(folder: Path, *, name: str) -> tuple[Path, ...]:
    """The weight files of a folder in order of name; EncoderUnavailable where there are none but pickles, or none."""
    weights = tuple(sorted(folder.glob("*.safetensors")))
    if weights:
        for path in weights:
            check_weights(path, EncoderUnavailable)
        return weights
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        convert = (
            "import torch, safetensors.torch as s; s.save_file({k: v.contiguous().clone() for k, v in "
            f"torch.load('{pickles[0]}', weights_only=True).items()}}, 'model.safetensors', {{'format': 'pt'}})"
        )
        raise EncoderUnavailable(
            f"{folder} holds no .safetensors weights, and the pickled ones ({', '.join(pickles[:3])}) are not loaded, "
            "as opening them can run code: 'spinecho encoders try KIND:OWNER/MODEL --from FOLDER' converts them in a "
            f'process without a network; or convert them where you trust them: python -c "{convert}"'
        )
    raise EncoderUnavailable(
        f"{folder} holds no .safetensors weights; if the copy is incomplete run '{fetch_command(name)}', and if {name} "
        "is published as pickles alone (.bin, .pt), convert them to safetensors first: they can run code when opened"
    )


def json_of(path: Path, *, name: str) -> dict[str, Any]:
    """A JSON object out of a model's folder; EncoderUnavailable where it is missing or damaged."""
    try:
        values = json.loads(read_small(path, EncoderUnavailable))
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderUnavailable(
            f"{path} cannot be read ({type(error).__name__}); run '{fetch_command(name)}' or copy the folder again"
        ) from error
    if not isinstance(values, dict):
        raise EncoderUnavailable(f"{path} holds no JSON object; copy the folder again")
    return values


def files_digest(paths: Sequence[Path]) -> str:
    """sha256 of one file; of several, sha256 of their digests in order."""
    digests = [_file_digest(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@lru_cache(maxsize=64)
def _file_digest(path: str, _size: int, _modified_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_missing(info: dict[str, Any], *, besides: Sequence[str] = ()) -> str:
    """The first tensor that a network needs and its checkpoint lacks ("" for none), but for names with `besides`.

    transformers fills such a tensor with random numbers and goes on, so a checkpoint of another kind would seem to
    load. `info` is what `from_pretrained(output_loading_info=True)` gives.
    """
    names = sorted(str(name) for name in info.get("missing_keys", ()))
    return next((name for name in names if not any(part in name for part in besides)), "")
