"""A size that stands in a clause of its own is the finding's of the clause before."""

from __future__ import annotations

from itertools import product

import pytest

from spinecho.encoders.language.findings import Statement, statements_in
from spinecho.encoders.language.passages import passages

FINDINGS = ("mass in the right hepatic lobe", "meningioma", "cyst of the left kidney", "saccular aneurysm", "seroma")
MEASURES = (
    ". It measures {}.", ", measuring {}.", ", which measures up to {}.", ". This measures approximately {} in size.",
    ". The lesion measures {}.", ". Its maximum diameter is {}.", "; it is {} in diameter.", ". Size: {}.",
    ". It shows no enhancement. It measures {}.", " without surrounding oedema. It measures {}.",
)  # fmt: skip
LENGTHS = (("4.2 x 3 cm", 42.0), ("18 mm", 18.0))


def said(text: str) -> list[Statement]:
    return [one for passage in passages(text) for one in statements_in(passage)]


LESIONS = FINDINGS[:2]
"""What is also called a lesion; a cyst or an aneurysm is measured under its own name."""


@pytest.mark.parametrize(
    ("finding", "measure", "length"),
    [one for one in product(FINDINGS, MEASURES, LENGTHS) if "lesion" not in one[1] or one[0] in LESIONS],
)
def test_a_finding_has_the_size_that_follows(finding: str, measure: str, length: tuple[str, float]) -> None:
    written, largest = length
    first = said(f"FINDINGS: There is a {finding}{measure.format(written)}")[0]
    assert finding.split(maxsplit=1)[0] in first.text
    assert first.high_mm == largest


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("FINDINGS: No mass. The spleen measures 12 cm.", "mass"),
        ("FINDINGS: There is a renal cyst. The spleen measures 12 cm.", "cyst"),
        ("FINDINGS: There is a meningioma. The aneurysm measures 5 mm.", "meningioma"),
        ("FINDINGS: There is a meningioma. It previously measured 3 cm.", "meningioma"),
        ("FINDINGS: There is a meningioma. Images were acquired with 3 mm slice thickness.", "meningioma"),
        ("FINDINGS: Meningioma.\nIMPRESSION: It measures 3 cm.", "meningioma"),
    ],
)
def test_what_measures_something_else_gives_it_none(text: str, of: str) -> None:
    (clause,) = (one for one in said(text) if of in one.text.lower() and "aneurysm" not in one.text)
    assert clause.high_mm is None


def test_each_finding_has_the_size_that_follows_it() -> None:
    found = said("FINDINGS: A mass in the liver. It measures 4 cm. A cyst in the kidney. It measures 9 mm.")
    assert [one.high_mm for one in found if "liver" in one.text or "kidney" in one.text] == [40.0, 9.0]


@pytest.mark.parametrize("piece", ["It measures 4 cm. ", "a mass, measuring 3 cm ", "measures ", "4 x ", "( - "])
def test_long_hostile_text_is_read_in_time(piece: str) -> None:
    passages(piece * (20_000 // len(piece)))
