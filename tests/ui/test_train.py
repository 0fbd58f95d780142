from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.vit.encoder import VitEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.training.data.examples import Example, Facts, write_shard
from spinecho.encoders.training.loop.log import read_log
from spinecho.ui.cli.app import app

sys.path.append(str(Path(__file__).parents[1] / "encoders" / "text"))
from tiny_models import save_model

SOURCE = ("brain", "knee")


def example(number: int) -> Example:
    """Two regions that look different, two series a study, and a report for every second study."""
    study, random = number // 2, np.random.default_rng(number)
    region = SOURCE[study % 2]
    grey = random.integers(1, 60, size=(24, 24, 8), dtype=np.uint8)
    grey[4:20, 4:20] += np.uint8(150 if region == "brain" else 20)
    report = f"FINDINGS: {region} number {study} is seen. IMPRESSION: Normal {region}."
    facts = Facts(
        key=str(number), study=str(study), patient=f"p{study}", source="drawn", region=region,
        sequence=("T1", "T2")[number % 2], plane="axial", sex="FM"[study % 2],
        texts=(("report", report),) if study % 4 < 2 else (),
    )  # fmt: skip
    return Example(grey, (1.0, 1.0, 4.0), facts)


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for start in (0, 50):
        write_shard(folder / f"{start:03d}.safetensors", [example(n) for n in range(start, start + 50)])
    return folder


NETWORK = '[network]\nsize = "tiny"\nwidth = 24\ndepth = 2\nheads = 2\npatch = [2, 8, 8]\nprojection = 16\n'


def config(folder: Path, shards: Path, kind: str, *more: str, steps: int = 4, train: str = "") -> Path:
    path = folder / f"{kind}.toml"
    path.write_text(
        f'kind = "{kind}"\noutput = "run"\n'
        f'[data]\nshards = ["{shards}"]\nheld_out = 0.3\n[sampling]\nbatch = 6\n'
        f'[train]\nsteps = {steps}\naccelerator = "cpu"\nlog_every = 1\n{train}\n' + "".join(more)
    )
    return path


def run(*words: object) -> tuple[int, dict]:
    result = CliRunner().invoke(app, ["train", *map(str, words), "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {"error": result.output}


MASKED = "[masked]\nwidth = 24\ndepth = 1\nheads = 2\ntokens = 24\n"
SELFSUP = (
    "[selfsup]\nprototypes = 16\nhidden = 16\nbottleneck = 8\n"
    "[selfsup.crops]\nwhole_tokens = 16\nlocal = 1\nlocal_tokens = 8\n"
)
ALIGN = "[align]\ntokens = 24\nmatching = 0.5\n[text]\nwidth = 24\ndepth = 1\nheads = 2\n"


@pytest.mark.parametrize(("kind", "more"), [("masked", MASKED), ("selfsup", SELFSUP)])
def test_pretraining_ends_in_a_checkpoint_and_a_card(tmp_path, shards, kind, more):
    status, told = run("pretrain", config(tmp_path, shards, kind, NETWORK, more))
    assert (status, told["finished"], told["step"]) == (0, True, 4)
    export = tmp_path / "run" / "export"
    vector = VitEncoder.load(export / "image").encode([example(0).volume()])
    assert vector.shape == (1, 16)
    card = (export / "MODEL_CARD.md").read_text()
    for said in (
        "| drawn |",
        "Held out, by patient",
        "| region P@1 |",
        "not a diagnostic device",
        f'"{kind}"',
        "Licence",
    ):
        assert said in card
    figure = json.loads((export / "metrics.json").read_text())["region P@1"]
    assert figure["pool"] > 5
    assert figure["queries"] > 5
    volumes = [int(line.split("|")[2]) for line in card.splitlines() if line.startswith("| drawn")]
    assert sum(volumes) == 100


def test_alignment_from_a_pretrained_network_with_one_side_locked(tmp_path, shards):
    assert run("pretrain", config(tmp_path, shards, "masked", NETWORK, MASKED))[0] == 0
    start = tmp_path / "run" / "export" / "image"
    network = f'[network]\nstart = "{start}"\n'
    align = ALIGN.replace("[text]", 'image = "locked"\n[text]')
    path = config(tmp_path, shards, "vit", network, align, train="ema = 0.5\nsave_every = 2")
    path.write_text(path.read_text().replace('"run"', '"aligned"'))
    status, told = run("align", path)
    assert (status, told["finished"]) == (0, True)
    assert {"report to scan Recall@1", "scan to report Recall@10"} <= told["metrics"].keys()
    aligned, before = (VitEncoder.load(folder).network for folder in (tmp_path / "aligned/export/image", start))
    assert (aligned.content.weight == before.content.weight).all()
    assert not (aligned.project.weight == before.project.weight).all()
    card = (tmp_path / "aligned" / "export" / "MODEL_CARD.md").read_text()
    assert "report" in card
    assert "none" in card  # studies without a text
    lines = [line for line in read_log(tmp_path / "aligned") if "loss" in line]
    assert {"contrast", "matching", "nearest_right", "scale"} <= lines[0].keys()


TOWER = "[tower]\nvariants = 1\n"
FRESH = "fresh = true\nwidth = 16\nheads = 2\ndim = 16\n[text]\nwidth = 16\ndepth = 1\nheads = 2\n"


@pytest.mark.parametrize("more", ["", FRESH])
def test_the_tower_is_aligned_from_what_ships_or_afresh(tmp_path, shards, more):
    path = config(tmp_path, shards, "tower", TOWER + more, steps=2, train="learning_rate = 1e-4")
    status, told = run("align", path)
    assert (status, told["finished"], told["step"]) == (0, True, 2)
    assert {"report to scan Recall@1", "scan to report Recall@10", "region P@1"} <= told["metrics"].keys()
    export = tmp_path / "run" / "export"
    dual = open_encoder(f"tower:{export}", device="cpu")
    vector, words = dual.image.encode([example(0).volume()]), dual.aligned_text.encode(["a knee"])
    assert vector.shape == words.shape
    shipped = open_encoder("spinecho", device="cpu").image.encode([example(0).volume()])
    if more:
        assert vector.shape != shipped.shape
    else:
        assert 0.9 < float((vector @ shipped.T).item()) < 1 - 1e-6, "two small steps away from what ships"
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "features").rglob("*.safetensors")}
    assert {path.parent.name for path in made} == {"train", "held-out"}
    assert run("align", path)[1]["step"] == 2
    assert {path: path.stat().st_mtime_ns for path in made} == made, "features are computed once"
    assert "tower" in (export / "MODEL_CARD.md").read_text()


