"""The judge of `benchmarks.answers`: rules on hand-written sentences, the measure by hand, the questions' own rules."""

from __future__ import annotations

import itertools
import math
import time
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from benchmarks.answers.corpus import Series, Text, age_in, load_texts, sex_in
from benchmarks.answers.facts import QUESTIONS as QUESTIONS_OF_FACTS
from benchmarks.answers.facts import FactQuestion
from benchmarks.answers.home import Entry, entries, open_home
from benchmarks.answers.identifiers import Named, is_right
from benchmarks.answers.judge import APART, NOTHING, Question, Rule, Verdict, compiled, judge, load_questions
from benchmarks.answers.measure import chance, interval, ndcg
from benchmarks.answers.reading import Statement, mentions, sentences, side_of, sizes_mm
from benchmarks.answers.volumes import Wanted, label_text
from spinecho.db.queries.sentences import report_passages
from spinecho.db.schema.database import Database
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.pipeline import index_archive

QUESTIONS = load_questions()
ALL = (*QUESTIONS, *load_questions(APART))


@pytest.fixture(scope="module")
def texts(testdata: Path) -> tuple[Text, ...]:
    return load_texts(testdata)


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("There is hydrocephalus.", Statement.AFFIRMED),
        ("No hydrocephalus or herniation.", Statement.DENIED),
        ("There is no evidence of acute bleeding, oedema or hydrocephalus.", Statement.DENIED),
        ("Hydrocephalus is not seen.", Statement.DENIED),
        ("Hydrocephalus: no", Statement.DENIED),
        ("The hydrocephalus has resolved.", Statement.DENIED),
        ("Resolution of the hydrocephalus.", Statement.DENIED),
        ("No mass but hydrocephalus.", Statement.AFFIRMED),
        ("No mass; hydrocephalus is present.", Statement.AFFIRMED),
        ("Hydrocephalus without herniation.", Statement.AFFIRMED),
        ("No significant change of the hydrocephalus.", Statement.AFFIRMED),
        ("?hydrocephalus", Statement.OPEN),
        ("Rule out hydrocephalus.", Statement.OPEN),
    ],
)
def test_what_a_sentence_says_of_a_finding(sentence: str, statement: Statement) -> None:
    assert [one.statement for one in mentions(compiled("hydrocephalus"), sentence)] == [statement]


def test_sentences_keep_decimals_and_lines_apart() -> None:
    text = "A 2.4 cm mass. No oedema\nBONES: Normal."
    assert sentences(text) == ("A 2.4 cm mass.", "No oedema", "BONES: Normal.")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("a 4.5 cm mass", (45.0,)),
        ("2.2 × 2.2 × 2.4 cm", (24.0,)),
        ("5 x 8 mm nodule", (8.0,)),
        ("a nine-millimeter stone", (9.0,)),
        ("lésion de 2,2/2,5cm", (25.0,)),
        ("consistent with a 4-mm adenoma", (4.0,)),
        ("slice thickness 6 mm", ()),
        ("T2 weighted image", ()),
    ],
)
def test_sizes(sentence: str, expected: tuple[float, ...]) -> None:
    assert sizes_mm(sentence) == expected


