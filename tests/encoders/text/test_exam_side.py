"""The side in an exam's title is the side of findings whose sentence names none."""

# ruff: noqa: E501 - rows broken over more lines read worse

from __future__ import annotations

from itertools import product

import pytest
from passage_cards import cards

from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.channels.clause_agreement import judge

TITLES = (
    "MRI {side} {part}", "EXAM: MR {part}, {side}", "MRI of the {side} {part} without contrast", "3T MRI {part} - {side}",
    "Examination: MRI {part} ({side})", "TECHNIQUE: MRI of the {side} {part} was performed.",
    "MR {part} WO IV CONTRAST {side}", "MRI {side} {part}: no comparison.", "MRI {side} {part} for trauma", "MR ARTHROGRAM {side} {part}, 12/03/2024",
    "**MR {side} {part} W/O CONTRAST**",
)  # fmt: skip
SIDES = {"left": ("LEFT", "left", "Lt", "L"), "right": ("Right", "RT", "R")}


def sides_of(report: str) -> list[set[str]]:
    """Of every clause but those of the title itself."""
    return [set(one.sides) for passage in passages(report) for one in passage.clauses if "MR" not in passage.text]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_gives_its_side_to_findings_without_one(title: str) -> None:
    for side, part in product(SIDES, ("KNEE", "shoulder", "hip", "Wrist", "breast", "lower leg", "thumb")):
        for word in SIDES[side]:
            report = (
                f"{title.format(side=word, part=part)}\nFINDINGS:\nFull thickness tear. No fracture; small effusion.\n"
            )
            assert all(one == {side} for one in sides_of(report)), (word, part)


def test_what_names_a_side_itself_keeps_it() -> None:
    report = "MRI LEFT KNEE\nFINDINGS:\nTear. Compared with the right, less fluid. Bilateral effusions.\n"
    assert sides_of(report) == [{"left"}, {"right"}, {"bilateral"}]


@pytest.mark.parametrize(
    "report",
    [
        "MRI BRAIN\nFINDINGS:\nInfarct.",
        "MRI both knees\nFINDINGS:\nTear.",
        "MRI left knee and right knee\nFINDINGS:\nTear.",
        "MRI left and right knee\nFINDINGS:\nTear.",
        "MRI left knee\nTear.\nMRI right knee\nNormal.",
        "COMPARISON: MRI left knee 2019\nFINDINGS:\nTear.",
        "INDICATION: MRI left knee showed a tear\nFINDINGS:\nTear.",
        "Prior MRI left knee 2019.\nFINDINGS:\nTear.",
        "MRI brain, left handed\nFINDINGS:\nInfarct.",
        "FINDINGS:\nMRI left knee last year was normal. Tear.",
        "MRI BRAIN - left arm weakness\nFINDINGS:\nInfarct.",
        "MRI BRAIN FOR LEFT ARM WEAKNESS\nFINDINGS:\nInfarct.",
        "MRI of the brain: right hand tremor\nFINDINGS:\nInfarct.",
        "MRI lumbar spine, left leg pain\nFINDINGS:\nDisc protrusion.",
        "MRI liver (right arm injection)\nFINDINGS:\nCyst.",
        "TECHNIQUE: MRI heart, gadolinium via left arm vein.\nFINDINGS:\nEffusion.",
        "MRI with contrast via left arm vein\nFINDINGS:\nCyst.",
        "MRI pelvis shows left hip effusion.\nFibroid.",
        "MRI demonstrates a left breast mass.\nCyst.",
        "MRI left hand tremor\nFINDINGS:\nInfarct.",
        "MR angiography coronary left main\nFINDINGS:\nStenosis.",
        "MRI LEFT KNEE\nMRI LUMBAR SPINE\nFINDINGS:\nHerniation.",
        "",
    ],
)
def test_other_titles_give_none(report: str) -> None:
    assert not any(sides_of(report))


def test_a_title_beside_the_report_counts_where_it_has_none_itself() -> None:
    text = "FINDINGS:\nTear of the medial meniscus.\n"
    assert [set(one.clauses[0].sides) for one in passages(text, exam=frozenset({"left"}))] == [{"left"}]
    titled = passages(f"MRI RIGHT KNEE\n{text}", exam=frozenset({"left"}))
    assert [set(one.clauses[0].sides) for one in titled] == [{"right"}]


@pytest.mark.parametrize(
    ("query", "contradicts"), [("left meniscal tear", ""), ("meniscal tear", ""), ("right meniscal tear", "side")]
)
def test_a_question_for_a_side_is_held_against_the_exam(query: str, contradicts: str) -> None:
    found = [
        judge(parse_query(query), one, 0.8) for one in cards("MRI LEFT KNEE\nFINDINGS:\nTear of the medial meniscus.\n")
    ]
    (tear,) = (one for one in found if "Tear" in one.passage.text)
    assert tear.contradicts == contradicts
    plain = judge(parse_query(query), cards("Tear of the medial meniscus.")[0], 0.8)
    assert query == "meniscal tear" or contradicts or tear.nears > plain.nears


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("what is left of the ACL", set()), ("residual tumour left after resection", set()), ("foreign body left behind", set()),
        ("the patient left the scanner early", set()), ("nothing left to see", set()), ("stent left in situ", set()),
        ("hygroma on the left behind the cerebellum", {"left"}), ("the mass is left of the midline", {"left", "midline"}),
        ("on the left the kidney is normal", {"left"}), ("shift to the left after surgery", {"left"}),
    ],
)  # fmt: skip
def test_what_is_left_is_no_side(text: str, named: set[str]) -> None:
    assert sides(text) == named


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("meniscal tear, not on the left", {"right"}), ("left not right optic neuritis", {"left"}), ("tear, but not right", {"left"}),
        ("right, not left, hip AVN", {"right"}), ("the knee is not right", {"right"}), ("no left hip AVN", set()),
    ],
)  # fmt: skip
def test_a_side_that_is_denied_asks_for_the_other(typed: str, named: set[str]) -> None:
    assert parse_query(typed).sides == named
    assert all(typed[one.start : one.stop] for one in parse_query(typed).chips)
