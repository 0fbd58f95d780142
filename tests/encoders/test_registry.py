"""Which names open which pair, and what is said to a name that opens none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spinecho.encoders import registry
from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.text_chunks import TextTowerConfig
from spinecho.encoders.networks.text_tower import TextTower, save_text_tower
from spinecho.encoders.networks.vit.encoder import VisionTransformer, VitConfig, save_vit
from spinecho.encoders.preparing.preparation import BlockPreparation
from spinecho.encoders.registry import about, open_encoder, pick_device


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = VitConfig(width=48, depth=1, heads=4, patch=(8, 8, 8), projection=16)
    save_vit(tmp_path / "a: b", VisionTransformer(config), BlockPreparation(patch=(8, 8, 8), tokens=8))
    return tmp_path / "a: b"


def test_the_default_pair_is_aligned() -> None:
    dual = open_encoder()
    assert dual.name == registry.DEFAULT == "spinecho"
    assert dual.aligned
    assert dual.describer is not None
    image, text = dual.spaces
    assert image != text
    assert text.dim == 384


def test_the_shipped_weights_are_small() -> None:
    """They lie in the repository and travel with every copy of it."""
    size = sum(path.stat().st_size for path in registry.WEIGHTS.rglob("*") if path.is_file())
    assert 1_000_000 < size < 60_000_000


def test_a_pair_of_towers_by_its_folder() -> None:
    dual = open_encoder(f"tower:{registry.WEIGHTS}")
    assert dual.image.space == open_encoder().image.space


def test_the_stand_in_is_not_aligned() -> None:
    assert not open_encoder("slices-minilm").aligned


def test_a_checkpoint_by_its_folder(checkpoint: Path) -> None:
    dual = open_encoder(f"vit:{checkpoint}")
    assert dual.name == f"vit:{checkpoint}"
    assert not dual.aligned
    assert dual.image.space.dim == 16
    assert dual.text.space.dim == 384


def test_our_own_3d_pair_as_training_exports_it(checkpoint: Path, tmp_path: Path) -> None:
    """With its text tower it is aligned; before alignment there is none, and it says so."""
    checkpoint.rename(tmp_path / "pair")
    (tmp_path / "export").mkdir()
    (tmp_path / "pair").rename(tmp_path / "export" / "image")
    alone = open_encoder(f"spinecho-3d:{tmp_path / 'export'}")
    assert not alone.aligned
    assert alone.describer is not None
    frozen = open_encoder().text
    save_text_tower(tmp_path / "export" / "text", TextTower(TextTowerConfig(states=384, dim=16)), frozen.space)
    dual = open_encoder(f"spinecho-3d:{tmp_path / 'export'}")
    assert dual.aligned_text is not None
    assert dual.aligned_text.space == dual.image.space == alone.image.space
    assert dual.aligned_text.encode(["left mass"]).shape == (1, 16)


def test_a_folder_below_home(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(checkpoint.parent))
    assert open_encoder("vit:~/a: b").name == "vit:~/a: b"


def test_another_text_tower(checkpoint: Path) -> None:
    from spinecho.encoders.networks.model_files import default_folder  # noqa: PLC0415

    dual = open_encoder(f"vit:{checkpoint}", text_model=str(default_folder()))
    assert dual.name == f"vit:{checkpoint}+{default_folder()}"
    assert dual.image.space.dim == 16


@pytest.mark.parametrize("name", ["", "vit", "vit:", "resnet", "resnet:/tmp", "slices-minilm:/tmp", "VIT:/tmp"])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(EncoderUnavailable, match="slices-minilm, tower:PATH, adapted:PATH, vit:PATH"):
        open_encoder(name)


def test_a_folder_without_a_checkpoint_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"name a folder that holds model\.safetensors"):
        open_encoder(f"vit:{tmp_path / 'none'}")


def test_every_name_has_its_line() -> None:
    assert {*registry.ENCODERS, *registry.CHECKPOINTS} == registry.ABOUT.keys()
    assert about("slices-minilm") == registry.ABOUT["slices-minilm"]
    assert about("vit:/some/where: else") == about("vit") == registry.ABOUT["vit"]
    assert about("unheard of") == ""


def test_devices() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert not (registry.surely_no_card() and torch.cuda.is_available())
    if not torch.cuda.is_available():
        with pytest.raises(EncoderUnavailable, match="use --device cpu"):
            pick_device("cuda:1")


def test_looking_a_name_up_does_not_import_torch() -> None:
    code = "import sys, spinecho.encoders.registry as r; r.about('vit:x'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
