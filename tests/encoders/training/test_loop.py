from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

from tiny_training import CONFIG, Line, Points, Shuffled, evaluate, made

from spinecho.encoders.training.loop import state as states
from spinecho.encoders.training.loop.data import Data, batches
from spinecho.encoders.training.loop.log import Log, read_log
from spinecho.encoders.training.loop.loop import NotANumber, fit
from spinecho.encoders.training.loop.state import StateError
from spinecho.encoders.training.run_config import TrainConfig, TrainError

ROOT = Path(__file__).parents[3]
TIMES = {"examples_per_s", "mfu"}


def train(folder: Path, kill_at: int = -1, *more: str, temporary: Path | None = None) -> int:
    command = [sys.executable, str(Path(__file__).with_name("tiny_training.py")), str(folder), str(kill_at), *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {"TMPDIR": str(temporary)} if temporary else {}
    return subprocess.run(command, env=environment, cwd=ROOT, check=False, capture_output=True).returncode


def told(folder: Path) -> list[dict]:
    return [
        {name: value for name, value in line.items() if name not in TIMES}
        for line in read_log(folder)
        if "event" not in line
    ]


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    last = sorted((folder / "states").iterdir())[-1]
    return {
        f"{path.name}:{name}": value
        for path in sorted(last.glob("*.safetensors"))
        for name, value in safetensors.torch.load_file(path).items()
    }


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums in one order, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert train(folder) == 0
    return folder


class TestKilled:
    @pytest.mark.slow
    def test_a_killed_run_goes_on_to_the_same_losses_and_weights_bit_for_bit(self, whole, tmp_path):
        done = 0
        for kill in (4, 10, 15):
            assert train(tmp_path, kill - done) == -signal.SIGKILL
            done = max([int(path.name) for path in (tmp_path / "states").glob("[0-9]*")], default=0)
        assert train(tmp_path) == 0
        assert told(tmp_path) == told(whole)
        ours, theirs = tensors(tmp_path), tensors(whole)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert [line["step"] for line in told(tmp_path) if "loss" in line] == list(range(1, 25))

    @pytest.mark.slow
    def test_readers_of_their_own_read_the_same(self, whole, tmp_path):
        long = tmp_path / ("a-long-name-" * 10)  # longer than the path of a socket may be
        long.mkdir()
        run = tmp_path / "run"
        assert train(run, 8, "workers=1", temporary=long) == -signal.SIGKILL
        assert train(run, -1, "workers=1", temporary=long) == 0
        assert told(run) == told(whole)

    def test_what_is_kept(self, whole):
        assert sorted(path.name for path in (whole / "states").iterdir()) == ["00000020", "00000024"]
        files = {path.name for path in (whole / "states" / "00000024").iterdir()}
        assert files == {
            "model.safetensors",
            "optimizer.safetensors",
            "mean.safetensors",
            "rank-0.safetensors",
            "state.json",
        }


@pytest.mark.slow
def test_two_processes_learn_the_same_as_one(tmp_path):
    more = ("steps=6", "layers_dropout=0") if False else ("steps=6",)
    assert train(tmp_path / "two", -1, "devices=2", "strategy='ddp'", *more) == 0
    lines = [line for line in told(tmp_path / "two") if "loss" in line]
    assert lines[-1]["examples"] == 6 * 2 * 4
    last = tmp_path / "two" / "states" / "00000006"
    assert {path.name for path in last.glob("rank-*")} == {"rank-0.safetensors", "rank-1.safetensors"}
    assert "layers.0.weight" in safetensors.torch.load_file(last / "model.safetensors")
    # A state of two processes is a state of one: names are the objective's own.
    assert train(tmp_path / "two", -1, "devices=1", *more) == 0


def run(folder: Path, objective: nn.Module | None = None, **more):
    return fit(objective or made(), Data(Points(), Shuffled()), TrainConfig(**CONFIG | more), folder)


class TestFit:
    def test_it_learns(self, tmp_path):
        fitted = run(tmp_path, steps=200, ema=0.0, log_every=20)
        losses = [line["loss"] for line in told(tmp_path)]
        assert losses[-1] < losses[0] / 4
        assert fitted.finished
        assert fitted.position.examples == 200 * 2 * 4
        assert fitted.state.is_dir()

    def test_accumulated_batches_are_one_large_batch(self, tmp_path):
        """Of equal sizes and without noise, two batches of 4 weigh as one of 8."""

        class Plain(Line):
            views = None

            def loss(self, batch):
                return {"loss": (self.layers[0](batch).sum(1) - batch.sum(1)).square().mean()}

        class Paired:
            def batches(self, epoch):
                rows = Shuffled().batches(epoch)
                return [[*rows[at], *rows[at + 1]] for at in range(0, 4, 2)]

        class Four:
            def batches(self, epoch):
                return Shuffled().batches(epoch)[:4]

        found = []
        for sampler, accumulate in ((Paired(), 1), (Four(), 2)):
            torch.manual_seed(0)
            objective = Plain()
            config = TrainConfig(**CONFIG | {"steps": 4, "accumulate": accumulate})
            fit(objective, Data(Points(), sampler), config, tmp_path / str(accumulate))
            found.append(objective.layers[0].weight.detach().clone())
        torch.testing.assert_close(found[0], found[1])

    def test_a_part_that_not_every_batch_has_is_the_mean_of_those_that_have_it(self, tmp_path):
        class Sometimes(Line):
            calls = 0

            def loss(self, batch):
                self.calls += 1
                parts = super().loss(batch)
                return parts | ({"seldom": torch.tensor(5.0)} if self.calls in (3, 9) else {})

        run(tmp_path, Sometimes(), steps=6, log_every=3)
        first, second = told(tmp_path)
        assert first["seldom"] == second["seldom"] == 5.0
        assert first["off"] > 0

    def test_the_objective_hears_of_every_step_and_ends_with_the_mean(self, tmp_path):
        objective = made()
        run(tmp_path, objective, steps=4)
        assert objective.told == [0.25, 0.5, 0.75, 1.0]
        mean = safetensors.torch.load_file(tmp_path / "states" / "00000004" / "mean.safetensors")
        assert mean.keys() == {name for name, value in objective.named_parameters() if value.requires_grad}
        torch.testing.assert_close(objective.layers[0].weight, mean["layers.0.weight"])

    def test_frozen_weights_stay(self, tmp_path):
        objective = made()
        before = objective.frozen.weight.clone()
        run(tmp_path, objective, steps=3)
        assert torch.equal(objective.frozen.weight, before)

    def test_evaluation_changes_no_loss_and_its_metrics_are_kept(self, whole, tmp_path):
        config = TrainConfig(**CONFIG | {"evaluate_every": 7})
        fitted = fit(made(), Data(Points(), Shuffled()), config, tmp_path, evaluate=evaluate)
        losses = [line["loss"] for line in told(tmp_path) if "loss" in line]
        assert losses == [line["loss"] for line in told(whole) if "loss" in line]
        assert [line["step"] for line in told(tmp_path) if "evaluation/drawn" in line] == [7, 14, 21, 24]
        again = fit(made(), Data(Points(), Shuffled()), config, tmp_path, evaluate=evaluate)
        assert again.metrics == fitted.metrics
        assert again.position == fitted.position

    def test_it_stops_when_asked_and_goes_on(self, whole, tmp_path):
        objective = made()
        config = TrainConfig(**CONFIG)
        data = Data(Points(), Shuffled())
        part = fit(objective, data, config, tmp_path, stop=lambda: len(objective.told) == 7)
        assert (part.finished, part.position.step) == (False, 7)
        assert fit(made(), data, config, tmp_path).finished
        losses = [line["loss"] for line in told(tmp_path) if "loss" in line]
        assert losses == [line["loss"] for line in told(whole) if "loss" in line]

    def test_time_that_is_up(self, tmp_path):
        assert run(tmp_path, minutes=0.0).position.step == 1

    def test_speed_and_mfu_are_told(self, tmp_path):
        objective, heard = made(), []
        objective.flops_per_example = 1e3
        config = TrainConfig(**CONFIG | {"steps": 3, "peak_flops": 1e9})
        fit(objective, Data(Points(), Shuffled()), config, tmp_path, progress=heard.append)
        assert [one.step for one in heard] == [1, 2, 3]
        assert heard[-1].mfu == pytest.approx(heard[-1].examples_per_s * 1e3 / 1e9)
        assert heard[-1].left_s == 0.0

    def test_biases_and_norms_do_not_decay(self, tmp_path):
        class Still(Line):
            def loss(self, batch):
                return {"loss": 0.0 * sum(part.sum() for part in self.layers.parameters())}

        objective = Still()
        with torch.no_grad():
            for part in objective.layers.parameters():
                part.fill_(1.0)
        run(tmp_path, objective, steps=5, ema=0.0, weight_decay=0.5)
        assert (objective.layers[0].weight < 1).all()
        assert (objective.layers[0].bias == 1).all()
        assert (objective.layers[1].weight == 1).all()
        decayed = 1 - objective.layers[0].weight[0, 0], 1 - objective.layers[3].weight[0, 0]
        assert decayed[1] < 0.6 * decayed[0]  # `slower`


class Astray(Line):
    """No number at some steps."""

    def __init__(self, steps: set[int]) -> None:
        super().__init__()
        self.steps, self.calls = steps, 0

    def loss(self, batch):
        parts = super().loss(batch)
        self.calls += 1
        bad = (self.calls - 1) // CONFIG["accumulate"] in self.steps
        return {"loss": parts["loss"] * (float("nan") if bad else 1.0)}


class TestNotANumber:
    def test_a_bad_step_changes_nothing_and_is_counted(self, tmp_path):
        objective = Astray({2})
        seen = []
        fitted = fit(
            objective,
            Data(Points(), Shuffled()),
            TrainConfig(**CONFIG | {"steps": 5}),
            tmp_path,
            stop=lambda: bool(seen.append(objective.layers[0].weight.detach().clone())),
        )
        assert fitted.position.skipped == 1
        assert torch.equal(seen[1], seen[2])
        assert not torch.equal(seen[2], seen[3])
        assert len(objective.told) == 4
        assert [line["loss"] is None for line in told(tmp_path)] == [False, False, True, False, False]

    def test_too_many_in_a_row_stop_the_run_and_name_the_last_good_state(self, tmp_path):
        with pytest.raises(
            NotANumber, match=r"3 steps in a row, up to step 9, .* good state is that of step 5"
        ) as error:
            run(tmp_path, Astray({6, 7, 8}), most_bad=3)
        assert str(tmp_path) in str(error.value)
        assert states.latest(tmp_path).position.step == 5

    def test_a_run_that_never_was_good(self, tmp_path):
        with pytest.raises(NotANumber, match="none was saved"):
            run(tmp_path, Astray(set(range(99))), most_bad=2)


class TestBadState:
    def test_another_config_is_refused_but_not_for_what_only_changes_how_it_runs(self, tmp_path):
        run(tmp_path, steps=5)
        with pytest.raises(StateError, match=r"learning_rate: 0\.02 there, 0\.5 here"):
            run(tmp_path, steps=5, learning_rate=0.5)
        assert run(tmp_path, steps=5, log_every=2, keep=1).finished

    def test_a_damaged_state_is_passed_over(self, whole, tmp_path):
        run(tmp_path, evaluate_every=4)
        weights = tmp_path / "states" / "00000024" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-5])
        assert states.latest(tmp_path).position.step == 20
        assert run(tmp_path, evaluate_every=4).finished
        assert torch.equal(
            tensors(tmp_path)["model.safetensors:layers.0.weight"], tensors(whole)["model.safetensors:layers.0.weight"]
        )

    def test_no_sound_state_is_an_error_not_a_fresh_start(self, tmp_path):
        run(tmp_path, steps=2)
        (tmp_path / "states" / "00000002" / "state.json").write_text('{"format": "spinecho-training-0"}')
        with pytest.raises(StateError, match="name another folder"):
            run(tmp_path, steps=2)

    def test_a_state_of_another_network(self, tmp_path):
        run(tmp_path, steps=2)
        other = made()
        other.layers[0] = nn.Linear(3, 9)
        with pytest.raises(StateError, match="another network"):
            run(tmp_path, other, steps=2)
        renamed = made()
        renamed.more = nn.Linear(1, 1)
        with pytest.raises(StateError, match="another network"):
            run(tmp_path, renamed, steps=2)

    def test_an_unfinished_state_is_none(self, tmp_path):
        run(tmp_path, steps=2)
        left = tmp_path / "states" / ".00000003.unfinished"
        left.mkdir()
        assert states.latest(tmp_path).position.step == 2

    def test_one_run_a_folder_at_a_time(self, tmp_path):
        with states.alone(tmp_path), pytest.raises(StateError, match="another process trains"):
            run(tmp_path)

    def test_a_log_cut_short_by_a_kill(self, tmp_path):
        log = Log(tmp_path, step=0)
        log.write(1, {"loss": float("inf")})
        log.write(2, {"loss": 2.0})
        log.close()
        with (tmp_path / "log.jsonl").open("a") as file:
            file.write('{"step": 3, "lo')
        Log(tmp_path, step=1).close()
        assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [
            {"step": 1, "loss": None}
        ]


