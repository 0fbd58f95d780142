"""What is drawn: lesions on their side and with their signal, in a head whose CSF behaves."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from spinecho.indexer.phantom import Case, SeriesPlan, plan_cases, render_series
from spinecho.indexer.phantom.anatomy import anatomy
from spinecho.indexer.phantom.atlas import BRAIN_BASE, SHAPE, voxel
from spinecho.indexer.phantom.lesions import tissue_of
from spinecho.indexer.phantom.render import series_affine

Drawn = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]
CASES = plan_cases(72, seed=11)


@cache
def drawn(case: Case, plan: SeriesPlan) -> Drawn:
    return render_series(case, plan)


def first(diagnosis: str, *needs: str) -> Case:
    for case in CASES:
        have = {plan.sequence for plan in case.series} | ({"contrast"} if case.has_contrast else set())
        if case.diagnosis == diagnosis and set(needs) <= have:
            return case
    raise AssertionError(f"no {diagnosis} with {needs}")


def plan_of(case: Case, sequence: str, *, contrast: bool = False, b_value: float | None = None) -> SeriesPlan:
    for plan in case.series:
        wanted = plan.sequence == sequence and plan.contrast == contrast and plan.plane == "axial"
        if wanted and b_value in (None, plan.b_value):
            return plan
    raise AssertionError(sequence)


def with_both(diagnosis: str) -> Case:
    """A case with the same axial T1 before and after contrast medium."""
    for case in CASES:
        pair = [p for p in case.series if p.sequence == "T1" and p.plane == "axial" and not p.fat_suppressed]
        if case.diagnosis == diagnosis and {p.contrast for p in pair} == {False, True}:
            return case
    raise AssertionError(diagnosis)


def inside(result: Drawn) -> float:
    return float(np.median(result[0][result[2]]))


def brain(result: Drawn) -> float:
    """The median of what is lit and not lesion: brain, mostly."""
    voxels, _, mask = result
    lit = voxels[~mask & (voxels > voxels.mean())]
    return float(np.median(lit))


def test_drawing_twice_gives_the_same_voxels():
    case = CASES[0]
    plan = case.series[0]
    a, b = render_series(case, plan), render_series(case, plan)
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert a[0].shape == (plan.columns, plan.rows, plan.slices)
    assert a[0].dtype == np.float32
    assert np.isfinite(a[0]).all()


@pytest.mark.parametrize(
    "case", [c for c in CASES[:48] if len(c.lesions) == 1][::3], ids=lambda c: f"{c.diagnosis}-{c.index}"
)
def test_a_lesion_lies_on_the_side_that_the_report_names(case: Case):
    (lesion,) = case.lesions
    plan = next(p for p in case.series if p.sequence != "localizer" and p.dimensions == "2D")
    _, affine, mask = drawn(case, plan)
    assert mask.any()
    x, _, _ = affine[:3, :3] @ np.argwhere(mask).mean(0) + affine[:3, 3]
    if lesion.side in ("left", "right"):
        assert (x > 0) == (lesion.side == "right")
        assert abs(x) > 5
        assert lesion.side in case.report
    else:
        assert abs(x) < 10


def test_centres_lie_in_brain_tissue_of_that_person():
    for case in CASES[:14]:
        codes = anatomy(case).codes
        for lesion in case.lesions:
            if lesion.kind in ("meningioma", "arachnoid cyst", "small vessel disease"):
                continue
            box = tuple(slice(int(c) - 2, int(c) + 3) for c in voxel(lesion.center_mni_mm))
            assert (codes[box] >= BRAIN_BASE).mean() > 0.9
            grey, white = tissue_of(codes[box])
            assert (grey + white).mean() > 0.5, lesion


def test_the_volume_of_a_mass_is_about_what_its_size_says():
    case = first("metastasis", "contrast")
    plan = plan_of(case, "T1", contrast=True)
    _, affine, mask = drawn(case, plan)
    volume = mask.sum() * abs(np.linalg.det(affine[:3, :3]))
    expected = sum(np.pi / 6 * lesion.size_mm**3 for lesion in case.lesions)
    assert 0.5 < volume / expected < 2.2


def test_csf_is_dark_on_flair_and_bright_on_t2():
    case = first("normal", "T2", "FLAIR")
    ventricle = {}
    for sequence in ("T2", "FLAIR"):
        result = drawn(case, plan_of(case, sequence))
        voxels, affine, _ = result
        head = anatomy(case)
        pools = [(s * 10.0, y, 14.0) for s in (-1, 1) for y in (0, 6, 12)]
        at = np.linalg.inv(affine) @ np.linalg.inv(head.to_template) @ np.array([[*p, 1.0] for p in pools]).T
        i, j, k = np.rint(at[:3]).astype(int)
        near = [voxels[a - 3 : a + 4, b - 3 : b + 4, c] for a, b, c in zip(i, j, k, strict=True)]
        extreme = np.max if sequence == "T2" else np.min
        ventricle[sequence] = float(np.median([extreme(part) for part in near])) / brain(result)
    assert ventricle["T2"] > 1.3
    assert ventricle["FLAIR"] < 0.6


def test_an_acute_infarct_is_bright_on_b1000_and_dark_on_adc():
    case = first("acute infarct", "DWI", "ADC")
    diffusion = drawn(case, plan_of(case, "DWI", b_value=1000.0))
    adc = drawn(case, plan_of(case, "ADC"))
    assert inside(diffusion) > 1.5 * brain(diffusion)
    assert 300 < inside(adc) < 620
    assert brain(adc) > 680
    flair = drawn(case, plan_of(case, "FLAIR"))
    assert inside(flair) > 1.2 * brain(flair)


def test_an_abscess_restricts_in_its_centre():
    case = first("abscess", "DWI", "ADC")
    adc = drawn(case, plan_of(case, "ADC"))
    assert np.percentile(adc[0][adc[2]], 20) < 640
    diffusion = drawn(case, plan_of(case, "DWI", b_value=1000.0))
    assert np.percentile(diffusion[0][diffusion[2]], 80) > 1.5 * brain(diffusion)


@pytest.mark.parametrize("diagnosis", ["meningioma", "metastasis", "high-grade glioma"])
def test_what_enhances_is_brighter_after_contrast(diagnosis: str):
    case = with_both(diagnosis)
    before, after = drawn(case, plan_of(case, "T1")), drawn(case, plan_of(case, "T1", contrast=True))
    mask = before[2]
    assert np.array_equal(mask, after[2])

    def top(result: Drawn) -> float:
        return float(np.percentile(result[0][mask], 75)) / brain(result)

    assert top(after) > 1.25 * top(before)


def test_a_low_grade_glioma_does_not_enhance():
    case = with_both("low-grade glioma")
    before, after = drawn(case, plan_of(case, "T1")), drawn(case, plan_of(case, "T1", contrast=True))
    assert inside(after) / brain(after) == pytest.approx(inside(before) / brain(before), rel=0.1)


@pytest.mark.parametrize("diagnosis", ["haemorrhage", "cavernoma"])
def test_blood_products_are_dark_and_bloom_on_t2s(diagnosis: str):
    case = first(diagnosis, "T2*")
    result = drawn(case, plan_of(case, "T2*"))
    assert inside(result) < 0.55 * brain(result)


def test_an_arachnoid_cyst_follows_csf():
    case = first("arachnoid cyst", "T2", "FLAIR")
    bright, dark = drawn(case, plan_of(case, "T2")), drawn(case, plan_of(case, "FLAIR"))
    assert inside(bright) > 1.5 * brain(bright)
    assert inside(dark) < 0.5 * brain(dark)


def test_ventricles_widen_with_atrophy():
    young = min(CASES, key=lambda c: (c.atrophy, c.index))
    old = max(CASES, key=lambda c: (c.atrophy, -c.index))

    def fluid(case: Case) -> float:
        codes = anatomy(case).codes
        grey, white = tissue_of(codes)
        return float(((codes >= BRAIN_BASE) * (1 - grey - white)).sum())

    assert fluid(old) > 1.4 * fluid(young)


@pytest.mark.parametrize(("plane", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_slices_are_stacked_along_the_axis_of_their_plane(plane: str, axis: int):
    found = [(c, p) for c in CASES for p in c.series if p.plane == plane]
    for case, plan in found[:8]:
        affine = series_affine(case, plan)
        assert np.argmax(np.abs(affine[:3, 2])) == axis
        assert np.linalg.norm(affine[:3, :3], axis=0) == pytest.approx(
            [plan.pixel_mm, plan.pixel_mm, plan.spacing_mm], rel=1e-6
        )


def test_the_whole_brain_is_covered():
    corners = np.array([(0, -95, 60), (0, 68, 0), (60, -20, 0), (-60, -20, 0)], float)
    for case in CASES[:6]:
        for plan in case.series:
            if plan.sequence == "localizer" or plan.plane != "axial":
                continue
            world = np.linalg.inv(anatomy(case).to_template) @ np.c_[corners, np.ones(4)].T
            at = (np.linalg.inv(series_affine(case, plan)) @ world)[:3].T
            assert (at > -1).all()
            assert (at < np.array([plan.columns, plan.rows, plan.slices])).all()
    assert len(SHAPE) == 3
