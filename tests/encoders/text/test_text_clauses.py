"""What a clause says, over the ways in which people write it: marks of lists, places of cues, neighbours."""

# ruff: noqa: E501 - lists of examples broken over more lines read worse

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.clauses import answer, kappa, read_written, wilson
from spinecho.encoders.language.clauses.assertions import Clause, clauses, is_normality, sentence_assertion
from spinecho.encoders.language.parts.administration import administrative
from spinecho.encoders.language.parts.sentences import sentence_spans
from spinecho.encoders.language.passages import NEVER_AFFIRM, passages

FINDINGS = ["infarct", "cavernoma", "meniscal tear", "hydrocephalus", "disc herniation"]
DENIED = [
    "no {}", "No evidence of {}", "{}: absent", "{}: none", "{} - no", "{}: no", "{} not seen", "{} is not identified",
    "{} is excluded", "{} has been ruled out", "{} has resolved", "{} no longer seen", "neg. for {}", "negative for {}", "(-) {}",
    "{} (-)", "{} nil", "without {}", "absence of {}", "I don't see {}", "we cannot identify any {}", "free of {}", "no signs of {}",
    "{} is unlikely", "unlikely {}", "{} was not demonstrated on this study", "nothing to suggest {}", "lack of {}", "kein {}",
    "{} nicht nachweisbar", "fails to show {}", "denies {}", "no definite {}", "no suspicious {}", "NO {}", "{}? No",
]  # fmt: skip
DOUBTED = [
    "?{}", "? {}", "{}?", "rule out {}", "r/o {}", "to exclude {}", "Exclude {}", "query {}", "evaluate for {}", "please assess for {}",
    "concern for {}", "possible {}", "{} is possible", "{} cannot be excluded", "{} cannot be completely excluded", "cannot exclude {}",
    "suspected {}", "suspicious for {}", "may represent {}", "likely {}", "probable {}", "{} is suspected", "{} not excluded",
    "differential includes {}", "doubt {}", "at risk of {}", "Risks include {}", "V.a. {}", "{} should be considered", "favour {}",
    "equivocal for {}", "if there is clinical suspicion of {}", "screening for {}", "{} remains a possibility", "looking for {}",
]  # fmt: skip
PAST = [
    "h/o {}", "history of {}", "Hx of {}", "PMH: {}", "previous history of {}", "had {} in 2009", "{} ten years ago", "z.n. {}",
    "previously treated for {}", "{} was removed in 2016", "prior episode of {}", "known to have had {}",
]  # fmt: skip
OF_FAMILY = ["family history of {}", "FHx: {}", "mother had {}", "her father died of {}", "sister with {}", "FH: {}"]
THERE = [
    "{}",
    "There is a {}",
    "{} is present",
    "{}: yes",
    "(+) {}",
    "{} again seen",
    "stable {}",
    "unchanged {}",
    "known {}",
]
WAYS = [
    *((way, "absent", "negation") for way in DENIED), *((way, "uncertain", "") for way in DOUBTED),
    *((way, "historical", "history") for way in PAST), *((way, "uncertain", "family") for way in OF_FAMILY),
    *((way, "present", "nothing") for way in THERE),
]  # fmt: skip


def clause_of(text: str, finding: str) -> Clause:
    """The clause that holds the finding, over all passages."""
    for passage in passages(text):
        at = passage.text.find(finding)
        if at >= 0:
            return next(one for one in passage.clauses if one.start <= at < one.end)
    raise AssertionError(f"{finding!r} stands in no passage of {text!r}")


@pytest.mark.parametrize(("way", "assertion", "by"), WAYS, ids=[way for way, *_ in WAYS])
@pytest.mark.parametrize("finding", FINDINGS)
def test_each_way_of_saying_it(way: str, assertion: str, by: str, finding: str) -> None:
    said = clause_of(way.format(finding), finding)
    assert (said.assertion, said.by if by else "") == (assertion, by), said
    assert by == "nothing" or said.cue
    assert said.cue in way.format(finding)


HEADINGS = ("PMH: {}", "FHx: {}", "FH: {}")  # what follows in their line is theirs too
JOINS = ["; ", ". ", "<br>", "~", "\\.br\\", "\n", "\n- ", "\n\n", " | "]


@pytest.mark.parametrize("join", JOINS, ids=repr)
@pytest.mark.parametrize(("way", "assertion", "by"), [way for way in WAYS if way[0] not in HEADINGS])
def test_an_affirmed_neighbour_changes_nothing(way: str, assertion: str, by: str, join: str) -> None:
    if join == "\n" and len(way) > 25:
        pytest.skip("a long line that ends without a stop may be wrapped")
    assert by is not None
    for text in (f"{way.format('infarct')}{join}Large aneurysm", f"Large aneurysm{join}{way.format('infarct')}"):
        assert clause_of(text, "infarct").assertion == assertion, text
        assert clause_of(text, "aneurysm").assertion == "present", text


LISTS = ["{}) ", "{}. ", "({}) ", "- ", "• "]