def test_a_dry_run_of_the_tower_reads_no_volume(tmp_path, shards):
    status, told = run("align", config(tmp_path, shards, "tower", TOWER), "--dry-run")
    assert (status, told["examples_a_step"]) == (0, 6)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def masked_bert(tmp_path) -> Path:
    save_model(tmp_path / "bert", "Bert", "ForMaskedLM")
    return tmp_path / "bert"


def test_a_text_network_reads_on_in_reports(tmp_path, shards, masked_bert):
    path = config(tmp_path, shards, "mlm", f'[text]\nmodel = "{masked_bert}"\n[mlm]\ntokens = 32\n')
    status, told = run("pretrain", path)
    assert (status, told["finished"]) == (0, True)
    assert 0 <= told["metrics"]["hidden tokens guessed"]["value"] <= 1
    assert told["metrics"]["nats a token"]["queries"] > 2
    text = SentenceEncoder.from_name(str(tmp_path / "run" / "export" / "text-model"))
    assert text.encode(["a normal knee"]).shape[0] == 1


def test_reading_on_needs_a_network_and_reports(tmp_path, shards, masked_bert):
    assert "[text] model" in run("pretrain", config(tmp_path, shards, "mlm"))[1]["message"]
    silent = tmp_path / "silent"
    bare = [example(n) for n in (4, 5, 6, 7)]
    write_shard(silent / "0.safetensors", [Example(e.grey, e.spacing_mm, replace(e.facts, texts=())) for e in bare])
    path = config(tmp_path, silent, "mlm", f'[text]\nmodel = "{masked_bert}"\n')
    path.write_text(path.read_text().replace("held_out = 0.3", "held_out = 0.0"))
    assert "has a report" in run("pretrain", path)[1]["message"]


def test_a_run_that_has_begun_goes_on(tmp_path, shards):
    path = config(tmp_path, shards, "masked", NETWORK, MASKED, train="minutes = 0.0")
    status, told = run("pretrain", path)
    assert (status, told["finished"], told["step"]) == (0, False, 1)
    path.write_text(path.read_text().replace("minutes = 0.0", ""))
    assert run("pretrain", path)[1]["step"] == 4
    assert [line["step"] for line in read_log(tmp_path / "run") if "loss" in line] == [1, 2, 3, 4]
    path.write_text(path.read_text().replace("steps = 4", "steps = 9"))
    status, told = run("pretrain", path)
    assert status == 2
    assert "steps: 4 there, 9 here" in told["message"]


