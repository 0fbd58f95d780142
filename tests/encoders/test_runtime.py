"""Frozen networks by two runtimes: the same vectors, whoever computes, however many ask, and whatever was kept."""

from __future__ import annotations

import functools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from archives import Home
from golden import SENTENCES, nine, pictures, stack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.networks.model_files import default_folder
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.runtime import frozen, notices
from spinecho.encoders.runtime.frozen import furthest_rows
from spinecho.encoders.runtime.kept import cache_folder, kept_graph
from spinecho.filling.status_facts import status_facts
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_database

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = np.load(Path(__file__).with_name("golden_vectors.npz"), allow_pickle=False)
_FURTHEST = 1e-3
"""Cosine distance at which an index would have to be made anew."""


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_given", {})
    monkeypatch.delenv("SPINECHO_RUNTIME", raising=False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for exported networks."""
    monkeypatch.setenv("SPINECHO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "networks"


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.default()


def runtime_of(encoder: Any) -> str:
    """Which runtime computed."""
    network = getattr(encoder, "_network", None) if isinstance(encoder, SentenceEncoder) else encoder._frozen
    return str(network.runtime)


@functools.cache
def opened(runtime: str, name: str) -> DualEncoder:
    """The encoder of that name, its networks opened by that runtime."""
    before = os.environ.get("SPINECHO_RUNTIME")
    os.environ["SPINECHO_RUNTIME"] = runtime
    try:
        dual = open_encoder(name, device="cpu")
        dual.image.encode_prepared([nine() if name == "slices-minilm" else stack()])
    finally:
        os.environ.pop("SPINECHO_RUNTIME")
        if before is not None:
            os.environ["SPINECHO_RUNTIME"] = before
    return dual


FROZEN: dict[str, tuple[str, Callable[[DualEncoder], np.ndarray]]] = {
    "text": ("spinecho", lambda dual: dual.text.encode(SENTENCES)),
    "aligned": ("spinecho", lambda dual: dual.aligned_text.encode(SENTENCES)),
    "image": ("spinecho", lambda dual: dual.image.encode_prepared([stack()])),
    "slices": ("slices-minilm", lambda dual: dual.image.encode_prepared([nine()])),
}


@pytest.mark.parametrize("which", FROZEN)
def test_both_runtimes_give_the_same_vectors_which_are_the_stored_ones(which: str) -> None:
    name, ask = FROZEN[which]
    ours, theirs = (ask(opened(runtime, name)) for runtime in ("onnx", "torch"))
    assert furthest_rows(ours, theirs) < 1e-5
    for vectors in (ours, theirs):
        assert furthest_rows(vectors, GOLDEN[which]) < _FURTHEST


def test_each_was_computed_by_the_runtime_that_was_asked_for_and_the_space_is_that_of_the_weights() -> None:
    for name in ("spinecho", "slices-minilm"):
        for runtime in ("onnx", "torch"):
            dual = opened(runtime, name)
            network = dual.image._frozen if name == "slices-minilm" else dual.image._tower._cells._frozen
            assert network.runtime == runtime_of(dual.text) == runtime
        assert opened("onnx", name).spaces == opened("torch", name).spaces


def test_parts_of_a_volume_and_states_of_tokens_agree() -> None:
    ours, theirs = (opened(runtime, "spinecho") for runtime in ("onnx", "torch"))
    one, other = (dual.describer.describe([stack()])[0] for dual in (ours, theirs))
    np.testing.assert_array_equal(one.boxes, other.boxes)
    for field in ("vector", "tokens", "pooled", "aligned"):
        a, b = (np.atleast_2d(getattr(each, field)) for each in (one, other))
        assert furthest_rows(a, b) < 1e-4, field
    for a, b in zip(*(dual.text.token_states(SENTENCES) for dual in (ours, theirs)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_slices_of_another_size_and_number_are_computed_too() -> None:
    ours, theirs = (opened(runtime, "spinecho").image._tower._cells._frozen for runtime in ("onnx", "torch"))
    for count, side in ((1, 128), (3, 192), (70, 64)):
        drawn = np.resize(pictures(3), (count, side, side))
        for a, b in zip(ours({"pictures": drawn}), theirs({"pictures": drawn}), strict=True):
            assert a.shape == b.shape
            assert furthest_rows(a, b) < 1e-5


def test_cells_are_pooled_alike_with_and_without_another_device() -> None:
    """What a card computes, on the CPU: another way through the same cells."""
    cells, drawn = FrozenCells(), pictures(3)
    for one in (drawn, np.zeros_like(drawn)):
        ours, theirs = cells._deep(one), cells._deep_there(torch.tensor(one)).numpy()
        assert ours.shape == theirs.shape == (3, 8, 8, 568)
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
        assert furthest_rows(ours.reshape(-1, 568), theirs.reshape(-1, 568)) < 1e-5


def test_a_kept_export_is_opened_without_pytorch(encoder: SentenceEncoder) -> None:
    assert runtime_of(encoder) == "onnx"  # and what it exported is kept now
    code = (
        "import sys; from spinecho.encoders.networks.sentence_encoder import SentenceEncoder as S;"
        "assert len(S.default().encode(['left mass'])) == 1; assert not {'torch', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def kept_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "a bit of the graph": lambda _card, graph: flip(graph),
    "the graph cut short": lambda _card, graph: graph.write_bytes(graph.read_bytes()[:1000]),
    "the graph gone": lambda _card, graph: graph.unlink(),
    "the card no JSON": lambda card, _graph: card.write_text("{"),
    "the card a list": lambda card, _graph: card.write_text("[]"),
    "the card of other weights": lambda card, _graph: card.write_text(
        json.dumps(json.loads(card.read_text()) | {"weights": "0" * 64})
    ),
    "the card names a file elsewhere": lambda card, _graph: card.write_text(
        json.dumps(json.loads(card.read_text()) | {"graph": "../../secret"})
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_an_export_that_was_changed_is_made_anew_and_that_is_said_once(
    what: str, cache: Path, caplog: pytest.LogCaptureFixture, encoder: SentenceEncoder
) -> None:
    SentenceEncoder.default()
    before = kept_files(cache)
    (card,) = cache.glob("*.json")
    (graph,) = cache.glob("*.onnx")
    whole = graph.read_bytes()
    DAMAGE[what](card, graph)
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        vectors = [SentenceEncoder.default().encode(SENTENCES) for _ in range(2)]
    assert [record.getMessage().count("exporting it anew") for record in caplog.records] == [1]
    assert notices.notices() == (caplog.records[0].getMessage(),)
    for each in vectors:
        np.testing.assert_allclose(each, encoder.encode(SENTENCES), atol=1e-6)
    assert kept_files(cache) == before
    assert graph.read_bytes() == whole


def test_other_weights_have_an_export_of_their_own(cache: Path) -> None:
    assert kept_graph("net", "a" * 64, 1, lambda: b"one") == b"one"
    assert kept_graph("net", "b" * 64, 1, lambda: b"two") == b"two"
    assert kept_graph("net", "a" * 64, 2, lambda: b"three") == b"three"
    for weights, version, graph in (("a", 1, b"one"), ("b", 1, b"two"), ("a", 2, b"three")):
        assert kept_graph("net", weights * 64, version, lambda: b"not asked") == graph


def test_equal_weights_with_another_number_of_heads_are_another_network(cache: Path, tmp_path: Path) -> None:
    first = SentenceEncoder.default().encode(SENTENCES)
    folder = tmp_path / "model"
    folder.mkdir()
    for path in default_folder().iterdir():
        (folder / path.name).symlink_to(path)
    config = json.loads((folder / "config.json").read_text()) | {"num_attention_heads": 6}
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config))
    other = SentenceEncoder.from_name(str(folder))
    assert runtime_of(other) == "onnx"
    assert furthest_rows(other.encode(SENTENCES), first) > 0.01
    assert len(list(cache.glob("*.json"))) == 2


@pytest.fixture
def no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


@pytest.mark.usefixtures("no_runtime")
def test_without_the_runtime_pytorch_answers_and_says_so_once(
    caplog: pytest.LogCaptureFixture, encoder: SentenceEncoder
) -> None:
    assert any("onnxruntime" in line for line in notices.notices()), "status knows without opening a network"
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        others = [SentenceEncoder.default() for _ in range(2)]
        for other in others:
            for _ in range(3):
                np.testing.assert_allclose(other.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-5)
        cells = FrozenCells()
        cells([stack()])
    assert {runtime_of(other) for other in [*others, cells]} == {"torch"}
    assert [record.getMessage() for record in caplog.records] == [notices.MISSING]
    assert notices.notices() == (notices.MISSING,)


def test_without_the_exporter_what_is_kept_runs_and_what_is_not_pytorch_computes(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = SentenceEncoder.default()
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert runtime_of(SentenceEncoder.default()) == runtime_of(first) == "onnx"
    for path in cache.iterdir():
        path.unlink()
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        other = SentenceEncoder.default()
    assert runtime_of(other) == "torch"
    assert "PyTorch" in caplog.text
    np.testing.assert_allclose(other.encode(SENTENCES), first.encode(SENTENCES), atol=1e-5)


def test_a_runtime_that_fails_while_it_computes_hands_over_to_pytorch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, encoder: SentenceEncoder
) -> None:
    whole, calls = frozen.open_graph, []

    def failing(graph: bytes, weights: frozen.Arrays) -> frozen.Compute:
        compute = whole(graph, weights)

        def once(inputs: frozen.Arrays) -> Any:
            calls.append(1)
            if len(calls) > 1:  # it opens well
                raise RuntimeError("no memory")
            return compute(inputs)

        return once

    monkeypatch.setattr(frozen, "open_graph", failing)
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        other = SentenceEncoder.default()
        for _ in range(3):
            np.testing.assert_allclose(other.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-5)
    assert runtime_of(other) == "torch"
    assert len(calls) == 2, "it is not asked again"
    assert len(caplog.records) == 1


def test_an_export_that_is_not_what_pytorch_computes_is_neither_used_nor_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, encoder: SentenceEncoder
) -> None:
    from spinecho.encoders.networks import bert_network  # noqa: PLC0415

    whole = bert_network.bert_graph

    def wrong(shapes: Any, files: Any) -> bytes:
        halved = files.config | {"num_attention_heads": 6}
        return whole(shapes, type("Files", (), {"config": halved})())  # type: ignore[arg-type]

    monkeypatch.setattr(bert_network, "bert_graph", wrong)
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        other = SentenceEncoder.default()
    assert runtime_of(other) == "torch"
    assert "from PyTorch's" in caplog.text
    assert not cache.exists()
    np.testing.assert_allclose(other.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-5)


def test_where_nothing_can_be_kept_the_runtime_computes_all_the_same_and_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SPINECHO_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "spinecho.encoders"):
        others = [SentenceEncoder.default() for _ in range(2)]
    assert {runtime_of(other) for other in others} == {"onnx"}
    assert [("cannot be kept" in text, "SPINECHO_CACHE" in text) for text in caplog.messages] == [(True, True)]


def test_a_write_that_fails_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spinecho.encoders.runtime import kept  # noqa: PLC0415

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(kept, "durable_replace", full)
        assert kept_graph("net", "a" * 64, 1, lambda: b"one") == b"one"
    assert kept_files(cache) == []
    assert kept_graph("net", "a" * 64, 1, lambda: b"one") == b"one"
    assert len(kept_files(cache)) == 2


def test_processes_that_export_at_once_do_each_other_no_harm(cache: Path) -> None:
    code = (
        "import sys, numpy as np; from spinecho.encoders.networks.sentence_encoder import SentenceEncoder as S;"
        "sys.stdin.readline(); s = S.default(); assert s._network.runtime == 'onnx';"
        "print(s.encode(['left mass'])[0, 0])"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) for _ in range(3)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    answers = [process.communicate() for process in started]
    assert [(process.returncode, said[1]) for process, said in zip(started, answers, strict=True)] == [(0, "")] * 3
    assert len({said[0] for said in answers}) == 1
    assert [Path(name).suffix for name in kept_files(cache)] in ([".onnx", ".json"], [".json", ".onnx"])


def test_threads_that_keep_at_once_leave_cards_whose_graphs_are_whole(cache: Path) -> None:
    def keep(number: int) -> bytes:
        return kept_graph("net", "a" * 64, 1, lambda: b"%d" % number * 100_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(40)))
    assert notices.notices() == ()
    kept = kept_graph("net", "a" * 64, 1, lambda: b"made anew")
    assert kept != b"made anew"
    assert not [name for name in kept_files(cache) if name.startswith(".")]


def test_the_cache_is_its_owners_alone(cache: Path) -> None:
    kept_graph("net", "a" * 64, 1, lambda: b"one")
    assert cache.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in cache.iterdir()} == {0}


def test_where_the_cache_lies() -> None:
    assert cache_folder({"SPINECHO_CACHE": "/a"}) == Path("/a/networks")
    assert cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/spinecho/networks")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "spinecho" / "networks"


def test_a_runtime_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_RUNTIME", "tensorrt")
    with pytest.raises(EncoderUnavailable, match=r"SPINECHO_RUNTIME.*onnx, torch"):
        SentenceEncoder.default()


def opened_fresh() -> SentenceEncoder:
    """One that has read nothing, so that nothing is known without computing it."""
    return SentenceEncoder.default()


TEXTS = st.lists(st.text(max_size=120) | st.sampled_from(SENTENCES), min_size=1, max_size=24)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_sixteen_threads_get_what_one_gets(encoder: SentenceEncoder, texts: list[str]) -> None:
    alone = [encoder.encode([text])[0] for text in texts]
    states = encoder.token_states(texts)
    fresh = opened_fresh()
    with ThreadPoolExecutor(16) as pool:
        single = pool.map(lambda text: fresh.encode([text])[0], texts * 2)
        together = pool.map(fresh.token_states, [texts] * 4)
        for vector, expected in zip(single, alone * 2, strict=True):
            np.testing.assert_allclose(vector, expected, atol=1e-6)
        for found in together:
            for state, expected in zip(found, states, strict=True):
                np.testing.assert_allclose(state, expected, atol=1e-6)


def test_sixteen_threads_open_one_network_once_and_get_the_same_cells() -> None:
    cells, stacks = FrozenCells(), [stack()] * 16
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: cells([one])[0].deep, stacks))
    for deep in found:
        np.testing.assert_allclose(deep, found[0], atol=1e-6)


def test_equal_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[int] = []
    whole = SentenceEncoder._passed
    monkeypatch.setattr(
        SentenceEncoder, "_passed", lambda self, tokens: (passed.append(len(tokens)), whole(self, tokens))[1]
    )
    encoder = opened_fresh()
    passed.clear()
    texts = ["no acute infarct", "oedema on the left", "no acute infarct"] * 30
    vectors = encoder.encode(texts)
    assert sum(passed) == 2
    np.testing.assert_array_equal(encoder.encode(texts[1:2]), vectors[1:2])
    assert sum(passed) == 2, "nor in the next call"
    vectors[1] = 0.0  # whoever changes what they were given changes nothing for others
    assert np.linalg.norm(encoder.encode(texts[1:2])) == pytest.approx(1.0, abs=1e-5)
    vectors[1] = vectors[4]
    np.testing.assert_array_equal(vectors[:3], vectors[-3:])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_what_is_kept_of_texts_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    from spinecho.encoders.networks import sentence_encoder  # noqa: PLC0415

    monkeypatch.setattr(sentence_encoder, "_SENTENCES", 5)
    encoder = opened_fresh()
    texts = [f"mass number {n}" for n in range(20)] + ["oedema " * 100]
    first = encoder.encode(texts)
    assert list(encoder._known) == texts[15:20]
    np.testing.assert_allclose(encoder.encode(texts[::-1])[::-1], first, atol=1e-6)


def test_a_pasted_report_goes_through_in_few_batches_of_like_length(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    whole = SentenceEncoder._passed
    monkeypatch.setattr(
        SentenceEncoder,
        "_passed",
        lambda self, tokens: (read.append((len(tokens), max(map(len, tokens)))), whole(self, tokens))[1],
    )
    clauses = [f"clause {n} tells of a lesion of {n} mm " + "in the left frontal lobe " * (n % 5) for n in range(150)]
    encoder.encode(clauses)
    padded = sum(count * longest for count, longest in read)
    assert sum(count for count, _ in read) == 150
    assert padded <= 1.2 * sum(len(encoder._tokens(clause)) for clause in clauses)


@pytest.mark.usefixtures("no_runtime")
def test_status_warns_of_a_runtime_that_is_missing_and_not_where_pytorch_was_asked_for(
    indexed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = read_settings(home=indexed.folder)
    assert notices.MISSING in status_facts(open_database(home), home)["warnings"]
    monkeypatch.setenv("SPINECHO_RUNTIME", "torch")
    assert notices.MISSING not in status_facts(open_database(home), home)["warnings"]


def test_the_runtime_begins_no_sender_of_events_to_its_makers(tmp_path: Path) -> None:
    """Where it begins one it keeps a file of events, and asks a server of Microsoft for them, from its import on."""
    pytest.importorskip("onnxruntime")
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
    silent = {"CI", "TF_BUILD", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}
    kept = {name: value for name, value in os.environ.items() if name not in silent}
    done = subprocess.run(
        [sys.executable, "-c", _ENCODES],
        env={**kept, **places},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "1"]
    assert not list(tmp_path.iterdir())


_ENCODES = """
import os, sys
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
SentenceEncoder.default().encode(["no infarct"])
print("onnxruntime" in sys.modules, os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_one_place_imports_the_runtime() -> None:
    packages = [Path(frozen.__file__).parents[2] / name for name in ("encoders", "search", "indexer", "ui", "db")]
    found = [path for one in packages for path in one.rglob("*.py") if "import onnxruntime" in path.read_text("utf-8")]
    assert [path.name for path in found] == ["frozen.py"]
