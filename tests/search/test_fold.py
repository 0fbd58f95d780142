"""What fits stands above the fold, and nothing that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passage_cards import cards

from spinecho.db.values import ClauseCard, PassageCard
from spinecho.encoders.language.findings import findings, wish
from spinecho.encoders.language.places import places
from spinecho.encoders.language.query_words import parse_query
from spinecho.encoders.language.vocabulary import meant
from spinecho.search.answers.fold import fold, nothing_relevant
from spinecho.search.channels.clause_agreement import judge
from spinecho.search.channels.found import Found

FLOORS = {"sentences": 0.35, "scans": 0.2}


def found(sentences: dict[int, tuple[str, float]], asked: str) -> Found:
    made = Found()
    for key, (said, similarity) in sentences.items():
        assertion = "absent" if said.startswith("No ") else "present"
        clause = ClauseCard(
            0, len(said), said, assertion, "nothing", "", frozenset(), places(said), meant(said)
        )  # fmt: skip
        card = PassageCard(key, key, key, None, None, "findings", said, assertion, frozenset(), (clause,))
        made.evidence[key].passages.append(judge(parse_query(asked), card, similarity))
        made.scores[key] = similarity
    return made


def test_a_clause_that_holds_what_was_asked_fits_and_stands_first() -> None:
    asked = "glioblastoma of the frontal lobe"
    said = {
        1: ("Glioblastoma in the left frontal lobe.", 0.5),
        2: ("No glioblastoma in the frontal lobe.", 0.9),
        3: ("Glioblastoma of the parietal lobe.", 0.8),
        4: ("Frontal sinus mucosal thickening.", 0.55),
    }
    folded = fold(found(said, asked), wish(asked), FLOORS)
    assert {key: folded.evidence[key].fits for key in said} == {1: True, 2: False, 3: False, 4: False}
    assert max(folded.scores, key=lambda key: folded.scores[key]) == 1
    assert not nothing_relevant(folded, FLOORS)


def test_nothing_is_relevant_where_nothing_fits_and_nothing_is_near() -> None:
    asked = "atrial fibrillation"
    far = fold(found({1: ("Normal left atrium.", 0.4), 2: ("Meniscal tear.", 0.2)}, asked), wish(asked), FLOORS)
    assert nothing_relevant(far, FLOORS)
    near = fold(found({1: ("Irregular atrial rhythm.", 0.58)}, asked), wish(asked), FLOORS)
    assert not near.evidence[1].fits
    assert not nothing_relevant(near, FLOORS)


@pytest.mark.parametrize(
    ("asked", "said", "fits"),
    [
        ("meningioma with oedema", ("A meningioma.", "No oedema."), False),
        ("meningioma with oedema", ("A meningioma with oedema.", "No oedema."), True),  # elsewhere, or before
        ("meningioma with oedema", ("A meningioma with oedema.", "No haemorrhage."), True),
        ("infarct and haemorrhage", ("Acute infarct.", "No haemorrhage."), False),
        ("infarct", ("Acute infarct.", "No haemorrhage."), True),
    ],
)
def test_one_of_two_findings_that_is_denied_is_not_there(asked: str, said: tuple[str, ...], fits: bool) -> None:
    made = Found({1: 0.9})
    for sentence in said:
        made.evidence[1].passages += found({1: (sentence, 0.8)}, asked).evidence[1].passages
    assert fold(made, wish(asked), FLOORS).evidence[1].fits is fits


@pytest.mark.parametrize("asked", ["mass larger than 5 cm", "lesion over 100 cm", "lesion < 1 mm"])
@pytest.mark.parametrize("said", ["A 9 mm lesion, a mass in the left lobe.", "A lesion of 7 mm; a mass beside it."])
def test_a_clause_without_a_size_lends_none_to_another(asked: str, said: str) -> None:
    (card,) = cards(said)
    made = Found({1: 0.9})
    made.evidence[1].passages.append(judge(parse_query(asked), card, 0.9))
    assert not fold(made, wish(asked), FLOORS).evidence[1].fits


@pytest.mark.parametrize(
    ("asked", "fits"),
    [("axial FLAIR of the brain", True), ("glioblastoma", False), ("\u0131nfarct", False), ("zebra", False)],
)
def test_scans_alone_fit_only_where_no_finding_is_asked_for(asked: str, fits: bool) -> None:
    made = Found({1: 0.5})
    made.evidence[1].note("image", 0.4)
    assert not (findings(asked) and fits)
    assert fold(made, wish(asked), FLOORS).evidence[1].fits is fits
    assert not fold(Found({1: 0.5}), wish(asked), {}).evidence[1].fits


@given(
    st.dictionaries(st.integers(1, 20), st.tuples(st.sampled_from(["A mass.", "No mass.", "A cyst."]), st.floats(0, 1)))
)
def test_order_follows_the_number_shown_and_what_fits_is_above(said: dict[int, tuple[str, float]]) -> None:
    before = found(said, "mass")
    scores = dict(before.scores)
    after = fold(before, wish("mass"), FLOORS)
    fitting = [after.scores[key] for key in said if after.evidence[key].fits]
    others = [after.scores[key] for key in said if not after.evidence[key].fits]
    assert min(fitting, default=1.0) >= max(others, default=0.0)
    assert all(0 <= score <= 1 for score in after.scores.values())
    for one in said:
        for other in said:
            if after.evidence[one].fits == after.evidence[other].fits and scores[one] < scores[other]:
                assert after.scores[one] <= after.scores[other]


def test_only_a_report_calls_something_normal() -> None:
    asked = "normal brain MRI"
    query, header = parse_query(asked), "Axial T1-weighted MRI of the brain, 3 T. MRI Brain."
    named = PassageCard(1, None, 1, None, None, "header", header, "present", frozenset(), ())
    made = Found({1: 0.9, 2: 0.5})
    made.evidence[1].passages.append(judge(query, named, 0.8))
    made.evidence[1].note("image", 0.9)
    said = "Normal MRI of the brain."
    clause = ClauseCard(0, len(said), said, "absent", "normal", "normal", frozenset(), places(said), meant(said))
    report = PassageCard(2, 2, 2, None, None, "impression", said, "absent", frozenset(), (clause,))
    made.evidence[2].passages.append(judge(query, report, 0.9))
    part = "Normal CSF spaces."
    clause = ClauseCard(0, len(part), part, "absent", "normal", "normal", frozenset(), places(part), meant(part))
    card = PassageCard(3, 3, 3, None, None, "findings", part, "absent", frozenset(), (clause,))
    made.evidence[3].passages.append(judge(query, card, 0.6))
    made.scores[3] = 0.6
    folded = fold(made, wish(asked), FLOORS)
    assert {key: folded.evidence[key].fits for key in (1, 2, 3)} == {1: False, 2: True, 3: False}


@pytest.mark.parametrize(
    ("said", "mark"),
    [("Ring-enhancing lesion of the frontal lobe.", "present"), ("Lesion of the frontal lobe.", "")],
)
def test_present_stands_only_on_a_clause_that_holds_all_that_was_asked(said: str, mark: str) -> None:
    asked = "ring-enhancing lesion"
    (hit,) = found({1: (said, 0.6)}, asked).evidence[1].passages
    assert hit.assertion == mark
