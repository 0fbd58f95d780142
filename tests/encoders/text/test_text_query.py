from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.errors import EncoderError
from encoders.text.query import EmptyQuery, parse_query


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted", "sides"),
    [
        (
            "T2 hyperintense lesion, left temporal lobe, no enhancement",
            "T2 hyperintense lesion, left temporal lobe",
            ("enhancement",),
            {"left"},
        ),
        ("no haemorrhage", "", ("haemorrhage",), set()),
        ("No evidence of haemorrhage or oedema, but mass", "mass", ("haemorrhage", "oedema"), set()),
        ("glioma -oedema", "glioma", ("oedema",), set()),
        ('glioma -"mass effect" T2-weighted', "glioma T2-weighted", ("mass effect",), set()),
        ('"no flow void" in basilar', "no flow void in basilar", (), set()),
        ('meningioma without "mass effect and shift"', "meningioma", ("mass effect and shift",), set()),
        ("lesion no mass no edema", "lesion", ("mass", "edema"), set()),
        (
            "infarct without haemorrhage in the left MCA territory",
            "infarct in the left MCA territory",
            ("haemorrhage",),
            {"left"},
        ),
        ("meningioma with no significant change", "meningioma with no significant change", (), set()),
        ("sagittal T1 without contrast", "sagittal T1 without contrast", (), set()),
        ("normal brain", "normal brain", (), set()),
        ("non-enhancing lesion", "non-enhancing lesion", (), set()),
        ("bilateral knee effusion", "bilateral knee effusion", (), {"bilateral"}),
        ("Meningeom ohne Ödem", "Meningeom", ("Ödem",), set()),
        ("infarct no bleed no bleed", "infarct", ("bleed",), set()),
        ("mass - left", "mass - left", (), {"left"}),
        ("glioma - no edema", "glioma", ("edema",), set()),
        ("T1 - post contrast", "T1 - post contrast", (), set()),
        ("no enlarged lymph nodes", "", ("enlarged lymph nodes",), set()),
        ("no", "no", (), set()),
    ],
)
def test_queries(query: str, wanted: str, unwanted: tuple[str, ...], sides: set[str]) -> None:
    parsed = parse_query(query)
    assert (parsed.wanted, parsed.unwanted, set(parsed.sides)) == (wanted, unwanted, sides)
    assert parsed.absent is (wanted == "")


@pytest.mark.parametrize("query", ["", "  ", "?!", '""', "-", "- -", "\n"])
def test_no_words(query: str) -> None:
    with pytest.raises(EmptyQuery, match="left temporal lobe"):
        parse_query(query)
    assert issubclass(EmptyQuery, EncoderError)


@given(st.lists(st.sampled_from([*'no -",.;\x000aBß', "without ", " no ", "İ"]), max_size=30).map("".join))
def test_any_text_is_parsed_or_empty(query: str) -> None:
    try:
        parsed = parse_query(query)
    except EmptyQuery:
        return
    assert parsed.wanted or parsed.unwanted
    assert "\x00" not in parsed.wanted + "".join(parsed.unwanted)