class TestBadInput:
    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"steps": 0}, "steps = 0 must be at least 1"),
            ({"learning_rate": float("nan")}, "learning_rate = nan"),
            ({"warmup": 25, "steps": 24}, "warmup = 25 must not be longer"),
            ({"ema": 1.0}, "ema = 1.0"),
            ({"precision": "float16"}, "precision = 'float16'"),
            ({"betas": (0.9, 1.0)}, "betas"),
            ({"accumulate": 0, "keep": 0}, "accumulate = 0 must be at least 1; keep = 0 must be at least 1"),
        ],
    )
    def test_configs(self, values, said):
        with pytest.raises(TrainError, match=said):
            TrainConfig(**CONFIG | values)

    def test_devices_that_are_not_there(self, tmp_path):
        with pytest.raises(TrainError, match="'abacus'"):
            run(tmp_path, accelerator="abacus")

    def test_too_few_examples_for_a_batch(self, tmp_path):
        with pytest.raises(TrainError, match="lower the batch size"):
            fit(made(), Data(Points(3), Shuffled(3)), TrainConfig(**CONFIG), tmp_path)

    def test_nothing_to_train(self, tmp_path):
        with pytest.raises(TrainError, match="every weight is frozen"):
            run(tmp_path, made().requires_grad_(False))

    def test_a_batch_that_cannot_be_shared(self):
        with pytest.raises(TrainError, match="cannot be shared by 5"):
            next(batches(Data(Points(), Shuffled()), TrainConfig(steps=1), rank=0, processes=5))

    def test_processes_share_each_batch(self):
        def numbers(rank, processes):
            data = Data(range(23), Shuffled(), collate=list)
            loaded = batches(data, TrainConfig(steps=1), epoch=1, batch=2, rank=rank, processes=processes)
            return [next(loaded).values for _ in range(6)]

        one, first, second = numbers(0, 1), numbers(0, 2), numbers(1, 2)
        assert one == [a + b for a, b in zip(first, second, strict=True)]
        assert one[0] == Shuffled().batches(1)[2]
        assert one[3] == Shuffled().batches(2)[0]

    def test_views_are_those_of_the_place(self):
        data = Data(Points(), Shuffled(), views=Line().views)
        first = batches(data, TrainConfig(steps=1))
        next(first)
        torch.rand(3)
        np.random.rand(3)
        again = batches(data, TrainConfig(steps=1), epoch=0, batch=1)
        assert torch.equal(next(first).values, next(again).values)
