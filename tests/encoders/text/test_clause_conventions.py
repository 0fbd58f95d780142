"""The conventions of docs/language.md, each over many findings and many ways of saying it."""

# ruff: noqa: E501 - lists of examples broken over more lines read worse

from __future__ import annotations

from itertools import product

import pytest

from benchmarks.clauses import ADJUDICATED, DATA, answer, key, labels, read_written
from spinecho.encoders.language.clauses.assertions import Clause
from spinecho.encoders.language.passages import passages

FINDINGS = ("infarct", "meningioma", "disc herniation", "Baker's cyst", "effusion", "lymphadenopathy")


def clause_of(text: str, finding: str) -> Clause:
    """The clause that holds the finding."""
    for passage in passages(text):
        at = passage.text.find(finding)
        if at >= 0:
            return next(one for one in passage.clauses if one.start <= at < one.end)
    raise AssertionError(f"{finding!r} stands in no passage of {text!r}")


def wrong(ways: list[str], want: str) -> list[tuple[str, str]]:
    """Of every way with every finding, those that say something else, and what."""
    found = []
    for way, finding in product(ways, FINDINGS):
        said = clause_of(way.format(finding), finding)
        given = "family" if said.by == "family" else said.assertion
        if given != want:
            found.append((way.format(finding), given))
    return found


FAMILY = [
    "{deny}family history of {{}}.", "{deny}familial history of {{}}.", "Family history{after} {{}}.", "FHx{after} {{}}.",
]  # fmt: skip
DENY = [
    "",
    "No ",
    "No known ",
    "Negative ",
    "Denies ",
    "No evidence of ",
    "Possible ",
    "Questionable ",
    "Unremarkable ",
    "No relevant ",
]
AFTER = [" negative for", " positive for", ": no", " of", ": possible", " unremarkable for"]
RELATIVES = [
    "None of his siblings has {}.",
    "Her mother did not have {}.",
    "Possible {} in an uncle.",
    "A brother without {}.",
    "Her sister is thought to have had {}.",
]


def test_what_is_told_of_relatives_is_of_the_family_denied_or_doubted_too() -> None:
    ways = [one.format(deny=deny, after=after) for one in FAMILY for deny, after in product(DENY, AFTER)]
    assert not wrong([*dict.fromkeys(ways), *RELATIVES], "family")


DOUBT = [
    "I doubt {}.", "We doubt that this is {}.", "Doubt of {}.", "{} is doubtful.", "Doubtful {}.", "The presence of {} is in doubt.",
    "There is insufficient evidence of {}.", "Insufficient evidence for a diagnosis of {}.", "Not enough evidence for {}.",
    "Not typical for {}.", "Atypical for {}.", "Borderline {}.",
]  # fmt: skip
ADVERBS = ["Perhaps", "Maybe", "Possibly", "Probably", "Presumably", "Likely", "Conceivably"]


def test_a_doubt_is_neither_a_denial_nor_a_finding() -> None:
    assert not wrong(DOUBT, "uncertain")
    assert not wrong(
        [
            f"{adverb} {there} {{}}."
            for adverb, there in product(ADVERBS, ("there is", "this is", "it is", "these are"))
        ],
        "uncertain",
    )
    assert not wrong(["There is no doubt that this is {}.", "Undoubtedly {}."], "present")


def test_none_or_little_is_a_doubt_and_another_finding_after_or_is_not() -> None:
    little = ["minimal", "equivocal", "borderline", "slight", "trace"]
    ways = [
        "No or {} {{}}.",
        "No, or only {}, {{}}.",
        "No convincing, or at most {}, {{}}.",
        "No definite, at most {}, {{}}.",
    ]
    assert not wrong([way.format(one) for way, one in product(ways, little)], "uncertain")
    assert not wrong(["No fracture or subtle {}.", "No fracture or minor {}.", "No {} or slight tear."], "absent")
    assert not wrong(["No fracture, only mild {}."], "present")


EXAMINATIONS = [
    "previous MRI",
    "prior examination",
    "earlier CT",
    "last study",
    "previous MRI of 2019",
    "preceding scan",
]
SHOWN = [
    "On the {} a small {{}} was {}.", "On the {}, {{}} was {}.", "A {{}} was {} on the {}.", "At the {} a {{}} had been {}.",
]  # fmt: skip


def earlier(tail: str = ".") -> list[str]:
    """What an earlier examination showed, in many ways."""
    ways = [
        way.format(*(pair if way.startswith(("On", "At")) else reversed(pair)))
        for way in SHOWN
        for pair in product(EXAMINATIONS, ("seen", "described"))
    ]
    ways += [f"The {one} {verb} a {{}}." for one in EXAMINATIONS for verb in ("showed", "had shown", "revealed")]
    ways += [f"On the {one} there was a {{}}." for one in EXAMINATIONS]
    return [way.removesuffix(".") + tail for way in ways]


def test_what_an_earlier_examination_showed_is_of_the_past_unless_it_is_there_still() -> None:
    assert not wrong(earlier(), "historical")
    assert not wrong(earlier(", today there is none.")[::7], "historical")
    for still in (", unchanged.", ", which is larger.", ", which persists.", "; it is still seen."):
        assert not wrong(earlier(still)[::7], "present")


