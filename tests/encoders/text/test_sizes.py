from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.sizes import size_condition, sizes


@pytest.mark.parametrize(
    ("text", "dimensions"),
    [
        ("a 4 cm mass", ((40, 40),)),
        ("1.2 x 3.4 x 2 cm", ((12, 12), (34, 34), (20, 20))),
        ("4 cm x 3 cm", ((40, 40), (30, 30))),
        ("4.1 × 3,2 cm", ((41, 41), (32, 32))),
        ("2.1 AP x 1.9 TR x 3 CC cm", ((21, 21), (19, 19), (30, 30))),
        ("4.5cm by 3cm by 2cm", ((45, 45), (30, 30), (20, 20))),
        ("2-3 cm nodules", ((20, 30),)),
        ("3 to 4 mm", ((3, 4),)),
        ("between 1 and 2 cm", ((10, 20),)),
        ("a 4-cm mass", ((40, 40),)),
        ("> 4 cm", ((40, inf),)),
        ("more than 4 cm", ((40, inf),)),
        ("at least 10 mm", ((10, inf),)),
        ("2 cm or more", ((20, inf),)),
        ("up to 5 mm", ((0, 5),)),
        ("not larger than 5 mm", ((0, 5),)),
        ("< 5 mm", ((0, 5),)),
        ("measuring approximately 12 mm", ((12, 12),)),
        ("subcentimetre nodules", ((0, 10),)),
        ("two-centimetre cyst", ((20, 20),)),
        ("1,2 cm", ((12, 12),)),
    ],
)
def test_one_size(text: str, dimensions: tuple[tuple[float, float], ...]) -> None:
    (size,) = sizes(text)
    assert size.dimensions == dimensions
    assert 0 <= size.start < size.stop <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "5 mm thick slices", "slice thickness of 3 mm", "5-mm axial sections", "3 mm gap", "FOV 24 cm",
        "spacing 3.3 mm",
        "field of view of 230 mm", "TR 500 TE 20", "voxel size 1 x 1 x 1 mm", "1 mm isotropic", "1.5 T", "20 mmHg",
        "20 mm Hg", "12 cm3", "4 cm²", "3 x 4 x 5", "60-year-old", "12.03.2024", "L4-5 mm", "2 cm from the anal verge",
        "matrix 256 x 256", "b 1000", "",
    ],
)  # fmt: skip
def test_no_size_of_a_finding(text: str) -> None:
    assert sizes(text) == ()


def test_a_list_has_two_sizes() -> None:
    assert [one.largest for one in sizes("nodules of 3 and 4 mm")] == [(3, 3), (4, 4)]


lengths = st.integers(1, 180)
FORMS = ["{} mm", "{}mm", "{}-mm", "{} millimetres", "{} millimeters", "about {} mm", "measures {} mm in diameter"]


@given(lengths, st.sampled_from(FORMS))
def test_a_size_is_read_as_written(length: int, form: str) -> None:
    (size,) = sizes(form.format(length))
    assert size.largest == (length, length)


@given(lengths, st.sampled_from(["{} cm", "{}cm", "{}-cm", "{} centimetres"]), st.booleans())
def test_centimetres_are_read_as_written(length: int, form: str, comma: bool) -> None:
    written = f"{length / 10:.1f}"
    (size,) = sizes(form.format(written.replace(".", ",") if comma else written))
    assert size.largest == (pytest.approx(length), pytest.approx(length))


@given(
    st.lists(lengths, min_size=2, max_size=3),
    st.sampled_from([" x ", "x", " × ", "×", " by "]),
    st.sampled_from(["mm", "cm"]),
    st.booleans(),
)
def test_dimensions_are_read_as_written(given_mm: list[int], by: str, unit: str, each: bool) -> None:
    numbers = [f"{one / 10:.1f}" if unit == "cm" else str(one) for one in given_mm]
    text = by.join(f"{one} {unit}" for one in numbers) if each else by.join(numbers) + f" {unit}"
    (size,) = sizes(f"a mass of {text} in the liver")
    assert [low for low, _ in size.dimensions] == pytest.approx(given_mm)
    assert size.largest[1] == pytest.approx(max(given_mm))


@given(lengths, lengths)
def test_at_least_and_less_than_divide_all_sizes(bound: int, length: int) -> None:
    (size,) = sizes(f"{length} mm")
    least, less = size_condition(f"at least {bound} mm"), size_condition(f"less than {bound} mm")
    assert least is not None
    assert less is not None
    assert least.holds(size) != less.holds(size)
    assert least.holds(size) == (length >= bound)


@pytest.mark.parametrize(
    ("query", "said", "holds"),
    [
        ("mass larger than 4 cm", "a mass of 4 cm", False),
        ("mass larger than 4 cm", "a mass of 4.1 x 2 cm", True),
        ("2 cm or more", "20 mm", True),
        ("up to 5 mm", "6 mm", False),
        ("up to 5 mm", "less than 5 mm", True),
        ("> 3cm", "3.5 x 1 x 1 cm", True),
        ("at least 10 mm", "up to 10 mm", True),
        ("at least 10 mm", "less than 10 mm", False),
        ("at least 10 mm", "more than 2 cm", True),
        ("at least 3 cm", "more than 2 cm", False),
        ("between 1 and 2 cm", "15 mm", True),
        ("between 1 and 2 cm", "2.5 cm", False),
        ("between 1 and 2 cm", "nodules of 5-12 mm", True),
        ("4 cm mass", "42 mm", True),
        ("4 cm mass", "60 mm", False),
    ],
)
def test_conditions(query: str, said: str, holds: bool) -> None:
    condition = size_condition(query)
    assert condition is not None
    assert condition.any(said) == holds


def test_what_wishes_for_no_size() -> None:
    assert size_condition("T2 hyperintense lesion, 3 mm slices") is None
    assert size_condition("multiple sclerosis") is None


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    for size in sizes(text):
        assert 0 <= size.start < size.stop <= len(text)
        assert all(0 <= low <= high for low, high in size.dimensions)


@pytest.mark.parametrize("piece", [" ", "1", "1 ", "1 x ", "4 cm ", "1-", "up to ", "1,", "one "])
def test_long_hostile_text_is_read_in_time(piece: str) -> None:
    sizes(piece * (100_000 // len(piece)))
