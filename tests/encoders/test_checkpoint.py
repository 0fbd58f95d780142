"""A checkpoint folder: what is written is read, and everything that can be wrong with it has its own sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from spinecho.encoders.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from spinecho.encoders.errors import EncoderError


def network() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(
        tmp_path / "made",
        kind="linear",
        config={"rows": 3},
        preparation={"kind": "none"},
        dim=3,
        weights=network().state_dict(),
    )
    return tmp_path / "made"


def change(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.pop("config_sha256", None)  # as by a version that wrote none
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def replace_weights(folder: Path, content: bytes) -> None:
    """Other weights, with the digest that goes with them."""
    (folder / "model.safetensors").write_bytes(content)
    change(folder, sha256=hashlib.sha256(content).hexdigest())


def message(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder, kind="linear")
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_what_is_saved_is_loaded(folder: Path) -> None:
    checkpoint = load_checkpoint(folder, kind="linear")
    card = checkpoint.card
    assert (card.kind, card.config, card.preparation, card.dim) == ("linear", {"rows": 3}, {"kind": "none"}, 3)
    assert card.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    with torch.device("meta"):
        empty = torch.nn.Linear(4, 3)
    checkpoint.put_into(empty)
    torch.testing.assert_close(empty(torch.ones(1, 4)), network()(torch.ones(1, 4)), rtol=0, atol=0)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_equal_weights_have_equal_digests_and_others_replace_them(folder: Path) -> None:
    before = load_checkpoint(folder, kind="linear").card
    parts: dict[str, Any] = {"kind": "linear", "config": {}, "preparation": {}, "dim": 3}
    again = save_checkpoint(folder, weights=dict(reversed(network().state_dict().items())), **parts)
    assert again.sha256 == before.sha256
    other = save_checkpoint(folder, weights={"weight": torch.ones(3, 4).T}, **parts)
    assert other.sha256 != before.sha256
    assert load_checkpoint(folder, kind="linear").card == other


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in message(folder)


def test_a_missing_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    assert "name a folder that holds" in message(tmp_path / "nothing here")
    (tmp_path / "file").write_text("")
    assert "name a folder that holds" in message(tmp_path / "file")


@pytest.mark.parametrize("keep", [0, 4, 40, -1])
def test_truncated_weights(folder: Path, keep: int) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:keep])
    assert "damaged or cut short" in message(folder)


def test_pickled_weights_are_never_run(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("the pickle was run",)

    replace_weights(folder, pickle.dumps(Bomb()))
    assert "damaged" in message(folder)


def test_one_flipped_bit(folder: Path) -> None:
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert "is not the file that config.json was written with" in message(folder)


def test_another_kind(folder: Path) -> None:
    change(folder, kind="vit3d")
    assert "'vit3d', not 'linear'" in message(folder)


@pytest.mark.parametrize("keys", [{"code": "import os"}, {"dim": "3"}, {"dim": True}, {"config": []}, {"sha256": None}])
def test_a_config_with_other_keys_or_types(folder: Path, keys: dict[str, Any]) -> None:
    change(folder, **keys)
    assert next(iter(keys)) in message(folder)


def test_a_config_with_a_key_too_few(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["config_sha256"]  # as by a version that wrote none
    del config["preparation"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "must have exactly the keys" in message(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000, "\xff"])
def test_a_config_that_is_none(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="latin-1")
    message(folder)


def test_weights_that_are_not_numbers(folder: Path) -> None:
    replace_weights(folder, safetensors.torch.save({"weight": torch.tensor([1.0, float("nan")])}))
    assert "weight holds NaN" in message(folder)


@pytest.mark.parametrize(
    "weights",
    [
        {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)},
        {"weight": torch.zeros(3, 4)},
        {"weight": torch.zeros(3, 4), "bias": torch.zeros(3), "extra": torch.zeros(1)},
    ],
    ids=["shape", "missing", "unexpected"],
)
def test_weights_that_do_not_fit(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    replace_weights(folder, safetensors.torch.save(weights))
    checkpoint: Checkpoint = load_checkpoint(folder, kind="linear")
    with pytest.raises(CheckpointError, match="do not fit"):
        checkpoint.put_into(network())


def test_an_interrupted_save_leaves_the_old_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "model.safetensors").read_bytes()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(folder, kind="linear", config={}, preparation={}, dim=3, weights={"weight": torch.ones(9)})
    assert (folder / "model.safetensors").read_bytes() == before
    assert load_checkpoint(folder, kind="linear").card.config == {"rows": 3}
    assert len(list(folder.iterdir())) == 2


def test_it_is_an_encoder_error() -> None:
    assert issubclass(CheckpointError, EncoderError)
