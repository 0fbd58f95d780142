from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.places import place_fit, places
from spinecho.encoders.language.vocabulary.spine_levels import DISCS, VERTEBRAE, levels
from spinecho.encoders.language.vocabulary.table import vocabulary


def _spellings(upper: str, lower: str) -> list[str]:
    """Every way in which reports write the disc between two vertebrae."""
    found = [f"{upper}{sign}{lower}" for sign in ("/", "-", "–", " - ", " / ", " ")]
    if upper[0] == lower[0]:
        found += [f"{upper}{sign}{lower[1:]}" for sign in ("/", "-", "–", " - ", " / ")]
    if "T" in upper + lower:
        for letter in ("D", "Th"):
            swapped = [upper.replace("T", letter), lower.replace("T", letter)]
            found += ["/".join(swapped), "-".join(swapped)]
            if upper[0] == lower[0]:
                found += [f"{swapped[0]}/{lower[1:]}"]
    return found


PAIRS = [(disc, upper, lower) for disc, (upper, lower) in zip(DISCS, itertools.pairwise(VERTEBRAE), strict=True)]


@pytest.mark.parametrize(("disc", "upper", "lower"), PAIRS)
@pytest.mark.parametrize("around", ["{} disc protrusion", "Disc protrusion at {}.", "disc bulge ({}) with stenosis"])
def test_every_spelling_of_every_disc_is_that_disc(disc: str, upper: str, lower: str, around: str) -> None:
    for written in _spellings(upper, lower):
        assert levels(around.format(written))[0].ids == (f"spine:{disc}",), written


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stenosis L3-S1", {"L3/4", "L4/5", "L5/S1"}),
        ("L4 and L5 vertebral fractures", {"L4", "L5"}),
        ("at the level of L4", {"L4"}),
        ("L3/4, 4/5 and L5/S1 discs", {"L3/4", "L4/5", "L5/S1"}),
        ("L3/4/5", {"L3/4", "L4/5"}),
        ("from C3 to C7", {"C3/4", "C4/5", "C5/6", "C6/7"}),
        ("L5/1 protrusion", {"L5/S1"}),
        ("L5 nerve root", {"L5 root"}),
        ("T1 and T2 weighted images", set()),
        ("T2/FLAIR hyperintensity", set()),
        ("T3 N1 rectal carcinoma", set()),
        ("segment S8 of the liver", set()),
        ("a lesion at L4, 5 mm in size", {"L4"}),
        ("T1 vertebra", {"T1"}),
        ("T2-T5 cord lesion", {"T2/3", "T3/4", "T4/5"}),
    ],
)
def test_levels(text: str, named: set[str]) -> None:
    assert {one for level in levels(text) for one in level.ids} == {f"spine:{name}" for name in named}


