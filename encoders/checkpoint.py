"""A trained network on disk: a folder with `model.safetensors` and `config.json`. Nothing in it can run code.

torch is imported where tensors are asked for, not with this module: a search by words computes without it.

The config names the kind of network, its sizes, the preparation that goes before it, the dimension that comes out,
and the sha256 of the weights, so that a folder which was copied halfway or mixed from two is found out when opened;
and the sha256 of itself: a share or a threshold with one changed digit would answer otherwise, unseen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from spinecho.db.durable import durable_replace, make_folder
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.sandbox.limits import TEXT_BYTES, WEIGHTS_BYTES, check_weights, read_small

if TYPE_CHECKING:
    import torch

WEIGHTS, CONFIG = "model.safetensors", "config.json"
_OWN = "config_sha256"
"""Of all else that the config holds. Older checkpoints have none."""


class CheckpointError(EncoderError):
    """A checkpoint folder cannot be used; the message names the folder, what is wrong, and what to do."""


class CheckpointDamaged(CheckpointError):
    """Its files are not what was written."""

    exit_status = 4


@dataclass(frozen=True, slots=True)
class Card:
    """What `config.json` holds. `config` and `preparation` are plain JSON, read by the network of that `kind`."""

    kind: str
    config: dict[str, Any]
    preparation: dict[str, Any]
    dim: int
    sha256: str
    """Of `model.safetensors`: the `revision` of a Space."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that was read and checked; whether the weights fit a network shows in `put_into`."""

    folder: Path
    card: Card
    weights: dict[str, torch.Tensor]

    def put_into(self, network: torch.nn.Module) -> None:
        """Give `network` these weights. It may lie on the meta device, so a wrong config costs no memory.

        Raises CheckpointError where names or shapes differ.
        """
        try:
            network.load_state_dict(self.weights, strict=True, assign=True)
        except RuntimeError as error:
            detail = " ".join(str(error).split())[:300]
            raise CheckpointError(
                f"{self.folder}: the weights do not fit the sizes in {CONFIG}: {detail}; save the checkpoint again"
            ) from error


def save_checkpoint(
    folder: Path,
    *,
    kind: str,
    config: dict[str, Any],
    preparation: dict[str, Any],
    dim: int,
    weights: Mapping[str, torch.Tensor],
) -> Card:
    """Write a checkpoint; one that lies there already is replaced, the config last."""
    import safetensors.torch  # noqa: PLC0415  (torch is slow to import)

    content = safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in weights.items()})
    card = Card(kind, config, preparation, dim, hashlib.sha256(content).hexdigest())
    make_folder(folder)
    _write(folder / WEIGHTS, content)
    values = json.loads(json.dumps(asdict(card)))
    _write(folder / CONFIG, (json.dumps(values | {_OWN: own_digest(values)}, indent=2) + "\n").encode())
    return card


def own_digest(values: Mapping[str, Any]) -> str:
    """sha256 of what a config holds, its digest of itself apart."""
    plain = json.dumps({name: value for name, value in values.items() if name != _OWN}, sort_keys=True)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def is_as_written(values: Mapping[str, Any]) -> bool:
    """Whether a config is what was written, as far as it can say."""
    return _OWN not in values or values[_OWN] == own_digest(values)


def load_checkpoint(folder: Path, *, kind: str) -> Checkpoint:
    """Read a checkpoint of that kind.

    Raises CheckpointError for a missing file, another kind, keys that are not known, and weights that are not numbers;
    `CheckpointDamaged` for a damaged file, and weights that are not the ones the config was written with.
    """
    import safetensors.torch  # noqa: PLC0415  (torch is slow to import)
    import torch  # noqa: PLC0415

    card, content = _card(folder, kind), _read(folder, WEIGHTS)
    try:
        weights = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(folder, error) from error
    _check_digest(folder, card, content)
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise _no_numbers(folder, name)
    return Checkpoint(folder, card, weights)


def load_arrays(folder: Path, *, kind: str) -> tuple[Card, dict[str, NDArray[np.float32]]]:
    """The card, and the weights as float32, without torch. Raises CheckpointError as `load_checkpoint` does."""
    card, content = _card(folder, kind), _read(folder, WEIGHTS)
    try:
        weights = {name: value.astype(np.float32) for name, value in safetensors.numpy.load(content).items()}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from error
    _check_digest(folder, card, content)
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise _no_numbers(folder, name)
    return card, weights


def checked_card(folder: Path, *, kind: str) -> Card:
    """The card of a checkpoint whose weights are the ones that it was written with; they are opened later.

    Raises CheckpointError for a missing file, another kind, keys that are not known, and other weights.
    """
    card = _card(folder, kind)
    _check_digest(folder, card, _read(folder, WEIGHTS))
    return card


def _check_digest(folder: Path, card: Card, content: bytes) -> None:
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise CheckpointDamaged(f"{folder / WEIGHTS} is not the file that {CONFIG} was written with; copy both again")


def _damaged(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointDamaged(f"{folder / WEIGHTS} is damaged or cut short ({error}); copy it again")


def _no_numbers(folder: Path, name: str) -> CheckpointError:
    return CheckpointError(f"{folder / WEIGHTS}: {name} holds NaN or infinity; take an earlier checkpoint")


def _card(folder: Path, kind: str) -> Card:
    try:
        values = json.loads(_read(folder, CONFIG))
    except (ValueError, RecursionError) as error:
        raise CheckpointDamaged(f"{folder / CONFIG} is not JSON ({error}); copy it again") from error
    types = {"kind": str, "config": dict, "preparation": dict, "dim": int, "sha256": str}
    if not isinstance(values, dict) or values.keys() - {_OWN} != types.keys():
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise CheckpointError(
            f"{folder / CONFIG} must have exactly the keys {sorted(types)}, not {found}; "
            "it is damaged, was written by another version or is no checkpoint of Spinecho"
        )
    for name, expected in types.items():
        if type(values[name]) is not expected:
            raise CheckpointError(f"{folder / CONFIG}: {name} must be {expected.__name__}; save the checkpoint again")
    if values["kind"] != kind:
        raise CheckpointError(f"{folder} holds a network of kind {values['kind']!r}, not {kind!r}; name another folder")
    if not is_as_written(values):
        raise CheckpointDamaged(
            f"{folder / CONFIG} is not what was written; copy it again, or take {_OWN} out of it if you changed it"
        )
    return Card(**{name: values[name] for name in types})


def _read(folder: Path, name: str) -> bytes:
    try:
        if name == WEIGHTS:
            check_weights(folder / name, CheckpointError)
        return read_small(folder / name, CheckpointError, most=WEIGHTS_BYTES if name == WEIGHTS else TEXT_BYTES)
    except OSError as error:
        raise CheckpointError(
            f"{folder} is no checkpoint that can be read: {name}: {error.strerror}; "
            f"name a folder that holds {WEIGHTS} and {CONFIG}"
        ) from error


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: an interrupted write leaves the old file."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        durable_replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
