"""The adapted encoder: its parts add up, rows give what scans give, and other weights below are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from parts_encoder import BINS, Greys, PartsEncoder, Words, brain, parts_dual, plain_dual

from spinecho.encoders.adapted import (
    KIND,
    AdaptedPartsEncoder,
    Heads,
    HeadsConfig,
    adapted_dual,
    load_adapted,
    save_adapted,
)
from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.networks.parts_of_volumes import region_vectors
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.indexer.parts import parts_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    heads = Heads(HeadsConfig(image=BINS, text=64 + BINS, width=48, dim=16))
    for parameter in heads.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    made = tmp_path_factory.mktemp("adapted")
    save_adapted(made, heads, encoder="parts", base=parts_dual(), facts={})
    return made


@pytest.fixture(scope="module")
def dual(folder: Path) -> DualEncoder:
    checkpoint, name = load_adapted(folder)
    assert name == "parts"
    return adapted_dual("adapted:x", checkpoint, parts_dual())


@pytest.fixture(scope="module")
def scan() -> Prepared:
    pixels = (brain(1, bright=(slice(0, 8), slice(8, 16), slice(4, 8))) / 1000 * 255).astype(np.uint8)
    return Prepared(pixels, np.ones(3, np.float32))


def test_parts_add_up_to_the_vector(dual: DualEncoder, scan: Prepared) -> None:
    assert isinstance(dual.image, AdaptedPartsEncoder)
    (found,) = dual.image.describe([scan])
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-5)
    assert found.weights @ found.aligned == pytest.approx(found.vector, abs=1e-3)
    assert np.linalg.norm(found.vector) == pytest.approx(1.0, abs=1e-5)
    assert dual.image.encode_prepared([scan])[0] == pytest.approx(found.vector, abs=1e-6)


def test_stored_rows_give_what_the_scan_gives(dual: DualEncoder, scan: Prepared) -> None:
    assert isinstance(dual.image, AdaptedPartsEncoder)
    (base,) = PartsEncoder().describe([scan])
    stored = [rows.astype(np.float16).astype(np.float32) for rows in (base.vector, region_vectors(base))]
    vector, regions = dual.image.from_rows(stored[0], stored[1])
    (parts,) = parts_of(dual, [scan])
    assert np.frombuffer(parts.vector, "<f2") == pytest.approx(vector, abs=2e-3)
    assert parts.regions is not None
    assert np.frombuffer(parts.regions.data, "<f2").reshape(regions.shape) == pytest.approx(regions, abs=2e-3)
    assert [fact.task for fact in parts.predicted] == ["brightness", "age", "finding"]


def test_words_keep_what_the_encoder_below_knows(dual: DualEncoder) -> None:
    assert dual.aligned_text is not None
    words = dual.aligned_text.encode(["bright", "dark", ""])
    assert np.linalg.norm(words, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    below = Greys(PartsEncoder().space).encode(["bright", "dark", ""])
    kept = words[:, 16:] / np.linalg.norm(words[:, 16:], axis=1, keepdims=True)
    assert kept == pytest.approx(below, abs=1e-5)


def test_other_weights_below_are_refused(folder: Path) -> None:
    checkpoint, _ = load_adapted(folder)
    image = PartsEncoder()
    image.space = replace(image.space, revision="2")
    with pytest.raises(CheckpointError, match="other weights"):
        adapted_dual("adapted:x", checkpoint, DualEncoder("parts", image, Words()))


def test_over_an_encoder_that_tells_no_parts(scan: Prepared, tmp_path: Path) -> None:
    base = plain_dual()
    save_adapted(tmp_path, Heads(HeadsConfig(image=BINS, text=64, width=48, dim=16)), encoder="x", base=base, facts={})
    made = adapted_dual(f"{KIND}:x", load_adapted(tmp_path)[0], base)
    assert made.describer is None
    assert np.linalg.norm(made.image.encode_prepared([scan])[0]) > 0
    assert made.aligned
