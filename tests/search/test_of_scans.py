"""Findings within a body region, changed copies and other scanners: worked by hand, and what holds of any vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.db.queries.learning.evaluating import VolumeFacts
from spinecho.db.queries.learning.self_tests import PairText
from spinecho.db.queries.learning.stated_findings import Stated, stated
from spinecho.encoders.measuring.findings import FindingPool, by_finding
from spinecho.search.evaluation import EmptyPool
from spinecho.search.evaluation.of_scans import (
    LEAST,
    affirmed_to_study,
    copy_to_original,
    finding_pools,
    other_scanner,
)
from spinecho.search.evaluation.values import Options

OPTIONS = Options(resamples=50)


def pool(scores: Sequence[float], has: Sequence[bool], *, name: str = "tear, knee") -> FindingPool:
    return FindingPool(name, np.array(scores, float), np.array(has), [f"p{n}" for n in range(len(has))])


def test_worked_by_hand() -> None:
    done = by_finding([pool([0.9, 0.8, 0.7, 0.1], [True, False, True, False])], resamples=50)
    recall, auroc = done.figures["Recall@R"], done.figures["AUROC"]
    assert (recall.value, recall.chance, recall.pool, recall.queries) == (0.5, 0.5, 4, 1)
    assert (auroc.value, auroc.chance) == (0.75, 0.5)
    assert done.units == 4
    assert set(done.parts) == {"tear, knee"}


def test_chance_is_the_mean_over_all_orders() -> None:
    orders = [
        by_finding([pool(order, [True, True, False, False, False])], resamples=0) for order in permutations(range(5))
    ]
    for name in ("Recall@R", "AUROC"):
        assert np.mean([one.figures[name].value for one in orders]) == pytest.approx(orders[0].figures[name].chance)


def test_an_encoder_that_tells_nothing_apart_finds_nothing() -> None:
    done = by_finding([pool([0.3] * 6, [True, False] * 3)], resamples=0)
    assert {name: figure.value for name, figure in done.figures.items()} == {"Recall@R": 0.0, "AUROC": 0.0}


def test_a_pool_in_which_all_have_it_is_counted_and_not_asked() -> None:
    every = pool([0.2, 0.1], [True, True])
    done = by_finding([every, pool([0.2, 0.1], [True, False])], resamples=10)
    assert done.figures["Recall@R"].value == 1.0
    assert done.left_out == {"every study of the pool has it, or none": 1}
    with pytest.raises(EmptyPool, match="none of 1 findings"):
        by_finding([every])


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_figures_stay_in_bounds_and_know_no_order(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    scores, has = random.integers(0, 4, n) / 4, random.random(n) < 0.5
    has[:2] = True, False
    patients, order = [str(one) for one in random.integers(0, 4, n)], random.permutation(n)
    one = by_finding([FindingPool("x", scores, has, patients)], resamples=20)
    other = by_finding([FindingPool("x", scores[order], has[order], [patients[k] for k in order])], resamples=0)
    for name, figure in one.figures.items():
        assert 0 <= figure.value <= 1
        assert figure.value == pytest.approx(other.figures[name].value)
        assert figure.ci95 is None or 0 <= figure.ci95[0] <= figure.ci95[1] <= 1


def volume(row: int, study: str, patient: str, region: str = "knee", scanner: str = "") -> VolumeFacts:
    return VolumeFacts(row, study, f"{study}.1", "", patient, region, "PD", "sagittal", row, scanner)


class Archive:
    """Twice `LEAST` knees, half of which have a meniscal tear by their report and by the first axis of their scan, as
    many ankles of which nothing is said, and words that lie on that axis."""

    def __init__(self) -> None:
        n = 2 * LEAST
        self.knees = [f"s{row}" for row in range(n)]
        self.volumes = [volume(row, uid, f"p{row}") for row, uid in enumerate(self.knees)]
        self.volumes += [volume(n + row, f"a{row}", f"q{row}", "ankle") for row in range(n)]
        self.rows = np.tile([0.0, 1.0], (2 * n, 1))
        self.rows[:LEAST] = [1.0, 0.0]
        self.rows[n:] = [1.0, 0.0]  # ankles that look like torn menisci: never in the knees' pool
        self.said: dict[str, Stated] = {
            uid: stated(["meniscal tear"] if row < LEAST else [], []) for row, uid in enumerate(self.knees)
        }

    def encode(self, texts: Sequence[str]) -> Any:
        return np.tile([1.0, 0.0], (len(texts), 1))


def test_a_finding_is_asked_for_among_studies_of_one_region() -> None:
    archive = Archive()
    (one,) = finding_pools(archive.volumes, archive.rows, archive.encode, archive.said)
    assert one.name == "meniscal tear, knee"
    assert (len(one.has), int(one.has.sum())) == (2 * LEAST, LEAST)
    assert by_finding([one], resamples=50).figures["Recall@R"].value == 1.0


def test_what_is_left_open_is_neither_here_nor_absent() -> None:
    archive = Archive()
    for uid in (*archive.knees[:1], *archive.knees[LEAST : LEAST + 1]):
        archive.said[uid] = stated([], ["meniscal tear"])
    with pytest.raises(EmptyPool, match=f"affirmed for {LEAST} patients"):
        finding_pools(archive.volumes, archive.rows, archive.encode, archive.said)
    archive = Archive()
    extra = [volume(400 + row, f"x{row}", f"x{row}") for row in range(3)]
    archive.said |= {one.study_uid: stated([], ["meniscal tear"]) for one in extra}
    rows = np.concatenate([archive.rows, np.tile([1.0, 0.0], (3, 1))])
    (one,) = finding_pools([*archive.volumes, *extra], rows, archive.encode, archive.said)
    assert len(one.has) == 2 * LEAST  # those in doubt do not count


def test_what_a_report_affirms_is_looked_for_in_its_region_alone() -> None:
    archive = Archive()
    texts = [PairText(uid, f"p{row}", f"finding {row}") for row, uid in enumerate(archive.knees)]
    done = affirmed_to_study(archive.volumes, archive.rows, archive.encode, texts, OPTIONS)
    assert done.figures["Recall@10"].pool == 2 * LEAST  # no ankle
    with pytest.raises(EmptyPool, match="known body region"):
        affirmed_to_study([volume(0, "s0", "p0", "unknown")], archive.rows[:1], archive.encode, texts, OPTIONS)


def test_copies_find_their_originals_and_those_not_read_are_counted() -> None:
    rows = np.eye(6)
    volumes = [volume(row, f"s{row}", f"p{row}") for row in range(6)]
    done = copy_to_original(volumes, rows, {0: rows[0], 1: rows[2], 5: None}, OPTIONS)
    assert (done.figures["Recall@1"].value, done.figures["Recall@1"].pool) == (0.5, 6)
    assert done.left_out["not read again from their files"] == 1
    twice = np.concatenate([rows, rows[:1]])
    stored = [*volumes, volume(6, "s6", "p6")]
    assert copy_to_original(stored, twice, {6: rows[0]}, OPTIONS).figures["Recall@1"].value == 1.0
    with pytest.raises(EmptyPool, match="none of 1 scans"):
        copy_to_original(volumes, rows, {0: None}, OPTIONS)


def test_the_same_patient_on_another_scanner() -> None:
    volumes = [
        volume(0, "s0", "ann", scanner="Siemens skyra 3.0 T"),
        volume(1, "s1", "ann", scanner="GE signa 1.5 T"),
        volume(2, "s2", "ann", scanner="Siemens skyra 3.0 T"),
        volume(3, "s3", "bob", scanner="GE signa 1.5 T"),
        volume(4, "s4", "cy", scanner="Siemens skyra 3.0 T"),
    ]
    rows = np.array([[1, 0], [0.8, 0.6], [1, 0], [0.6, 0.8], [0, 1]], float)
    done = other_scanner(volumes, rows, OPTIONS)
    figure = done.figures["Recall@1"]
    assert (figure.value, figure.queries, figure.pool) == (1.0, 1, 3)  # not by the scan of the same scanner
    rows[1] = [0.0, -1.0]
    assert other_scanner(volumes, rows, OPTIONS).figures["Recall@1"].value == 0.0
    with pytest.raises(EmptyPool, match="scanners of two models, of 4 scans"):
        other_scanner([volumes[0], *volumes[2:]], rows[[0, 2, 3, 4]], OPTIONS)
