"""Every construction of a denial, a doubt and the past, with every kind of finding and every form of a list."""

# ruff: noqa: E501 - a pattern a line reads worse

from __future__ import annotations

from itertools import product
from time import process_time

import pytest

from spinecho.encoders.language.passages import passages

FINDINGS = (
    "haemorrhage", "acute infarct", "midline shift", "disc herniation", "bone marrow oedema", "meniscal tear",
    "pleural effusion", "hydronephrosis", "lymphadenopathy", "cord compression", "loose body", "Baker's cyst",
    "endometrioma", "syrinx", "papilloedema", "varices", "ascites", "hepatic metastases", "microbleeds", "PRES",
    "cauda equina syndrome", "aneurysm",
)  # fmt: skip
BEFORE_LISTS = ("{}", "{} or {}", "{}, {} or {}", "{}, {}, or {}", "{}, {}, {}", "{} and {}", "{}/{}")
AFTER_LISTS = ("{}", "{} and {}", "{} or {}", "{}, {} and {}", "{}, {}, and {}", "{}, {} or {}")
FRAMES = ("{}.", "{}", "Findings: {}.", "1. {}.", "- {}", "CONCLUSION: {}.", "{} on the current study.", "{}!")

DENIED_BEFORE = (
    "No {}", "There is no {}", "There are no {}", "Without {}", "No evidence of {}", "No sign of {}", "No MR signs of {}",
    "Negative for {}", "Free of {}", "No convincing {}", "The study fails to show {}", "MRI does not show {}",
    "Imaging does not reveal {}", "Nothing to suggest {}", "I see no {}", "No MR features of {}", "Absence of {}",
    "The brain is unremarkable for {}", "Low suspicion for {}", "No findings to suggest {}", "Not suggestive of {}",
    "The spine is devoid of {}", "Nil {}", "No definite {}", "No residual {}", "We do not see {}", "No new {}",
    "No further {}", "No longer any {}", "Without convincing {}", "No grounds to suspect {}", "This rules out {}",
    "The pelvis is clear of {}", "No demonstrable {}", "Zero {}", "Not compatible with {}", "No suspicion of {}",
    "Unlikely to represent {}", "There is a low probability of {}", "Low likelihood of {}", "No suspected {}",
    "Not thought to be {}", "Not felt to represent {}", "This does not appear to be {}", "Not worrisome for {}",
    "This does not seem to represent {}", "This does not suggest {}", "There is no concern for {}", "Unlikely {}",
    "Not favoured to be {}", "Does not look like {}", "No longer suspicious for {}",
    "Not in keeping with {}", "The findings do not raise concern for {}", "Negative with regard to {}",
    "Without any suggestion of {}", "Very unlikely to be {}", "Without MR evidence of {}", "This cannot be {}",
    "The findings exclude {}", "Inconsistent with {}", "Incompatible with {}", "Void of {}", "Lack of {}",
    "Non-contributory for {}", "Unable to identify {}", "Rather than {}", "Resolution of {}", "Argues against {}",
    "Kein Nachweis von {}", "Keinerlei {}", "Frei von {}", "Ohne {}", "Pas de {}", "Sans {}", "Nil evidence of {}",
)  # fmt: skip
DENIED_AFTER = (
    "{} not seen", "{} is not seen", "{} are not identified", "{} is excluded", "{} has been ruled out",
    "{} not appreciated", "{} is absent", "{}: none", "{}: negative", "{}: no", "{}: nil", "{}: absent",
    "{}: not seen", "{} has resolved", "{} has cleared", "{} is no longer seen", "{} is unlikely", "{} cannot be seen",
    "{} could not be demonstrated", "{} is nowhere seen", "{} can be excluded", "{} not evident", "{} is not present",
    "{} was not demonstrated", "{} is not apparent", "{} isn't seen", "{} is no longer present", "{} can be ruled out",
    "{} is not depicted", "{} has been excluded", "{} was looked for and not found",
    "{} is considered unlikely", "{} seems unlikely", "{} is felt to be unlikely", "{} is thought unlikely",
    "{} is not suspected", "{} is effectively excluded", "{} is very improbable", "{} not favoured", "{} has disappeared",
    "{} is conspicuous by its absence", "{} fails to be shown", "{} is not a feature", "{} did not recur",
    "{} is not likely", "{} is not thought likely", "{} is not supported", "{} has a low probability",
    "{} does not exist", "{} is non-existent", "{} did not develop", "{} is no more", "{}: none seen",
    "{}: none identified", "{}: none visible", "{} liegt nicht vor", "{} lassen sich nicht nachweisen",
    "{} nicht abgrenzbar", "{} is not demonstrated", "{} are not visualised", "{} no longer evident",
)  # fmt: skip
DOUBTED_BEFORE = (
    "Possible {}", "Probable {}", "Suspicious for {}", "May represent {}", "Cannot exclude {}", "Differential includes {}",
    "Rule out {}", "?{}", "Query {}", "Concern for {}", "Evaluate for {}", "Likely {}", "Could represent {}",
    "Suspected {}", "Raises the possibility of {}", "At risk of {}", "Presumably {}", "We cannot rule out {}",
    "Findings suggest {}", "Consider {}", "Favour {}", "Unable to exclude {}", "Equivocal for {}", "r/o {}",
    "It is unclear whether there is {}", "Not clear if there is {}", "There may be {}", "There could be {}", "Worrying for {}",
    "Suspicion of {}", "Questionable {}", "Indeterminate for {}", "Appears to represent {}", "Perhaps {}", "Please exclude {}",
    "We would question {}", "Findings may be due to {}", "Would be compatible with either {}",
    "Potential {}", "Assess for {}", "To exclude {}", "Might be {}", "Not certain if {}", "DDx {}", "Differential: {}",
    "Less likely {}", "Doubtful {}", "Verdacht auf {}", "Not typical of {}",
)  # fmt: skip
DOUBTED_AFTER = (
    "{} cannot be excluded", "{} is not excluded", "{} is possible", "{} is suspected", "{} remains a possibility",
    "{} should be considered", "{}?", "{} cannot be ruled out", "{} is difficult to exclude", "{} is thought to be the cause",
    "{} was suspected to be the cause of pain", "{} is in the differential", "{} would have to be considered",
    "{} needs to be excluded", "{} is favoured", "{} is questionable", "{} may be present", "{} could be present",
    "{} might account for this", "{} not definitely excluded", "{} has to be ruled out", "{} is conceivable",
    "{} may be the cause", "{} cannot be confirmed or excluded", "{} is the leading consideration", "{} could not be excluded",
    "{} is not entirely excluded", "{} must be considered", "{} cannot be assessed", "{} to be excluded", "{} is suggested",
    "{} is probable", "{} is likely", "{} is not ruled out", "{} is less likely", "{} is felt less likely",
    "{} is doubtful",
)  # fmt: skip
SUPPOSED = (
    "If {} is present surgery helps", "When {} is confirmed treat early", "If there is {} further imaging helps",
    "Unless {} is found no treatment is needed", "In the event of {} surgery helps",
)  # fmt: skip
DESCRIBED = ("The {}", "A large {}", "This {}", "A 3 cm {}")
OPERATIONS = (
    "hysterectomy", "left nephrectomy", "L4/5 laminectomy", "craniotomy", "ACL reconstruction", "resection",
    "partial hepatectomy", "radiotherapy", "hip replacement", "cholecystectomy",
)  # fmt: skip
PAST = (
    "Status post {}", "S/p {}", "After {}", "Following {}", "Appearances after {}", "Previous {}", "Prior {}",
    "History of {}", "Underwent {} in 2014", "{} in 2014", "{} 2014", "{} five years ago", "Post {}", "Had {} in 2014",
    "Normal appearances following {}", "Scar tissue after {}", "Since {} there is less pain", "PSH: {}", "Old {}",
)  # fmt: skip
REMOVED = (
    "{} removed", "{}, resected 2019", "{}, removed in 2010", "{} has been removed", "{} was resected", "{} (excised 2004)",
    "{}, operated 2011", "{} was surgically removed",
)  # fmt: skip
GONE = ("left parietal meningioma", "acoustic neuroma", "renal cell carcinoma", "glioma", "lipoma")


