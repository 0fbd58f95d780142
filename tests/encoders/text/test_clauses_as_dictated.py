"""What reports run together: statements without a comma between them, times of the scan itself, abbreviations."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.clauses.assertions import clauses

FINDINGS = ("infarct", "mass", "haematoma", "aneurysm", "abscess", "lesion", "fracture", "nodule", "effusion", "tear")
ANATOMY = ("ventricles", "left vertebral artery", "medial meniscus", "pituitary gland", "spleen", "ascending aorta")


def said(sentence: str, words: str) -> str:
    at = sentence.lower().index(words.lower())
    return next(one.assertion for one in clauses(sentence) if one.start <= at < one.end)


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("anatomy", ANATOMY)
def test_a_statement_begins_without_a_comma(finding: str, anatomy: str) -> None:
    be = "are" if anatomy == "ventricles" else "is"
    for other in FINDINGS:
        if other == finding:
            continue
        ran_on = f"there is no {finding} the {anatomy} {be} displaced"
        assert said(ran_on, finding) == "absent", ran_on
        assert said(ran_on, anatomy) == "present", ran_on
        ran_on = f"cannot rule out a small {finding} the {anatomy} {be} normal no {other}"
        assert [said(ran_on, one) for one in (finding, anatomy, other)] == ["uncertain", "absent", "absent"], ran_on
        ran_on = f"no {finding} mild {other} of the {anatomy}"
        assert [said(ran_on, one) for one in (finding, other)] == ["absent", "present"], ran_on
        ran_on = f"small {finding} no {other}"
        assert [said(ran_on, one) for one in (finding, other)] == ["present", "absent"], ran_on
        ran_on = f"history of {finding} moderate {other} at the margin"
        assert [said(ran_on, one) for one in (finding, other)] == ["historical", "present"], ran_on


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("no {} large enough to explain this", "absent"),
        ("no {} small or large", "absent"),
        ("no sign that the {} is growing", "present"),
        ("no abnormal small {}", "absent"),
        ("with time no {} has appeared", "absent"),
    ],
)
def test_what_goes_on_goes_on(sentence: str, expected: str, finding: str) -> None:
    assert said(sentence.format(finding), finding) == expected


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    ("sentence", "is_now"),
    [
        ("Coronal T1 postcontrast MRI (November 2013) demonstrated a large {}.", True),
        ("MR urography (18 November 2008) showed a {} on the left.", True),
        ("Further axial T2 study 3 months later (08/2013) showing a {}.", True),
        ("MRI one month before initiation of thalidomide, showing a {}.", True),
        ("MRI brain showing a {} (2 years before developing apoplexy in November 2005).", True),
        ("The {} biopsied last month is now 1.8 cm.", True),
        ("Previous MRI (March 2019) showed a {}.", False),
        ("Outside MRI (2019) showed a {}.", False),
        ("MRI dated 01/12/2022, which demonstrated a {}.", False),
        ("Compared to the previous MRI dated 12.03.23 which showed a {}, the present study is normal.", False),
        ("Compared with the outside study of last month, on which a {} was described, the meniscus is sutured.", False),
        ("A {} two years before this scan.", False),
        ("Prev {}, now well.", False),
        ("A patient with previously repaired {}.", False),
        ("Six weeks out from a {}.", False),
        ("Denies trauma and reports prior {} in high school.", False),
        ("past h/o {} present.", False),
    ],
)
def test_whose_time_it_is(sentence: str, is_now: bool, finding: str) -> None:
    assert said(sentence.format(finding), finding) == ("present" if is_now else "historical")


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("short", ["susp", "susp for", "susp. of", "poss", "poss.", "prob", "c/f"])
def test_doubts_are_abbreviated(short: str, finding: str) -> None:
    assert said(f"NME 3 cm, {short} {finding}.", finding) == "uncertain"


def test_what_is_missing_or_of_unknown_nature_is_told_of_what_is_there() -> None:
    assert said("the right kidney is absent status post nephrectomy no mass in the bed", "kidney") == "present"
    assert said("Left lower pole lesion indeterminate, ?RCC.", "lesion") == "present"
    assert said("ATFL ruptured, syndesmosis intact.", "syndesmosis") == "absent"
    assert said("At risk of cord compression: the metastasis extends into the canal", "metastasis") == "present"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Three new lesions near the {} since March 2024.", "present"),
        ("Low T2 signal around the {} following brachytherapy in 2014.", "present"),
        ("The vermis could not be traced separately in view of a {}.", "present"),
        ("Sarcoma is improbable in the large {}.", "present"),
        ("Nil else to explain the {}.", "present"),
        ("The sphincter is spared by the {}.", "present"),
        ("The {} is now minimal and midline shift has resolved.", "present"),
        ("A {} seems little probable.", "absent"),
        ("One evokes a {} of large vessels.", "uncertain"),
        ("The {} is difficult to comment upon.", "uncertain"),
        ("A {} cannot be eliminated formally.", "uncertain"),
        ("Compared to the pre-treatment scan in which a {} was encasing it, it measures 9 mm.", "historical"),
    ],
)
def test_what_others_said_of_it(sentence: str, expected: str, finding: str) -> None:
    assert said(sentence.format(finding), finding) == expected


@pytest.mark.parametrize(
    "organ", ["appendix", "prostate", "left kidney", "bladder", "spleen", "right breast", "vermis"]
)
@pytest.mark.parametrize(
    "of",
    [
        "Inflammation of the",
        "A lesion in the",
        "Extension to the",
        "Tumour within the",
        "Invasion of the rectum and",
        "Metastasis in the liver, pancreas and",
    ],
)
def test_an_organ_is_missing_only_where_it_is_the_subject(of: str, organ: str) -> None:
    sentence = f"{of} {organ} is absent."
    assert said(sentence, sentence.split()[0 if of[0] != "A" else 1]) == "absent"


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize(
    "opens",
    [
        "No evidence", "I am not convinced", "No suspicion", "No indication", "Concern", "Question", "Query",
        "There is no sign", "No reason to think", "Not sure", "I doubt",
    ],
)  # fmt: skip
def test_what_is_doubted_or_denied_needs_no_that(opens: str, finding: str) -> None:
    denies = opens.split(maxsplit=1)[0] not in ("Concern", "Question", "Query", "Not", "I") or "am not" in opens
    expected = "absent" if denies else "uncertain"
    assert said(f"{opens} the patient has an acute {finding}.", finding) == expected


@pytest.mark.parametrize(
    ("sentence", "words", "expected"),
    [
        ("Patient with ACL tear 2 years ago has now recurrent instability.", "ACL tear", "historical"),
        ("Child with hydrocephalus shunted in 2015 is now vomiting.", "hydrocephalus", "historical"),
        ("MRI of a man with a stroke two years before presentation.", "stroke", "historical"),
        ("MRI in a patient with ACL tear 3 years before surgery.", "ACL tear", "historical"),
        ("MRI after meningitis (2015).", "meningitis", "historical"),
        ("MRI of a child with meningitis (March 2020).", "meningitis", "historical"),
        ("Stroke following cardiac surgery 10 years ago.", "Stroke", "historical"),
        ("DVT following hip resection in 2012.", "DVT", "historical"),
        ("Abscess following surgery 2 years ago.", "Abscess", "historical"),
        ("She developed a hematoma after hysterectomy in 2010.", "hematoma", "historical"),
        ("Hodgkin lymphoma since May in remission.", "lymphoma", "historical"),
        ("Patient with repaired aneurysm endoleak.", "endoleak", "present"),
        ("Follow up for resected tumour recurrence.", "recurrence", "present"),
        ("no infarct chronic hemorrhage or mass", "hemorrhage", "absent"),
        ("No masses small bowel obstruction or free fluid.", "obstruction", "absent"),
        ("no aneurysm severe stenosis or occlusion", "stenosis", "absent"),
        ("MRI brain for infarct two weeks before discharge.", "infarct", "historical"),
        ("The bladder contains no stones.", "bladder", "absent"),
        ("The internal auditory canals harbour no mass.", "mass", "absent"),
    ],
)
def test_what_the_rules_for_dictation_leave_as_it_was(sentence: str, words: str, expected: str) -> None:
    assert said(sentence, words) == expected