def test_the_nearest_side_counts() -> None:
    statement = "mass in the left lobe and cyst in the right lobe"
    assert side_of(statement, statement.index("mass")) == {"left"}
    assert side_of("bilateral masses", 10) == {"left", "right"}
    assert side_of("midline mass", 8) == frozenset()


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (Rule(find=("mass", "renal"), side="left"), "Left renal mass.", Verdict(2)),
        (Rule(find=("mass", "renal"), side="left"), "Right renal mass.", Verdict(0, "wrong side")),
        (Rule(find=("mass", "renal"), side="left"), "A renal mass.", Verdict(1)),
        (Rule(find=("mass", "renal"), side="left"), "Right renal mass. A renal mass.", Verdict(0, "wrong side")),
        (Rule(find=("mass", "renal"), side="left"), "No left renal mass.", Verdict(0, "denied")),
        (Rule(find=("mass", "renal")), "A hepatic mass.", Verdict(0)),
        (Rule(find=("hernia",), place="L4/5", rival="L5/S1"), "Herniation at L5/S1.", Verdict(0, "wrong place")),
        (Rule(find=("hernia",), place="L4/5", rival="L5/S1"), "Herniation at L4/5.", Verdict(2)),
        (Rule(find=("hernia",), place="L4/5", rival="L5/S1"), "Herniation.", Verdict(1)),
        (Rule(find=("mass",), size=">40"), "A 4.5 cm mass.", Verdict(2)),
        (Rule(find=("mass",), size=">40"), "A 35 mm mass.", Verdict(0)),
        (Rule(find=("infarct",), full=("acute",)), "Chronic infarct.", Verdict(1)),
        (Rule(find=("infarct",), also=(("ischaemia",),)), "Ischaemia.", Verdict(1)),
        (Rule(deny=("fracture",)), "No fracture.", Verdict(2)),
        (Rule(deny=("fracture",)), "A fracture.", Verdict(0, "affirmed")),
        (Rule(deny=("fracture",)), "Normal.", Verdict(0)),
        (Rule(find=("chiari",), deny=("syrinx",)), "Chiari malformation. No syrinx.", Verdict(2)),
        (Rule(find=("chiari",), deny=("syrinx",)), "Chiari malformation.", Verdict(1)),
        (Rule(find=("chiari",), deny=("syrinx",)), "Chiari malformation. A syrinx.", Verdict(0, "affirmed")),
        (Rule(says=("menisci.*intact",)), "The menisci are intact.", Verdict(2)),
        (Rule(says=("intact",), against=(("tear", "menisc"),)), "Meniscus tear.", Verdict(0, "affirmed")),
        (Rule(says=("intact",), against=(("tear", "menisc"),)), "Meniscus. No tear.", Verdict(0)),
        (Rule(find=("effusion",), needs=("knee",)), "Shoulder effusion.", Verdict(0)),
        (Rule(shot=("ax", "flair"), shot_half=("flair",)), "MR_BRAIN. AX T2; COR FLAIR", Verdict(1)),
        (Rule(shot=("ax", "flair"), shot_half=("flair",)), "MR_BRAIN. AX_FLAIR; COR T2", Verdict(2)),
        (Rule(find=("mass",), bars=("sinus",)), "Sinus mass.", Verdict(0)),
    ],
)  # fmt: skip
def test_rules_on_hand_written_texts(rule: Rule, text: str, expected: Verdict) -> None:
    assert judge(rule, text) == expected


def test_ndcg_by_hand() -> None:
    pool = [2, 1, 0, 0]
    best = 2 + 1 / math.log2(3)
    assert ndcg([2, 1, 0], pool) == 1.0
    assert ndcg([0, 1, 2], pool) == pytest.approx((1 / math.log2(3) + 2 / math.log2(4)) / best)
    assert ndcg([], pool) == ndcg([0], [0, 0]) == 0.0


def test_chance_is_the_mean_over_all_orders() -> None:
    pool = [2, 1, 0, 0, 1]
    orders = [ndcg(order, pool, 3) for order in itertools.permutations(pool)]
    assert chance(pool, 3) == pytest.approx(sum(orders) / len(orders))


def test_the_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [0.0, 1.0, 0.5, 0.7, 0.2]
    low, high = interval(values)
    assert low < 0.48 < high
    assert interval(values) == (low, high)


def test_identifiers_are_right_only_alone_and_all() -> None:
    named = Named("accession list", "A, B", frozenset({"a", "b"}))
    assert is_right(named, ["b", "a"])
    assert not is_right(named, ["a"])
    assert not is_right(named, ["a", "b", "c"])
    assert is_right(Named("nobody's", "C", frozenset()), [])
    assert not is_right(Named("nobody's", "C", frozenset()), ["a"])


def test_there_are_questions_of_at_least_ten_kinds_and_none_twice() -> None:
    assert len(QUESTIONS) >= 120
    assert len({one.kind for one in QUESTIONS}) >= 10
    assert len({(one.kind, one.text) for one in ALL}) == len(ALL)