def said_of(sentence: str, name: str) -> str:
    at = sentence.index(name)
    passage = next(one for one in passages(sentence) if one.start <= at < one.end)
    clause = next(one for one in passage.clauses if one.start <= at - passage.start < one.end)
    return clause.assertion


def wrong(
    patterns: tuple[str, ...],
    lists: tuple[str, ...],
    names: tuple[str, ...],
    wanted: str,
    frames: tuple[str, ...] = FRAMES,
) -> list[str]:
    """Sentences of which a name is answered otherwise; each list takes other names, each frame meets every pattern."""
    found = []
    for number, (pattern, form) in enumerate(product(patterns, lists)):
        count = form.count("{}")
        for turn in range(4):
            first = number * 5 + turn * 7
            listed = [names[(first + at * 3) % len(names)] for at in range(count)]
            said = pattern.format(form.format(*listed))
            sentence = frames[(number + turn * 3) % len(frames)].format(said[0].upper() + said[1:])
            for name in listed:
                capital = name[0].upper() + name[1:]
                told = said_of(sentence, name if name in sentence else capital)
                if told != wanted:
                    found.append(f"{name} {told}: {sentence}")
    return found


@pytest.mark.parametrize("pattern", DENIED_BEFORE)
def test_what_follows_a_denial_is_absent(pattern: str) -> None:
    assert wrong((pattern,), BEFORE_LISTS, FINDINGS, "absent") == []