@pytest.mark.parametrize("mark", LISTS)
@pytest.mark.parametrize("between", ["\n", " "], ids=["lines", "in one line"])
@pytest.mark.parametrize("head", ["", "IMPRESSION: ", "Impression:\n"])
def test_marks_of_lists_do_not_matter(mark: str, between: str, head: str) -> None:
    items = ["Thalamic cavernoma", "no infarct", "Left MCA aneurysm"]
    text = head + between.join(mark.format(number) + item for number, item in enumerate(items, 1))
    said = [clause_of(text, finding).assertion for finding in ("cavernoma", "infarct", "aneurysm")]
    assert said == ["present", "absent", "present"], text


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("prior craniotomy with no recurrent tumour", {"craniotomy": "historical", "tumour": "absent"}),
        ("a non enhancing lesion in the pons", {"lesion": "present"}),
        ("The lesion does not enhance", {"lesion": "present", "enhance": "absent"}),
        ("The ventricles are not enlarged", {"ventricles": "absent"}),
        ("No mass, oedema or midline shift", {"mass": "absent", "oedema": "absent", "shift": "absent"}),
        ("Mass, oedema and midline shift are absent", {"Mass": "absent", "oedema": "absent", "shift": "absent"}),
        ("no shift, small chronic lacune", {"shift": "absent", "lacune": "present"}),
        ("no haemorrhage, no shift, cavernoma in the pons", {"shift": "absent", "cavernoma": "present"}),
        ("No A1 aneurysm but a 3 mm outpouching", {"aneurysm": "absent", "outpouching": "present"}),
        ("Enhancing mass, infection cannot be completely excluded", {"mass": "present", "infection": "uncertain"}),
        ("No enhancement within the cyst", {"enhancement": "absent", "cyst": "present"}),
        ("No evidence of the abscess", {"abscess": "absent"}),
        ("These foci may be due to migraine", {"foci": "present", "migraine": "uncertain"}),
        ("Stable meningioma without significant change", {"meningioma": "present"}),
        ("There is no doubt that this is a lipoma", {"lipoma": "present"}),
        ("It cannot be said that there is no fracture", {"fracture": "uncertain"}),
        ("Not all of the lesions enhance", {"lesions": "present"}),
        ("Schwannoma or meningioma", {"Schwannoma": "uncertain", "meningioma": "uncertain"}),
        ("A tumour, not an abscess", {"tumour": "present", "abscess": "absent"}),
        ("A tear is thought unlikely but is not fully excluded", {"tear": "uncertain"}),
        ("FHx of aneurysm, now headache", {"aneurysm": "uncertain", "headache": "present"}),
        ("dilated left vein and normal right artery", {"left vein": "present", "right artery": "absent"}),
    ],
)
def test_two_things_in_one_sentence(sentence: str, said: dict[str, str]) -> None:
    assert {finding: clause_of(sentence, finding).assertion for finding in said} == said, clauses(sentence)


def test_normality_is_told_from_denial() -> None:
    assert {one.by for one in clauses("The rotator cuff is intact")} == {"normal"}
    assert {one.by for one in clauses("No abnormality is seen")} == {"normal"}
    assert {one.by for one in clauses("No rotator cuff tear")} == {"negation"}


@pytest.mark.parametrize(
    "text",
    ["normal knee", "intact ACL", "unremarkable brain MRI", "rotator cuff is intact", "normal lumbar spine MRI", "no abnormality",
     "within normal limits", "NAD", "MRI brain normal", "patent carotid arteries", "healthy brain", "no pathology"],
)  # fmt: skip
def test_questions_for_normality(text: str) -> None:
    assert is_normality(text)


@pytest.mark.parametrize(
    "text",
    ["normal pressure hydrocephalus", "normal variant", "knee", "ACL tear", "no infarct", "normal knee with effusion", "abnormal knee",
     "lesion not normal", "near normal", "", "???"],
)  # fmt: skip
def test_questions_for_findings(text: str) -> None:
    assert not is_normality(text)


NOTE = (
    "CC Weakness.\nHX: This man fell. PMH: melanoma. FHX: breast cancer. SHX: smoker. MEDS: aspirin. FINDINGS There is a cyst. OPINION "
    "Arachnoid cyst."
)


def test_headings_of_notes() -> None:
    found = [(one.section, one.text, one.assertion, one.clauses[0].by) for one in passages(NOTE)]
    assert found == [
        ("indication", "Weakness.", "present", "nothing"),
        ("indication", "This man fell.", "present", "nothing"),
        ("indication", "melanoma.", "historical", "history"),
        ("indication", "breast cancer.", "uncertain", "family"),
        ("indication", "smoker.", "present", "nothing"),
        ("indication", "aspirin.", "present", "nothing"),
        ("findings", "There is a cyst.", "present", "nothing"),
        ("impression", "Arachnoid cyst.", "present", "nothing"),
    ]
    assert {"indication", "technique", "comparison"} == NEVER_AFFIRM


