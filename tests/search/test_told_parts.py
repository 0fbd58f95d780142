"""What a sentence is shown to say: part by part, the same on every page, and nothing of it lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.values import ClauseCard, PassageCard
from spinecho.encoders.language.clauses.assertions import clauses
from spinecho.encoders.language.findings import wish
from spinecho.search.channels.found import PassageHit, told_parts

SENTENCES = (
    "A large mass in the right abdomen suggestive of retroperitoneal hematoma, with areas of hemorrhage.",
    "The brain is unremarkable, but there is a meningioma and no infarct.",
    "45-year-old woman with a 10-year history of multiple sclerosis was started on natalizumab.",
    "No fracture.",
    "The images, as ever.",
    "MRI, six months later, without any hemorrhage, shows possible edema",
)


def passage(text: str, section: str = "findings") -> PassageCard:
    cards = tuple(
        ClauseCard(
            one.start, one.end, one.text, one.assertion, one.by, one.cue, frozenset(), frozenset(),
            frozenset(wish(one.text).findings),
        )
        for one in clauses(text, "en")
    )  # fmt: skip
    said = cards[0].assertion if cards else "present"
    return PassageCard(0, 1, 1, None, None, section, text, said, frozenset(), cards)


@given(st.one_of(st.sampled_from(SENTENCES), st.text(max_size=80).filter(str.strip)))
def test_parts_make_up_the_sentence_and_differ_from_their_neighbours(text: str) -> None:
    shown = told_parts(passage(text))
    assert "".join(one.text for one in shown) == text
    assert all((one.assertion, one.normal) != (two.assertion, two.normal) for one, two in pairwise(shown))


def test_a_part_says_what_its_clause_says_in_a_list_of_hits() -> None:
    for text in SENTENCES:
        for section in ("findings", "impression", "indication"):
            card = passage(text, section)
            for clause in card.clauses:
                if not clause.concepts:
                    continue
                listed = PassageHit(card, None, clause=clause).assertion
                (part,) = [one for one in told_parts(card) if clause.text in one.text]
                affirmed = section == "indication" and clause.assertion == "present"
                assert part.assertion == ("" if affirmed else listed), (text, clause.text)


def test_what_is_said_of_several_things() -> None:
    parts = [(one.text.strip(), one.assertion, one.normal) for one in told_parts(passage(SENTENCES[1]))]
    assert parts == [
        ("The brain is unremarkable,", "absent", True), ("but there is a meningioma", "present", False),
        ("and no infarct.", "absent", False),
    ]  # fmt: skip


def test_sections_that_say_nothing_have_no_mark() -> None:
    assert [one.assertion for one in told_parts(passage("No fracture.", "technique"))] == [""]
    assert [one.assertion for one in told_parts(passage("Known stroke.", "header"))] == [""]


@pytest.mark.parametrize("complaint", ["Headache", "Back pain and leg weakness", "Seizures", "Painful swollen knee"])
@pytest.mark.parametrize(
    ("asked", "of_it"),
    [
        ("?meningioma", "uncertain"),
        ("rule out fracture", "uncertain"),
        ("previous craniotomy", "historical"),
        ("no fever", "absent"),
    ],
)
def test_a_complaint_in_an_indication_has_no_mark_and_what_is_asked_there_has(
    complaint: str, asked: str, of_it: str
) -> None:
    parts = told_parts(passage(f"{complaint}, {asked}.", "indication"))
    assert [(one.text.strip(" ,."), one.assertion) for one in parts] == [(complaint, ""), (asked, of_it)]
    (found,) = told_parts(passage(f"{complaint}.", "findings"))
    assert found.assertion == "present"
