from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.language.clauses.assertions import clauses
from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.parts.sentences import LONGEST, sentence_spans
from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.query_words import parse_query
from spinecho.encoders.language.terms import mentions

REPORT = """MRI BRAIN WITH CONTRAST
Accession: 1234

CLINICAL HISTORY: Headache. ? mass

TECHNIQUE:
Axial T1, T2 and FLAIR approx. 5 mm thick.

Comparison: None.

FINDINGS:
There is a 3.2 cm enhancing mass in the left
frontal lobe with vasogenic oedema. No midline shift.
1. Ventricles: normal.
2. No haemorrhage

**Impression**
Likely meningioma, cf. Dr. Smith's report No. 3.
"""


def test_a_whole_report() -> None:
    found = [(one.section, " ".join(one.text.split()), one.assertion) for one in passages(REPORT)]
    assert found == [
        ("indication", "Headache.", "present"),
        ("indication", "? mass", "uncertain"),
        ("technique", "Axial T1, T2 and FLAIR approx. 5 mm thick.", "present"),
        ("comparison", "None.", "absent"),
        (
            "findings",
            "There is a 3.2 cm enhancing mass in the left frontal lobe with vasogenic oedema.",
            "present",
        ),
        ("findings", "No midline shift.", "absent"),
        ("findings", "Ventricles: normal.", "absent"),
        ("findings", "No haemorrhage", "absent"),
        ("impression", "Likely meningioma, cf. Dr. Smith's report No. 3.", "uncertain"),
    ]
    mass = passages(REPORT)[4]
    assert mass.sides == {"left"}
    assert REPORT[mass.start : mass.end] == mass.text
    assert "\n" in mass.text


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("FINDINGS:", "findings"),
        ("Findings", "findings"),
        ("## Findings", "findings"),
        ("__FINDINGS__:", "findings"),
        ("MRI findings:", "findings"),
        ("Findings (brain):", "findings"),
        ("2. FINDINGS:", "findings"),
        ("Befund", "findings"),
        ("**Impression**", "impression"),
        ("**Impression:**", "impression"),
        ("IMPRESSION/CONCLUSION", "impression"),
        ("Conclusion", "impression"),
        ("CONCLUSION -", "impression"),
        ("Opinion:", "impression"),
        ("Beurteilung:", "impression"),
        ("Clinical indication:", "indication"),
        ("Reason for exam:", "indication"),
        ("Fragestellung", "indication"),
        ("HISTORY:", "indication"),
        ("Technique", "technique"),
        ("Untersuchungstechnik:", "technique"),
        ("COMPARISON:", "comparison"),
        ("Voruntersuchungen:", "comparison"),
        ("Examination:", "other"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_headings(heading: str, section: str, newline: str) -> None:
    found = passages(f"Title{newline}{heading}{newline}A cyst is seen.{newline}")
    assert [(one.section, one.text) for one in found] == [("other", "Title"), (section, "A cyst is seen.")]


def test_headings_in_one_line() -> None:
    found = passages("HISTORY: Fall. FINDINGS: No fracture. IMPRESSION: 1. Normal. 2. No tear.")
    assert [(one.section, one.text) for one in found] == [
        ("indication", "Fall."),
        ("findings", "No fracture."),
        ("impression", "Normal."),
        ("impression", "No tear."),
    ]


@pytest.mark.parametrize(
    "text", ["History of melanoma.", "The impression is that of a cyst.", "Findings suggest a cyst."]
)
def test_no_headings(text: str) -> None:
    (one,) = passages(text)
    assert (one.section, one.text) == ("other", text)


@pytest.mark.parametrize("empty", ["", "   \n\t", "FINDINGS:", "---\n***", "\ufeff"])
def test_nothing(empty: str) -> None:
    assert passages(empty) == ()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A 3.2 cm mass. No shift.", ["A 3.2 cm mass.", "No shift."]),
        ("Mass, approx. 3 cm, e.g. glioma vs. abscess.", ["Mass, approx. 3 cm, e.g. glioma vs. abscess."]),
        (
            "Seen by Dr. Smith and J. Doe. Image No. 3 shows it.",
            ["Seen by Dr. Smith and J. Doe.", "Image No. 3 shows it."],
        ),
        ("Bright on T1. weighted images.", ["Bright on T1. weighted images."]),
        ("Dark on T1. No enhancement.", ["Dark on T1.", "No enhancement."]),
        ("Disc bulge at L4/5. L5/S1 is normal.", ["Disc bulge at L4/5.", "L5/S1 is normal."]),
        ("no mass. no shift.", ["no mass.", "no shift."]),
        (
            "Normal MRI.Without contrast there is a lesion.Mass effect.",
            ["Normal MRI.Without contrast there is a lesion.", "Mass effect."],
        ),
        ("Is there a mass? There is!", ["Is there a mass?", "There is!"]),
        ("- Mass\n- Cyst\n• Bleed", ["Mass", "Cyst", "Bleed"]),
        ("1) Mass\n2) Cyst", ["Mass", "Cyst"]),
        (
            "No mass\nNo shift\nVentricles are of normal size today",
            ["No mass", "No shift", "Ventricles are of normal size today"],
        ),
        ("A mass in the left\nMCA territory.", ["A mass in the left MCA territory."]),
        ("A mass\n\nA cyst", ["A mass", "A cyst"]),
        ("(See Fig. 2.) Normal.", ["(See Fig. 2.)", "Normal."]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [" ".join(text[a:b].split()) for a, b in sentence_spans(text)] == sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left frontal lobe", {"left"}),
        ("RIGHT-sided weakness", {"right"}),
        ("Lt. and rt. knee", {"left", "right"}),
        ("bilateral effusions", {"bilateral"}),
        ("both hippocampi", {"bilateral"}),
        ("on either side", {"bilateral"}),
        ("both T1 and T2", set()),
        ("a midline cyst", {"midline"}),
        ("no midline shift", set()),
        ("midline shift to the left", {"left"}),
        ("a right-handed patient", set()),
        ("a bright lesion, leftover", set()),
        ("Meningeom im linken Frontallappen", {"left"}),
        ("beidseitige Läsionen, rechts mehr", {"bilateral", "right"}),
        ("L5 root", set()),
    ],
)
def test_sides(text: str, expected: set[str]) -> None:
    assert sides(text) == expected


