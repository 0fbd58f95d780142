"""Pickles of weights, opened by a child process alone."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from published_formats import tiny, weights_of
from safetensors.torch import load_file

from spinecho.encoders.conversion import convert_pickle
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.sandbox.processes import Sandbox

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.float16)}


class Runs:
    """What runs code in whoever opens it as a pickle."""

    def __init__(self, note: Path) -> None:
        self.note = str(note)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.note,)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One child for all, as it takes seconds to import PyTorch."""
    with Sandbox(memory_mb=6144) as made:
        yield made


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_pickle_becomes_safetensors_with_both_digests(tmp_path: Path, sandbox: Sandbox) -> None:
    source, target = tmp_path / "open_clip_pytorch_model.bin", tmp_path / "open_clip_model.safetensors"
    shared = {**WEIGHTS, "tied": WEIGHTS["a.weight"]}  # one storage under two names, as tied weights are saved
    torch.save(OrderedDict(shared), source)
    made = convert_pickle(source, target, sandbox=sandbox)
    assert (made.before, made.after) == (sha256(source), sha256(target))
    assert (made.tensors, made.left_out) == (3, 0)
    read = load_file(target)
    assert read.keys() == shared.keys()
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in shared.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, target.name])


def test_what_a_training_program_wraps_weights_in_is_taken_off(tmp_path: Path, sandbox: Sandbox) -> None:
    """HLIP's first weights: a state_dict beside the epoch, each name behind "module."."""
    weights = weights_of({f"module.{name}": at for name, at in tiny("biomedclip", {30522: 9}, layers=0).items()})
    torch.save({"epoch": 5, "state_dict": weights, "optimizer": {"lr": 1e-4}}, tmp_path / "epoch_5.pt")
    convert_pickle(tmp_path / "epoch_5.pt", tmp_path / "model.safetensors", sandbox=sandbox)
    assert "visual.trunk.cls_token" in load_file(tmp_path / "model.safetensors")


def test_a_pickle_that_asks_for_code_is_refused_and_runs_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    torch.save({**WEIGHTS, "evil": Runs(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(EncoderUnavailable, match=r"evil\.pt was not converted: it asks for code"):
        convert_pickle(tmp_path / "evil.pt", tmp_path / "model.safetensors", sandbox=sandbox)
    assert [path.name for path in tmp_path.iterdir()] == ["evil.pt"]


@pytest.mark.parametrize("held", [[1, 2], {"epoch": 3}, {"a": torch.eye(2).to_sparse()}])
def test_what_holds_no_tensors_by_name_is_refused(tmp_path: Path, held: Any, sandbox: Sandbox) -> None:
    torch.save(held, tmp_path / "other.pt")
    with pytest.raises(EncoderUnavailable, match="no tensors by name"):
        convert_pickle(tmp_path / "other.pt", tmp_path / "model.safetensors", sandbox=sandbox)


def test_more_than_a_child_may_write_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(EncoderUnavailable, match="are the most that a process"):
        convert_pickle(tmp_path / "huge.bin", tmp_path / "model.safetensors")