@pytest.mark.parametrize(
    "heading", ["1. Findings:", "(2) Findings:", "FINDINGS:", "FINDINGS", "Findings -", "ii) Findings:"]
)
@pytest.mark.parametrize("closing", ["3. Impression:", "OPINION", "CONCLUSION:", "Conclusion", "IMP:"])
def test_headings_numbered_and_bare(heading: str, closing: str) -> None:
    found = passages(f"1. Technique: T1.\n{heading}\nThere is a cyst.\n{closing}\nArachnoid cyst.")
    assert [one.section for one in found] == ["technique", "findings", "impression"]


@pytest.mark.parametrize(
    "text", ["FINDINGS ARE NORMAL.", "IMPRESSION OF THE CORD BY A DISC.", "COMPARISON WITH 2019 SHOWS GROWTH."]
)
def test_capitals_that_are_no_heading(text: str) -> None:
    assert [one.text for one in passages(text)] == [text]


@pytest.mark.parametrize(
    "text",
    ["Accession: AIN00123", "MRN 123456", "12/03/2021 14:05", "12 March 2021", "1.2.840.113619.2.5.17", "MRI of the left knee with contrast",
     "MR LUMBAR SPINE 12/03/2021", "Electronically signed by Dr. A. Smith on 12/03/2021", "Dr. John Smith, Consultant Radiologist",
     "Dictated by: J. Doe, MD", "Thank you for referring this patient.", "Kind regards"],
)  # fmt: skip
def test_what_is_no_passage(text: str) -> None:
    assert administrative(text)
    report = f"{text}\n\nThere is a cyst.\n\n{text}"
    assert [one.text for one in passages(report)] == ["There is a cyst."]


@pytest.mark.parametrize(
    "text",
    [
        "Normal MRI of the brain",
        "GBM",
        "MS",
        "Dr. Smith was told of the haemorrhage.",
        "Knee effusion",
        "L4/5 disc",
        "Left frontal mass",
    ],
)
def test_what_is_a_passage(text: str) -> None:
    assert [one.text for one in passages(text)] == [text]


PARTS = st.sampled_from(
    ["no infarct", "cyst", "?MS", "not seen", "1)", "2.", "a)", "-", "•", "~", "<br>", "\\.br\\", ";", ",", "and", "or", "but", "İ", "ß",
     "with", "FINDINGS:", "is", "normal", "\n", "\r\n", "  ", "\t", "\xa0", "history of", "mother", ":", "no", "yes", "(+)", "[x]", "the mass"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(PARTS, max_size=25).map(" ".join)))
def test_places_are_exact_and_no_letter_is_lost(text: str) -> None:
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        found = clauses(sentence)
        at = 0
        for one in found:
            assert sentence[one.start : one.end] == one.text
            assert at <= one.start < one.end
            at = one.end
        kept = set(itertools.chain.from_iterable(range(one.start, one.end) for one in found))
        inner = set(itertools.chain.from_iterable(range(a, b) for a, b in sentence_spans(sentence)))
        assert not [at for at in inner - kept if sentence[at].isalpha()]
    for passage in passages(text):
        assert text[passage.start : passage.end] == passage.text
        assert all(passage.text[one.start : one.end] == one.text for one in passage.clauses)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(WAYS), st.integers(1, 4), st.sampled_from([" ", "\n", "\t", "\xa0"]))
def test_blanks_do_not_matter(way: tuple[str, str, str], many: int, blank: str) -> None:
    text = way[0].format("infarct")
    assert {one.assertion for one in clauses(text.replace(" ", " " * many))} == {one.assertion for one in clauses(text)}
    if blank != "\n":
        assert sentence_assertion(text.replace(" ", blank)) == sentence_assertion(text)


@pytest.mark.parametrize(
    "part", ["is not seen ", "history of ", "may be ", "? ", "1) a ", "<br>", "~", "evaluate a ", "- ", "the x is "]
)
def test_hostile_sentences_take_no_time(part: str) -> None:
    started = time.process_time()  # of this process alone: other work on the machine does not count
    passages(part * (50_000 // len(part)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("pool", "label", "precision", "recall"),
    [("tuned", "absent", 0.97, 0.97), ("tuned", "uncertain", 0.95, 0.95), ("tuned", "historical", 0.95, 0.9),
     ("held_out", "absent", 0.97, 0.95), ("held_out", "uncertain", 0.9, 0.9), ("held_out", "historical", 0.9, 0.85)],
)  # fmt: skip
def test_sentences_of_many_hospitals(pool: str, label: str, precision: float, recall: float) -> None:
    pairs = [(one.label, answer(one).by_clause) for one in read_written() if one.pool == f"written {pool}"]
    hits = sum(want == said == label for want, said in pairs)
    assert len(pairs) >= 250
    assert hits / sum(said == label for _, said in pairs) >= precision
    assert hits / sum(want == label for want, _ in pairs) >= recall


def test_figures() -> None:
    assert kappa([("a", "a"), ("b", "b")]) == 1
    assert kappa([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]) == 0
    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
