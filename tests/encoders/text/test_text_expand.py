from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.expand import expand, spelled_out


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("haemorrhage", {"hemorrhage", "bleed", "hematoma", "haematoma"}),
        ("bleed", {"haemorrhage", "hemorrhage"}),
        ("GBM", {"glioblastoma"}),
        ("oedema", {"edema"}),
        ("edema", {"oedema"}),
        ("tumour", {"tumor", "neoplasm"}),
        ("WMH", {"white matter hyperintensities", "small vessel ischaemic disease"}),
        ("MCA", {"middle cerebral artery"}),
        ("ACL", {"anterior cruciate ligament"}),
        ("FLAIR", {"fluid attenuated inversion recovery"}),
        ("DWI", {"diffusion weighted imaging"}),
        ("grey matter", {"gray matter"}),
        ("HWS", {"cervical spine"}),
        ("Knie", {"knee"}),
        ("links", {"left"}),
        ("artefact", {"artifact"}),
    ],
)
def test_a_thing_is_looked_for_under_its_other_names(typed: str, also: set[str]) -> None:
    (group,) = expand(typed)
    assert group[0] == typed.lower()
    assert also <= set(group)


def test_the_longest_name_counts_and_function_words_do_not() -> None:
    named = [group[0] for group in expand("mass effect on the left temporal lobe")]
    assert named == ["mass effect", "left", "temporal lobe"]
    assert "tumor" not in expand("mass effect")[0]
    assert expand("T2 lesion")[0][0] == "t2"
    assert "gradient echo" not in expand("T2 lesion")[0]


@given(st.text(max_size=60))
def test_any_text_is_read(typed: str) -> None:
    groups = expand(typed)
    assert all(group and len(set(group)) == len(group) for group in groups)
    assert bool(groups) == any(character.isalnum() for character in typed)


@pytest.mark.parametrize(
    ("typed", "encoded"),
    [
        ("GBM", "glioblastoma (GBM)"),
        ("gbm in the left temporal lobe", "glioblastoma (gbm) in the left temporal lobe"),
        ("torn ACL", "torn anterior cruciate ligament (ACL)"),
        ("Lt MCA infarct", "Lt middle cerebral artery (MCA) infarct"),
        ("plaques of MS", "plaques of multiple sclerosis (MS)"),
        ("altered MS", "altered MS"),
        ("glioblastoma (GBM)", "glioblastoma (GBM)"),
        ("T2 FLAIR knee cysts", "T2 FLAIR knee cysts"),
        ("L4/5 disc", "L4/5 disc"),
        ("", ""),
    ],
)
def test_an_abbreviation_is_spelled_out_for_the_encoder(typed: str, encoded: str) -> None:
    assert spelled_out(typed) == encoded


@given(st.text(max_size=60))
def test_what_is_spelled_out_keeps_what_was_typed(text: str) -> None:
    assert len(spelled_out(text)) >= len(text)
    assert set(text) <= set(spelled_out(text))
