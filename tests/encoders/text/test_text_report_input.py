"""Whole reports as one vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.networks.report_input import SHARES, EmptyReport, ReportInput, chunks, organ_of
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.space import Space, Vectors

REPORT = """MRI BRAIN AND ABDOMEN

INDICATION: Headache.
TECHNIQUE: T1 and T2.

FINDINGS:
The ventricles are normal. No midline shift.
The liver shows a 2 cm cyst. It is simple.
The kidneys are unremarkable.
A second liver lesion measures 8 mm.

IMPRESSION:
1. Simple cyst of the liver.
2. Normal brain.
"""


def at_most(words: int) -> Callable[[str], bool]:
    return lambda text: len(text.split()) <= words


class CountingEncoder:
    """Words by their first letter; remembers how much it was handed at once."""

    def __init__(self, words: int = 20) -> None:
        self.space = Space("letters", "0", "0", 26)
        self.fits = at_most(words)
        self.largest = 0

    def encode(self, items: Sequence[str], /) -> Vectors:
        assert all(self.fits(item) for item in items)
        self.largest = max(self.largest, len(items))
        rows = np.full((len(items), 26), 1e-3, np.float32)
        for row, item in zip(rows, items, strict=True):
            for word in item.lower().split():
                if "a" <= word[0] <= "z":
                    row[ord(word[0]) - ord("a")] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_impression_comes_first_then_findings_by_organ() -> None:
    found = chunks(REPORT, at_most(60))
    assert [(chunk.section, chunk.organ) for chunk in found] == [
        ("impression", "liver and bile ducts"),
        ("impression", "brain"),
        ("findings", "brain"),
        ("findings", "liver and bile ducts"),
        ("findings", "kidneys and adrenals"),
        ("indication", ""),
        ("other", "brain"),
        ("technique", ""),
    ]
    liver = found[3].text
    assert liver == "The liver shows a 2 cm cyst. It is simple. A second liver lesion measures 8 mm."


def test_weights_follow_the_sections() -> None:
    found = chunks(REPORT, at_most(6))
    assert sum(chunk.weight for chunk in found) == pytest.approx(1)
    total = SHARES["impression"] + SHARES["findings"] + SHARES["indication"] + SHARES["other"]
    for section in ("impression", "findings", "technique"):
        held = sum(chunk.weight for chunk in found if chunk.section == section)
        assert held == pytest.approx(SHARES[section] / total)


def test_a_report_of_technique_alone_still_has_a_vector() -> None:
    found = chunks("TECHNIQUE: T1 and T2 were acquired.", at_most(60))
    assert [chunk.weight for chunk in found] == [1]


@pytest.mark.parametrize("report", ["", "  \n", "FINDINGS:\n\nIMPRESSION:\n", "--- ... ---"])
def test_an_empty_report_is_a_typed_error(report: str) -> None:
    with pytest.raises(EmptyReport, match="holds no word"):
        ReportInput(CountingEncoder()).encode([report])


def test_a_long_report_is_encoded_in_pieces_of_bounded_size() -> None:
    sentences = [f"Lesion {n} of the {organ} is stable." for n in range(850) for organ in ("liver", "brain")]
    report = "FINDINGS:\n" + "\n".join(sentences) + "\nIMPRESSION:\nStable."
    assert len(report.split()) > 10_000
    encoder = CountingEncoder(12)
    vectors = ReportInput(encoder).encode([report])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)
    assert 1 < encoder.largest <= 64


def test_the_vector_is_the_weighted_mean() -> None:
    encoder = CountingEncoder()
    parts = ReportInput(encoder).chunks(REPORT)
    expected = sum(part.weight * encoder.encode([part.text])[0] for part in parts)
    expected = expected / np.linalg.norm(expected)
    np.testing.assert_allclose(ReportInput(encoder).encode([REPORT, REPORT])[1], expected, atol=1e-5)
    assert ReportInput(encoder).encode([]).shape == (0, 26)


def test_with_the_default_network() -> None:
    encoder = SentenceEncoder.default()
    whole = ReportInput(encoder)
    long = REPORT.replace("The kidneys are unremarkable.", "The kidneys are unremarkable. " * 100)
    assert all(encoder.fits(chunk.text) for chunk in whole.chunks(long))
    assert len(whole.chunks(long)) > len(whole.chunks(REPORT))
    vectors = whole.encode([REPORT, long, "IMPRESSION: Torn anterior cruciate ligament of the knee."])
    query = encoder.encode(["cyst of the liver"])[0]
    assert whole.space == encoder.space
    assert vectors[0] @ query > vectors[2] @ query + 0.2
    assert vectors[1] @ query > vectors[2] @ query + 0.1


def test_a_sentence_longer_than_the_limit_is_cut_between_words() -> None:
    words = [f"w{n}" for n in range(50)]
    found = chunks(" ".join(words) + ".", at_most(8))
    assert " ".join(chunk.text for chunk in found).split() == [*words[:-1], "w49."]
    letters = chunks("a" * 500, lambda text: len(text) <= 40)
    assert "".join(chunk.text for chunk in letters) == "a" * 500


@given(st.text(alphabet="ab c.\n:LIVERFINDGS", max_size=300), st.integers(2, 9))
@settings(max_examples=60)
def test_nothing_is_lost_and_nothing_twice(report: str, words: int) -> None:
    try:
        found = chunks(report, at_most(words))
    except EmptyReport:
        return
    assert sum(chunk.weight for chunk in found) == pytest.approx(1)
    assert all(len(chunk.text.split()) <= words for chunk in found)
    whole = chunks(report, lambda _: True)
    assert sorted(" ".join(c.text for c in found).split()) == sorted(" ".join(c.text for c in whole).split())


@pytest.mark.parametrize(
    ("sentence", "organ"),
    [
        ("Disc bulge at L4/5.", "spine"),
        ("The Liver is normal.", "liver and bile ducts"),
        ("Torn medial meniscus.", "knee"),
        ("No significant abnormality.", ""),
        ("Delivered late.", ""),
    ],
)
def test_organs(sentence: str, organ: str) -> None:
    assert organ_of(sentence) == organ
