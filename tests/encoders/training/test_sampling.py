from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.training.data.batch_sampling import ShuffledBatches, StudyBatches
from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.run_config import TrainError


def facts(*studies: tuple[str, str, int]) -> list[Facts]:
    """(region, source, series) of each study."""
    return [
        Facts(key=f"{number}/{series}", study=str(number), patient=str(number), source=source, region=region)
        for number, (region, source, count) in enumerate(studies)
        for series in range(count)
    ]


MANY = facts(*[("brain", "a", 3)] * 60, *[("knee", "a", 2)] * 40, *[("brain", "b", 1)] * 30)


def test_without_mixing_almost_every_batch_is_of_one_region_and_source():
    batches = StudyBatches(MANY, 8, mixed=0.0).batches(0)
    kinds = [{(MANY[number].region, MANY[number].source) for number in batch} for batch in batches]
    assert sum(len(kind) == 1 for kind in kinds) >= len(kinds) - 1
    assert set().union(*kinds) == {("brain", "a"), ("knee", "a"), ("brain", "b")}


def test_mixed_batches_in_their_share():
    def pure(mixed):
        found = [
            len({MANY[number].region for number in batch}) == 1
            for epoch in range(10)
            for batch in StudyBatches(MANY, 8, mixed=mixed).batches(epoch)
        ]
        return sum(found) / len(found)

    assert pure(1.0) < 0.2
    assert 0.55 < pure(0.25) < 0.9


@settings(max_examples=30)
@given(
    studies=st.lists(
        st.tuples(st.sampled_from(["brain", "knee", ""]), st.sampled_from("ab"), st.integers(1, 5)), max_size=30
    ),
    size=st.integers(1, 9),
    series=st.integers(1, 3),
    epoch=st.integers(0, 5),
)
def test_every_batch_is_full_and_no_study_comes_twice_or_with_too_many(studies, size, series, epoch):
    rows = facts(*studies)
    sampler = StudyBatches(rows, size, series_per_study=series, seed=2)
    batches = sampler.batches(epoch)
    assert batches == StudyBatches(rows, size, series_per_study=series, seed=2).batches(epoch)
    assert all(len(batch) == size for batch in batches)
    seen = [number for batch in batches for number in batch]
    assert len(seen) == len(set(seen))
    assert max(Counter(rows[number].study for number in seen).values(), default=0) <= series
    per_study = sum(min(series, count) for _, _, count in studies)
    assert len(seen) <= per_study


def test_series_of_a_study_come_together():
    batches = StudyBatches(MANY, 8, series_per_study=2, mixed=0.0).batches(0)
    where = {}
    for at, batch in enumerate(batches):
        for number in batch:
            where.setdefault(MANY[number].study, []).append(at)
    pairs = [places for places in where.values() if len(places) == 2]
    assert len(pairs) > 80
    assert all(len(set(places)) == 1 for places in pairs)


def test_epochs_and_seeds_differ():
    assert StudyBatches(MANY, 8).batches(0) != StudyBatches(MANY, 8).batches(1)
    assert StudyBatches(MANY, 8, seed=1).batches(0) != StudyBatches(MANY, 8).batches(0)
    assert ShuffledBatches(9, 4).batches(0) != ShuffledBatches(9, 4).batches(1)


def test_shuffled():
    batches = ShuffledBatches(9, 4, seed=3).batches(7)
    assert [len(batch) for batch in batches] == [4, 4]
    assert len({number for batch in batches for number in batch}) == 8
    assert ShuffledBatches(3, 4).batches(0) == []


def test_sizes_out_of_reason():
    with pytest.raises(TrainError, match="mixed 2 from 0 to 1"):
        StudyBatches(MANY, 8, mixed=2)