PIECES = "No mass FINDINGS: Impression 1. . ? left with , ** T1. İ 3.2 ~ -"
WORDS = st.sampled_from([*PIECES.split(), "\n", "\r\n", "\n\n"])


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join)))
def test_offsets_reproduce_the_text(report: str) -> None:
    at = 0
    for ordinal, one in enumerate(passages(report)):
        assert report[one.start : one.end] == one.text
        assert one.ordinal == ordinal
        assert at <= one.start < one.end
        assert one.text == one.text.strip()
        at = one.end
        assert all(one.text[part.start : part.end] == part.text for part in clauses(one.text))


HOSTILE = ["a", "a. ", "\n", "no ", "1. ", "*", " ", "\t\n", "Ab:", ", no", ".", "findings ", "with "]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_no_time(part: str) -> None:
    started = time.process_time()
    found = passages(part * (100_000 // len(part)))
    assert time.process_time() - started < 10
    assert all(one.end - one.start <= LONGEST for one in found)


def test_real_captions(testdata: Path) -> None:
    lines = (testdata / "text/roco_mr_captions/roco_mr_ccby.jsonl").read_text(encoding="utf-8").splitlines()
    captions = [json.loads(line)["caption"] for line in lines]
    found = [one for caption in captions for one in passages(caption)]
    assert 1200 < len(found) < 1800
    assert sum(one.assertion == "present" for one in found) > 0.85 * len(found)  # captions say what is there
    assert sum(one.assertion == "absent" for one in found) > 30
    assert sum("left" in one.sides for one in found) > 100
    assert sum(mentions("tumour", one.text) for one in found) > 100
    assert all(parse_query(caption).wanted for caption in captions[:200])