@pytest.mark.parametrize("question", ALL, ids=[f"{one.kind}: {one.text[:40]}" for one in ALL])
def test_each_question_has_an_answer_in_the_corpus_or_none_if_it_must_not(
    question: Question, texts: tuple[Text, ...]
) -> None:
    grades = [judge(question.rule, one.text).grade for one in texts]
    assert any(grades) is (question.kind != NOTHING)


def test_volumes_are_graded_by_the_manifest() -> None:
    rows = [{"body_region": "brain", "sequence": "T2 FLAIR", "plane": "axial", "diagnosis": "multiple sclerosis (RR)"}]
    assert Wanted("", "", "brain", "FLAIR", "axial").grade(rows) == 2
    assert Wanted("", "", "brain", "FLAIR", "coronal").grade(rows) == 1
    assert Wanted("", "", "heart", "FLAIR").grade(rows) == 0
    assert Wanted("", "", diagnosis="sclerosis").grade(rows) == 2
    assert label_text(rows) == "MRI of the brain. Multiple sclerosis."


@pytest.mark.parametrize(
    ("text", "sex", "age"),
    [
        ("A 45-year-old female", "F", 45.0),
        ("Four year-old boy", "M", 4.0),
        ("a boy at 6 months old", "M", 0.5),
        ("no patient", None, None),
        ("a man and a woman", None, None),
    ],
)
def test_facts_that_captions_say(text: str, sex: str | None, age: float | None) -> None:
    assert (sex_in(text), age_in(text)) == (sex, age)


def test_facts_decide_and_an_age_is_in_complete_years() -> None:
    text = Text("k", "idc", "MRI BREAST. AX T2", "MRI BREAST", (Series("AX T2", "BREAST", "GE MEDICAL"),), "F", 60.5)
    entry = Entry(text, "1.2", "A1", "P1", date(2022, 1, 1))
    breast = Rule(needs=("breast",), says=(".",))
    assert FactQuestion("", breast, "F", (40, 60), vendor="ge ", years=(2022, 2022)).grade(entry) == 2
    assert FactQuestion("", breast, "F", (61, 99)).grade(entry) == 0
    assert FactQuestion("", breast, "M").grade(entry) == 0
    assert FactQuestion("", breast, not_vendor="ge ").grade(entry) == 0
    assert FactQuestion("", Rule(needs=("knee",), says=(".",)), "F").grade(entry) == 0


def test_each_question_of_facts_has_an_answer(texts: tuple[Text, ...]) -> None:
    told = entries(texts)
    assert [one.text for one in QUESTIONS_OF_FACTS if not any(one.grade(entry) for entry in told)] == []


def test_rules_are_fast_on_hostile_text() -> None:
    began = time.process_time()
    judge(QUESTIONS[0].rule, " " * 100_000 + "no " * 20_000)
    assert time.process_time() - began < 5


def test_what_the_benchmark_stores_of_a_report_is_what_an_indexing_run_stores(tmp_path: Path) -> None:
    """Rows of its own once lacked clauses and sizes, so that what it measured was no installed engine."""
    text = "FINDINGS: A 4.5 cm mass in the right frontal lobe, no haemorrhage. IMPRESSION: Meningioma."
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "1.txt").write_text(text)
    dual = open_encoder()
    with closing(Database.open(tmp_path / "spinecho.sqlite")) as indexed:
        index_archive(indexed, tmp_path / "builds", [reports], lambda: dual)
        own = report_passages(indexed, [1], by_report=True)[1]
    (tmp_path / "bench").mkdir()
    database, _ = open_home(tmp_path / "bench", [Text("1", "roco", text)], dual)
    with closing(database):
        stored = report_passages(database, [1], by_report=True)[1]
    assert [(one.text, one.section, one.clauses) for one in stored] == [
        (one.text, one.section, one.clauses) for one in own
    ]
    assert any(clause.high_mm == 45.0 for one in own for clause in one.clauses)
