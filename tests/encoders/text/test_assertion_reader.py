"""The network that reads clauses a second time, as it ships: what it stands on, both runtimes, and what is stored."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import Home

from spinecho.encoders.checkpoint import CheckpointError, load_arrays
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.language.second_reading import LABELS
from spinecho.encoders.networks import assertion_reader
from spinecho.encoders.networks.assertion_reader import FOLDER, KIND, AssertionReader, bracketed, default_reader
from spinecho.encoders.networks.low_rank import LowRank
from spinecho.encoders.networks.model_files import DEFAULT_MODEL, ModelFiles, default_folder, describe
from spinecho.encoders.registry import open_encoder

TAUGHT = {17: "b5847c354bd4ed6e9b9103a3579f512d7a28b4398c26823fd5adae330bfa701f"}
"""By RULES, the weights that stored clauses were read with: other weights, other rules."""
ASKED = [
    ("No infarct is seen.", "infarct"),
    ("There is a large meningioma at the left convexity with oedema around it.", "meningioma"),
    ("Chances of malignancy here are slim to none.", "malignancy"),
    ("An abscess would also explain the picture.", "abscess"),
    ("Operated on in 2014 for a schwannoma.", "schwannoma"),
    ("x" * 3000 + " glioma " + "y " * 3000, "glioma"),
    ("\udcff [ ] \x00 cyst", "cyst"),
]


@pytest.fixture(scope="module")
def files() -> ModelFiles:
    return describe(default_folder(), name=DEFAULT_MODEL)


def asked() -> list[tuple[str, int, int]]:
    return [(text, text.index(term), text.index(term) + len(term)) for text, term in ASKED]


def test_other_weights_are_other_rules() -> None:
    card, _ = load_arrays(FOLDER, kind=KIND)
    assert {RULES: card.sha256} == TAUGHT


def test_it_answers_each_alike_alone_and_among_others() -> None:
    reader = default_reader()
    together = reader.judge(asked())
    assert together.shape == (len(ASKED), len(LABELS))
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    for order in (range(len(ASKED)), range(len(ASKED) - 1, -1, -1)):
        for row in order:
            assert np.allclose(reader.judge([asked()[row]])[0], together[row], atol=1e-4)
    assert [LABELS[at] for at in together[:5].argmax(axis=1)] == [
        "absent", "present", "absent", "uncertain", "historical"
    ]  # fmt: skip
    assert len(reader.judge([])) == 0


def test_pytorch_gives_the_same(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_RUNTIME", "torch")
    assert np.allclose(AssertionReader(files).judge(asked()), default_reader().judge(asked()), atol=1e-4)


def test_it_is_opened_over_the_encoder_it_was_taught_over_alone(files: ModelFiles, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(files.folder, other)
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(CheckpointError, match="was taught over"):
        AssertionReader(replace(files, folder=other, weights=(weights,)))


def test_the_term_alone_is_marked(files: ModelFiles) -> None:
    tokenizer: Any = assertion_reader.load_tokenizer(files.folder, name="m", max_tokens=64)
    ids, marked = bracketed(tokenizer, "No acute subdural haematoma.", 3, 17)
    said = [tokenizer.id_to_token(one) for one, mark in zip(ids, marked, strict=True) if mark]
    assert "".join(said).replace("##", "") == "acutesubdural"


def test_a_change_of_what_is_not_there_is_an_error() -> None:
    thin = {"a.down": np.ones((2, 3), np.float32), "a.up": np.ones((4, 2), np.float32)}
    change = LowRank(thin, 0.5, "")
    weights = {"a": np.ones((4, 3), np.float32), "b": np.ones(2, np.float32)}
    assert np.array_equal(change.applied(weights)["a"], np.full((4, 3), 2.0))
    assert change.applied(weights)["b"] is weights["b"]
    for wrong in ({}, {"a": np.ones((3, 4), np.float32)}):
        with pytest.raises(ValueError, match="no matrix a"):
            change.applied(wrong)


def test_what_is_stored_was_read_twice(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", open_encoder)
    archive = tmp_path / "archive"
    archive.mkdir()
    said = "accession: A1\n\nFINDINGS: Chances of a glioma here are slim to none. A cyst of 4 mm in the pineal gland.\n"
    (archive / "a.txt").write_text(said, encoding="utf-8")
    (archive / "b.txt").write_text(
        "accession: A2\n\nBEFUND: Kein Infarkt. Gliom links frontal, die Chancen sind gering.\n", encoding="utf-8"
    )
    home.index(archive)
    stored = home.query("SELECT text, assertion, cue FROM clauses ORDER BY id")
    assert {(text, assertion) for text, assertion, _ in stored} >= {
        ("Chances of a glioma here are slim to none.", "absent"),
        ("A cyst of 4 mm in the pineal gland.", "present"),
        ("Kein Infarkt.", "absent"),
    }
    assert all(cue for _, assertion, cue in stored if assertion != "present")
