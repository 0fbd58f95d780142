"""Heads trained on planted signal, and asked on patients that they never saw."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planting import SPACE, FakeEncoder, Make, planted

from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.heads.fitting.features import FeatureCache, cache_features
from spinecho.encoders.heads.fitting.fit import fit_head
from spinecho.encoders.heads.fitting.probe_training import FitOptions
from spinecho.encoders.heads.head import Head
from spinecho.encoders.heads.head_metrics import Figure
from spinecho.encoders.heads.predict import UNKNOWN, Predictor
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.heads.targets import TASKS, TaskSpec, box_label, task_named
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.training.data.examples import Example, Facts

QUICK = FitOptions(epochs=30, resamples=100, hidden=32, network="mlp", learning_rate=3e-3)
SHARES = {"ADC": 0.2, "DWI": 0.5, "T1": 0.8}
GRADE = TaskSpec("grade", "ordinal", lambda facts: facts.sequence or None, ("ADC", "DWI", "T1"))
FOUND = TaskSpec("found", "multi", lambda facts: frozenset(facts.labels["found"]))
PLACE = TaskSpec("place", "place", lambda facts: box_label(facts, "box"))


def archive(count: int = 160, *, first: int = 0) -> list[Example]:
    """Sequence, age and lesion are planted in the pixels; sex is not."""
    made = []
    for number in range(first, first + count):
        random = np.random.default_rng((7, number))
        patient = number // 2
        sequence = list(SHARES)[patient % 3]
        spot = tuple(int(n) for n in random.integers(1, 4, 3)) if patient % 2 else None
        box = [n / 4 for n in spot] + [(n + 1) / 4 for n in spot] if spot else None
        share = SHARES[sequence]
        known: dict[str, Any] = {
            "sequence": sequence, "age_years": 100 * share + random.normal(0, 2), "sex": "FM"[patient // 5 % 2],
            "labels": {"box": box, "found": [sequence] + (["spot"] if spot else [])},
        }  # fmt: skip
        made.append(planted(number, share, spot=spot, **known))
    return made


def asked(examples: list[Example]) -> list[Described]:
    encoder = FakeEncoder()
    return encoder.describe([encoder.preparation(example.volume()) for example in examples])


def figure(figures: tuple[Figure, ...], name: str) -> Figure:
    return next(one for one in figures if one.name == name)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return cache_features(FakeEncoder(), archive(), tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def sequence(features: FeatureCache) -> Head:
    return fit_head(TASKS["sequence"], features, options=QUICK)[0]


NEW = archive(60, first=1000)


@pytest.mark.parametrize("network", ["mlp", "attention", "auto"])
def test_classes_are_told_on_new_patients(features: FeatureCache, network: Any) -> None:
    head, card = fit_head(TASKS["sequence"], features, options=replace(QUICK, network=network))
    said = head.predict(asked(NEW))
    answered = [(one, example) for one, example in zip(said, NEW, strict=True) if one.known]
    assert len(answered) > 40
    assert np.mean([one.value == example.facts.sequence for one, example in answered]) > 0.9
    accuracy = figure(card.figures, "accuracy")
    assert accuracy.value > 0.9
    assert accuracy.low is not None
    assert accuracy.low > accuracy.chance  # type: ignore[operator]
    assert (accuracy.volumes, accuracy.patients) == (2 * card.patients["test"], card.patients["test"])
    assert sum(card.patients.values()) == 80
    assert card.by_source == {"made": 2 * card.patients["train"]}
    assert all(sum(one.details["probabilities"].values()) == pytest.approx(1, abs=1e-3) for one in said)


def test_what_is_not_in_the_pixels_is_not_said(features: FeatureCache) -> None:
    head, card = fit_head(TASKS["sex"], features, options=QUICK)
    said = head.predict(asked(NEW))
    assert np.mean([one.known for one in said]) < 0.3
    held_back = next(one for one in said if not one.known)
    assert held_back.details["best"] in ("F", "M")
    assert figure(card.figures, "calibration error").value < 0.25
    assert max(one.score for one in said) < 0.95


def test_scores_mean_what_they_say(tmp_path: Path) -> None:
    # Only every second volume shows its sequence; the rest looks like any
    hidden = [
        example if number // 2 % 2 else replace(planted(number, 0.5), facts=example.facts)
        for number, example in enumerate(archive(400))
    ]
    features = cache_features(FakeEncoder(), hidden, tmp_path)
    head, card = fit_head(TASKS["sequence"], features, options=QUICK)
    assert figure(card.figures, "calibration error").value < 0.15
    assert 0.4 < figure(card.figures, "accuracy").value < 0.95
    assert figure(card.figures, "accuracy where answered").value > 0.8
    assert head.card.calibration.threshold > 0.3


def test_age_comes_with_a_spread_that_holds(features: FeatureCache) -> None:
    head, card = fit_head(TASKS["age"], features, options=QUICK)
    said = head.predict(asked(NEW))
    errors = [
        abs(one.number - (example.facts.age_years or 0)) for one, example in zip(said, NEW, strict=True) if one.number
    ]
    assert len(errors) > 40
    assert np.mean(errors) < 7
    inside = figure(card.figures, "inside the 95 % interval")
    assert inside.value > 0.85
    one = next(one for one in said if one.number is not None)
    low, high = one.details["interval"]
    assert low < one.number < high  # type: ignore[operator]
    assert one.details["unit"] == "years"
    assert one.value == f"{one.number:.1f}"


def test_ordered_classes(features: FeatureCache) -> None:
    head, card = fit_head(GRADE, features, options=replace(QUICK, epochs=120, patience=30))
    assert figure(card.figures, "mean error in steps").value < 0.3
    said = head.predict(asked(NEW))
    assert (
        np.mean([one.details.get("best", one.value) == ex.facts.sequence for one, ex in zip(said, NEW, strict=True)])
        > 0.8
    )


def test_several_labels(features: FeatureCache) -> None:
    head, card = fit_head(FOUND, features, options=replace(QUICK, network="attention"))
    assert card.classes == ("ADC", "DWI", "T1", "spot")
    assert figure(card.figures, "mean AUROC").value > 0.9
    said = head.predict(asked(NEW))
    right = [
        set(one.value.split(", ")) == set(example.facts.labels["found"])
        for one, example in zip(said, NEW, strict=True)
        if one.known and not one.details["unsure"]
    ]
    assert len(right) > 20
    assert np.mean(right) > 0.85


def test_a_structure_is_found_where_it_is(features: FeatureCache) -> None:
    head, card = fit_head(PLACE, features, options=replace(QUICK, epochs=80))
    touched = figure(card.figures, "hottest token touches the box")
    assert touched.value > 0.9 > 0.3 > (touched.chance or 0)
    assert figure(card.figures, "box overlap (IoU)").value > 0.3
    for item, example in zip(asked(NEW[:20]), NEW[:20], strict=True):
        found, box = head.localise(item, axis=2, slices=8), example.facts.labels["box"]
        assert found.heat.shape == (64,)
        if found.score < 0.5:
            assert (found.box, found.slice_range) == (None, None)
        elif box is not None:
            assert found.slice_range is not None
            first, last = found.slice_range
            assert first <= round(8 * box[2])
            assert last >= round(8 * box[5]) - 1
            assert last - first <= 3
    said = [one.details.get("best", one.value) for one in head.predict(asked(NEW))]
    assert (
        np.mean([(one == "present") == bool(ex.facts.labels["box"]) for one, ex in zip(said, NEW, strict=True)]) > 0.9
    )


def test_strange_volumes_are_left_open(sequence: Head) -> None:
    usual = asked(NEW)[0]
    strange = replace(usual, pooled=usual.pooled + np.linspace(-3, 3, len(usual.pooled), dtype=np.float32))
    said = sequence.predict([strange])[0]
    assert (said.value, said.details["abstained"]) == (UNKNOWN, "unfamiliar")
    assert said.details["distance"] > 1
    assert np.mean([one.details["distance"] > 1 for one in sequence.predict(asked(NEW))]) < 0.2


def test_features_that_are_no_numbers_or_of_another_width(sequence: Head) -> None:
    usual = asked(NEW)[0]
    said = sequence.predict([replace(usual, pooled=np.full_like(usual.pooled, np.nan))])[0]
    assert (said.value, said.score, said.number) == (UNKNOWN, 0.0, None)
    with pytest.raises(HeadError, match="width 12, not 3"):
        sequence.predict([replace(usual, pooled=np.ones(3, np.float32))])
    with pytest.raises(HeadError, match="tells no place"):
        sequence.localise(usual)


def test_equal_seeds_give_equal_heads_and_batches_do_not_matter(features: FeatureCache, sequence: Head) -> None:
    again, card = fit_head(TASKS["sequence"], features, options=QUICK)
    assert card == sequence.card
    items = asked(NEW[:5])
    assert again.predict(items) == sequence.predict(items) == [sequence.predict([item])[0] for item in items]
    assert sequence.predict([]) == []


def test_a_predictor_asks_all_heads_of_a_folder(features: FeatureCache, sequence: Head, tmp_path: Path) -> None:
    sequence.save(tmp_path / "sequence")
    fit_head(TASKS["age"], features, options=QUICK)[0].save(tmp_path / "age")
    predictor = Predictor.load(tmp_path, space=SPACE)
    assert predictor.tasks == ("age", "sequence")
    items = asked(NEW[:3])
    said = predictor.predict(items)
    assert [one.task for one in said[0]] == ["age", "sequence"]
    assert [both[1] for both in said] == sequence.predict(items)
    assert predictor.predict([]) == []
    json.dumps([one.details for both in said for one in both])
    assert "accuracy" in (tmp_path / "sequence" / "card.md").read_text()
    assert Head.load(tmp_path / "sequence").card == sequence.card


def test_a_head_of_another_encoder_is_refused(sequence: Head, tmp_path: Path) -> None:
    sequence.save(tmp_path / "sequence")
    other = replace(SPACE, preprocessing="c" * 64)
    with pytest.raises(SpaceMismatch, match="train it again") as caught:
        Predictor.load(tmp_path, space=other)
    assert SPACE.label in str(caught.value)
    assert other.label in str(caught.value)


def test_damaged_heads_are_refused(sequence: Head, tmp_path: Path) -> None:
    folder = tmp_path / "sequence"
    sequence.save(folder)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        Predictor.load(tmp_path, space=SPACE)
    (folder / "model.safetensors").write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    del config["config_sha256"]  # as by a version that wrote none
    for change in ({"classes": ["one"]}, {"kind": "guess"}, {"probe": {}}, {"space": None}, {"figures": 3}, {"new": 1}):
        (folder / "config.json").write_text(json.dumps(config | {"config": config["config"] | change}))
        with pytest.raises(CheckpointError, match="another version"):
            Head.load(folder)


def test_folders_without_heads(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(HeadError, match="spinecho train head"):
            Predictor.load(folder, space=SPACE)


def test_too_little_to_learn_from(cached: Make) -> None:
    features = cached([planted(number, 0.5, sequence="T1", age_years=50.0) for number in range(60)])
    with pytest.raises(HeadError, match="T1 30"):
        fit_head(TASKS["sequence"], features)
    with pytest.raises(HeadError, match=r"every volume has the label 50\.0"):
        fit_head(TASKS["age"], features)
    with pytest.raises(HeadError, match="not one of 60 volumes"):
        fit_head(TASKS["sex"], features)
    with pytest.raises(HeadError, match="not one of 60 volumes"):
        fit_head(PLACE, features)


def test_one_patient_is_not_enough(cached: Make) -> None:
    made = [planted(number, 0.5, age_years=float(number), labels={"box": None}) for number in range(40)]
    features = cached([replace(one, facts=replace(one.facts, patient="p")) for one in made])
    with pytest.raises(HeadError, match="1 patients with a label"):
        fit_head(TASKS["age"], features)
    with pytest.raises(HeadError, match="0 patients with a box"):
        fit_head(PLACE, features)


def test_rare_classes_are_left_out_and_counted(cached: Make) -> None:
    rare = [planted(number, 0.95, sequence="SWI") for number in range(500, 506)]
    _, card = fit_head(TASKS["sequence"], cached([*archive(), *rare]), options=QUICK)
    assert card.classes == ("ADC", "DWI", "T1")
    assert card.left_out == {"SWI": 3}
    assert "SWI (3)" in card.text()


def test_labels_that_are_none() -> None:
    facts = Facts("k", "s", "p", "made", labels={"box": [0.5, 0, 0, 0.4, 1, 1], "half": [0.1], "none": None})
    for name in ("box", "half"):
        with pytest.raises(HeadError, match="no box"):
            box_label(facts, name)
    assert (box_label(facts, "none"), box_label(facts, "other")) == ((), None)
    with pytest.raises(HeadError, match="there are: sequence"):
        task_named("weather")
    for name, task in TASKS.items():
        assert task.name == name
        assert task.label(Facts("k", "s", "p", "made")) is None