@pytest.mark.parametrize("pattern", DENIED_AFTER)
def test_what_stands_before_a_denial_is_absent(pattern: str) -> None:
    lists = tuple(form for form in AFTER_LISTS if ":" not in pattern or "," not in form)
    assert wrong((pattern,), lists, FINDINGS, "absent") == []


@pytest.mark.parametrize("pattern", DOUBTED_BEFORE)
def test_what_follows_a_doubt_is_uncertain(pattern: str) -> None:
    assert wrong((pattern,), BEFORE_LISTS, FINDINGS, "uncertain") == []


@pytest.mark.parametrize("pattern", DOUBTED_AFTER)
def test_what_stands_before_a_doubt_is_uncertain(pattern: str) -> None:
    lists = ("{}",) if pattern.endswith("?") else AFTER_LISTS
    assert wrong((pattern,), lists, FINDINGS, "uncertain") == []


@pytest.mark.parametrize("pattern", PAST)
def test_operations_are_of_the_past(pattern: str) -> None:
    assert wrong((pattern,), ("{}",), OPERATIONS, "historical", FRAMES[:6]) == []


@pytest.mark.parametrize("pattern", REMOVED)
def test_what_was_removed_is_of_the_past(pattern: str) -> None:
    assert wrong((pattern,), ("{}",), GONE, "historical", FRAMES[:6]) == []


@pytest.mark.parametrize("pattern", SUPPOSED)
def test_what_is_only_supposed_is_uncertain(pattern: str) -> None:
    assert wrong((pattern,), AFTER_LISTS[:3], FINDINGS, "uncertain") == []


@pytest.mark.parametrize("opening", DESCRIBED)
def test_what_is_described_is_there_whatever_it_may_be_the_cause_of(opening: str) -> None:
    patterns = (f"{opening} may explain the pain", f"{opening} could account for this", f"{opening} may be responsible")
    assert wrong(patterns, ("{}",), FINDINGS, "present") == []


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Scar tissue after laminectomy", {"Scar tissue": "present", "laminectomy": "historical"}),
        ("The ventricles after shunting are enlarged", {"ventricles": "present", "shunting": "historical"}),
        ("No collection after surgery, haematoma or abscess",
         {"collection": "absent", "surgery": "historical", "haematoma": "absent", "abscess": "absent"}),
        ("Enhancement after contrast", {"Enhancement": "present"}),
        ("The gallbladder is surgically absent", {"gallbladder": "historical"}),
        ("Left oophorectomy", {"oophorectomy": "historical"}),
        ("The cuff is unremarkable for age", {"cuff": "absent"}),
        ("Images (not shown) confirmed the cyst", {"cyst": "present"}),
        ("GIST or leiomyoma", {"GIST": "uncertain", "leiomyoma": "uncertain"}),
    ],
)  # fmt: skip
def test_what_stands_beside_is_judged_apart(sentence: str, said: dict[str, str]) -> None:
    assert {name: said_of(sentence, name) for name in said} == said


@pytest.mark.parametrize(
    "text",
    [
        "may explain the " * 6000, "after " * 20000, "after the left " * 8000, "was looked for and " * 6000,
        "left total " * 9000 + "x", "low suspicion " * 7000, "a" * 100_000, "suspected to be the likely " * 4000,
        "if a b c d e " * 8000, "after " + "a" * 100_000 + " of",
    ],
)  # fmt: skip
def test_hostile_text_is_read_in_time_that_grows_with_its_length(text: str) -> None:
    begun = process_time()
    passages(text)
    assert process_time() - begun < 10