def test_a_dry_run_writes_nothing(tmp_path, shards):
    status, told = run("align", config(tmp_path, shards, "vit", NETWORK, ALIGN, steps=12), "--dry-run")
    assert status == 0
    assert told["steps"] == 12
    assert told["examples_a_step"] == 6
    assert told["parameters_trained"] > 1000
    assert told["train"][0][1] + told["held_out"][0][1] == 100
    assert told["texts"].keys() == {"report", "none"}
    assert not (tmp_path / "run").exists()


def test_heads_from_cached_features(tmp_path, shards):
    assert run("pretrain", config(tmp_path, shards, "masked", NETWORK, MASKED))[0] == 0
    path = tmp_path / "head.toml"
    path.write_text(
        f'kind = "head"\noutput = "heads"\n[data]\nshards = ["{shards}"]\nheld_out = 0.0\n'
        f'[head]\nencoder = "vit:{tmp_path}/run/export/image"\ntasks = ["body_region"]\n'
        '[head.fit]\nepochs = 3\nnetwork = "mlp"\nresamples = 20\n'
    )
    status, told = run("head", path, "--device", "cpu")
    assert status == 0
    assert told["volumes"] == 100
    assert told["heads"]["body_region"]
    assert (tmp_path / "heads" / "heads" / "body_region" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("batch = 6", "bach = 6"), "[sampling] has no key 'bach'; did you mean 'batch'?"),
        (("steps = 4", 'steps = "4"'), "train.steps = '4' must be a whole number"),
        (("steps = 4", "steps = 0"), "[train]: steps = 0 must be at least 1"),
        (("steps = 4", ""), "[train] lacks steps; add it"),
        (('kind = "masked"', 'kind = "maskd"'), "kind = 'maskd' must be one of 'selfsup', 'masked', 'mlm'"),
        (('size = "tiny"', 'size = "tny"'), "did you mean 'tiny'?"),
        (("heads = 2\npatch", "heads = 5\npatch"), "[network]"),
        (("held_out = 0.3", "held_out = 1.3"), "held_out = 1.3 must be from 0 to below 1"),
        (("held_out = 0.3", "held_out = 0.9999"), "leave none to train on"),
        (("batch = 6", "batch = 600"), "lower the batch size"),
        (("patch = [2, 8, 8]", "patch = [2, 8]"), "must be a list of 3"),
        (("[data]", "[data"), "is no TOML"),
        (("shards = [", "home = "), "must be a path in quotes"),
    ],
)
def test_a_config_that_cannot_be_names_file_key_value_and_remedy(tmp_path, shards, edit, said):
    path = config(tmp_path, shards, "masked", NETWORK, MASKED)
    text = path.read_text()
    assert edit[0] in text
    path.write_text(text.replace(*edit) if edit[1] != "home = " else text.replace(f'shards = ["{shards}"]', "home = 3"))
    status, told = run("pretrain", path)
    assert status == 2
    assert said in told["message"]


def test_files_and_folders_that_are_not_there(tmp_path, shards):
    assert "cannot be read" in run("pretrain", tmp_path / "none.toml")[1]["message"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no shard in" in run("pretrain", config(tmp_path, empty, "masked", NETWORK, MASKED))[1]["message"]
    lost = config(tmp_path, shards, "masked", '[network]\nstart = "nowhere"\n', MASKED)
    assert "no checkpoint" in run("pretrain", lost)[1]["message"]


def test_an_archive_is_streamed(indexed, tmp_path):
    path = tmp_path / "masked.toml"
    path.write_text(
        f'kind = "masked"\noutput = "run"\n[data]\nhome = "{indexed.folder}"\n'
        'cache = "cache"\ncache_gb = 0.1\nheld_out = 0.0\n'
        f'[sampling]\nbatch = 2\n[train]\nsteps = 2\naccelerator = "cpu"\n{NETWORK}{MASKED}'
    )
    status, told = run("pretrain", path)
    assert (status, told["finished"]) == (0, True)
    assert len(list((tmp_path / "cache").glob("*/*.safetensors"))) >= 4