GROUPS = {
    "discs": [f"{disc} disc" for disc in ("C5/6", "T11/12", "L3/4", "L4/5", "L5/S1")],
    "vertebrae": ["C2 vertebra", "T7 vertebra", "L1 vertebra", "L4 vertebra"],
    "regions of the spine": ["cervical spine", "thoracic spine", "lumbar spine"],
    "zones": ["lateral recess", "neural foramen", "extraforaminal zone"],
    "lobes": ["frontal lobe", "parietal lobe", "temporal lobe", "occipital lobe", "insula"],
    "deep": ["thalamus", "basal ganglia", "brainstem", "cerebellum", "hypothalamus"],
    "brainstem": ["midbrain", "pons", "medulla oblongata"],
    "basal ganglia": ["caudate nucleus", "putamen", "globus pallidus"],
    "ventricles": ["lateral ventricle", "third ventricle", "fourth ventricle"],
    "menisci": ["medial meniscus", "lateral meniscus"],
    "knee": ["ACL", "PCL", "MCL", "LCL", "medial meniscus", "quadriceps tendon", "patellar tendon"],
    "cuff": ["supraspinatus", "infraspinatus", "subscapularis", "teres minor"],
    "joints": ["shoulder", "elbow", "wrist", "hip", "knee", "ankle"],
    "fingers": ["thumb", "index finger", "middle finger", "ring finger", "little finger"],
    "toes": ["great toe", "second toe", "third toe", "fourth toe", "fifth toe"],
    "organs": ["liver", "spleen", "pancreas", "kidney", "adrenal gland", "gallbladder", "stomach"],
    "liver": ["segment IV", "segment VI", "segment VIII", "caudate lobe"],
    "prostate": ["peripheral zone", "transition zone"],
    "uterus": ["endometrium", "myometrium", "cervix"],
    "breast": ["upper outer quadrant", "upper inner quadrant", "lower outer quadrant", "lower inner quadrant"],
    "heart": ["left ventricle", "right ventricle", "left atrium", "right atrium"],
    "valves": ["mitral valve", "aortic valve", "tricuspid valve", "pulmonary valve"],
    "arteries": ["middle cerebral artery", "anterior cerebral artery", "posterior cerebral artery", "basilar artery"],
    "sinuses": ["superior sagittal sinus", "transverse sinus", "sigmoid sinus", "straight sinus"],
    "paranasal": ["maxillary sinus", "frontal sinus", "sphenoid sinus", "ethmoid sinus"],
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_place_of_a_kind_is_another_place(group: str) -> None:
    for asked, said in itertools.permutations(GROUPS[group], 2):
        assert place_fit(places(asked), places(f"A lesion of the {said}.")) == "other", (asked, said)
    for asked in GROUPS[group]:
        assert place_fit(places(asked), places(f"A lesion of the {asked}.")) == "same"


@pytest.mark.parametrize(
    ("asked", "said", "fit"),
    [
        ("L4/5", "L4-L5 protrusion", "same"),
        ("L4/5", "lumbar spine", "contains"),
        ("lumbar spine", "L4/5", "within"),
        ("lumbar spine", "C5/6", "other"),
        ("L4", "L4/5", "unknown"),
        ("L4", "L2/3", "other"),
        ("L4", "L3-S1", "within"),
        ("L4/5", "stenosis L3-S1", "same"),
        ("L4/5 foraminal stenosis", "L4/5: stenosis", "contains"),
        ("L4/5 foraminal stenosis", "L5/S1 foraminal stenosis", "other"),
        ("L4/5 and L5/S1", "L5/S1", "same"),
        ("brain", "left frontal lobe", "within"),
        ("frontal lobe", "brain", "contains"),
        ("frontal lobe", "medial meniscus", "unknown"),
        ("frontal lobe", "no place at all", "unknown"),
        ("hippocampus", "temporal lobe", "contains"),
        ("hippocampus", "frontal lobe", "other"),
        ("meniscus", "medial meniscus", "within"),
        ("medial meniscus", "meniscal tear", "contains"),
        ("medial meniscus", "tears of the medial and lateral menisci", "same"),
        ("frontal lobe", "right frontoparietal mass", "same"),
        ("thumb", "hand", "contains"),
        ("left ventricle", "LV thrombus", "same"),
        ("left ventricle", "dilated right ventricle", "other"),
        ("frontal lobe", "periventricular white matter", "unknown"),
        ("", "frontal lobe", "unknown"),
        ("cervical cord", "T1-T3 levels of the spinal cord", "other"),
        ("cervical cord", "a lesion of the cord at C7/T1", "contains"),
        ("cervical cord", "C3 to C7", "unknown"),
        ("cervical spine", "lesion of the thoracic cord", "other"),
        ("lumbar spine", "conus medullaris", "unknown"),
        ("C5/6", "thoracic cord", "other"),
    ],
)
def test_fits(asked: str, said: str, fit: str) -> None:
    assert place_fit(places(asked), places(said)) == fit


@pytest.mark.parametrize(("cord", "holds"), [("cervical", "C"), ("thoracic", "T")])
def test_a_part_of_the_cord_lies_at_its_levels_and_at_no_others(cord: str, holds: str) -> None:
    levels = {"C": ("C2", "C3/4", "C6"), "T": ("T2", "T5/6", "T10"), "L": ("L3", "L4/5"), "S": ("S2",)}
    for letter, names in levels.items():
        for name in names:
            said, asked = places(f"Signal change at {name}."), places(f"{cord} cord lesion")
            assert (place_fit(asked, said) == "other") == (letter != holds), name
            assert (place_fit(said, asked) == "other") == (letter != holds), name


def test_other_is_mutual() -> None:
    """What excludes a place is excluded by it; a part fits its whole and the whole holds the part."""
    anatomy = [one for one in vocabulary().concepts.values() if one.kind == "anatomy"][::7]
    for one, other in itertools.combinations(anatomy, 2):
        there, back = (
            place_fit(frozenset({one.id}), frozenset({other.id})),
            place_fit(frozenset({other.id}), frozenset({one.id})),
        )
        mirrored = {"within": "contains", "contains": "within"}.get(there, there)
        assert back == mirrored, (one.id, other.id)


def test_the_examples_of_ids() -> None:
    assert places("L4/5") == places("L4-L5 level") == {"spine:L4/5"}
    assert places("lumbosacral junction") == {"spine:L5/S1"}
    assert places("frontal lobe") == {"brain:frontal"}
    assert places("medial meniscal tear") == {"knee:medial meniscus"}
    assert places("second, third and fourth toes") == {"foot:second toe", "foot:third toe", "foot:fourth toe"}
    assert places("anterior and posterior cruciate ligaments") == {"knee:ACL", "knee:PCL"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Lt knee", {"left"}),
        ("Rt. shoulder", {"right"}),
        ("b/l effusions", {"bilateral"}),
        ("bilateral", {"bilateral"}),
        ("L>R foraminal stenosis", {"left", "right"}),
        ("(L) MCA infarct", {"left"}),
        ("left-sided weakness", {"left"}),
        ("L knee effusion", {"left"}),
        ("R frontal mass", {"right"}),
        ("L4/5 protrusion", set()),
        ("the L spine", set()),
        ("dilated left ventricle", set()),
        ("left lateral ventricle", {"left"}),
        ("left atrial thrombus", set()),
        ("right heart failure", set()),
        ("right-handed", set()),
    ],
)
def test_sides(text: str, named: set[str]) -> None:
    assert sides(text) == named


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert all(one in vocabulary().concepts for one in places(text))
    assert all(0 <= level.start < level.stop <= len(text) for level in levels(text))


@pytest.mark.parametrize("piece", [" ", "a", "1", "L4/", "L4-5, ", "(", "- ", "non-", "fronto", "left ", "5 x "])
def test_long_hostile_text_is_read_in_time(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    places(text)
    sides(text)
