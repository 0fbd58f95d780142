"""Signal equations against what every radiologist knows about contrast."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from spinecho.indexer.phantom import SeriesPlan
from spinecho.indexer.phantom.protocols import Scan, acquire
from spinecho.indexer.phantom.signal import nulling_ti, palette, signal
from spinecho.indexer.phantom.tissue import TISSUES


def plan_of(kind: str, field_t: float) -> SeriesPlan:
    rng = np.random.default_rng(5)
    plans = acquire(
        (Scan(kind),), rng, study_uid="1.2", vendor="SIEMENS", field_t=field_t, storage="single", syntax="explicit"
    )
    return plans[-1]


def ranked(kind: str, field_t: float, *names: str) -> list[float]:
    plan = plan_of(kind, field_t)
    return [signal(TISSUES[name], plan, field_t=field_t) for name in names]


@pytest.mark.parametrize("field_t", [1.5, 3.0])
@pytest.mark.parametrize(
    ("kind", "darkest_to_brightest"),
    [
        ("t1", ("csf", "grey", "white", "fat")),
        ("t2", ("white", "grey", "wmh", "csf")),
        ("flair", ("csf", "white", "grey", "wmh")),
        ("flair", ("cyst", "white", "plaque")),
        ("mprage", ("csf", "grey", "white", "fat")),
        ("t2s", ("haemosiderin", "haematoma", "white")),
        ("dwi", ("csf", "white", "grey", "infarct")),
        ("dwi", ("necrosis", "grey", "pus")),
        ("adc", ("infarct", "white", "oedema", "csf")),
        ("adc", ("pus", "white", "necrosis")),
        ("t1", ("acute haematoma", "white", "haematoma")),
        ("t2", ("haematoma", "white", "infarct")),
        ("pd", ("white", "grey")),
    ],
)
def test_contrast(kind: str, field_t: float, darkest_to_brightest: tuple[str, ...]):
    values = ranked(kind, field_t, *darkest_to_brightest)
    assert values == sorted(values)
    assert all(b > a * 1.02 + 1e-9 for a, b in pairwise(values))


@pytest.mark.parametrize("name", ["glioma rim", "meningioma", "metastasis", "capsule", "active plaque", "sinus"])
def test_contrast_medium_brightens_what_takes_it_up(name: str):
    before = plan_of("t1", 1.5)
    after = replace(before, contrast=True)
    tissue = TISSUES[name]
    assert signal(tissue, after, field_t=1.5) > 1.25 * signal(tissue, before, field_t=1.5)
    assert signal(TISSUES["white"], after, field_t=1.5) == signal(TISSUES["white"], before, field_t=1.5)


def test_nulling_time_is_the_zero_of_the_inversion_recovery():
    ti = nulling_ti(9000, 4300)
    assert 1 - 2 * math.exp(-ti / 4300) + math.exp(-9000 / 4300) == pytest.approx(0, abs=1e-12)


def test_the_palette_holds_pure_tissue_at_its_corners():
    plan = plan_of("t2", 3.0)
    table = palette(plan, field_t=3.0)
    assert table[64 + 63 * 64] == pytest.approx(signal(TISSUES["grey"], plan, field_t=3.0))
    assert table[64 + 63] == pytest.approx(signal(TISSUES["white"], plan, field_t=3.0))
    assert table[64] == pytest.approx(signal(TISSUES["csf"], plan, field_t=3.0))
    assert table[0] == 0
