"""Doubts and denials that enclose what they are about, or answer it in a few words; what is nearly gone or missing."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.clauses.assertions import clauses
from spinecho.encoders.language.parts.languages import language_of
from spinecho.encoders.language.passages import passages

FINDINGS = ("fistula", "meningioma", "stress fracture", "meniscal tear", "abscess", "aneurysm")


def told(text: str, term: str, *, last: bool = False) -> str:
    at = text.lower().rindex(term.lower()) if last else text.lower().index(term.lower())
    found = [
        one.assertion
        for passage in passages(text)
        for one in passage.clauses
        if passage.start + one.start <= at < passage.start + one.end
    ]
    return found[0] if found else "none"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("joint", ["before", "until", "unless", "till"])
@pytest.mark.parametrize(
    "undone",
    ["is dismissed", "is excluded", "can be ruled out", "has been refuted", "is safely discounted", "is confirmed"],
)
def test_a_denial_or_a_proof_still_to_come_leaves_open_what_it_is_about(joint: str, undone: str, finding: str) -> None:
    assert told(f"Further imaging is advised {joint} a {finding} {undone}.", finding) == "uncertain"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("modal", ["would", "could", "might", "may", "can"])
@pytest.mark.parametrize(
    "unseen", ["go unnoticed", "be missed", "remain undetected", "have been overlooked", "stay hidden"]
)
def test_what_would_not_be_seen_is_uncertain(modal: str, unseen: str, finding: str) -> None:
    assert told(f"With this motion a small {finding} {modal} {unseen}.", finding) == "uncertain"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "taken",
    [
        "What was called a",
        "What had been thought to be a",
        "What we believed to be a",
        "What on the CT was read as a",
        "What was initially reported as a",
    ],
)
@pytest.mark.parametrize(
    ("proves", "is_so"),
    [("is", "lipoma"), ("proves to be a", "lipoma"), ("turned out to be a", "cyst"), ("is only a", "lipoma")],
)
def test_what_was_taken_for_one_thing_is_not_there_and_the_other_is(
    taken: str, proves: str, is_so: str, finding: str
) -> None:
    text = f"{taken} {finding} {proves} {is_so}."
    assert (told(text, finding), told(text, is_so, last=True)) == ("absent", "present")


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "so", ["is unchanged", "is still seen", "is now larger", "is again visible", "is probably that"]
)
def test_what_was_called_so_and_is_still_there_is_not_denied(so: str, finding: str) -> None:
    assert told(f"What was called a {finding} {so}.", finding) != "absent"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "nearly",
    [
        "almost",
        "nearly",
        "all but",
        "largely",
        "mostly",
        "partly",
        "not yet fully",
        "almost completely",
        "for the most part",
    ],
)
@pytest.mark.parametrize("gone", ["resolved", "vanished", "healed", "cleared", "regressed"])
def test_what_is_nearly_gone_is_there(nearly: str, gone: str, finding: str) -> None:
    text = f"The {finding} has {nearly} {gone}."
    assert told(text, finding) == "present"
    assert [one.cue for one in clauses(text)] != [""], "a word decided, so that no second reading is asked"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "answer",
    [
        "None that I can see.",
        "Not on these images.",
        "Not any more.",
        "Not that MRI shows.",
        "Not today.",
        "None on this study.",
    ],
)
def test_a_question_is_answered_without_a_verb(answer: str, finding: str) -> None:
    assert told(f"{finding.capitalize()}? {answer}", finding) == "absent"
    assert told(f"Effusion, yes; {finding}, {answer.lower()}", finding) == "absent"
    assert told(f"Effusion, yes; {finding}, {answer.lower()}", "effusion") == "present"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "ranked",
    [
        "Top of the list: {}.", "Leading candidate: {}.", "Further down the list: {}.", "{} is top of the list.",
        "{} slides down the list.", "{} moves up the differential.", "We cannot tell {} from scar.",
        "Imaging does not separate scar from {}.", "{} is on the cards.", "{} cannot be excluded until then.",
        "{} is possible until it has been ruled out.", "{} is likely unless biopsy shows otherwise.",
    ],
)  # fmt: skip
def test_a_place_in_the_differential_is_a_doubt(ranked: str, finding: str) -> None:
    assert told(ranked.format(finding), finding) == "uncertain"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "denied",
    [
        "{} is not on the cards.", "{} not on the table.", "{} is not in the frame.", "{} is not a contender.",
        "The {} is history.", "This falls short of a {}.", "N/E/O {}.", "No e/o {}.",
        "The {} seen on the prior CT has no correlate on MRI.",
    ],
)  # fmt: skip
def test_further_ways_to_deny(denied: str, finding: str) -> None:
    assert told(denied.format(finding), finding) == "absent"


@pytest.mark.parametrize(
    "organ",
    ["ACL", "left kidney", "posterior cruciate ligament", "uterus", "septum pellucidum", "right ovary", "spleen",
     "medial meniscus", "corpus callosum", "inferior vena cava"],
)  # fmt: skip
@pytest.mark.parametrize(
    "missing",
    ["Congenital absence of the {}.", "There is complete absence of the {}.", "The {} has not formed.",
     "The {} is not developed.", "Absence of the {} with a normal liver."],
)  # fmt: skip
def test_a_part_of_the_body_that_should_be_there_and_is_not_is_a_finding(missing: str, organ: str) -> None:
    text = missing.format(organ)
    assert told(text, organ) == "present"
    assert clauses(text)[0].cue, "a word decided, so that no second reading is asked"


@pytest.mark.parametrize("finding", [*FINDINGS, "lymph nodes", "restricted diffusion", "oedema", "free fluid"])
def test_the_absence_of_a_finding_is_a_denial(finding: str) -> None:
    assert told(f"Absence of {finding}.", finding) == "absent"
    assert told("Metastases have not developed.", "Metastases") == "absent"


@pytest.mark.parametrize(
    "done", ["repaired", "clipped", "resected", "excised", "previously repaired", "surgically repaired"]
)
@pytest.mark.parametrize("then", ["endoleak", "vasospasm", "recurrence", "oedema"])
def test_what_was_done_to_one_thing_of_a_list_was_done_to_that_alone(done: str, then: str) -> None:
    text = f"Follow-up for {done} aneurysm, {then}."
    assert told(text, then) == "present"
    if "clipped" not in done:
        assert told(text, "aneurysm") == "historical"


@pytest.mark.parametrize("what", ["infarct", "haematoma", "abscess"])
@pytest.mark.parametrize("changed", ["has shrunk to a small scar", "has grown", "has matured", "has calcified"])
@pytest.mark.parametrize("then", ["last winter", "2019"])
def test_what_has_changed_since_is_there(what: str, changed: str, then: str) -> None:
    assert told(f"The {what} of {then} {changed}.", what) == "present"


@pytest.mark.parametrize(
    "shorthand",
    ["K/C/O DM, C/O cough. O/E swelling. N/E/O SOL.", "H/O fall. C/O pain. No e/o tear.", "S/P TKR. R/O DVT. W/O gad."],
)
def test_shorthand_with_slashes_is_no_other_language(shorthand: str) -> None:
    assert language_of(shorthand) in ("en", "unknown")