@pytest.mark.parametrize(
    "way",
    [
        "There is a {}, which was seen on the previous MRI.", "The {} was seen on the previous MRI.", "A {} is seen and was present on the prior study.",
        "Compared with the previous MRI a {} is seen.", "Since the last MRI a new {} was seen.", "A CT earlier today showed a {}.",
        "A CT of the same day showed a {}.", "Reduction of the {} as compared to the previous MRI shown here.", "{} not seen on the previous MRI.",
    ],
)  # fmt: skip
def test_an_earlier_examination_beside_what_is_there_changes_nothing(way: str) -> None:
    assert not wrong([way], "present")


NONE_OF_THEM = [
    "Neither is seen.",
    "Neither.",
    "None.",
    "None of these is seen.",
    "Both absent.",
    "Both are excluded.",
    "None seen.",
    "No to both.",
]


@pytest.mark.parametrize("answered", NONE_OF_THEM)
def test_one_answer_is_to_every_question_before_it(answered: str) -> None:
    for finding in FINDINGS:
        for text in (
            f"{finding}? Tethered cord? {answered}",
            f"Syrinx? {finding}? {answered}",
            f"Leak? {finding}? Abscess? {answered} Next.",
        ):
            assert clause_of(text, finding).assertion == "absent", text
        assert clause_of(f"{finding}? Syrinx? Both are seen.", finding).assertion == "present"
        assert clause_of(f"{finding}? Fracture? All ligaments are intact.", finding).assertion == "uncertain"


def test_an_answer_that_tells_of_this_scan_alone_answers() -> None:
    asked = ["Suspected {}", "Possible {}", "Query {}"]
    given = [
        "unlikely on this study",
        "not seen on these images",
        "considered unlikely after this examination",
        "excluded by the current MRI",
    ]
    assert not wrong([f"{one}, {two}." for one, two in product(asked, given)], "absent")


def test_nearly_gone_is_there() -> None:
    verbs = ["resolved", "disappeared", "cleared", "subsided", "regressed", "vanished"]
    how = ["nearly", "almost completely", "largely", "partially", "mostly"]
    assert not wrong([f"The {{}} has {adverb} {verb}." for adverb, verb in product(how, verbs)], "present")
    assert not wrong(
        [f"The {{}} has {adverb}{verb}." for adverb, verb in product(("", "completely "), verbs[:4])], "absent"
    )


def test_what_was_treated_or_happened_long_ago_is_of_the_past() -> None:
    ways = [
        "Treated for {} with fistula.", "Treated with anti-TNF for {} with fistula.", "Treated with rituximab for {}.", "Resolved {} in the remote past.",
        "Resolved {} in her twenties.", "Healed {} as a child.", "Operated for {} years ago.",
    ]  # fmt: skip
    assert not wrong(ways, "historical")
    events = ["Two prior {}s.", "Three previous {}s.", "Several prior {}s."]
    assert [clause_of(way.format("miscarriage"), "miscarriage").assertion for way in events] == ["historical"] * 3
    assert clause_of("Treated for Crohn's disease with residual fistula.", "fistula").assertion == "present"
    assert clause_of("Treated for Crohn's disease with fistula.", "fistula").assertion == "historical"
    assert clause_of("Two previous infarcts in the left hemisphere.", "infarcts").assertion == "present"


@pytest.mark.parametrize("part", ["corpus callosum", "septum pellucidum", "uterus", "gallbladder", "spleen"])
def test_a_structure_that_is_there_is_normal_and_a_missing_one_is_not(part: str) -> None:
    for way in ("{} present.", "The {} is present.", "No mass, {} present.", "The {} is present and normal."):
        said = clause_of(way.format(part), part)
        assert (said.assertion, said.by) == ("absent", "normal"), way
    assert clause_of(f"Absence of the {part}.", part).assertion == "present"
    assert clause_of(f"The {part} is present in the hernia.", part).assertion == "present"


def test_a_regular_form_is_normal_of_anatomy_alone() -> None:
    for form in ("a regular configuration", "a regular shape and signal", "homogeneous signal", "the usual position"):
        assert clause_of(f"The meniscus has {form}.", "meniscus").by == "normal"
        assert clause_of(f"The cyst has {form}.", "cyst").assertion == "present"
    for verb in ("lost", "effaced", "disrupted", "reversed"):
        assert clause_of(f"The normal striation of the muscle is {verb}.", "striation").assertion == "present"


@pytest.mark.parametrize(
    "way", ["{} risk assessment requested.", "{} screening requested.", "{} screening MRI.", "For {} surveillance."]
)
def test_what_an_examination_is_to_look_for_is_a_question(way: str) -> None:
    assert not wrong([way], "uncertain")


def test_every_disputed_label_is_adjudicated_with_its_convention() -> None:
    written = {key(one): one.label for one in read_written()}
    second, judged = labels(DATA / "clauses_blind.jsonl"), labels(ADJUDICATED)
    assert set(judged) == {one for one, label in written.items() if one in second and second[one] != label}
    assert all(judged[one] in (written[one], second[one]) for one in judged)
    decided = [answer(one, rules_alone=True) for one in read_written() if key(one) in judged]
    assert [one.of.id for one in decided if one.by_clause != judged[key(one.of)]] == []
