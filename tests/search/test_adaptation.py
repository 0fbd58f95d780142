"""Adapting over rows: what can be learned is, what cannot is not offered, wrong pairs are noticed, a run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinecho.encoders.adapted import CELLS, rows_of
from spinecho.encoders.measuring.held_out import is_held_out
from spinecho.encoders.training.adapting import FitConfig, Material
from spinecho.encoders.training.wrong_pairs import WRONG
from spinecho.search.adaptation import FULL, MAIN, Adaptation, Gathered, adapted_heads
from spinecho.search.evaluation.encoders_compared import Row

KINDS, PLACES, IMAGE, TEXT = 6, 4, 24, 20
FIT = FitConfig(steps=80, every=40, batch=48, patience=3, learning_rate=2e-3, width=48, dim=32)


QUICK = FitConfig(steps=20, every=10, batch=16, width=48, dim=32)


def hospital(patients: int = 400, *, wrong: float = 0.0, learnable: bool = True) -> Gathered:
    """Scans with a finding in one of their cells, and reports that name it; `wrong`: of these pairs are exchanged."""
    rng = np.random.default_rng(3)
    looks, words = rng.normal(size=(KINDS, IMAGE)), rng.normal(size=(KINDS * PLACES, TEXT))
    kind, place = rng.integers(KINDS, size=patients), rng.integers(PLACES, size=patients)
    scans = np.stack([
        rows_of(*(np.asarray(one, np.float32) for one in _scan(rng, looks[kind[n]] if learnable else None, place[n])))
        for n in range(patients)
    ])  # fmt: skip
    said = kind * PLACES + place
    exchanged = rng.permutation(patients)[: int(wrong * patients)]
    said[exchanged] = said[np.roll(exchanged, 1)]
    sentences = (words[said] + 0.1 * rng.normal(size=(patients, TEXT))).astype(np.float32)
    material = Material(
        scans.astype(np.float16), np.arange(patients), np.arange(patients) % 2, sentences,
        [np.array([n]) for n in range(patients)], [frozenset()] * patients, [frozenset()] * patients,
    )  # fmt: skip
    names = [f"P{n}" for n in range(patients)]
    rows = tuple(Row(f"1.{n}", ("brain", ("T1", "T2")[n % 2])) for n in range(patients))
    texts = tuple(f"Finding {one} of {n}." for n, one in enumerate(said))
    return Gathered(tuple(f"1.{n}" for n in range(patients)), tuple(names), texts, rows, material)


def _scan(rng: np.random.Generator, look: np.ndarray | None, place: int) -> tuple[np.ndarray, np.ndarray]:
    cells = 1.0 + 0.3 * rng.normal(size=(CELLS, IMAGE))
    if look is not None:
        cells[5 * place] += 3 * look
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    return cells.mean(axis=0) / np.linalg.norm(cells.mean(axis=0)), cells


def adapt(gathered: Gathered, folder: Path, fit: FitConfig = FIT) -> Adaptation:
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=(n, 8)) for n in (len(gathered.rows), len(gathered.texts))]
    blind = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in drawn]
    return adapted_heads(gathered, (blind[0], blind[1]), None, folder, fit=fit, resamples=200)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Adaptation:
    return adapt(hospital(), tmp_path_factory.mktemp("learned"))


def test_what_can_be_learned_is_and_is_offered(learned: Adaptation) -> None:
    for name in (MAIN, FULL, "scan to report", "scan to report, one region and sequence"):
        before, _, after = learned.figures[name]
        assert before is not None
        assert after.ci95 is not None
        assert after.ci95[0] > before.value
        assert after.ci95[0] > after.chance
    assert learned.better
    assert learned.gain[0] > 0
    assert learned.why.startswith(MAIN)


def test_held_out_patients_are_the_same_in_every_run_and_are_counted(learned: Adaptation) -> None:
    held = sum(is_held_out(f"P{n}") for n in range(400))
    assert learned.patients["held out"] == held
    assert sum(learned.patients.values()) == 400
    assert 0.15 < held / 400 < 0.25


def test_noise_is_not_offered_and_what_it_would_take_is_said(tmp_path: Path) -> None:
    made = adapt(hospital(250, learnable=False), tmp_path, QUICK)
    assert not made.better
    assert "not offered" in made.why
    assert "more reports" in made.why
    assert made.wrong_pairs is None, "where nothing is learned, nobody can tell which pairs are wrong"


def test_wrong_pairs_are_noticed_and_do_not_spoil_it(learned: Adaptation, tmp_path: Path) -> None:
    assert learned.wrong_pairs is not None
    assert learned.wrong_pairs < 0.05 < WRONG
    shuffled = adapt(hospital(wrong=0.15), tmp_path)
    assert shuffled.wrong_pairs is not None
    assert WRONG < shuffled.wrong_pairs < 0.2
    assert shuffled.better


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    gathered = hospital(200)
    whole = adapt(gathered, tmp_path / "whole", QUICK)
    with pytest.raises(KeyboardInterrupt):
        adapted_heads(gathered, None, None, tmp_path / "parts", fit=QUICK, tell=_stop_at(10))
    made = adapt(gathered, tmp_path / "parts", QUICK)
    assert made.history == whole.history
    assert [step for step, _ in made.history] == [0, 10, 20]
    for name, value in made.heads.state_dict().items():
        assert np.array_equal(value.numpy(), whole.heads.state_dict()[name].numpy()), name


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00{"])
def test_a_damaged_state_is_begun_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "state.safetensors").write_bytes(content)
    assert adapt(hospital(200), tmp_path, QUICK).steps == QUICK.steps


def _stop_at(step: int):  # type: ignore[no-untyped-def]
    def tell(stage: str, done: int, of: int) -> None:
        if stage == "train" and done >= step:
            raise KeyboardInterrupt

    return tell


def _stopped(gathered: Gathered, folder: Path, fit: FitConfig = QUICK) -> None:
    with pytest.raises(KeyboardInterrupt):
        adapted_heads(gathered, None, None, folder, fit=fit, tell=_stop_at(10))


@pytest.mark.parametrize("changed", ["patients", "denials", "words", "scans", "one fewer"])
def test_a_run_goes_on_only_where_nothing_that_it_goes_by_has_changed(changed: str, tmp_path: Path) -> None:
    """A study that turns out to be of a patient who is held out must not have been learned from, for one."""
    first = hospital(200)
    material = first.material
    other = {
        "patients": lambda: replace(first, patients=tuple(f"Q{n}" for n in range(200))),
        "denials": lambda: replace(first, material=replace(material, denied=[frozenset({0})] * 200)),
        "words": lambda: replace(first, material=replace(material, sentences=material.sentences[::-1].copy())),
        "scans": lambda: replace(first, material=replace(material, scans=material.scans[::-1].copy())),
        "one fewer": lambda: hospital(199),
    }[changed]()
    _stopped(first, tmp_path / "parts")
    after, fresh = adapt(other, tmp_path / "parts", QUICK), adapt(other, tmp_path / "fresh", QUICK)
    for name, value in after.heads.state_dict().items():
        assert np.array_equal(value.numpy(), fresh.heads.state_dict()[name].numpy()), name


def test_a_run_that_may_take_longer_goes_on_where_it_was(tmp_path: Path) -> None:
    _stopped(hospital(200), tmp_path)
    begun: list[int] = []
    longer = replace(QUICK, minutes=90.0)
    adapted_heads(
        hospital(200),
        None,
        None,
        tmp_path,
        fit=longer,
        tell=lambda stage, done, _: begun.append(done) if stage == "train" else None,
    )
    assert begun == [20], "from step 10, where it was stopped"
